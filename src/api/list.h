/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file list.h
 * @brief Lists of names, complete or in pages
 */

#ifndef OCI_LIST_H
#define OCI_LIST_H

#include "api/request.h"
#include "values/query.h"

/**
 * Read the page that a request asks for.
 * @param page Filled in
 * @param fetch Set to the number of names to look up: one more than the page
 *        can have, to find out whether there is another page
 * @return NULL, or OCI_E_REQUEST_INVALID
 */
oci_error_t *oci_list_page(oci_page_t *page, int *fetch,
                           oci_request_t *request);

/**
 * Reply with a page, and with a Link header if there is another page.
 * @param head The JSON text up to and including the list's "["
 * @param names The names that were looked up (const char *); they must need no
 *        escapes in JSON and URLs
 * @param path The path of this list, below /v2/
 * @return NULL
 */
oci_error_t *oci_list_reply(oci_request_t *request, const char *head,
                            const apr_array_header_t *names,
                            const oci_page_t *page, const char *path);

#endif /* OCI_LIST_H */
