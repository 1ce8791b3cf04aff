/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file gc_job.h
 * @brief Garbage collection in the server, by mod_watchdog
 */

#ifndef OCI_GC_JOB_H
#define OCI_GC_JOB_H

#include "httpd.h"

#include "httpd/config.h"

/**
 * Have mod_watchdog collect the garbage of all registries that are configured,
 * in one process at a time.  Warns if OCIGCInterval is set and the server has
 * no mod_watchdog.
 * @param pool The configuration's
 */
void oci_gc_job_register(apr_pool_t *pool, server_rec *main_server);

/**
 * Return the section whose directives count for the garbage collection of a
 * registry.
 * @param config The section of the registry, with what it inherits
 * @param pool For the result
 */
const oci_config_t *oci_gc_job_section(const oci_config_t *config,
                                       server_rec *main_server,
                                       apr_pool_t *pool);

#endif /* OCI_GC_JOB_H */
