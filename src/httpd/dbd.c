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

#include "httpd.h"
#include "http_config.h"
#include "apr_dbd.h"
#include "apr_optional.h"
#include "mod_dbd.h"

#include "httpd/dbd.h"
#include "store/index_dbd.h"

/* A server's connections, as DBDriver and DBDParams say. */
typedef struct server_source_t {
    oci_dbd_source_t base;
    server_rec *server;
    APR_OPTIONAL_FN_TYPE(ap_dbd_open) *open;
    APR_OPTIONAL_FN_TYPE(ap_dbd_close) *close;
} server_source_t;

static const char *start(oci_dbd_source_t *source, apr_pool_t *pool)
{
    server_source_t *self = (server_source_t *)source;

    (void)pool;
    self->open = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_open);
    self->close = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_close);
    return self->open && self->close ? NULL
        : "OCIIndex dbd needs mod_dbd, which is not loaded";
}

static apr_status_t acquire(oci_dbd_connection_t *connection,
                            oci_dbd_source_t *source, const char **why,
                            apr_pool_t *pool)
{
    server_source_t *self = (server_source_t *)source;
    ap_dbd_t *dbd = self->open(pool, self->server);

    if (!dbd) {
        *why = "mod_dbd has no connection";
        return APR_ECONNREFUSED;
    }
    connection->driver = dbd->driver;
    connection->handle = dbd->handle;
    connection->pool = dbd->pool;
    connection->ticket = dbd;
    return APR_SUCCESS;
}

static void release(oci_dbd_source_t *source,
                    oci_dbd_connection_t *connection)
{
    server_source_t *self = (server_source_t *)source;

    self->close(self->server, connection->ticket);
}

static const char *create(oci_index_t **index,
                          const oci_store_config_t *config, apr_pool_t *pool)
{
    server_source_t *self;

    if (config->type) {
        return oci_index_dbd.create(index, config, pool);
    }
    if (config->location) {
        return "dbd takes no location: DBDriver and DBDParams say where";
    }
    self = apr_pcalloc(pool, sizeof(*self));
    self->base.where = "dbd";
    self->base.start = start;
    self->base.acquire = acquire;
    self->base.release = release;
    self->server = config->server;
    oci_index_dbd_create(index, &self->base, pool);
    return NULL;
}

/* Only create differs: it gives an index of the provider oci_index_dbd. */
const oci_index_provider_t oci_index_mod_dbd = { .create = create };
