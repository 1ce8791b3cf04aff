/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file token_key_file.h
 * @brief Reading and creating the file that OCITokenKey names
 */

#ifndef OCI_TOKEN_KEY_FILE_H
#define OCI_TOKEN_KEY_FILE_H

#include "values/key_set.h"
#include "store/owner.h"

/**
 * Read the keys of a file.  A missing file is created with a new key; only the
 * user that starts the server can read it.  If httpd's User can write to a
 * directory of its path, the file is read or created as that user.
 * @param keys Set to the keys, which live in pool
 * @param path Absolute
 * @param make Whether to create a missing file, or only find out whether that
 *        is possible; then keys is unchanged
 * @param user The user of httpd's children
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_token_key_file_read(oci_key_set_t **keys, const char *path,
                                    int make, const oci_owner_t *user,
                                    apr_pool_t *pool);

#endif /* OCI_TOKEN_KEY_FILE_H */
