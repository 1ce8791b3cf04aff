/* SPDX-License-Identifier: Apache-2.0 */

/* The module's directives. */

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_main.h"
#include "ap_provider.h"
#include "apr_strings.h"

#include "httpd/config.h"
#include "httpd/measured.h"
#include "registry/boot.h"
#include "values/duration.h"
#include "values/immutable.h"

APLOG_USE_MODULE(oci);

static int compare_names(const void *left, const void *right)
{
    return strcmp(((const ap_list_provider_names_t *)left)->provider_name,
                  ((const ap_list_provider_names_t *)right)->provider_name);
}

/* Look up "provider" or "provider:type".
 * @return NULL, or an error that lists the known providers */
static const char *find_provider(const void **provider,
                                 oci_store_config_t *store, cmd_parms *cmd,
                                 const char *group, const char *name)
{
    const char *colon = ap_strchr_c(name, ':');
    apr_array_header_t *known;
    const char *names = "";
    int i;

    if (colon) {
        store->type = colon + 1;
        name = apr_pstrmemdup(cmd->pool, name, colon - name);
    }
    *provider = ap_lookup_provider(group, name, OCI_PROVIDER_VERSION);
    if (*provider) {
        return NULL;
    }
    known = ap_list_provider_names(cmd->pool, group, OCI_PROVIDER_VERSION);
    qsort(known->elts, known->nelts, known->elt_size, compare_names);
    for (i = 0; i < known->nelts; i++) {
        names = apr_pstrcat(cmd->pool, names, i ? ", " : "",
                            APR_ARRAY_IDX(known, i, ap_list_provider_names_t)
                                .provider_name,
                            NULL);
    }
    return apr_psprintf(cmd->pool,
                        "%s: unknown provider '%s'; known providers: %s",
                        cmd->cmd->name, name, names);
}

static oci_store_config_t *make_store_config(cmd_parms *cmd,
                                             const char *location)
{
    oci_store_config_t *store = apr_pcalloc(cmd->pool, sizeof(*store));

    store->location = location;
    store->base = ap_server_root;
    store->server = cmd->server;
    return store;
}

static const char *prefix_with_directive(cmd_parms *cmd, const char *error)
{
    return error ? apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", error, NULL)
                 : NULL;
}

static void add_section(cmd_parms *cmd, oci_config_t *config)
{
    if (!config->blobs && !config->index) {
        APR_ARRAY_PUSH(oci_config_of_server(cmd->server)->sections,
                       oci_config_t *) = config;
    }
}

/* Note the line of a directive, which may be in a section only once.
 * @param line The field, in which another line would be replaced */
static const char *note_line(oci_config_line_t **line, cmd_parms *cmd)
{
    if (*line) {
        return apr_psprintf(cmd->pool,
                            "%s: this section already has %s, at %s line %d; "
                            "remove one of the two",
                            cmd->cmd->name, cmd->cmd->name,
                            (*line)->directive->filename,
                            (*line)->directive->line_num);
    }
    *line = apr_pcalloc(cmd->pool, sizeof(**line));
    (*line)->directive = cmd->directive;
    return NULL;
}

static const char *set_index(cmd_parms *cmd, void *config_, const char *name,
                             const char *location)
{
    oci_config_t *config = config_;
    oci_store_config_t *store = make_store_config(cmd, location);
    const oci_index_provider_t *provider;
    const char *error = find_provider((const void **)&provider, store, cmd,
                                      OCI_INDEX_GROUP, name);

    if (!error) {
        error = note_line(&config->index_line, cmd);
    }
    if (error) {
        return error;
    }
    add_section(cmd, config);
    config->pairing = apr_pcalloc(cmd->pool, sizeof(*config->pairing));
    error = prefix_with_directive(cmd,
                                  provider->create(&config->index, store,
                                                   cmd->pool));
    if (!error) {
        config->measured_index = oci_measured_index(config->index, name,
                                                    cmd->pool);
    }
    return error;
}

/* Without OCIIndex, the index is kept beside the blobs. */
static const char *set_default_index(cmd_parms *cmd, oci_config_t *config,
                                     oci_store_config_t *store)
{
    const oci_index_provider_t
        *provider = ap_lookup_provider(OCI_INDEX_GROUP, "fs",
                                       OCI_PROVIDER_VERSION);
    const char *error;

    config->default_pairing = apr_pcalloc(cmd->pool, sizeof(*config->pairing));
    error = prefix_with_directive(cmd,
                                  provider->create(&config->default_index,
                                                   store, cmd->pool));
    if (!error) {
        config->default_measured = oci_measured_index(config->default_index,
                                                      "fs", cmd->pool);
    }
    return error;
}

static const char *set_blob_store(cmd_parms *cmd, void *config_,
                                  const char *name, const char *location)
{
    oci_config_t *config = config_;
    oci_store_config_t *store = make_store_config(cmd, location);
    const oci_blob_store_provider_t *provider;
    const char *error = find_provider((const void **)&provider, store, cmd,
                                      OCI_BLOB_STORE_GROUP, name);

    if (!error) {
        error = note_line(&config->blobs_line, cmd);
    }
    if (error) {
        return error;
    }
    add_section(cmd, config);
    config->boot = oci_boot_name(cmd->pool);
    config->default_index = NULL;
    config->default_measured = NULL;
    error = prefix_with_directive(cmd,
                                  provider->create(&config->blobs, store,
                                                   cmd->pool));
    if (!error) {
        config->measured_blobs = oci_measured_blobs(config->blobs, name,
                                                    cmd->pool);
    }
    return error || strcmp(name, "fs") ? error
                                       : set_default_index(cmd, config, store);
}

static const char *set_pattern(cmd_parms *cmd, void *config, const char *text)
{
    const char *anchored = apr_pstrcat(cmd->pool, "^(?:", text, ")$", NULL);
    const ap_regex_t *pattern = ap_pregcomp(cmd->pool, anchored,
                                            AP_REG_EXTENDED);

    if (!pattern) {
        return apr_psprintf(cmd->pool,
                            "%s: '%s' is not a valid regular expression",
                            cmd->cmd->name, text);
    }
    ((oci_config_t *)config)->pattern = pattern;
    return NULL;
}

/* Set a size in bytes; cmd->info is the offset of the field. */
static const char *set_size(cmd_parms *cmd, void *config, const char *text)
{
    apr_off_t *size = (apr_off_t *)((char *)config + (apr_size_t)cmd->info);
    char *end;

    if (apr_strtoff(size, text, &end, 10) != APR_SUCCESS || end == text || *end
        || *size < 0) {
        *size = -1;
        return apr_psprintf(cmd->pool,
                            "%s: '%s' is not a valid size: expected a number "
                            "of bytes, 0 or more",
                            cmd->cmd->name, text);
    }
    return NULL;
}

static const char *set_immutable(cmd_parms *cmd, void *config_,
                                 const char *glob, const char *condition)
{
    oci_config_t *config = config_;

    if (!config->immutable) {
        config->immutable = apr_array_make(cmd->pool, 1,
                                           sizeof(oci_immutable_t));
    }
    return prefix_with_directive(cmd,
                                 oci_immutable_add(config->immutable, glob,
                                                   condition, cmd->pool));
}

static const char *set_sparse(cmd_parms *cmd, void *config_, const char *text)
{
    static const char *const words[] = { "None", "Index", "All" };
    oci_config_t *config = config_;
    int i;

    for (i = 0; i < 3; i++) {
        if (!ap_cstr_casecmp(text, words[i])) {
            config->sparse = OCI_SPARSE_NONE + i;
            return NULL;
        }
    }
    return apr_psprintf(cmd->pool,
                        "%s: '%s' is not valid: expected None, Index or All",
                        cmd->cmd->name, text);
}

static const char *set_token_key(cmd_parms *cmd, void *config_,
                                 const char *path)
{
    oci_config_t *config = config_;

    config->token_key = apr_pcalloc(cmd->pool, sizeof(*config->token_key));
    config->token_key->path = ap_server_root_relative(cmd->pool, path);
    if (!config->token_key->path) {
        return apr_psprintf(cmd->pool, "%s: '%s' is not a valid path",
                            cmd->cmd->name, path);
    }
    config->token_key->line.directive = cmd->directive;
    APR_ARRAY_PUSH(oci_config_of_server(cmd->server)->keys,
                   oci_token_key_t *) = config->token_key;
    return NULL;
}

static const char *set_token(cmd_parms *cmd, void *config_, int on)
{
    oci_config_t *config = config_;

    config->token = on;
    config->token_line = cmd->directive;
    APR_ARRAY_PUSH(oci_config_of_server(cmd->server)->tokens,
                   oci_config_t *) = config;
    return NULL;
}

/* Clients treat a lifetime below 60 seconds as 60 seconds. */
static const char *set_token_lifetime(cmd_parms *cmd, void *config_,
                                      const char *text)
{
    oci_config_t *config = config_;
    apr_off_t seconds;
    char *end;

    if (apr_strtoff(&seconds, text, &end, 10) != APR_SUCCESS || *end
        || seconds < 60 || seconds > 86400) {
        return apr_psprintf(cmd->pool,
                            "%s: '%s' is not a valid lifetime: expected a "
                            "number of seconds from 60 to 86400",
                            cmd->cmd->name, text);
    }
    config->token_lifetime = (int)seconds;
    return NULL;
}

/* Set a time in seconds; cmd->info is the offset of the field. */
static const char *set_seconds(cmd_parms *cmd, void *config, const char *text)
{
    int *seconds = (int *)((char *)config + (apr_size_t)cmd->info);
    apr_off_t number;
    char *end;

    if (apr_strtoff(&number, text, &end, 10) != APR_SUCCESS || end == text
        || *end || number < 0 || number > OCI_DURATION_MAX) {
        return apr_psprintf(cmd->pool,
                            "%s: '%s' is not a valid time: expected a number "
                            "of seconds from 0 to %d",
                            cmd->cmd->name, text, OCI_DURATION_MAX);
    }
    *seconds = (int)number;
    return NULL;
}

/* An upload must not end between two requests of its client. */
static const char *set_upload_expiry(cmd_parms *cmd, void *config_,
                                     const char *text)
{
    oci_config_t *config = config_;
    const char *error = set_seconds(cmd, config, text);

    return error || config->upload_expiry >= 60
        ? error
        : apr_psprintf(cmd->pool,
                       "%s: '%s' is too short: expected 60 seconds or more",
                       cmd->cmd->name, text);
}

/* The policy of a section, which is made when it is first needed. */
static oci_gc_policy_t *policy_of(oci_config_t *config, cmd_parms *cmd)
{
    if (!config->gc_policy) {
        config->gc_policy = oci_gc_policy_make(cmd->pool);
    }
    return config->gc_policy;
}

static const char *set_retain(cmd_parms *cmd, void *config, int count,
                              char *const words[])
{
    return prefix_with_directive(cmd,
                                 oci_gc_policy_retain(policy_of(config, cmd),
                                                      count,
                                                      (const char *const *)
                                                          words,
                                                      cmd->pool));
}

static const char *set_untagged(cmd_parms *cmd, void *config, int count,
                                char *const words[])
{
    return prefix_with_directive(cmd,
                                 oci_gc_policy_untagged(policy_of(config, cmd),
                                                        count,
                                                        (const char *const *)
                                                            words,
                                                        cmd->pool));
}

static const char *set_pull_time(cmd_parms *cmd, void *config_,
                                 const char *word, const char *expression)
{
    oci_config_t *config = config_;
    const char *error = NULL;

    if (ap_cstr_casecmp(word, "On") && ap_cstr_casecmp(word, "Off")) {
        return apr_psprintf(cmd->pool, "%s: '%s' is neither On nor Off",
                            cmd->cmd->name, word);
    }
    config->pull_time = !ap_cstr_casecmp(word, "On");
    config->pull_counts = NULL;
    if (expression) {
        config->pull_counts = ap_expr_parse_cmd(cmd, expression, 0, &error,
                                                NULL);
    }
    return prefix_with_directive(cmd, error);
}

#define OFFSET(field) ((void *)APR_OFFSETOF(oci_config_t, field))
#define ANYWHERE      (RSRC_CONF | ACCESS_CONF)

/* httpd adds the help to its message about a wrong number of arguments. */
#define QUOTE "; put an argument with spaces in quotes"

static const char *set_event_log(cmd_parms *cmd, void *config_,
                                 const char *target, const char *format)
{
    oci_config_t *config = config_;
    int cloud = format && !ap_cstr_casecmp(format, "cloudevents");

    if (format && !cloud && ap_cstr_casecmp(format, "json")) {
        return apr_psprintf(cmd->pool,
                            "%s: unknown format '%s': expected json or "
                            "cloudevents",
                            cmd->cmd->name, format);
    }
    config->event_log = *target
        ? oci_event_log_make(target,
                             cloud ? OCI_EVENT_CLOUDEVENTS : OCI_EVENT_JSON,
                             cmd->directive, cmd->pool)
        : NULL;
    if (!config->event_log) {
        return apr_psprintf(cmd->pool,
                            "%s: '%s' is not a valid path: expected a file, "
                            "or \"|\" and a program",
                            cmd->cmd->name, target);
    }
    APR_ARRAY_PUSH(oci_config_of_server(cmd->server)->event_logs,
                   oci_event_log_t *) = config->event_log;
    return NULL;
}

const command_rec oci_directives[] = {
    AP_INIT_TAKE12("OCIBlobStore", set_blob_store, NULL, ANYWHERE,
                   "the provider that keeps blobs, and its location" QUOTE),
    AP_INIT_TAKE12("OCIIndex", set_index, NULL, ANYWHERE,
                   "the provider of the index, as provider or provider:type, "
                   "and its location" QUOTE),
    AP_INIT_TAKE1("OCIRepositoryPattern", set_pattern, NULL, ANYWHERE,
                  "a regular expression that must match the entire repository "
                  "name" QUOTE),
    AP_INIT_TAKE1("OCIMaxManifestSize", set_size, OFFSET(max_manifest),
                  ANYWHERE, "the largest manifest, in bytes; 0 for no limit"),
    AP_INIT_TAKE1("OCIMaxUploadChunkSize", set_size, OFFSET(max_chunk),
                  ANYWHERE,
                  "the largest body of one upload request, in bytes; 0 for "
                  "no limit"),
    AP_INIT_TAKE1("OCIMinUploadChunkSize", set_size, OFFSET(min_chunk),
                  ANYWHERE,
                  "the smallest upload chunk that clients are asked to send, "
                  "in bytes; 0 for none"),
    AP_INIT_FLAG("OCIBlobDelete", ap_set_flag_slot, OFFSET(blob_delete),
                 ANYWHERE, "On or Off: whether blobs may be deleted"),
    AP_INIT_FLAG("OCIManifestDelete", ap_set_flag_slot, OFFSET(manifest_delete),
                 ANYWHERE, "On or Off: whether manifests may be deleted"),
    AP_INIT_FLAG("OCITagDelete", ap_set_flag_slot, OFFSET(tag_delete), ANYWHERE,
                 "On or Off: whether tags may be deleted"),
    AP_INIT_TAKE12("OCIImmutable", set_immutable, NULL, ANYWHERE,
                   "a pattern of repositories, and tags=REGEX if not all of "
                   "their tags are immutable" QUOTE),
    AP_INIT_FLAG("OCIReadOnly", ap_set_flag_slot, OFFSET(read_only), ANYWHERE,
                 "On or Off: whether all changes are refused"),
    AP_INIT_FLAG(
        "OCIRedirect", ap_set_flag_slot, OFFSET(redirect), ANYWHERE,
        "On or Off: whether pulls of blobs are redirected to an object "
        "store"),
    AP_INIT_TAKE1("OCISparse", set_sparse, NULL, ANYWHERE,
                  "None, Index or All: which manifests may "
                  "refer to missing content"),
    AP_INIT_FLAG("OCISync", ap_set_flag_slot, OFFSET(sync), ANYWHERE,
                 "On or Off: whether a request succeeds only after its data is "
                 "synced to disk"),
    AP_INIT_TAKE1("OCIGCInterval", set_seconds, OFFSET(gc_interval), ANYWHERE,
                  "how often to collect garbage, in seconds; 0 for never"),
    AP_INIT_TAKE1("OCIGCGrace", set_seconds, OFFSET(gc_grace), ANYWHERE,
                  "how long a blob that no manifest names is kept, in seconds"),
    AP_INIT_TAKE1("OCIUploadExpiry", set_upload_expiry, OFFSET(upload_expiry),
                  ANYWHERE, "how long an upload may be idle, in seconds"),
    AP_INIT_TAKE_ARGV("OCIRetain", set_retain, NULL, ANYWHERE,
                      "a pattern of repositories, and which of their tags to "
                      "keep" QUOTE),
    AP_INIT_TAKE_ARGV("OCIUntagged", set_untagged, NULL, ANYWHERE,
                      "keep, or how long to keep manifests without a tag, and "
                      "patterns of repositories" QUOTE),
    AP_INIT_TAKE12("OCIPullTime", set_pull_time, NULL, ANYWHERE,
                   "On or Off: whether the time of the last pull is "
                   "recorded, and an expression that says which pulls "
                   "count" QUOTE),
    AP_INIT_TAKE12("OCIEventLog", set_event_log, NULL, ANYWHERE,
                   "a file, or | and a program, that gets a line for each "
                   "change, and the format: json or cloudevents" QUOTE),
    AP_INIT_FLAG("OCIToken", set_token, NULL, ANYWHERE,
                 "On or Off: whether clients authenticate with Bearer tokens"),
    AP_INIT_TAKE1("OCITokenKey", set_token_key, NULL, ANYWHERE,
                  "the file with the keys that sign and verify tokens" QUOTE),
    AP_INIT_TAKE1("OCITokenLifetime", set_token_lifetime, NULL, ANYWHERE,
                  "how long tokens are valid, in seconds"),
    AP_INIT_TAKE1("OCITokenService", ap_set_string_slot, OFFSET(token_service),
                  ANYWHERE, "the name of this registry in tokens" QUOTE),
    AP_INIT_TAKE1("OCITokenIssuer", ap_set_string_slot, OFFSET(token_issuer),
                  ANYWHERE, "the issuer whose tokens are accepted" QUOTE),
    AP_INIT_TAKE1("OCITokenRealm", ap_set_string_slot, OFFSET(token_realm),
                  ANYWHERE, "the URL where clients ask for tokens"),
    { .name = NULL },
};
