/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file event.h
 * @brief What a list of changes means to people: events
 */

#ifndef OCI_EVENT_H
#define OCI_EVENT_H

#include "apr_pools.h"
#include "apr_tables.h"

typedef enum {
    OCI_EVENT_BLOB_ADDED, /* to a repository, by a push or a mount */
    OCI_EVENT_BLOB_DELETED,
    OCI_EVENT_MANIFEST_PUSHED,
    OCI_EVENT_MANIFEST_DELETED,
    OCI_EVENT_TAG_PUSHED,
    OCI_EVENT_TAG_DELETED,
    OCI_EVENT_REPOSITORY_CREATED,
    OCI_EVENT_REPOSITORY_DELETED
} oci_event_e;

typedef struct oci_event_t {
    oci_event_e kind;
    const char *repository;
    const char *tag;        /* of the events of a tag, otherwise NULL */
    const char *digest;     /* NULL for a repository */
    const char *previous;   /* what a tag named before, if it moved; or NULL */
    const char *media_type; /* of a manifest that was pushed, otherwise NULL */
    apr_int64_t size; /* of content that was pushed, bytes; otherwise -1 */
} oci_event_t;

/**
 * Find out what changes that were applied mean.
 * @param changes An array of oci_change_t, as for oci_facts_apply
 * @param created The key in the catalog of a repository that these changes
 *        create, or NULL
 * @param pool For the result
 * @return An array of oci_event_t, in the order of the changes; it is empty if
 *         they change nothing that people know
 */
apr_array_header_t *oci_events_find(const apr_array_header_t *changes,
                                    const char *created, apr_pool_t *pool);

#endif /* OCI_EVENT_H */
