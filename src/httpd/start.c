/* SPDX-License-Identifier: Apache-2.0 */

/* What is prepared and checked when the server starts. */

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "unixd.h"
#include "apr_strings.h"

#include "httpd/config.h"
#include "httpd/guards.h"
#include "httpd/context.h"
#include "httpd/token_key_file.h"
#include "httpd/start.h"
#include "httpd/token.h"
#include "registry/pairing.h"
#include "store/io.h"
#include "store/owner.h"

APLOG_USE_MODULE(oci);

static int is_directive(const ap_directive_t *line, const char *name)
{
    return !ap_cstr_casecmp(line->directive, name);
}

/* Tell of a registry that will only answer 503: no section around it sets
 * a store. */
static void warn_of_missing_stores(const ap_directive_t *first, int has_store,
                                   const server_rec *s, apr_pool_t *pool)
{
    const ap_directive_t *line;

    for (line = first; line; line = line->next) {
        has_store |= is_directive(line, "OCIBlobStore");
    }
    for (line = first; line; line = line->next) {
        const char *args = line->args;

        if (line->first_child) {
            warn_of_missing_stores(line->first_child, has_store, s, pool);
        }
        else if (!has_store && is_directive(line, "SetHandler")
                 && !ap_cstr_casecmp(ap_getword_conf(pool, &args),
                                     OCI_HANDLER)) {
            ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                         "oci: the registry "
                         "of %s line %d will answer 503: it has no "
                         "OCIBlobStore",
                         line->filename, line->line_num);
        }
    }
}

/* Ask in a process of its own whether a blob store, which is not started yet,
 * and an index on the disk belong together: what providers open and read for
 * that stays out of the parent.  A database is asked by the first request. */
static const char *check_pair(oci_blob_store_t *blobs, oci_index_t *index,
                              apr_pool_t *pool)
{
    oci_registry_t registry = { .blobs = blobs, .index = index };
    char text[4096];
    int ends[2];
    ssize_t size = 0, n;
    int status = 0;
    pid_t pid;

    if (index->where[0] != '/') {
        return NULL;
    }
    if (pipe(ends)) {
        return "cannot make a pipe to examine the stores";
    }
    pid = fork();
    if (pid == 0) {
        oci_error_t *error = oci_pairing_precheck(&registry, pool);

        _exit(error && write(ends[1], error->note, strlen(error->note)) < 0);
    }
    close(ends[1]);
    while (pid != -1 && size < (ssize_t)sizeof(text) - 1
           && ((n = read(ends[0], text + size, sizeof(text) - 1 - size)) > 0
               || (n == -1 && errno == EINTR))) {
        size += n > 0 ? n : 0;
    }
    close(ends[0]);
    if (pid == -1) {
        return "cannot make a process to examine the stores";
    }
    while (waitpid(pid, &status, 0) == -1 && errno == EINTR) {
    }
    if (size) {
        return apr_pstrmemdup(pool, text, size);
    }
    return status ? "the process that examines the stores failed" : NULL;
}

/* Start the stores of a place.
 * user: the one that httpd's children have, whose rights the caller has */
static const char *start_place(const server_rec *s, const oci_config_t *config,
                               const oci_owner_t *user, apr_pool_t *pool)
{
    const oci_config_t *base = ap_get_module_config(s->lookup_defaults,
                                                    &oci_module);
    oci_index_t *index = config->index ? config->index : base->index;
    oci_blob_store_t *blobs = config->blobs ? config->blobs : base->blobs;
    const char *error = NULL;

    if (!index) {
        index = config->default_index;
    }
    if (index) {
        error = index->provider->start(index, user->uid, user->gid, pool);
    }
    if (!error && index && blobs) {
        error = check_pair(blobs, index, pool);
    }
    if (!error && config->blobs) {
        error = blobs->provider->start(blobs, user->uid, user->gid, pool);
    }
    return error;
}

static const char *start_stores(const server_rec *s, const oci_owner_t *user,
                                apr_pool_t *pool)
{
    const apr_array_header_t *places = oci_config_of_server(s)->places;
    const char *error = NULL;
    oci_owner_caller_t caller;
    apr_status_t rv = oci_owner_enter(&caller, user, pool);
    int i;

    if (rv != APR_SUCCESS) {
        error = oci_io_failure("act as", "httpd's User", rv, pool);
    }
    for (i = 0; i < places->nelts && !error; i++) {
        error = start_place(s, APR_ARRAY_IDX(places, i, oci_config_t *), user,
                            pool);
    }
    oci_owner_leave(&caller);
    return error;
}

static const char *read_keys(const server_rec *s, const oci_owner_t *user,
                             apr_pool_t *pool)
{
    const apr_array_header_t *keys = oci_config_of_server(s)->keys;
    const char *error = NULL;
    int i;

    for (i = 0; i < keys->nelts && !error; i++) {
        oci_token_key_t *key = APR_ARRAY_IDX(keys, i, oci_token_key_t *);

        error = oci_token_key_file_read(&key->keys, key->path, user, pool);
    }
    return error;
}

/* Whether a directive stands anywhere. */
static int is_used(const ap_directive_t *line, const char *name)
{
    for (; line; line = line->next) {
        if (line->first_child ? is_used(line->first_child, name)
                              : is_directive(line, name)) {
            return 1;
        }
    }
    return 0;
}

static int only_verifies(const oci_token_key_t *key)
{
    return key && key->keys && !oci_key_set_signer(key->keys);
}

/* Where tokens are in use there has to be a key, and a service where it is
 * somebody else's.  One in another Location may or may not be in force there;
 * a request will tell. */
static const char *check_tokens(const server_rec *s)
{
    const oci_server_config_t *server = oci_config_of_server(s);
    const oci_config_t *base = ap_get_module_config(s->lookup_defaults,
                                                    &oci_module);
    int i;

    for (i = 0; i < server->tokens->nelts; i++) {
        const oci_config_t *config = APR_ARRAY_IDX(server->tokens, i,
                                                   oci_config_t *);

        if (oci_config_tokens(config) && !config->token_key && !base->token_key
            && !server->keys->nelts) {
            return "OCIToken is On, and there is no OCITokenKey for it";
        }
        if (oci_config_tokens(config)
            && only_verifies(config->token_key ? config->token_key
                                               : base->token_key)
            && !is_used(ap_conftree, "OCITokenService")) {
            return "OCITokenKey is somebody else's, and no OCITokenService "
                   "says which of his tokens are for us";
        }
    }
    return NULL;
}

/* Whether some section is the token endpoint. */
static int has_endpoint(const ap_directive_t *line, apr_pool_t *pool)
{
    for (; line; line = line->next) {
        const char *args = line->args;

        if (line->first_child ? has_endpoint(line->first_child, pool)
                              : is_directive(line, "SetHandler")
                    && !ap_cstr_casecmp(ap_getword_conf(pool, &args),
                                        OCI_TOKEN_HANDLER)) {
            return 1;
        }
    }
    return 0;
}

static int can_sign(const server_rec *s)
{
    const apr_array_header_t *keys = oci_config_of_server(s)->keys;
    int i;

    for (i = 0; i < keys->nelts; i++) {
        if (oci_key_set_signer(
                APR_ARRAY_IDX(keys, i, oci_token_key_t *)->keys)) {
            return 1;
        }
    }
    return 0;
}

/* Start all of a server. */
static const char *start_server(const server_rec *s, apr_pool_t *pool)
{
    const oci_owner_t user = { ap_unixd_config.user_id,
                               ap_unixd_config.group_id };
    const char *error = start_stores(s, &user, pool);

    if (!error) {
        error = read_keys(s, &user, pool);
    }
    return error ? error : check_tokens(s);
}

int oci_start(apr_pool_t *pool, server_rec *main_server)
{
    const char *error = NULL;
    int signer = 0;
    server_rec *s;

    for (s = main_server; s && !error; s = s->next) {
        error = start_server(s, pool);
        signer |= !error && can_sign(s);
    }
    if (!error && !signer && has_endpoint(ap_conftree, pool)) {
        error = "SetHandler " OCI_TOKEN_HANDLER " needs an OCITokenKey with "
                "a private key or a secret, and there is none";
    }
    if (error) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, main_server, "oci: %s", error);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    oci_guards_read(oci_config_of_server(main_server), ap_conftree, pool);
    /* httpd starts twice, the first time for a try */
    if (ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG) {
        warn_of_missing_stores(ap_conftree, 0, main_server, pool);
    }
    return OK;
}
