/* SPDX-License-Identifier: Apache-2.0 */

/* The stores and rules that a configuration of httpd has.  Only httpd itself
 * can read its configuration: "httpd -t -D DUMP_OCI_STORES" prints what
 * stores_dump.h describes. */

#include <string.h>

#include "apr_file_info.h"
#include "apr_strings.h"
#include "apr_thread_proc.h"
#include <jansson.h>

#include "admin/configured.h"
#include "values/immutable.h"

#ifndef OCI_HTTPD
#error "OCI_HTTPD must be the path of httpd"
#endif

#define LINE_SIZE 65536

static int exists(const char *path, apr_pool_t *pool)
{
    apr_finfo_t info;

    return apr_stat(&info, path, APR_FINFO_TYPE, pool) == APR_SUCCESS;
}

/* apachectl sets the environment that a distribution's configuration needs. */
static const char *find_program(apr_pool_t *pool)
{
    const char *directory = apr_pstrmemdup(pool, OCI_HTTPD,
                                           strrchr(OCI_HTTPD, '/') - OCI_HTTPD);
    const char *control = apr_pstrcat(pool, directory, "/apachectl", NULL);

    return exists(control, pool) ? control : OCI_HTTPD;
}

/* Run httpd with one pipe for all that it prints: with two of them it could
 * wait until the other one is read. */
static apr_status_t start(apr_proc_t *process, const char *program,
                          const char *file, apr_pool_t *pool)
{
    const char *words[] = {
        "/bin/sh", "-c", "exec \"$0\" -t -D DUMP_OCI_STORES -f \"$1\" 2>&1",
        program,   file, NULL
    };
    apr_procattr_t *attributes;
    apr_status_t rv = apr_procattr_create(&attributes, pool);

    if (rv == APR_SUCCESS) {
        rv = apr_procattr_io_set(attributes, APR_NO_PIPE, APR_FULL_BLOCK,
                                 APR_NO_PIPE);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_procattr_cmdtype_set(attributes, APR_PROGRAM_ENV);
    }
    return rv == APR_SUCCESS
        ? apr_proc_create(process, words[0], words, NULL, attributes, pool)
        : rv;
}

static const char *get(const json_t *object, const char *key, apr_pool_t *pool)
{
    return apr_pstrdup(pool, json_string_value(json_object_get(object, key)));
}

/* What is compared by is_option_of: the other options, and whether all are the
 * same. */
typedef struct comparison_t {
    const apr_table_t *options;
    int is_same;
} comparison_t;

static int is_option_of(void *baton, const char *name, const char *value)
{
    comparison_t *comparison = baton;
    const char *other = apr_table_get(comparison->options, name);

    comparison->is_same &= other && !strcmp(other, value);
    return comparison->is_same;
}

static int has_same_options(const oci_configured_t *one,
                            const oci_configured_t *other)
{
    comparison_t comparison = { other->options, 1 };

    if (!one->options || !other->options) {
        return !one->options && !other->options;
    }
    apr_table_do(is_option_of, &comparison, one->options, NULL);
    return comparison.is_same
        && apr_table_elts(one->options)->nelts
        == apr_table_elts(other->options)->nelts;
}

static int is_same(const oci_configured_t *one, const oci_configured_t *other)
{
    return !strcmp(one->base, other->base) && !strcmp(one->blobs, other->blobs)
        && !strcmp(one->index ? one->index : "",
                   other->index ? other->index : "")
        && has_same_options(one, other);
}

/* Read what the blob store's own directives say; NULL if there is nothing. */
static apr_table_t *read_options(const json_t *object, apr_pool_t *pool)
{
    json_t *options = json_object_get(object, "options");
    apr_table_t *table;
    const char *name;
    json_t *value;

    if (!json_is_object(options)) {
        return NULL;
    }
    table = apr_table_make(pool, 4);
    json_object_foreach(options, name, value)
    {
        const char *text = json_string_value(value);

        apr_table_set(table, name, text ? text : "");
    }
    return table;
}

/* Pass each line of a directive to a function, which adds a rule.  Return NULL,
 * or a sentence that says what is wrong. */
static const char *add_rules(oci_configured_t *registry, const json_t *lines,
                             const char *(*add)(oci_configured_t *registry,
                                                const apr_array_header_t *words,
                                                apr_pool_t *pool),
                             apr_pool_t *pool)
{
    const char *error = NULL;
    apr_size_t i, k;

    for (i = 0; i < json_array_size(lines) && !error; i++) {
        const json_t *line = json_array_get(lines, i);
        apr_array_header_t *words = apr_array_make(pool, 4, sizeof(char *));

        for (k = 0; k < json_array_size(line); k++) {
            const char *word = json_string_value(json_array_get(line, k));

            APR_ARRAY_PUSH(words, const char *) = word ? apr_pstrdup(pool, word)
                                                       : "";
        }
        error = add(registry, words, pool);
    }
    return error;
}

static const char *add_retain(oci_configured_t *registry,
                              const apr_array_header_t *words, apr_pool_t *pool)
{
    return oci_gc_policy_retain(registry->policy, words->nelts,
                                (const char *const *)words->elts, pool);
}

static const char *add_untagged(oci_configured_t *registry,
                                const apr_array_header_t *words,
                                apr_pool_t *pool)
{
    return oci_gc_policy_untagged(registry->policy, words->nelts,
                                  (const char *const *)words->elts, pool);
}

static const char *add_immutable(oci_configured_t *registry,
                                 const apr_array_header_t *words,
                                 apr_pool_t *pool)
{
    const char *const *word = (const char *const *)words->elts;

    return words->nelts
        ? oci_immutable_add(registry->immutable, word[0],
                            words->nelts > 1 ? word[1] : NULL, pool)
        : NULL;
}

static int number(const json_t *object, const char *key)
{
    return (int)json_integer_value(json_object_get(object, key));
}

/* Read httpd's User.  An older mod_oci does not say it. */
static oci_owner_t read_user(const json_t *object)
{
    json_int_t uid = json_integer_value(json_object_get(object, "uid"));
    json_int_t gid = json_integer_value(json_object_get(object, "gid"));
    oci_owner_t user = { (apr_uid_t)uid, (apr_gid_t)gid };
    oci_owner_t none = { 0, 0 };

    return user.uid == (apr_uid_t)-1 ? none : user;
}

/* Read the rules.  Return NULL, or a sentence that says what is wrong. */
static const char *read_rules(oci_configured_t *registry, const json_t *object,
                              apr_pool_t *pool)
{
    const char *error;

    if (!json_object_get(object, "immutable")) {
        return "its mod_oci is older than ociadmin";
    }
    registry->sparse = number(object, "sparse");
    registry->grace = number(object, "grace");
    registry->upload_expiry = number(object, "uploadExpiry");
    registry->policy = oci_gc_policy_make(pool);
    registry->immutable = apr_array_make(pool, 1, sizeof(oci_immutable_t));
    error = add_rules(registry, json_object_get(object, "retain"), add_retain,
                      pool);
    if (!error) {
        error = add_rules(registry, json_object_get(object, "untagged"),
                          add_untagged, pool);
    }
    return error ? error
                 : add_rules(registry, json_object_get(object, "immutable"),
                             add_immutable, pool);
}

/* Add a registry, unless the same stores were found before. */
static void add_registry(apr_array_header_t *found,
                         const oci_configured_t *registry)
{
    int i;

    for (i = 0; i < found->nelts; i++) {
        oci_configured_t *other = &APR_ARRAY_IDX(found, i, oci_configured_t);

        if (is_same(other, registry)) {
            if (registry->sparse > other->sparse) {
                other->sparse = registry->sparse;
            }
            return;
        }
    }
    APR_ARRAY_PUSH(found, oci_configured_t) = *registry;
}

/* Add what a line says. */
static void add_line(apr_array_header_t *found, const char *line)
{
    apr_pool_t *pool = found->pool;
    json_t *object = json_loads(line, 0, NULL);
    oci_configured_t registry = { .base = NULL };
    const char *problem;

    registry.base = get(object, "base", pool);
    registry.blobs = get(object, "blobs", pool);
    registry.index = get(object, "index", pool);
    registry.options = read_options(object, pool);
    registry.user = read_user(object);
    registry.problem = get(object, "problem", pool);
    registry.place = apr_psprintf(pool, "%s line %d", get(object, "file", pool),
                                  (int)json_integer_value(
                                      json_object_get(object, "line")));
    if (json_is_null(json_object_get(object, "index"))) {
        registry.index = registry.blobs;
    }
    problem = read_rules(&registry, object, pool);
    registry.problem = registry.problem ? registry.problem : problem;
    json_decref(object);
    if (!registry.base || !registry.blobs
        || (!registry.index && !registry.problem)) {
        registry.base = registry.blobs = "";
        registry.problem = "its paths are not in UTF-8";
    }
    add_registry(found, &registry);
}

/* Read what httpd prints.  Return its other lines, those that are no JSON. */
static const char *read_lines(apr_array_header_t *found, apr_file_t *output)
{
    char *line = apr_palloc(found->pool, LINE_SIZE);
    const char *said = "";

    while (apr_file_gets(line, LINE_SIZE, output) == APR_SUCCESS) {
        if (*line == '{') {
            add_line(found, line);
        }
        else if (strlen(said) < LINE_SIZE) {
            said = apr_pstrcat(found->pool, said, "\n    ",
                               apr_pstrmemdup(found->pool, line,
                                              strcspn(line, "\r\n")),
                               NULL);
        }
    }
    return said;
}

const char *oci_configured_read(apr_array_header_t **found, const char *program,
                                const char *file, apr_pool_t *pool)
{
    apr_exit_why_e why;
    apr_proc_t process;
    apr_status_t rv;
    const char *said;
    char reason[120];
    char *path;
    int status = 0;

    program = program ? program : find_program(pool);
    rv = apr_filepath_merge(&path, NULL, file, 0, pool);
    if (rv == APR_SUCCESS) {
        rv = start(&process, program, path, pool);
    }
    if (rv != APR_SUCCESS) {
        return apr_psprintf(pool, "cannot run %s: %s", program,
                            apr_strerror(rv, reason, sizeof(reason)));
    }
    *found = apr_array_make(pool, 2, sizeof(oci_configured_t));
    said = read_lines(*found, process.out);
    apr_proc_wait(&process, &status, &why, APR_WAIT);
    if (!APR_PROC_CHECK_EXIT(why) || status) {
        return apr_psprintf(pool,
                            "%s cannot use %s; to run another httpd or "
                            "apachectl, name it with --httpd:%s",
                            program, file, said);
    }
    return (*found)->nelts
        ? NULL
        : apr_psprintf(pool,
                       "%s has no registry: it has no OCIBlobStore, or loads "
                       "a mod_oci that is older than ociadmin",
                       file);
}
