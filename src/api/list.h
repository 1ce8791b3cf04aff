/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file list.h
 * @brief Lists of names, whole or in pages
 */

#ifndef OCI_LIST_H
#define OCI_LIST_H

#include "api/request.h"
#include "values/query.h"

/**
 * Read the page that a request asks for.
 * @param fetch Set to how many names to look for, 0 for all: one more than
 *        the page holds, which tells whether there is another page
 * @return OCI_E_REQUEST_INVALID
 */
oci_error_t *oci_list_page(oci_page_t *page, int *fetch,
                           oci_request_t *request);

/**
 * Reply with a page, and a Link where there is another.
 * @param head The JSON text up to and with the list's "["
 * @param names What was fetched: const char * that JSON and URLs need not
 *        escape
 * @param path Of this list, below /v2
 */
oci_error_t *oci_list_reply(oci_request_t *request, const char *head,
                            const apr_array_header_t *names,
                            const oci_page_t *page, const char *path);

#endif /* OCI_LIST_H */
