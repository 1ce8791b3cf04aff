/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/**
 * @file dbd_source.h
 * @brief Where connections to a database come from
 */

#ifndef OCI_DBD_SOURCE_H
#define OCI_DBD_SOURCE_H

#include "apr_dbd.h"
#include "apr_errno.h"
#include "apr_pools.h"

/** A connection that one caller has. */
typedef struct oci_dbd_connection_t {
    const apr_dbd_driver_t *driver;
    apr_dbd_t  *handle;
    apr_pool_t *pool;      /* lives as long as the connection does */
    void       *ticket;    /* what the source knows it by */
    int         broken;    /* it is of no more use */
} oci_dbd_connection_t;

typedef struct oci_dbd_source_t oci_dbd_source_t;
struct oci_dbd_source_t {
    const char *where;     /* for logs */

    /**
     * Prepare to connect, before httpd forks.
     * @return NULL, or a sentence that says what is wrong
     */
    const char *(*start)(oci_dbd_source_t *source, apr_pool_t *pool);

    /**
     * Get a connection, waiting for one where all are taken.
     * @param why Set to what the database said, where it fails
     * @param pool Lives until release
     */
    apr_status_t (*acquire)(oci_dbd_connection_t *connection,
                            oci_dbd_source_t *source, const char **why,
                            apr_pool_t *pool);

    /** Give a connection back. */
    void (*release)(oci_dbd_source_t *source,
                    oci_dbd_connection_t *connection);
};

/**
 * Make a source of connections of our own, shared by a process's threads.
 * @param driver As apr_dbd names it
 * @param params What the driver connects with
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_dbd_pool_create(oci_dbd_source_t **source,
                                const char *driver, const char *params,
                                apr_pool_t *pool);

#endif /* OCI_DBD_SOURCE_H */
