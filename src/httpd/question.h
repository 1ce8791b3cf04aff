/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file question.h
 * @brief Questions: asking httpd whether a caller may make another request
 */

#ifndef OCI_QUESTION_H
#define OCI_QUESTION_H

#include "httpd.h"

#include "httpd/config.h"

/**
 * Check whether httpd would allow the caller of a request another request, and
 * the registry would accept its repository name.
 * @param r The request of the caller
 * @param method The other request's method, such as "GET"
 * @param path The other request's path
 * @param name The repository that the path names, or NULL
 * @return 1 if both would, otherwise 0
 */
int oci_question_passes(request_rec *r, const char *method, const char *path,
                        const char *name);

/**
 * Check the same for a request to a tag.
 * @param policy Filled in if the request would be allowed: what the directives
 *        that apply to it say about the tag
 * @param path A manifest's path with a tag
 * @param name The repository that the path names
 * @return HTTP_OK if it would be allowed, otherwise the status of the answer
 */
int oci_question_ask(oci_tag_policy_t *policy, request_rec *r,
                     const char *method, const char *path, const char *name);

/**
 * Return the request that asks a question.
 * @param r Any request
 * @return NULL if r is not a question
 */
request_rec *oci_question_asker(const request_rec *r);

/** Register the hooks. */
void oci_question_register(void);

#endif /* OCI_QUESTION_H */
