/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file page.h
 * @brief The page for people: SetHandler oci-page
 */

#ifndef OCI_PAGE_H
#define OCI_PAGE_H

#include "httpd.h"

/**
 * Answer a request for the page or one of its files.
 * @return OK, a status for httpd's own error page, or DECLINED if another
 *         handler is set
 */
int oci_page_handler(request_rec *r);

#endif /* OCI_PAGE_H */
