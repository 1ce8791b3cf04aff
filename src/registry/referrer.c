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

#include <string.h>

#include "apr_strings.h"

#include "registry/keys.h"
#include "registry/referrer.h"

/* How many facts to read at once. */
#define BATCH 256

static int is_of_type(const oci_value_t *value, const char *artifact_type)
{
    apr_size_t length;

    if (!artifact_type) {
        return 1;
    }
    length = strlen(artifact_type);
    return value->size > length && value->data[length] == '\n'
           && !memcmp(value->data, artifact_type, length);
}

oci_error_t *oci_referrer_list(apr_array_header_t **referrers, int *more,
                               const oci_registry_t *registry,
                               const char *name, const char *subject,
                               const char *artifact_type, const char *after,
                               apr_size_t bytes, apr_pool_t *pool)
{
    const char *folder = oci_key_referrer(pool, name, subject, NULL);
    oci_scan_t scan = { folder, after, BATCH, 1 };
    apr_array_header_t *entries;
    apr_size_t total = 0;
    int i;

    *referrers = apr_array_make(pool, 8, sizeof(oci_referrer_t));
    *more = 0;
    do {
        oci_error_t *error = oci_facts_scan(&entries, registry, &scan, pool);

        if (error) {
            return error;
        }
        for (i = 0; i < entries->nelts; i++) {
            const oci_entry_t *entry = &APR_ARRAY_IDX(entries, i,
                                                      oci_entry_t);
            const char *line = memchr(entry->value.data, '\n',
                                      entry->value.size);
            oci_referrer_t *referrer;

            scan.after = oci_key_rest(pool, entry->key, folder);
            if (!line || !is_of_type(&entry->value, artifact_type)) {
                continue;
            }
            if (total > bytes) {
                *more = 1;
                return NULL;
            }
            referrer = apr_array_push(*referrers);
            referrer->digest = scan.after;
            referrer->descriptor = line + 1;
            total += strlen(referrer->descriptor);
        }
    } while (entries->nelts == BATCH);
    return NULL;
}

void oci_referrer_put(apr_array_header_t *changes, const char *name,
                      const oci_document_t *document, const char *digest,
                      apr_size_t size, apr_pool_t *pool)
{
    const char *type = document->artifact_type ? document->artifact_type
                                               : "";
    const char *value = apr_pstrcat(pool, type, "\n",
                                    oci_document_descriptor(document, digest,
                                                            size, pool),
                                    NULL);

    oci_change_put(changes, OCI_CHANGE_PUT,
                   oci_key_referrer(pool, name, document->subject->digest,
                                    digest), value, strlen(value));
}

void oci_referrer_delete(apr_array_header_t *changes, const char *name,
                         const char *subject, const char *digest,
                         apr_pool_t *pool)
{
    oci_change_delete(changes, oci_key_referrer(pool, name, subject,
                                                digest));
}
