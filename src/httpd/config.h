/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file config.h
 * @brief The module's directives and the configuration that they set
 */

#ifndef OCI_CONFIG_H
#define OCI_CONFIG_H

#include "httpd.h"
#include "http_config.h"

#include "ap_expr.h"
#include "api/request.h"
#include "gc/gc_policy.h"
#include "httpd/event_log.h"
#include "values/key_set.h"

extern module AP_MODULE_DECLARE_DATA oci_module;

/** A line of the configuration that the start depends on. */
typedef struct oci_config_line_t {
    const ap_directive_t *directive; /* for its file and line number */
    const char *problem; /* why a reload could not make it work, or NULL */
} oci_config_line_t;

/** A key file; it is read when the server starts. */
typedef struct oci_token_key_t {
    const char *path;    /* absolute */
    oci_key_set_t *keys; /* NULL until the file is read, and if that failed */
    oci_config_line_t line;
} oci_token_key_t;

/**
 * The configuration of a section: a Location, or a server's default.
 * Pointers are NULL and numbers are -1 until a directive sets them.
 */
typedef struct oci_config_t {
    const char *boot; /* id of the machine's boot, or NULL: see boot.h */
    oci_blob_store_t *blobs;
    oci_blob_store_t *measured_blobs; /* blobs, with calls that are counted */
    oci_config_line_t *blobs_line;    /* OCIBlobStore; NULL without blobs */
    oci_index_t *index;               /* set by OCIIndex */
    oci_index_t *measured_index;      /* index, with calls that are counted */
    oci_config_line_t *index_line;    /* OCIIndex; NULL without index */
    oci_pairing_state_t *pairing;     /* for index: see oci_registry_t */
    oci_index_t *default_index;       /* used without OCIIndex; may be NULL */
    oci_index_t *default_measured;    /* likewise, as measured_index */
    oci_pairing_state_t *default_pairing; /* for default_index */
    const ap_regex_t *pattern;
    apr_off_t max_manifest; /* bytes */
    apr_off_t max_chunk;    /* bytes */
    apr_off_t min_chunk;    /* bytes */
    int blob_delete;
    int manifest_delete;
    int tag_delete;
    int read_only;
    int redirect;
    int sparse; /* oci_sparse_e */
    int sync;
    int token;
    const ap_directive_t *token_line; /* OCIToken; NULL if token is -1 */
    const char *token_realm;
    const char *token_service;
    const char *token_issuer;
    oci_token_key_t *token_key;
    int token_lifetime;         /* seconds */
    int gc_interval;            /* seconds; 0: never */
    int gc_grace;               /* seconds */
    int upload_expiry;          /* seconds */
    oci_gc_policy_t *gc_policy; /* OCIRetain and OCIUntagged, or NULL */
    int pull_time;
    const ap_expr_info_t *pull_counts; /* which pulls count; NULL: all */
    apr_array_header_t *immutable;     /* oci_immutable_t, or NULL */
    oci_event_log_t *event_log;        /* OCIEventLog, or NULL */
} oci_config_t;

/** The parts of a server's configuration that its start needs. */
typedef struct oci_server_config_t {
    apr_array_header_t *sections;      /* oci_config_t *: those with a store */
    apr_array_header_t *keys;          /* oci_token_key_t * */
    apr_array_header_t *tokens;        /* oci_config_t *: those with OCIToken */
    apr_array_header_t *event_logs;    /* oci_event_log_t * */
    int guarded;                       /* main server only: some directive may
                                        * refuse a request */
    int splits_tags;                   /* main server only: some section may
                                        * apply to some tags of a repository */
    apr_array_header_t *guarded_paths; /* main server only: const char *, the
                                        * path prefixes under which the answer
                                        * may depend on the caller */
    struct oci_health_t *health;       /* of this process: see health.h */
    struct oci_metrics_t *metrics;     /* main server only: see metrics.h; NULL
                                        * if nothing is counted */
    struct oci_metrics_process_t *metrics_process; /* likewise: of this
                                                    * process, or NULL */
    apr_uint32_t bodies; /* main server only: request bodies that
                          * this process is reading */
} oci_server_config_t;

/** What the directives that apply to the path of a tag say about it. */
typedef struct oci_tag_policy_t {
    int read_only;
    int tag_delete;
    int manifest_delete;
    int immutable; /* it does not move once it is set */
} oci_tag_policy_t;

/** The table of directives. */
extern const command_rec oci_directives[];

/** Create a section's configuration with nothing set. */
void *oci_config_create_dir(apr_pool_t *pool, char *path);

/** Merge two sections: what over sets replaces what base sets. */
void *oci_config_merge_dir(apr_pool_t *pool, void *base, void *over);

/** Create a server's configuration. */
void *oci_config_create_server(apr_pool_t *pool, server_rec *s);

/** Return the configuration that applies to a request. */
const oci_config_t *oci_config_of(const request_rec *r);

/** Return the configuration of a server. */
oci_server_config_t *oci_config_of_server(const server_rec *s);

/**
 * Return the configuration of a section with what it inherits from its server.
 * @param section As in the arrays of oci_server_config_t
 * @param s The server that has this array
 */
const oci_config_t *oci_config_inherit(const oci_config_t *section,
                                       const server_rec *s, apr_pool_t *pool);

/** Return the index: that of OCIIndex or the default one, NULL for none. */
oci_index_t *oci_config_index(const oci_config_t *config);

/**
 * Check a name against OCIRepositoryPattern.
 * @param name A valid repository name
 * @return 1 if the pattern matches or is not set, otherwise 0
 */
int oci_config_allows_name(const oci_config_t *config, const char *name);

/**
 * Find out what a configuration says about a tag.
 * @param policy Filled in
 * @param config That applies to the tag's path
 * @param name The tag's repository
 * @param tag A digest for a path with a digest; NULL for one without either
 * @param pool For temporary data
 */
void oci_config_tag_policy(oci_tag_policy_t *policy, const oci_config_t *config,
                           const char *name, const char *tag, apr_pool_t *pool);

/** Return 1 if OCIToken is On, otherwise 0. */
int oci_config_uses_tokens(const oci_config_t *config);

/**
 * Return why the last reload could not start the stores of a configuration, or
 * read its key file; NULL if it could.
 */
const char *oci_config_problem(const oci_config_t *config);

/** Return the keys of OCITokenKey, NULL if it is not set. */
const oci_key_set_t *oci_config_keys(const oci_config_t *config);

/** Return the lifetime of a new token, in seconds. */
int oci_config_token_lifetime(const oci_config_t *config);

/** Return 1 if the server or the main server configures a store. */
int oci_config_has_store(const server_rec *s);

/**
 * Return this process's count of request bodies that are being read, for
 * oci_request_t.  The caller changes it atomically.
 */
apr_uint32_t *oci_config_bodies(void);

/** Return how often garbage is collected, in seconds; 0 for never. */
int oci_config_gc_interval(const oci_config_t *config);

/** Return how long something stays condemned, in seconds. */
int oci_config_gc_grace(const oci_config_t *config);

/** Return how long an upload may be idle, in seconds. */
int oci_config_upload_expiry(const oci_config_t *config);

/** Return 1 if the time of a pull by this request is to be remembered. */
int oci_config_dates_pulls(const oci_config_t *config, request_rec *r);

/** Set the stores and settings of a registry. */
void oci_config_set_registry(oci_registry_t *registry,
                             const oci_config_t *config);

/** Set the registry, the policy and the body count of a request. */
void oci_config_apply(oci_request_t *request, const oci_config_t *config);

#endif /* OCI_CONFIG_H */
