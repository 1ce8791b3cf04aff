/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file copy_request.h
 * @brief What the command "copy" is asked to do
 */

#ifndef OCI_COPY_REQUEST_H
#define OCI_COPY_REQUEST_H

#include "apr_pools.h"

#include "store/owner.h"

#define OCI_COPY_HOW_TO_CONTINUE "run the same command again to continue"

/** The arguments of the command. */
typedef struct oci_copy_request_t {
    int blobs; /* whether FROM and TO are blob stores, not indexes */
    int force;
    int online; /* whether FROM is in use */
    int json;
    int quiet;
    int change;         /* of --switch: whether the index is to lead to TO */
    const char *index;  /* of --index, or NULL */
    const char *config; /* of --config, or NULL */
    const char *httpd;  /* of --httpd, or NULL */
    const char *user;   /* of --user, or NULL */
    const char *from;
    const char *to;
} oci_copy_request_t;

/** The users as whom a copy reads FROM and writes TO. */
typedef struct oci_copy_owners_t {
    oci_owner_t from;
    oci_owner_t to;
} oci_copy_owners_t;

/**
 * Choose the users, if root runs the command; otherwise both are the caller.
 * FROM is read as its owner.  TO is written as the user of --user, otherwise as
 * the owner of FROM, or as the owner of TO if root owns FROM.
 * @param from The absolute path of FROM; NULL if it has none
 * @param to That of TO, likewise
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_copy_find_owners(oci_copy_owners_t *owners,
                                 const oci_copy_request_t *request,
                                 const char *from, const char *to,
                                 apr_pool_t *pool);

/**
 * Warn on standard output if httpd cannot use TO because root owns it.
 * @param owner Of TO
 * @param name Of TO, for the message
 */
void oci_copy_warn_of_root(const oci_owner_t *owner, const char *name);

#endif /* OCI_COPY_REQUEST_H */
