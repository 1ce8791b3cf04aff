/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file health.h
 * @brief SetHandler oci-health: whether the registry of a virtual host works
 *
 *     GET /health         200 if it works, 503 if it does not: readiness
 *     GET /health?live    200 if httpd answers: liveness
 *
 * A thread looks at the stores, because a store that hangs must not keep the
 * answer waiting.  Each process has at most one such thread for each virtual
 * host, and uses its result for a second.
 */

#ifndef OCI_HEALTH_H
#define OCI_HEALTH_H

#include "httpd.h"

/** What a process knows about the health of a virtual host. */
typedef struct oci_health_t oci_health_t;

/** The hook child_init: prepare the checks of this process. */
void oci_health_child_init(apr_pool_t *pool, server_rec *main_server);

/** The content handler. */
int oci_health_handler(request_rec *r);

#endif /* OCI_HEALTH_H */
