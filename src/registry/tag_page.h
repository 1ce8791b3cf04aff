/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file tag_page.h
 * @brief Pages of the tags of a repository, newest first or by name
 */

#ifndef OCI_TAG_PAGE_H
#define OCI_TAG_PAGE_H

#include "registry/registry.h"
#include "values/tag_cursor.h"

/** A page, in memory that does not depend on the number of tags. */
typedef struct oci_tag_page_t {
    const char *contains;          /* only tags that contain this text, in any
                                    * case; NULL: all */
    int limit;                     /* the most tags, at least 1 */
    const oci_tag_cursor_t *after; /* only the places after this one; or NULL */
    apr_array_header_t *places;    /* set: oci_tag_cursor_t, in order */
    int more;                      /* set: whether another page follows */
    apr_int64_t total; /* set: tags that match on all pages; -1: not known */
} oci_tag_page_t;

/**
 * Find a page of tags, newest first.  All tags of the repository are read; no
 * lock is held.  A tag that stays as it is while others change is on exactly
 * one page.
 * @param page Its contains, limit and after are given, the rest is set
 * @param most Give up if the repository has more tags than this; 0: never
 * @param pool For the result and temporary data
 * @return OCI_E_NAME_UNKNOWN if there is no such repository; a storage error.
 *         On success, page->places is NULL if there were too many tags
 */
oci_error_t *oci_tag_page_by_time(oci_tag_page_t *page,
                                  const oci_repository_t *repository,
                                  apr_int64_t most, apr_pool_t *pool);

/**
 * Find a page of tags by name, in bytewise order.  The times of the places are
 * not set, and total is not known.
 * @param page As above
 * @param pool For the result and temporary data
 * @return OCI_E_NAME_UNKNOWN if there is no such repository; a storage error
 */
oci_error_t *oci_tag_page_by_name(oci_tag_page_t *page,
                                  const oci_repository_t *repository,
                                  apr_pool_t *pool);

#endif /* OCI_TAG_PAGE_H */
