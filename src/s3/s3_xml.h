/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_xml.h
 * @brief Reading and writing the XML of S3
 *
 * Names are compared without their namespaces, which differ between servers.
 */

#ifndef OCI_S3_XML_H
#define OCI_S3_XML_H

#include "apr_errno.h"
#include "apr_pools.h"
#include "apr_time.h"
#include "apr_xml.h"

/**
 * Parse a document.
 * @param root Set to its first element, in pool
 * @param data,size The document; at most 8 MiB
 * @return APR_SUCCESS; APR_EINVAL if it is not valid
 */
apr_status_t oci_s3_xml_parse(const apr_xml_elem **root, const char *data,
                              apr_size_t size, apr_pool_t *pool);

/** Return the first child of this name, or NULL. */
const apr_xml_elem *oci_s3_xml_child(const apr_xml_elem *parent,
                                     const char *name);

/** Return the next sibling of the same name, or NULL. */
const apr_xml_elem *oci_s3_xml_next(const apr_xml_elem *element);

/**
 * Return the text of the first child of this name.
 * @return The text, in pool; NULL if there is no such child
 */
const char *oci_s3_xml_text(const apr_xml_elem *parent, const char *name,
                            apr_pool_t *pool);

/** Escape a text for use between tags. */
const char *oci_s3_xml_escape(const char *text, apr_pool_t *pool);

/**
 * Parse a time such as "2009-10-12T17:50:30.000Z".
 * @return 0 if text is NULL or not a time
 */
apr_time_t oci_s3_xml_time(const char *text);

#endif /* OCI_S3_XML_H */
