/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file config.h
 * @brief What the directives say
 */

#ifndef OCI_CONFIG_H
#define OCI_CONFIG_H

#include "httpd.h"
#include "http_config.h"

#include "api/request.h"
#include "values/key_set.h"

extern module AP_MODULE_DECLARE_DATA oci_module;

/** A key file, which is read when the server starts. */
typedef struct oci_token_key_t {
    const char *path;
    oci_key_set_t *keys;
} oci_token_key_t;

/** The configuration of a place: a Location, or a server's default. */
typedef struct oci_config_t {
    const char *boot; /* of this machine, or NULL */
    oci_blob_store_t *blobs;
    oci_index_t *index;         /* as OCIIndex says */
    void **checked;             /* what oci_registry_t has of it */
    oci_index_t *default_index; /* where OCIIndex says nothing, or NULL */
    void **default_checked;
    const ap_regex_t *pattern;
    apr_off_t max_manifest; /* the rest is -1 where it is not set */
    apr_off_t max_chunk;
    apr_off_t min_chunk;
    int blob_delete;
    int manifest_delete;
    int tag_delete;
    int read_only;
    int sparse;
    int sync;
    int token;
    const char *token_realm; /* the rest is NULL where it is not set */
    const char *token_service;
    const char *token_issuer;
    oci_token_key_t *token_key;
    int token_lifetime; /* seconds, -1 where it is not set */
} oci_config_t;

/** What there is to start of a server, once all of it is read. */
typedef struct oci_server_config_t {
    apr_array_header_t *places;        /* oci_config_t *: which name a store */
    apr_array_header_t *keys;          /* oci_token_key_t * */
    apr_array_header_t *tokens;        /* oci_config_t *: which say OCIToken */
    int guarded;                       /* of the main server: somebody may be
                                        * refused somewhere */
    apr_array_header_t *guarded_paths; /* likewise: const char *, what paths
                                        * begin with where it depends on who
                                        * it is */
    apr_uint32_t bodies;               /* of the main server: being read now */
} oci_server_config_t;

/** The table of directives. */
extern const command_rec oci_directives[];

void *oci_config_create_dir(apr_pool_t *pool, char *path);
void *oci_config_merge_dir(apr_pool_t *pool, void *base, void *over);
void *oci_config_create_server(apr_pool_t *pool, server_rec *s);

/** What is in force for a request. */
const oci_config_t *oci_config_of(const request_rec *r);

/** The part of a server. */
oci_server_config_t *oci_config_of_server(const server_rec *s);

/** Whether OCIRepositoryPattern lets a valid name be used. */
int oci_config_allows_name(const oci_config_t *config, const char *name);

/** Whether tokens are in use. */
int oci_config_tokens(const oci_config_t *config);

/** The keys of tokens, NULL for none. */
const oci_key_set_t *oci_config_keys(const oci_config_t *config);

/** How long a token is good for, in seconds. */
int oci_config_token_lifetime(const oci_config_t *config);

/** Whether a server has a store, of its own or of the main server. */
int oci_config_has_store(const server_rec *s);

/** How many bodies this process reads at present, for oci_request_t. */
apr_uint32_t *oci_config_bodies(void);

/** Fill in the registry, the policy and the bodies of a request. */
void oci_config_apply(oci_request_t *request, const oci_config_t *config);

#endif /* OCI_CONFIG_H */
