/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file token_key_file.h
 * @brief The file of OCITokenKey
 */

#ifndef OCI_TOKEN_KEY_FILE_H
#define OCI_TOKEN_KEY_FILE_H

#include "values/key_set.h"
#include "store/owner.h"

/**
 * Read the keys of a file.  Where there is none it is made first, with a new
 * key, for nobody to read but who starts the server.  Where httpd's user
 * can write to a directory on the way to it, all is done as this user.
 * @param keys Set to the keys, which live in pool
 * @param user Of httpd's children
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_token_key_file_read(oci_key_set_t **keys, const char *path,
                                    const oci_owner_t *user, apr_pool_t *pool);

#endif /* OCI_TOKEN_KEY_FILE_H */
