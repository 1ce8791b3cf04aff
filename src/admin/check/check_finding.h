/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file check_finding.h
 * @brief What the command "check" finds, and how it is printed
 */

#ifndef OCI_CHECK_FINDING_H
#define OCI_CHECK_FINDING_H

#include "apr_pools.h"
#include "apr_tables.h"

#include "registry/error.h"

/** The kinds of findings; the table in check_finding.c says what each means. */
typedef enum {
    OCI_FAULT_TAG_INVALID,
    OCI_FAULT_TAG_DANGLING,
    OCI_FAULT_TAG_BROKEN,
    OCI_FAULT_TAGGED_MISSING,
    OCI_FAULT_TAGGED_STALE,
    OCI_FAULT_MANIFEST_DAMAGED,
    OCI_FAULT_MANIFEST_INVALID,
    OCI_FAULT_MEDIA_TYPE,
    OCI_FAULT_CONTENT_MISSING,
    OCI_FAULT_CONTENT_SIZE,
    OCI_FAULT_HELD_INVALID,
    OCI_FAULT_HELD_UNRECORDED,
    OCI_FAULT_HELD_CONDEMNED,
    OCI_FAULT_HOLDER_MISSING,
    OCI_FAULT_HOLDER_STALE,
    OCI_FAULT_RECORD_INVALID,
    OCI_FAULT_RECORD_MISSING,
    OCI_FAULT_RECORD_UNHELD,
    OCI_FAULT_BYTES_LOST,
    OCI_FAULT_BYTES_UNREADABLE,
    OCI_FAULT_BYTES_WRONG,
    OCI_FAULT_BYTES_UNRECORDED,
    OCI_FAULT_CATALOG_MISSING,
    OCI_FAULT_CATALOG_STALE,
    OCI_FAULT_REFERRER_MISSING,
    OCI_FAULT_REFERRER_WRONG,
    OCI_FAULT_REFERRER_STALE,
    OCI_FAULT_PENDING_STALE,
    OCI_FAULT_MARK_STALE,
    OCI_FAULT_UPLOAD_INVALID,
    OCI_FAULT_VALUE_INVALID,
    OCI_FAULT_KEY_FOREIGN
} oci_fault_e;

struct oci_check_t;
struct oci_item_t;
typedef struct oci_finding_t oci_finding_t;

/** Mends what changes alone cannot mend.  The locks of the item are held.
 * @return A storage error */
typedef oci_error_t *oci_mender_t(struct oci_check_t *check,
                                  const struct oci_item_t *item,
                                  const oci_finding_t *finding,
                                  apr_pool_t *pool);

/** Something that is wrong. */
struct oci_finding_t {
    oci_fault_e fault;
    const char *repository; /* or NULL */
    const char *tag;        /* or NULL */
    const char *digest;     /* of a manifest or a blob, or NULL */
    const char *key;        /* of a fact, if nothing else names it, or NULL */
    const char *detail;     /* what is wrong */
    const char *remedy;     /* what the user can do, if the table has nothing
                               that is more exact; or NULL */
    apr_array_header_t *holders; /* const char *: of a blob, or NULL */
    apr_array_header_t *changes; /* that mend it, or NULL */
    oci_mender_t *mend;          /* called after the changes, or NULL */
    int removes; /* whether the repository may be empty afterwards */
    int mended;  /* whether it has been mended */
};

/** Return whether a finding can be mended. */
int oci_finding_is_mendable(const oci_finding_t *finding);

/** Return whether users can notice it; otherwise it is a leftover. */
int oci_finding_is_damage(const oci_finding_t *finding);

/**
 * Print a finding on standard output: one line, in which text of clients is
 * escaped.
 * @param json Whether to print a JSON object
 * @param pool For temporary data
 */
void oci_finding_print(const oci_finding_t *finding, int json,
                       apr_pool_t *pool);

#endif /* OCI_CHECK_FINDING_H */
