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
#include "httpd/config_lines.h"
#include "httpd/gc_job.h"
#include "httpd/guards.h"
#include "httpd/metrics.h"
#include "httpd/start.h"
#include "httpd/stores_dump.h"
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
    int warned;       /* whether a database does not answer */
    const server_rec *server;
    apr_pool_t *pool;
} start_t;

/* Log a problem.
 * @param line The line that has it, or NULL
 * @param effect What requests get after a reload */
static void report(start_t *start, const ap_directive_t *line,
                   const char *problem, const char *effect)
{
    int level = start->kind == START_RELOAD ? APLOG_ERR : APLOG_EMERG;
    const char *place = "", *consequence = "";

    if (line) {
        place = apr_psprintf(start->pool, "%s line %d: ", line->filename,
                             line->line_num);
    }
    if (start->kind == START_RELOAD) {
        consequence = apr_psprintf(start->pool,
                                   "; requests that need it %s until this is "
                                   "repaired and httpd is reloaded",
                                   effect);
    }
    start->failed |= level == APLOG_EMERG;
    ap_log_error(APLOG_MARK, level, 0, start->server, "oci: %s%s%s", place,
                 problem, consequence);
}

/* Log the problem of a line, and note it for requests. */
static void report_line(start_t *start, oci_config_line_t *line,
                        const char *problem)
{
    line->problem = problem;
    report(start, line->directive,
           apr_pstrcat(start->pool, line->directive->directive, ": ", problem,
                       NULL),
           "get 503");
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

static int is_on_disk(const oci_index_t *index)
{
    return index->where[0] == '/';
}

/* Check whether a blob store, which is not started yet, and an index on disk
 * belong together.  An index in a database is checked by the first request
 * instead. */
static const char *precheck_pairing(const start_t *start,
                                    const oci_registry_t *registry)
{
    const oci_index_t *index = registry->index;

    return !is_on_disk(index) || access(index->where, F_OK)
            || (start->kind == START_TEST && !index->provider->check)
        ? NULL
        : check_in_child(oci_pairing_precheck, registry, start->pool);
}

/* Warn of an index that cannot be read now.  A database may be started later,
 * so this is no reason not to start.  One warning of a database is enough: each
 * takes the time limit of a connection.  At a reload all sites would wait. */
static void try_index(start_t *start, const oci_config_line_t *line,
                      const oci_registry_t *registry)
{
    int on_disk = is_on_disk(registry->index);
    const char *problem;

    if (start->kind != START_FIRST || (start->warned && !on_disk)
        || !ap_state_query(AP_SQ_CONFIG_GEN)) {
        return;
    }
    problem = check_in_child(oci_pairing_try_index, registry, start->pool);
    if (problem) {
        start->warned |= !on_disk;
        oci_line_warn(start->server, line->directive,
                      apr_pstrcat(start->pool, line->directive->directive,
                                  on_disk ? ": the index cannot be read, so "
                                            "requests fail until it is "
                                            "repaired: "
                                          : ": the database does not answer, "
                                            "so requests fail until it does: ",
                                  problem, NULL));
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

/* Start the blob store of a section, if it has one, and check that it belongs
 * to the index.
 * @param config The section with what it inherits */
static const char *start_pair(start_t *start, const oci_config_t *section,
                              const oci_config_t *config)
{
    oci_registry_t registry = { .blobs = config->blobs,
                                .index = oci_config_index(config) };
    const char *error = NULL;

    if (registry.index && registry.blobs) {
        error = precheck_pairing(start, &registry);
        if (!error && config->index) {
            try_index(start, config->index_line, &registry);
        }
    }
    return error || !section->blobs ? error
                                    : start_blobs(start, section->blobs);
}

/* Start the stores of a section.  A problem that an inherited index has is
 * reported once.  It is also noted for the blob store, which was not started:
 * another section may use that store with another index. */
static void start_section(start_t *start, const oci_config_t *section)
{
    const oci_config_t *config = oci_config_inherit(section, start->server,
                                                    start->pool);
    oci_index_t *index = oci_config_index(config);
    oci_config_line_t *line = config->index ? config->index_line
                                            : section->blobs_line;
    const char *error = line->problem;

    if (!error) {
        error = index ? start_index(start, index) : NULL;
        if (!error) {
            line = section->blobs_line ? section->blobs_line
                                       : section->index_line;
            error = start_pair(start, section, config);
        }
        if (error) {
            report_line(start, line, error);
        }
    }
    if (error && section->blobs_line) {
        section->blobs_line->problem = error;
    }
}

static void start_stores(start_t *start)
{
    const apr_array_header_t *sections = oci_config_of_server(start->server)
                                             ->sections;
    oci_owner_caller_t caller;
    apr_status_t rv = oci_owner_enter(&caller, &start->user, start->pool);
    const char *problem = NULL;
    int i;

    if (rv != APR_SUCCESS) {
        problem = oci_io_failure("act as", "httpd's User", rv, start->pool);
        report(start, NULL, problem, "get 503");
    }
    for (i = 0; i < sections->nelts; i++) {
        oci_config_t *section = APR_ARRAY_IDX(sections, i, oci_config_t *);

        if (!problem) {
            start_section(start, section);
        }
        else if (section->blobs_line) {
            section->blobs_line->problem = problem;
        }
    }
    oci_owner_leave(&caller);
}

/* Warn of a file with secrets that every user of the machine can read. */
static void warn_of_exposed_key(const start_t *start,
                                const oci_token_key_t *key)
{
    if (key->keys && oci_key_set_signer(key->keys)
        && (ap_state_query(AP_SQ_CONFIG_GEN) || start->kind == START_TEST)
        && oci_access_is_public(key->path, start->pool)) {
        oci_line_warn(start->server, key->line.directive,
                      apr_psprintf(start->pool,
                                   "OCITokenKey: every user of this machine "
                                   "can read the secrets in %s; run \"chmod "
                                   "0600 %s\"",
                                   key->path, key->path));
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
            report_line(start, &key->line, error);
        }
        else {
            warn_of_exposed_key(start, key);
        }
    }
}

/* Whether to look at stores and key files: another user than root may not see
 * what httpd's User can use, so "httpd -t" leaves them out. */
static int may_look(start_e kind)
{
    return kind != START_TEST || !getuid()
        || getuid() == ap_unixd_config.user_id;
}

/* Start or test everything that is configured.
 * @return Whether httpd may start */
static int start_all(start_e kind, apr_pool_t *pool, server_rec *main_server)
{
    start_t start = { .kind = kind,
                      .user = { ap_unixd_config.user_id,
                                ap_unixd_config.group_id },
                      .pool = pool };
    const ap_directive_t *line;
    const char *error;
    server_rec *s;

    for (s = main_server; s && may_look(kind); s = s->next) {
        start.server = s;
        start_stores(&start);
        read_keys(&start);
    }
    start.server = main_server;
    error = oci_token_check_needs(&line, main_server, pool);
    if (error) {
        report(&start, line, error, "fail");
    }
    error = oci_config_check_index(&line, main_server, pool);
    if (error) {
        report(&start, line, error, "get 503");
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
        oci_metrics_start(main_server);
        oci_gc_job_register(pool, main_server);
    }
    return OK;
}

int oci_start_test(apr_pool_t *pool, server_rec *main_server)
{
    /* ociadmin, which asks for the stores, checks them itself. */
    if (ap_state_query(AP_SQ_RUN_MODE) != AP_SQ_RM_CONFIG_TEST
        || ap_exists_config_define(OCI_STORES_DUMP)) {
        return OK;
    }
    if (!start_all(START_TEST, pool, main_server)
        || (may_look(START_TEST)
            && oci_event_logs_test(pool, main_server) != OK)) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    oci_config_check(main_server, pool);
    return OK;
}
