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
 * @file config.h
 * @brief What the directives say
 */

#ifndef OCI_CONFIG_H
#define OCI_CONFIG_H

#include "httpd.h"
#include "http_config.h"

#include "api/request.h"

extern module AP_MODULE_DECLARE_DATA oci_module;

/** The configuration of a place: a Location, or a server's default. */
typedef struct oci_config_t {
    oci_blob_store_t *blobs;
    oci_index_t *index;         /* as OCIIndex says */
    oci_index_t *default_index; /* where OCIIndex says nothing, or NULL */
    const ap_regex_t *pattern;
    apr_off_t max_manifest;     /* the rest is -1 where it is not set */
    apr_off_t max_chunk;
    apr_off_t min_chunk;
    int blob_delete;
    int manifest_delete;
    int tag_delete;
    int read_only;
    int sparse;
    int sync;
} oci_config_t;

/** The table of directives. */
extern const command_rec oci_directives[];

void *oci_config_create_dir(apr_pool_t *pool, char *path);
void *oci_config_merge_dir(apr_pool_t *pool, void *base, void *over);
void *oci_config_create_server(apr_pool_t *pool, server_rec *s);

/**
 * Start every store that was configured.
 * @return OK, or HTTP_INTERNAL_SERVER_ERROR with the reason in the log
 */
int oci_config_start(apr_pool_t *pool, server_rec *main_server);

/** Whether a server has a store of its own. */
int oci_config_has_store(const server_rec *s);

/** Fill in the registry and the policy of a request. */
void oci_config_apply(oci_request_t *request, const oci_config_t *config);

#endif /* OCI_CONFIG_H */
