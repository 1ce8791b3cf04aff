/* SPDX-License-Identifier: Apache-2.0 */

/* Whether the registries of a virtual host work: their stores answer, and
 * accept changes. */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_log.h"
#include "http_main.h"
#include "http_protocol.h"
#include "apr_strings.h"
#include "apr_thread_cond.h"
#include "apr_thread_mutex.h"
#include "apr_thread_proc.h"

#include "httpd/config.h"
#include "httpd/context.h"
#include "httpd/health.h"
#include "registry/probe.h"

APLOG_USE_MODULE(oci);

/* How long a result is used, and how long a request waits for one. */
#define FRESH apr_time_from_sec(1)
#define LIMIT apr_time_from_sec(2)

/* How long a process that ends waits for its thread. */
#define END_LIMIT apr_time_from_sec(5)

enum { CONFIGURATION, INDEX, STORE, CHECKS };

static const char *const names[CHECKS] = { "configuration", "index", "store" };

/* Results: NULL for a check that passed, or a sentence for anybody, without a
 * path or a name. */
typedef struct results_t {
    const char *failed[CHECKS];
} results_t;

struct oci_health_t {
    const server_rec *server;
    apr_thread_mutex_t *mutex; /* for what follows */
    apr_thread_cond_t *ended_now;
    int running;      /* a thread is at work, */
    apr_time_t begun; /* since then, */
    int current;      /* on this check */
    int late;         /* and has made a request wait in vain */
    apr_time_t ended; /* when the results were found; 0 for never */
    results_t results;
};

/* Return the sections to check: those of the virtual host, or if it has none,
 * those that it inherits. */
static const apr_array_header_t *sections_of(const server_rec **owner,
                                             const server_rec *s)
{
    *owner = oci_config_of_server(s)->sections->nelts ? s : ap_server_conf;
    return oci_config_of_server(*owner)->sections;
}

/* Say in a sentence for anybody what is wrong. */
static const char *sentence(const oci_error_t *error, int check)
{
    if (error->code == OCI_E_STORAGE_FULL) {
        return check == INDEX ? "the index is full" : "the blob store is full";
    }
    if (check == INDEX) {
        return "the index does not answer, or refuses changes";
    }
    return error->code == OCI_E_UNAVAILABLE
        ? "the blob store does not answer, or is not the one that belongs to "
          "the index"
        : "the blob store cannot be used, or refuses changes";
}

/* A run of the thread. */
typedef struct health_run_t {
    oci_health_t *health;
    results_t results;
    apr_pool_t *pool;
} health_run_t;

/* Note the result of a check, and log a fault that is new. */
static void note(health_run_t *run, int check, const char *message,
                 const char *for_log)
{
    if (!run->results.failed[check]) {
        run->results.failed[check] = message;
    }
    if (!run->health->results.failed[check]) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, run->health->server,
                     "oci: the health check fails: %s", for_log);
    }
}

static void note_error(health_run_t *run, int check, const oci_error_t *error)
{
    if (error) {
        note(run, check, sentence(error, check),
             oci_error_text(error, run->pool));
    }
}

static void enter(health_run_t *run, int check)
{
    apr_thread_mutex_lock(run->health->mutex);
    run->health->current = check;
    apr_thread_mutex_unlock(run->health->mutex);
}

/* Check the registry of a section.
 * @return 0 if it has none: it lacks a blob store */
static int check_section(health_run_t *run, const oci_config_t *config)
{
    const char *problem = oci_config_problem(config);
    int writes = config->read_only != 1;
    oci_registry_t registry;
    oci_error_t *error;

    if (problem) {
        note(run, CONFIGURATION,
             "the last reload could not start what is configured", problem);
        return 1;
    }
    oci_config_set_registry(&registry, config);
    if (!registry.blobs || !registry.index) {
        return 0;
    }
    enter(run, INDEX);
    error = oci_probe_index(&registry, writes, run->pool);
    note_error(run, INDEX, error);
    enter(run, STORE);
    note_error(run, STORE,
               error ? oci_probe_presence(&registry, run->pool)
                     : oci_probe_blobs(&registry, writes, run->pool));
    return 1;
}

static void check_all(health_run_t *run)
{
    const server_rec *owner;
    const apr_array_header_t *sections = sections_of(&owner,
                                                     run->health->server);
    int found = 0;
    int i;

    for (i = 0; i < sections->nelts; i++) {
        found += check_section(run,
                               oci_config_inherit(APR_ARRAY_IDX(sections, i,
                                                                oci_config_t *),
                                                  owner, run->pool));
    }
    if (!found) {
        note(run, CONFIGURATION, "no registry is configured here",
             "no OCIBlobStore is configured for this virtual host");
    }
}

static int has_failed(const results_t *results)
{
    int i = 0;

    while (i < CHECKS && !results->failed[i]) {
        i++;
    }
    return i < CHECKS;
}

static void *APR_THREAD_FUNC run_checks(apr_thread_t *thread, void *run_)
{
    health_run_t *run = run_;
    oci_health_t *health = run->health;
    apr_pool_t *pool = run->pool;

    (void)thread;
    check_all(run);
    apr_thread_mutex_lock(health->mutex);
    if ((health->late || has_failed(&health->results))
        && !has_failed(&run->results)) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, health->server,
                     "oci: the health check passes again");
    }
    health->results = run->results;
    health->ended = apr_time_now();
    health->running = 0;
    apr_thread_cond_broadcast(health->ended_now);
    apr_thread_mutex_unlock(health->mutex);
    apr_pool_destroy(pool);
    return NULL;
}

/* Start the thread.  The caller has the mutex.  Its pool has no parent: it may
 * outlive all of them if a store hangs. */
static apr_status_t start_thread(oci_health_t *health)
{
    apr_allocator_t *allocator;
    apr_threadattr_t *detached;
    apr_thread_t *thread;
    apr_pool_t *pool;
    health_run_t *run;
    apr_status_t rv = apr_allocator_create(&allocator);

    if (rv == APR_SUCCESS) {
        rv = apr_pool_create_unmanaged_ex(&pool, NULL, allocator);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_allocator_owner_set(allocator, pool);
    run = apr_pcalloc(pool, sizeof(*run));
    run->health = health;
    run->pool = pool;
    rv = apr_threadattr_create(&detached, pool);
    if (rv == APR_SUCCESS) {
        rv = apr_threadattr_detach_set(detached, 1);
    }
    if (rv == APR_SUCCESS) {
        health->begun = apr_time_now();
        health->current = CONFIGURATION;
        health->late = 0;
        health->running = 1;
        rv = apr_thread_create(&thread, detached, run_checks, run, pool);
    }
    if (rv != APR_SUCCESS) {
        health->running = 0;
        apr_pool_destroy(pool);
    }
    return rv;
}

/* Wait for the thread.  The caller has the mutex. */
static void wait_for_end(oci_health_t *health, apr_time_t limit)
{
    apr_time_t now = apr_time_now();

    while (health->running && now < limit) {
        apr_thread_cond_timedwait(health->ended_now, health->mutex,
                                  limit - now);
        now = apr_time_now();
    }
}

/* Note that the thread is late, and log it once.  The caller has the mutex. */
static void note_late(results_t *results, oci_health_t *health)
{
    results->failed[health->current] = "no answer within 2 seconds";
    if (!health->late) {
        health->late = 1;
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, health->server,
                     "oci: the health check fails: the %s did not answer "
                     "within 2 seconds",
                     health->current == STORE ? "blob store"
                                              : names[health->current]);
    }
}

/* Find out the results: those of the last second, or new ones. */
static apr_status_t find_results(results_t *results, oci_health_t *health)
{
    apr_status_t rv = APR_SUCCESS;

    apr_thread_mutex_lock(health->mutex);
    if (!health->running && apr_time_now() - health->ended >= FRESH) {
        rv = start_thread(health);
    }
    wait_for_end(health, health->begun + LIMIT);
    *results = health->results;
    if (health->running) {
        note_late(results, health);
    }
    apr_thread_mutex_unlock(health->mutex);
    return rv;
}

static apr_status_t wait_at_end(void *health_)
{
    oci_health_t *health = health_;

    apr_thread_mutex_lock(health->mutex);
    wait_for_end(health, apr_time_now() + END_LIMIT);
    apr_thread_mutex_unlock(health->mutex);
    return APR_SUCCESS;
}

void oci_health_child_init(apr_pool_t *pool, server_rec *main_server)
{
    server_rec *s;

    for (s = main_server; s; s = s->next) {
        oci_health_t *health = apr_pcalloc(pool, sizeof(*health));

        health->server = s;
        if (apr_thread_mutex_create(&health->mutex, APR_THREAD_MUTEX_DEFAULT,
                                    pool)
                == APR_SUCCESS
            && apr_thread_cond_create(&health->ended_now, pool)
                == APR_SUCCESS) {
            apr_pool_pre_cleanup_register(pool, health, wait_at_end);
            oci_config_of_server(s)->health = health;
        }
    }
}

/* Print the results.
 * @return Whether all checks passed */
static int print(char **text, const results_t *results, apr_pool_t *pool)
{
    const char *list = "";
    int ok = 1;
    int i;

    for (i = 0; i < CHECKS; i++) {
        const char *failed = results->failed[i];
        const char *passed = ok ? "\",\"status\":\"ok"
                                : "\",\"status\":\"not checked";

        ok = ok && !failed;
        list = apr_pstrcat(pool, list, i ? "," : "", "{\"name\":\"", names[i],
                           failed ? "\",\"status\":\"unavailable\","
                                    "\"message\":\""
                                  : passed,
                           failed ? failed : "", "\"}", NULL);
    }
    *text = apr_psprintf(pool, "{\"status\":\"%s\",\"checks\":[%s]}\n",
                         ok ? "ok" : "unavailable", list);
    return ok;
}

int oci_health_handler(request_rec *r)
{
    oci_health_t *health = oci_config_of_server(r->server)->health;
    char *text = "{\"status\":\"ok\"}\n";
    int is_live = r->args && !strncmp(r->args, "live", 4)
        && (!r->args[4] || r->args[4] == '=');
    results_t results;

    if (!r->handler || ap_cstr_casecmp(r->handler, OCI_HEALTH_HANDLER)) {
        return DECLINED;
    }
    r->allowed |= AP_METHOD_BIT << M_GET;
    if (r->method_number != M_GET) {
        return HTTP_METHOD_NOT_ALLOWED;
    }
    if (r->args && *r->args && !is_live) {
        return HTTP_BAD_REQUEST;
    }
    if (!is_live) {
        if (!health || find_results(&results, health) != APR_SUCCESS) {
            return HTTP_SERVICE_UNAVAILABLE;
        }
        r->status = print(&text, &results, r->pool) ? HTTP_OK
                                                    : HTTP_SERVICE_UNAVAILABLE;
    }
    ap_set_content_type(r, "application/json");
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    ap_set_content_length(r, strlen(text));
    ap_rputs(text, r);
    return OK;
}
