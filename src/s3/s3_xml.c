/* SPDX-License-Identifier: Apache-2.0 */

/* Reading and writing the XML of S3. */

#include <stdio.h>
#include <string.h>

#include "apr_lib.h"
#include "apr_strings.h"
#include "apr_tables.h"

#include "s3/s3_xml.h"

#define DOCUMENT_MAX (8 * 1024 * 1024)

apr_status_t oci_s3_xml_parse(const apr_xml_elem **root, const char *data,
                              apr_size_t size, apr_pool_t *pool)
{
    apr_xml_parser *parser = apr_xml_parser_create(pool);
    apr_xml_doc *document = NULL;

    if (!parser || !size || size > DOCUMENT_MAX) {
        return APR_EINVAL;
    }
    if (apr_xml_parser_feed(parser, data, size) != APR_SUCCESS) {
        apr_xml_parser_done(parser, NULL);
        return APR_EINVAL;
    }
    if (apr_xml_parser_done(parser, &document) != APR_SUCCESS || !document
        || !document->root) {
        return APR_EINVAL;
    }
    *root = document->root;
    return APR_SUCCESS;
}

const apr_xml_elem *oci_s3_xml_child(const apr_xml_elem *parent,
                                     const char *name)
{
    const apr_xml_elem *element = parent->first_child;

    while (element && strcmp(element->name, name)) {
        element = element->next;
    }
    return element;
}

const apr_xml_elem *oci_s3_xml_next(const apr_xml_elem *element)
{
    const char *name = element->name;

    do {
        element = element->next;
    } while (element && strcmp(element->name, name));
    return element;
}

const char *oci_s3_xml_text(const apr_xml_elem *parent, const char *name,
                            apr_pool_t *pool)
{
    const apr_xml_elem *element = oci_s3_xml_child(parent, name);
    apr_array_header_t *pieces;
    const apr_text *piece;

    if (!element) {
        return NULL;
    }
    pieces = apr_array_make(pool, 4, sizeof(char *));
    for (piece = element->first_cdata.first; piece; piece = piece->next) {
        APR_ARRAY_PUSH(pieces, const char *) = piece->text;
    }
    return apr_array_pstrcat(pool, pieces, 0);
}

const char *oci_s3_xml_escape(const char *text, apr_pool_t *pool)
{
    apr_size_t length = strlen(text);
    char *escaped = apr_palloc(pool, 6 * length + 1);
    char *p = escaped;

    for (; *text; text++) {
        if (strchr("&<>", *text) || apr_iscntrl(*text)) {
            p += sprintf(p, "&#%d;", (unsigned char)*text);
        }
        else {
            *p++ = *text;
        }
    }
    *p = '\0';
    return escaped;
}

apr_time_t oci_s3_xml_time(const char *text)
{
    apr_time_exp_t t = { 0 };
    apr_time_t time = 0;

    if (!text
        || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &t.tm_year, &t.tm_mon,
                  &t.tm_mday, &t.tm_hour, &t.tm_min, &t.tm_sec)
            != 6) {
        return 0;
    }
    t.tm_year -= 1900;
    t.tm_mon--;
    return apr_time_exp_get(&time, &t) == APR_SUCCESS ? time : 0;
}
