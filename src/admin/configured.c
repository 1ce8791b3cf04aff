/* SPDX-License-Identifier: Apache-2.0 */

/* The stores that a configuration of httpd names.  Only httpd itself can read
 * its configuration: "httpd -t -D DUMP_OCI_STORES" prints what stores_dump.h
 * describes. */

#include <string.h>

#include "apr_file_info.h"
#include "apr_strings.h"
#include "apr_thread_proc.h"
#include <jansson.h>

#include "admin/configured.h"

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

static int is_same(const oci_configured_t *one, const oci_configured_t *other)
{
    return !strcmp(one->base, other->base) && !strcmp(one->blobs, other->blobs)
        && !strcmp(one->index ? one->index : "",
                   other->index ? other->index : "");
}

/* Add what a line says, unless the same stores were found before. */
static void add_line(apr_array_header_t *found, const char *line)
{
    apr_pool_t *pool = found->pool;
    json_t *object = json_loads(line, 0, NULL);
    oci_configured_t registry = { .base = NULL };
    int i;

    registry.base = get(object, "base", pool);
    registry.blobs = get(object, "blobs", pool);
    registry.index = get(object, "index", pool);
    registry.problem = get(object, "problem", pool);
    registry.place = apr_psprintf(pool, "%s line %d", get(object, "file", pool),
                                  (int)json_integer_value(
                                      json_object_get(object, "line")));
    if (json_is_null(json_object_get(object, "index"))) {
        registry.index = registry.blobs;
    }
    json_decref(object);
    if (!registry.base || !registry.blobs
        || (!registry.index && !registry.problem)) {
        registry.base = registry.blobs = "";
        registry.problem = "its paths are not in UTF-8";
    }
    for (i = 0; i < found->nelts; i++) {
        if (is_same(&APR_ARRAY_IDX(found, i, oci_configured_t), &registry)) {
            return;
        }
    }
    APR_ARRAY_PUSH(found, oci_configured_t) = registry;
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
                            "%s cannot use %s; --httpd names another httpd or "
                            "apachectl:%s",
                            program, file, said);
    }
    return (*found)->nelts
        ? NULL
        : apr_psprintf(pool,
                       "%s has no registry: no OCIBlobStore, or an older "
                       "mod_oci, which does not answer",
                       file);
}
