/* SPDX-License-Identifier: Apache-2.0 */

/* The server's start: stores are started and key files are read.
 *
 * A problem ends the first start.  At a reload it must not, because that would
 * end all sites of the server: the problem is noted in the configuration, and
 * the requests that it concerns get 503.  "httpd -t" looks for the same
 * problems, and changes nothing. */

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_main.h"
#include "unixd.h"
#include "apr_strings.h"

#include "httpd/config.h"
#include "httpd/config_check.h"
#include "httpd/guards.h"
#include "httpd/start.h"
#include "httpd/token_check.h"
#include "httpd/token_key_file.h"
#include "registry/pairing.h"
#include "store/access.h"
#include "store/io.h"
#include "store/owner.h"

APLOG_USE_MODULE(oci);

typedef enum { START_TEST, START_FIRST, START_RELOAD } start_e;

typedef struct start_t {
    start_e kind;
    oci_owner_t user; /* of httpd's children */
    int failed;       /* whether httpd must not start */
    int warned;       /* whether a database cannot be used */
    const server_rec *server;
    apr_pool_t *pool;
} start_t;

/* Log a problem, and note it for requests.
 * @param line The line that has it, or NULL
 * @param name The directive to name before the problem, or NULL */
static void report(start_t *start, oci_config_line_t *line, const char *name,
                   const char *problem)
{
    int level = start->kind == START_RELOAD ? APLOG_ERR : APLOG_EMERG;
    const char *place = "", *consequence = "";

    if (line) {
        place = apr_psprintf(start->pool,
                             "%s line %d: ", line->directive->filename,
                             line->directive->line_num);
        line->problem = problem;
    }
    if (start->kind == START_RELOAD) {
        consequence = line ? "; requests that need it get 503 until this is "
                             "repaired and httpd is reloaded"
                           : "; requests that need it fail until this is "
                             "repaired and httpd is reloaded";
    }
    start->failed |= level == APLOG_EMERG;
    ap_log_error(APLOG_MARK, level, 0, start->server, "oci: %s%s%s%s%s", place,
                 name ? name : "", name ? ": " : "", problem, consequence);
}

typedef oci_error_t *(check_t)(const oci_registry_t *registry,
                               apr_pool_t *pool);

/* Check the stores of a registry in a child process, so that nothing that
 * providers open stays open in httpd's parent process. */
static const char *check_in_child(check_t *check,
                                  const oci_registry_t *registry,
                                  apr_pool_t *pool)
{
    char text[4096];
    int pipe_fds[2];
    ssize_t size = 0, n;
    int status = 0;
    pid_t pid;

    if (pipe(pipe_fds)) {
        return "cannot create a pipe to check the blob store and the index";
    }
    pid = fork();
    if (pid == 0) {
        oci_error_t *error = check(registry, pool);

        _exit(error
              && write(pipe_fds[1], error->note, strlen(error->note)) < 0);
    }
    close(pipe_fds[1]);
    while (pid != -1 && size < (ssize_t)sizeof(text) - 1
           && ((n = read(pipe_fds[0], text + size, sizeof(text) - 1 - size)) > 0
               || (n == -1 && errno == EINTR))) {
        size += n > 0 ? n : 0;
    }
    close(pipe_fds[0]);
    if (pid == -1) {
        return "cannot create a process to check the blob store and the index";
    }
    while (waitpid(pid, &status, 0) == -1 && errno == EINTR) {
    }
    if (size) {
        return apr_pstrmemdup(pool, text, size);
    }
    return status ? "the process that checks the blob store and the index "
                    "failed"
                  : NULL;
}

/* Check whether a blob store, which is not started yet, and an index on disk
 * belong together.  An index in a database is checked by the first request
 * instead. */
static const char *precheck_pairing(const oci_registry_t *registry,
                                    apr_pool_t *pool)
{
    const char *where = registry->index->where;

    return where[0] != '/' || access(where, F_OK)
        ? NULL
        : check_in_child(oci_pairing_precheck, registry, pool);
}

/* Warn of a database that cannot be used now.  It may be started later, so this
 * is no reason not to start.  One warning is enough: each takes the time limit
 * of a connection. */
static void try_database(start_t *start, const oci_config_line_t *line,
                         const oci_registry_t *registry)
{
    const char *problem;

    if (!line || registry->index->where[0] == '/' || start->kind == START_TEST
        || start->warned || !ap_state_query(AP_SQ_CONFIG_GEN)) {
        return;
    }
    problem = check_in_child(oci_pairing_try_index, registry, start->pool);
    if (problem) {
        start->warned = 1;
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, start->server,
                     "oci: %s line %d: %s: the index cannot be used at "
                     "present, and requests fail until it can: %s",
                     line->directive->filename, line->directive->line_num,
                     line->directive->directive, problem);
    }
}

/* Start, or test, an index. */
static const char *start_index(const start_t *start, oci_index_t *index)
{
    const oci_index_provider_t *provider = index->provider;

    if (start->kind == START_TEST) {
        return provider->check ? provider->check(index, start->pool) : NULL;
    }
    return provider->start(index, start->user.uid, start->user.gid,
                           start->pool);
}

static const char *start_blobs(const start_t *start, oci_blob_store_t *blobs)
{
    const oci_blob_store_provider_t *provider = blobs->provider;

    if (start->kind == START_TEST) {
        return provider->check ? provider->check(blobs, start->pool) : NULL;
    }
    return provider->start(blobs, start->user.uid, start->user.gid,
                           start->pool);
}

/* Start the stores of a section. */
static void start_section(start_t *start, oci_config_t *config)
{
    const oci_config_t *base = ap_get_module_config(start->server
                                                        ->lookup_defaults,
                                                    &oci_module);
    oci_index_t *index = config->index ? config->index : base->index;
    oci_blob_store_t *blobs = config->blobs ? config->blobs : base->blobs;
    oci_config_line_t *line = config->blobs_line ? config->blobs_line
                                                 : config->index_line;
    const char *error = NULL;

    if (!config->index && base->index_line && base->index_line->problem) {
        return; /* reported, and inherited */
    }
    if (!index) {
        index = config->default_index;
    }
    if (index) {
        error = start_index(start, index);
    }
    if (error && config->index_line) {
        line = config->index_line;
    }
    if (!error && index && blobs) {
        oci_registry_t registry = { .blobs = blobs, .index = index };

        error = precheck_pairing(&registry, start->pool);
        try_database(start,
                     config->index ? config->index_line : base->index_line,
                     &registry);
    }
    if (!error && config->blobs) {
        error = start_blobs(start, blobs);
    }
    if (error) {
        report(start, line, line->directive->directive, error);
    }
}

static void start_stores(start_t *start)
{
    const apr_array_header_t *sections = oci_config_of_server(start->server)
                                             ->sections;
    oci_owner_caller_t caller;
    apr_status_t rv = oci_owner_enter(&caller, &start->user, start->pool);
    int i;

    if (rv != APR_SUCCESS) {
        report(start, NULL, NULL,
               oci_io_failure("act as", "httpd's User", rv, start->pool));
    }
    for (i = 0; i < sections->nelts && rv == APR_SUCCESS; i++) {
        start_section(start, APR_ARRAY_IDX(sections, i, oci_config_t *));
    }
    oci_owner_leave(&caller);
}

/* Warn of a file with secrets that every user of the machine can read. */
static void warn_of_exposed_key(const start_t *start,
                                const oci_token_key_t *key)
{
    if (key->keys && oci_key_set_signer(key->keys)
        && ap_state_query(AP_SQ_CONFIG_GEN) + (start->kind == START_TEST)
        && oci_access_is_public(key->path, start->pool)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, start->server,
                     "oci: %s line %d: OCITokenKey: every user of this machine "
                     "can read the secrets in %s; run \"chmod 0600 %s\"",
                     key->line.directive->filename,
                     key->line.directive->line_num, key->path, key->path);
    }
}

static void read_keys(start_t *start)
{
    const apr_array_header_t *keys = oci_config_of_server(start->server)->keys;
    int i;

    for (i = 0; i < keys->nelts; i++) {
        oci_token_key_t *key = APR_ARRAY_IDX(keys, i, oci_token_key_t *);
        const char *error = oci_token_key_file_read(&key->keys, key->path,
                                                    start->kind != START_TEST,
                                                    &start->user, start->pool);

        if (error) {
            key->keys = NULL;
            report(start, &key->line, NULL, error);
        }
        else {
            warn_of_exposed_key(start, key);
        }
    }
}

/* Start or test everything that is configured.
 * @return Whether httpd may start */
static int start_all(start_e kind, apr_pool_t *pool, server_rec *main_server)
{
    start_t start = { .kind = kind,
                      .user = { ap_unixd_config.user_id,
                                ap_unixd_config.group_id },
                      .pool = pool };
    const char *error;
    server_rec *s;

    for (s = main_server; s; s = s->next) {
        start.server = s;
        start_stores(&start);
        read_keys(&start);
    }
    start.server = main_server;
    error = oci_token_check_needs(main_server, pool);
    if (error) {
        report(&start, NULL, NULL, error);
    }
    return !start.failed;
}

int oci_start(apr_pool_t *pool, server_rec *main_server)
{
    /* httpd reads its configuration twice when it starts, as generations 0 and
     * 1, and once for each reload */
    int generation = ap_state_query(AP_SQ_CONFIG_GEN);

    if (!start_all(generation > 1 ? START_RELOAD : START_FIRST, pool,
                   main_server)) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    oci_guards_read(oci_config_of_server(main_server), ap_conftree, pool);
    if (generation) {
        oci_config_check(main_server, pool);
    }
    return OK;
}

int oci_start_test(apr_pool_t *pool, server_rec *main_server)
{
    /* Another user than root may not see what httpd's User can use. */
    int can_test = !getuid() || getuid() == ap_unixd_config.user_id;

    if (ap_state_query(AP_SQ_RUN_MODE) != AP_SQ_RM_CONFIG_TEST) {
        return OK;
    }
    if (can_test && !start_all(START_TEST, pool, main_server)) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    oci_config_check(main_server, pool);
    return OK;
}
