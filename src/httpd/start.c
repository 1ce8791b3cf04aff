/* SPDX-License-Identifier: Apache-2.0 */

/* The server's start: stores are started, key files are read, and directives
 * that need each other are checked. */

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

/* Warn of a registry that can only answer 503, because no section around its
 * SetHandler has an OCIBlobStore. */
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
                         "oci: the registry at %s line %d will answer 503, "
                         "because it has no OCIBlobStore; add OCIBlobStore "
                         "to its section",
                         line->filename, line->line_num);
        }
    }
}

/* Check whether a blob store, which is not started yet, and an index on disk
 * belong together.  A child process does this, so that nothing that providers
 * open stays open in httpd's parent process.  An index in a database is checked
 * by the first request instead. */
static const char *precheck_pairing(oci_blob_store_t *blobs, oci_index_t *index,
                                    apr_pool_t *pool)
{
    oci_registry_t registry = { .blobs = blobs, .index = index };
    char text[4096];
    int pipe_fds[2];
    ssize_t size = 0, n;
    int status = 0;
    pid_t pid;

    if (index->where[0] != '/') {
        return NULL;
    }
    if (pipe(pipe_fds)) {
        return "cannot create a pipe to check whether the blob store and the "
               "index belong together";
    }
    pid = fork();
    if (pid == 0) {
        oci_error_t *error = oci_pairing_precheck(&registry, pool);

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
        return "cannot create a process to check whether the blob store and "
               "the index belong together";
    }
    while (waitpid(pid, &status, 0) == -1 && errno == EINTR) {
    }
    if (size) {
        return apr_pstrmemdup(pool, text, size);
    }
    return status ? "the process that checks whether the blob store and the "
                    "index belong together failed"
                  : NULL;
}

/* Start the stores of a section.
 * @param user The user of httpd's children, which the caller acts as */
static const char *start_section(const server_rec *s,
                                 const oci_config_t *config,
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
        error = precheck_pairing(blobs, index, pool);
    }
    if (!error && config->blobs) {
        error = blobs->provider->start(blobs, user->uid, user->gid, pool);
    }
    return error;
}

static const char *start_stores(const server_rec *s, const oci_owner_t *user,
                                apr_pool_t *pool)
{
    const apr_array_header_t *sections = oci_config_of_server(s)->sections;
    const char *error = NULL;
    oci_owner_caller_t caller;
    apr_status_t rv = oci_owner_enter(&caller, user, pool);
    int i;

    if (rv != APR_SUCCESS) {
        error = oci_io_failure("act as", "httpd's User", rv, pool);
    }
    for (i = 0; i < sections->nelts && !error; i++) {
        error = start_section(s, APR_ARRAY_IDX(sections, i, oci_config_t *),
                              user, pool);
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

/* Whether a directive is used anywhere. */
static int has_directive(const ap_directive_t *line, const char *name)
{
    for (; line; line = line->next) {
        if (line->first_child ? has_directive(line->first_child, name)
                              : is_directive(line, name)) {
            return 1;
        }
    }
    return 0;
}

static int cannot_sign(const oci_token_key_t *key)
{
    return key && key->keys && !oci_key_set_signer(key->keys);
}

/* Check that tokens have a key, and a service name if another issuer signs
 * them.  A directive in another Location may or may not apply here; the first
 * request that needs it finds out. */
static const char *check_tokens(const server_rec *s)
{
    const oci_server_config_t *server = oci_config_of_server(s);
    const oci_config_t *base = ap_get_module_config(s->lookup_defaults,
                                                    &oci_module);
    int i;

    for (i = 0; i < server->tokens->nelts; i++) {
        const oci_config_t *config = APR_ARRAY_IDX(server->tokens, i,
                                                   oci_config_t *);

        if (oci_config_uses_tokens(config) && !config->token_key
            && !base->token_key && !server->keys->nelts) {
            return "OCIToken is On, but there is no OCITokenKey; add "
                   "OCITokenKey, with the path of a key file";
        }
        if (oci_config_uses_tokens(config)
            && cannot_sign(config->token_key ? config->token_key
                                             : base->token_key)
            && !has_directive(ap_conftree, "OCITokenService")) {
            return "OCITokenKey holds no signing key, so tokens come from "
                   "another issuer, but there is no OCITokenService; add it, "
                   "with the name of this registry in the issuer's tokens";
        }
    }
    return NULL;
}

/* Whether some section has the token endpoint as its handler. */
static int has_token_endpoint(const ap_directive_t *line, apr_pool_t *pool)
{
    for (; line; line = line->next) {
        const char *args = line->args;

        if (line->first_child ? has_token_endpoint(line->first_child, pool)
                              : is_directive(line, "SetHandler")
                    && !ap_cstr_casecmp(ap_getword_conf(pool, &args),
                                        OCI_TOKEN_HANDLER)) {
            return 1;
        }
    }
    return 0;
}

static int has_signing_key(const server_rec *s)
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

/* Start everything that one server configures. */
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
        signer |= !error && has_signing_key(s);
    }
    if (!error && !signer && has_token_endpoint(ap_conftree, pool)) {
        error = "SetHandler " OCI_TOKEN_HANDLER " needs an OCITokenKey with "
                "a private key or a secret, but there is none";
    }
    if (error) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, main_server, "oci: %s", error);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    oci_guards_read(oci_config_of_server(main_server), ap_conftree, pool);
    /* httpd reads its configuration twice; warn only the second time */
    if (ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG) {
        warn_of_missing_stores(ap_conftree, 0, main_server, pool);
    }
    return OK;
}
