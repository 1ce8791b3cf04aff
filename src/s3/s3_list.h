/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_list.h
 * @brief Listing the objects of a bucket
 *
 * s3_client.h lists the statuses that this function returns.
 */

#ifndef OCI_S3_LIST_H
#define OCI_S3_LIST_H

#include "apr_errno.h"
#include "apr_pools.h"
#include "apr_tables.h"
#include "apr_time.h"
#include "apr_xml.h"

#include "s3/s3_client.h"

/** A request for a page of a listing. */
typedef struct oci_s3_list_t {
    const char *prefix; /* only keys that begin with it; "" for all */
    const char *after;  /* only keys behind it; NULL for all */
    int limit;          /* the most entries, 1..1000 */
} oci_s3_list_t;

/** An object in a listing. */
typedef struct oci_s3_entry_t {
    const char *key;
    apr_off_t size;      /* bytes */
    apr_time_t modified; /* 0 if not sent */
    const char *etag;    /* with its quotation marks; NULL if not sent */
} oci_s3_entry_t;

/** A page of a listing. */
typedef struct oci_s3_listing_t {
    apr_array_header_t *entries; /* of oci_s3_entry_t, in the order of keys */
    const char *next; /* list after this key to go on; NULL at the end */
} oci_s3_listing_t;

/**
 * List objects.
 * @param listing Filled in, in pool
 */
apr_status_t oci_s3_list(oci_s3_listing_t *listing, const oci_s3_call_t *call,
                         const oci_s3_list_t *list, apr_pool_t *pool);

/**
 * Return the text of an element that is a key, and decode it if the listing
 * says that keys are encoded.
 * @param root Of the listing
 * @param entry The parent of the element
 * @param name Of the element
 * @return It, in pool; NULL if there is none
 */
const char *oci_s3_list_key(const apr_xml_elem *root, const apr_xml_elem *entry,
                            const char *name, apr_pool_t *pool);

#endif /* OCI_S3_LIST_H */
