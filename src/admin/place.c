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

#include "apr_file_info.h"
#include "apr_strings.h"

#include "admin/place.h"
#include "spec/digest.h"
#include "store/builtin.h"

#define BLANKS " \t"

/* The part behind the provider; NULL where there is none. */
static const char *location_of(const char *text, apr_pool_t *pool)
{
    apr_size_t length;

    text += strspn(text, BLANKS);
    length = strlen(text);
    if (length > 1 && (*text == '"' || *text == '\'')
        && text[length - 1] == *text) {
        return apr_pstrmemdup(pool, text + 1, length - 2);
    }
    return length ? text : NULL;
}

static const char *find_provider(const oci_index_provider_t **provider,
                                 const char *name, apr_pool_t *pool)
{
    const oci_builtin_t *each;
    const char *names = NULL;

    for (each = oci_builtins; each->name; each++) {
        if (strcmp(each->group, OCI_INDEX_GROUP)) {
            continue;
        }
        if (!strcmp(each->name, name)) {
            *provider = each->provider;
            return NULL;
        }
        names = names ? apr_pstrcat(pool, names, ", ", each->name, NULL)
                      : each->name;
    }
    return apr_psprintf(pool, "unknown provider '%s'; known are: %s", name,
                        names);
}

/* Providers whose index is a file or a folder say where by its path. */
int oci_place_has_path(const oci_place_t *place)
{
    return place->index->where[0] == '/';
}

/* The parameters of a connection may hold a password. */
static void name_place(oci_place_t *place, const char *words,
                       const char *location, apr_pool_t *pool)
{
    const char *where = place->index->where;

    if (oci_place_has_path(place)) {
        place->name = apr_pstrcat(pool, words, " ", where, NULL);
        place->id = place->name;
        return;
    }
    location = location ? location : "";
    place->name = words;
    place->id = apr_psprintf(pool, "%s (%.8s)", words,
                             strchr(oci_digest_of(OCI_SHA256, location,
                                                  strlen(location), pool),
                                    ':') + 1);
}

const char *oci_place_parse(oci_place_t *place, const char *text,
                            apr_pool_t *pool)
{
    oci_store_config_t *config = apr_pcalloc(pool, sizeof(*config));
    apr_size_t length = strcspn(text, BLANKS);
    const char *words = apr_pstrmemdup(pool, text, length);
    const char *name = apr_pstrmemdup(pool, text, strcspn(words, ":"));
    const oci_index_provider_t *provider = NULL;
    const char *error = find_provider(&provider, name, pool);
    char *base;

    if (error) {
        return error;
    }
    if (apr_filepath_get(&base, 0, pool) != APR_SUCCESS) {
        return "there is no working folder";
    }
    config->type = words[strlen(name)] ? words + strlen(name) + 1 : NULL;
    config->location = location_of(text + length, pool);
    config->base = base;
    error = provider->create(&place->index, config, pool);
    if (!error) {
        name_place(place, words, config->location, pool);
    }
    return error;
}

apr_status_t oci_place_find(const oci_place_t *place, apr_pool_t *pool)
{
    apr_finfo_t info;

    return oci_place_has_path(place)
           ? apr_stat(&info, place->index->where, APR_FINFO_TYPE, pool)
           : APR_SUCCESS;
}

void oci_place_owner(oci_owner_t *owner, const oci_place_t *place)
{
    if (oci_place_has_path(place)) {
        oci_owner_of_path(owner, place->index->where);
    }
}
