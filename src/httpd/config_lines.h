/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file config_lines.h
 * @brief The lines of the configuration, and where each of them applies
 */

#ifndef OCI_CONFIG_LINES_H
#define OCI_CONFIG_LINES_H

#include "httpd.h"
#include "http_config.h"

/** A line, which may be the first line of a section, and its place. */
typedef struct oci_line_t {
    const ap_directive_t *directive;
    const ap_directive_t *host;    /* the <VirtualHost> around it, or NULL */
    const ap_directive_t *section; /* the section around it for paths or files,
                                    * such as <Location>, or NULL */
    const char *path; /* the path of its <Location>, "" outside of sections;
                       * NULL if a pattern or a condition selects the paths */
    int for_files;    /* in a section for files or proxied requests */
} oci_line_t;

/** Make an array of all lines, oci_line_t, in their order. */
apr_array_header_t *oci_lines_read(const ap_directive_t *tree,
                                   apr_pool_t *pool);

/**
 * Find out whether a line has one of these directives.
 * @param names Ended by NULL
 * @return 1 if it has, otherwise 0
 */
int oci_directive_is_one_of(const ap_directive_t *line,
                            const char *const *names);

/**
 * Find out whether a line begins a section for files or for proxied requests,
 * which never applies to a registry: its URLs are not mapped to files.
 * @return 1 if it does, otherwise 0
 */
int oci_directive_is_for_files(const ap_directive_t *line);

/** Return 1 if a line has this directive, such as "Require" or "<Location". */
int oci_line_is(const oci_line_t *line, const char *name);

/** Return the first argument of a line, in pool. */
const char *oci_line_word(const oci_line_t *line, apr_pool_t *pool);

/** Return 1 if a line is SetHandler with this handler. */
int oci_line_sets_handler(const oci_line_t *line, const char *handler,
                          apr_pool_t *pool);

/** Log a warning, with the file and the number of the line that it is about. */
void oci_line_warn(const server_rec *s, const ap_directive_t *line,
                   const char *text);

/** Return 1 if some virtual host may have both lines. */
int oci_lines_share_host(const oci_line_t *line, const oci_line_t *other);

/** Return 1 if one line may apply to a request to which the other applies. */
int oci_lines_meet(const oci_line_t *line, const oci_line_t *other);

/**
 * Find a line that may apply to a request to which another line applies.
 * @param lines As from oci_lines_read
 * @param name The directive to find
 * @return The first such line, or NULL
 */
const oci_line_t *oci_lines_find(const apr_array_header_t *lines,
                                 const char *name, const oci_line_t *other);

#endif /* OCI_CONFIG_LINES_H */
