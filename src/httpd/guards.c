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

#include "httpd.h"
#include "http_config.h"
#include "http_main.h"
#include "apr_strings.h"

#include "httpd/guards.h"

/* Directives by which some callers may be let in and others not, or by which
 * nobody is let in somewhere: what is there is in no list either. */
static const struct {
    const char *name;
    int         by_caller;
} guards[] = {
    { "AuthType", 1 }, { "Require", 1 }, { "Allow", 1 }, { "Deny", 1 },
    { "Order", 1 }, { "Satisfy", 1 }, { "SSLRequire", 1 },
    { "SSLRequireSSL", 1 }, { "SSLVerifyClient", 1 }, { "RewriteRule", 0 },
    { "Redirect", 0 }, { "RedirectMatch", 0 }, { "OCIRepositoryPattern", 0 }
};

/* Sections that hold for files, which a registry's URLs have none of, or for
 * what is passed on. */
static const char *const others[] = {
    "<Directory", "<DirectoryMatch", "<Files", "<FilesMatch", "<Proxy",
    "<ProxyMatch"
};

static int is_directive(const ap_directive_t *line, const char *name)
{
    return !ap_cstr_casecmp(line->directive, name);
}

static int is_other(const ap_directive_t *section)
{
    apr_size_t i;

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (is_directive(section, others[i])) {
            return 1;
        }
    }
    return 0;
}

/* What all paths in a section begin with, as far as that is known. */
static const char *beginning(const ap_directive_t *section,
                             const char *outside, apr_pool_t *pool)
{
    const char *args = section->args;
    char *path;

    if (!is_directive(section, "<Location")) {
        return outside;
    }
    path = ap_getword_conf(pool, &args);
    if (*path != '/') {
        return outside;        /* "~" and an expression */
    }
    path[strcspn(path, "*?[>")] = '\0';
    return path;
}

static void read_line(oci_server_config_t *server,
                      const ap_directive_t *line, const char *path)
{
    apr_size_t i;

    if (is_directive(line, "Require")
        && !ap_cstr_casecmp(line->args, "all granted")) {
        return;
    }
    for (i = 0; i < sizeof(guards) / sizeof(guards[0]); i++) {
        if (is_directive(line, guards[i].name)) {
            server->guarded = 1;
            if (guards[i].by_caller && path) {
                APR_ARRAY_PUSH(server->guarded_paths, const char *) = path;
            }
            return;
        }
    }
}

/* Read lines whose paths begin so; NULL for lines about no path of ours. */
static void read_lines(oci_server_config_t *server,
                       const ap_directive_t *line, const char *path,
                       apr_pool_t *pool)
{
    for (; line; line = line->next) {
        if (line->first_child) {
            read_lines(server, line->first_child, !path || is_other(line)
                       ? NULL : beginning(line, path, pool), pool);
        }
        else {
            read_line(server, line, path);
        }
    }
}

void oci_guards_read(oci_server_config_t *server, const ap_directive_t *tree,
                     apr_pool_t *pool)
{
    server->guarded = 0;
    server->guarded_paths = apr_array_make(pool, 4, sizeof(const char *));
    read_lines(server, tree, "", pool);
}

int oci_guards_exist(void)
{
    return oci_config_of_server(ap_server_conf)->guarded;
}

int oci_guards_concern(const char *path)
{
    const apr_array_header_t *paths
        = oci_config_of_server(ap_server_conf)->guarded_paths;
    int i;

    for (i = 0; i < paths->nelts; i++) {
        const char *start = APR_ARRAY_IDX(paths, i, const char *);

        if (!strncmp(path, start, strlen(start))) {
            return 1;
        }
    }
    return 0;
}
