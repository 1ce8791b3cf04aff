/* SPDX-License-Identifier: Apache-2.0 */

/* mod_oci_s3: the blob store "s3" as a module of httpd.
 *
 *     LoadModule   oci_s3_module modules/mod_oci_s3.so
 *     OCIS3Region  eu-central-1
 *     OCIBlobStore s3 s3://bucket/prefix
 *
 * conf/README, "Blobs in an object store", explains the directives. */

#include <string.h>
#include <unistd.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_main.h"
#include "ap_provider.h"
#include "unixd.h"
#include "apr_hash.h"
#include "apr_strings.h"

#include "s3/s3_blobs.h"
#include "s3/s3_client.h"
#include "s3/s3_file_check.h"

module AP_MODULE_DECLARE_DATA oci_s3_module;
APLOG_USE_MODULE(oci_s3);

#define CREDENTIALS "OCIS3Credentials"
#define CA_FILE     "OCIS3CAFile"

/* The configuration of a server. */
typedef struct server_t {
    apr_table_t *directives; /* names and arguments */
    apr_hash_t *lines;       /* of the configuration, by the same names */
    int has_store;           /* whether a store of its own is configured */
} server_t;

static void *create_server(apr_pool_t *pool, server_rec *s)
{
    server_t *server = apr_pcalloc(pool, sizeof(*server));

    (void)s;
    server->directives = apr_table_make(pool, 4);
    server->lines = apr_hash_make(pool);
    return server;
}

static void *merge_server(apr_pool_t *pool, void *base_, void *over_)
{
    const server_t *base = base_, *over = over_;
    server_t *merged = apr_pmemdup(pool, over, sizeof(*over));

    merged->directives = apr_table_copy(pool, base->directives);
    apr_table_overlap(merged->directives, over->directives,
                      APR_OVERLAP_TABLES_SET);
    merged->lines = apr_hash_overlay(pool, over->lines, base->lines);
    return merged;
}

static server_t *config_of(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &oci_s3_module);
}

/* The line of a directive, or NULL. */
static const ap_directive_t *line_of(const server_rec *s, const char *name)
{
    return apr_hash_get(config_of(s)->lines, name, APR_HASH_KEY_STRING);
}

static const apr_table_t *directives_of(void *server)
{
    return config_of(server)->directives;
}

static const oci_s3_directives_t directives = { directives_of };

static const char *set_word(cmd_parms *cmd, void *config, const char *word)
{
    server_t *server = config_of(cmd->server);
    oci_s3_settings_t settings;

    (void)config;
    apr_table_setn(server->directives, cmd->cmd->name, word);
    apr_hash_set(server->lines, cmd->cmd->name, APR_HASH_KEY_STRING,
                 cmd->directive);
    return oci_s3_settings_read(&settings, cmd->cmd->name, word, NULL,
                                cmd->temp_pool);
}

/* The words are joined by blanks, so that none may have blanks of its own. */
static const char *set_words(cmd_parms *cmd, void *config, const char *one,
                             const char *two, const char *three)
{
    const char *words[] = { one, two, three };
    const char *text = apr_pstrcat(cmd->pool, one, two ? " " : NULL, two,
                                   three ? " " : NULL, three, NULL);
    int i;

    for (i = 0; i < 3 && words[i]; i++) {
        if (strpbrk(words[i], " \t")) {
            return apr_psprintf(cmd->pool,
                                "%s: '%s' is not a valid word: expected one "
                                "without blanks",
                                cmd->cmd->name, words[i]);
        }
    }
    return set_word(cmd, config, text);
}

static const char *set_two(cmd_parms *cmd, void *config, const char *one,
                           const char *two)
{
    return set_words(cmd, config, one, two, NULL);
}

static const command_rec commands[] = {
    AP_INIT_TAKE1("OCIS3Endpoint", set_word, NULL, RSRC_CONF,
                  "the URL of the S3 server; by default AWS"),
    AP_INIT_TAKE1("OCIS3PublicEndpoint", set_word, NULL, RSRC_CONF,
                  "the URL of the S3 server for redirected clients"),
    AP_INIT_TAKE1("OCIS3Region", set_word, NULL, RSRC_CONF,
                  "the region of the bucket"),
    AP_INIT_TAKE123("OCIS3Credentials", set_words, NULL, RSRC_CONF,
                    "auto, environment, web-identity, container, instance, or "
                    "file, a path and perhaps a profile"),
    AP_INIT_TAKE1("OCIS3PathStyle", set_word, NULL, RSRC_CONF,
                  "On, Off or auto: whether URLs have the bucket in the path"),
    AP_INIT_TAKE1("OCIS3CAFile", set_word, NULL, RSRC_CONF,
                  "a file with the certificates to trust"),
    AP_INIT_TAKE1("OCIS3PartSize", set_word, NULL, RSRC_CONF,
                  "the size of the parts of a large blob, such as 16M"),
    AP_INIT_TAKE1("OCIS3MaxBlob", set_word, NULL, RSRC_CONF,
                  "the size of the largest blob, such as 20G"),
    AP_INIT_TAKE1("OCIS3Memory", set_word, NULL, RSRC_CONF,
                  "the memory for the uploads to a store, in each process"),
    AP_INIT_TAKE12("OCIS3Encryption", set_two, NULL, RSRC_CONF,
                   "AES256, or aws:kms and a key: encryption at rest"),
    AP_INIT_TAKE1("OCIS3Checksums", set_word, NULL, RSRC_CONF,
                  "On or Off: whether to send x-amz-checksum-sha256"),
    AP_INIT_TAKE1("OCIS3RedirectExpiry", set_word, NULL, RSRC_CONF,
                  "how long the URL of a redirect is valid, in seconds"),
    AP_INIT_TAKE1("OCIS3Timeout", set_word, NULL, RSRC_CONF,
                  "how long the S3 server may be silent, in seconds"),
    { .name = NULL },
};

/* A look at files and sizes when httpd starts. */
typedef struct look_t {
    int level; /* of what requests need and cannot use */
    int warns; /* whether to warn of a file that httpd's User cannot read */
    int knows; /* whether that is known */
    apr_pool_t *pool;
} look_t;

static void say(const server_rec *s, const ap_directive_t *line, int level,
                const char *problem)
{
    ap_log_error(APLOG_MARK, level, 0, s, "oci: %s line %d: %s: %s",
                 line->filename, line->line_num, line->directive, problem);
}

/* Read a directive of a server.
 * Returns whether it has this directive. */
static int read_directive(oci_s3_settings_t *settings, const look_t *look,
                          const server_rec *s, const char *name)
{
    return line_of(s, name)
        && !oci_s3_settings_read(settings, name,
                                 apr_table_get(config_of(s)->directives, name),
                                 ap_server_root, look->pool);
}

/* Check the credentials file of a server, if it has one.
 * Returns whether it is of use. */
static int check_credentials(const look_t *look, const server_rec *s)
{
    oci_s3_reader_t reader = { ap_unixd_config.user_id,
                               ap_unixd_config.group_id };
    const ap_directive_t *line = line_of(s, CREDENTIALS);
    oci_s3_settings_t settings;
    oci_s3_file_check_t found;

    if (!read_directive(&settings, look, s, CREDENTIALS)
        || settings.source != OCI_S3_SOURCE_FILE) {
        return 1;
    }
    oci_s3_file_check_keys(&found, &settings, &reader, look->pool);
    if (found.problem) {
        say(s, line, look->level, found.problem);
    }
    else if (found.unreadable && look->warns) {
        say(s, line, APLOG_WARNING, found.unreadable);
    }
    return !found.problem;
}

/* Check the file of OCIS3CAFile of a server, if it has one. */
static int check_ca_file(const look_t *look, const server_rec *s)
{
    oci_s3_reader_t reader = { ap_unixd_config.user_id,
                               ap_unixd_config.group_id };
    oci_s3_settings_t settings;
    oci_s3_file_check_t found;
    const char *problem;

    if (!read_directive(&settings, look, s, CA_FILE)) {
        return 1;
    }
    oci_s3_file_check_ca(&found, &settings, &reader, look->pool);
    problem = look->knows && found.unreadable ? found.unreadable
                                              : found.problem;
    if (problem) {
        say(s, line_of(s, CA_FILE), look->level, problem);
    }
    return !problem;
}

/* Check that the sizes of a server fit together, if it has a store.  mod_oci
 * would name the line of OCIBlobStore. */
static int check_sizes(const look_t *look, const server_rec *s)
{
    const server_t *server = config_of(s);
    const char *name, *problem = NULL;

    if (server->has_store) {
        problem = oci_s3_settings_check_sizes(&name, server->directives,
                                              look->pool);
    }
    if (problem) {
        say(s, line_of(s, name), look->level, problem);
    }
    return !problem;
}

/* Whether a server does not just inherit a directive of the main server. */
static int has_own(const server_rec *s, const server_rec *main_server,
                   const char *name)
{
    return s == main_server || line_of(s, name) != line_of(main_server, name);
}

/* Check the files and sizes of all servers.  A virtual host without a directive
 * or a store of its own has the configuration of the main server. */
static int check_all(const look_t *look, const server_rec *main_server)
{
    const server_rec *s;
    int usable = 1;

    for (s = main_server; s; s = s->next) {
        if (s != main_server && config_of(s) == config_of(main_server)) {
            continue;
        }
        if (has_own(s, main_server, CREDENTIALS)) {
            usable &= check_credentials(look, s);
        }
        if (has_own(s, main_server, CA_FILE)) {
            usable &= check_ca_file(look, s);
        }
        usable &= check_sizes(look, s);
    }
    return usable;
}

/* A reload does not end httpd: a file may be repaired without another one. */
static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *s)
{
    int generation = ap_state_query(AP_SQ_CONFIG_GEN);
    look_t look = { generation > 1 ? APLOG_ERR : APLOG_EMERG, generation > 0, 1,
                    ptemp };

    (void)pconf;
    (void)plog;
    return check_all(&look, s) || generation > 1 ? OK
                                                 : HTTP_INTERNAL_SERVER_ERROR;
}

/* "httpd -t" */
static int check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                        server_rec *s)
{
    int knows = !getuid() || getuid() == ap_unixd_config.user_id;
    look_t look = { APLOG_EMERG, knows, knows, ptemp };

    (void)pconf;
    (void)plog;
    return ap_state_query(AP_SQ_RUN_MODE) != AP_SQ_RM_CONFIG_TEST
            || check_all(&look, s)
        ? OK
        : HTTP_INTERNAL_SERVER_ERROR;
}

/* Note that a server has a store.  httpd makes the configuration of a virtual
 * host when it reads the first directive of this module there. */
static void note_store(server_rec *s, apr_pool_t *pool)
{
    if (!config_of(s)) {
        ap_set_module_config(s->module_config, &oci_s3_module,
                             create_server(pool, s));
    }
    config_of(s)->has_store = 1;
}

static const char *create(oci_blob_store_t **store,
                          const oci_store_config_t *config, apr_pool_t *pool)
{
    if (config->server) {
        note_store(config->server, pool);
    }
    return oci_s3_blobs_create(store, config,
                               config->server ? &directives : NULL, pool);
}

/* create gives its stores the complete table. */
static const oci_blob_store_provider_t provider = { .create = create };

static void register_hooks(apr_pool_t *pool)
{
    oci_s3_initialize(pool);
    ap_register_provider(pool, OCI_BLOB_STORE_GROUP, "s3", OCI_PROVIDER_VERSION,
                         &provider);
    /* before mod_oci's, which may ask the S3 server */
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_FIRST);
}

module AP_MODULE_DECLARE_DATA oci_s3_module = { STANDARD20_MODULE_STUFF,
                                                NULL,
                                                NULL,
                                                create_server,
                                                merge_server,
                                                commands,
                                                register_hooks
#ifdef AP_MODULE_FLAG_NONE
                                                ,
                                                AP_MODULE_FLAG_NONE
#endif
};
