/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file question.h
 * @brief Asking httpd whether a caller might make another request
 */

#ifndef OCI_QUESTION_H
#define OCI_QUESTION_H

#include "httpd.h"

/**
 * Whether httpd would let a request of the same caller pass, and the registry
 * would take its repository name.
 * @param r The request whose caller is meant
 * @param method Such as "GET"
 * @param path Of the other request
 * @param name The repository that the path names, or NULL
 * @return Whether it would
 */
int oci_question_passes(request_rec *r, const char *method, const char *path,
                        const char *name);

/**
 * The request that asks a question.
 * @return NULL for a request that is none of our questions
 */
request_rec *oci_question_asker(const request_rec *r);

/** Register the hooks. */
void oci_question_register(void);

#endif /* OCI_QUESTION_H */
