/* SPDX-License-Identifier: Apache-2.0 */

/* mod_oci_s3: the blob store "s3" as a module of httpd.
 *
 *     LoadModule   oci_s3_module modules/mod_oci_s3.so
 *     OCIS3Region  eu-central-1
 *     OCIBlobStore s3 s3://bucket/prefix
 *
 * conf/README, "Blobs in an object store", explains the directives. */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "ap_provider.h"
#include "apr_strings.h"

#include "s3/s3_blobs.h"
#include "s3/s3_client.h"

module AP_MODULE_DECLARE_DATA oci_s3_module;

/* The directives of a server: names and arguments. */
static void *create_server(apr_pool_t *pool, server_rec *s)
{
    (void)s;
    return apr_table_make(pool, 4);
}

static void *merge_server(apr_pool_t *pool, void *base, void *over)
{
    apr_table_t *merged = apr_table_copy(pool, base);

    apr_table_overlap(merged, over, APR_OVERLAP_TABLES_SET);
    return merged;
}

static const apr_table_t *directives_of(void *server)
{
    return ap_get_module_config(((server_rec *)server)->module_config,
                                &oci_s3_module);
}

static const oci_s3_directives_t directives = { directives_of };

static const char *set_word(cmd_parms *cmd, void *config, const char *word)
{
    oci_s3_settings_t settings;

    (void)config;
    apr_table_setn(ap_get_module_config(cmd->server->module_config,
                                        &oci_s3_module),
                   cmd->cmd->name, word);
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
                  "the URL of the S3 server; AWS without it"),
    AP_INIT_TAKE1("OCIS3PublicEndpoint", set_word, NULL, RSRC_CONF,
                  "its URL for clients that are redirected to it"),
    AP_INIT_TAKE1("OCIS3Region", set_word, NULL, RSRC_CONF,
                  "the region of the bucket"),
    AP_INIT_TAKE123("OCIS3Credentials", set_words, NULL, RSRC_CONF,
                    "auto, environment, web-identity, container, instance, or "
                    "file and a path"),
    AP_INIT_TAKE1("OCIS3PathStyle", set_word, NULL, RSRC_CONF,
                  "On, Off or auto: whether the bucket is in the path"),
    AP_INIT_TAKE1("OCIS3CAFile", set_word, NULL, RSRC_CONF,
                  "a file with the certificates to trust"),
    AP_INIT_TAKE1("OCIS3PartSize", set_word, NULL, RSRC_CONF,
                  "the size of the parts of a large blob in bytes"),
    AP_INIT_TAKE1("OCIS3MaxBlob", set_word, NULL, RSRC_CONF,
                  "the size of the largest blob in bytes"),
    AP_INIT_TAKE1("OCIS3Memory", set_word, NULL, RSRC_CONF,
                  "the memory for all uploads of a store and process"),
    AP_INIT_TAKE12("OCIS3Encryption", set_two, NULL, RSRC_CONF,
                   "AES256, or aws:kms and a key: encryption at rest"),
    AP_INIT_TAKE1("OCIS3Checksums", set_word, NULL, RSRC_CONF,
                  "On or Off: whether to send x-amz-checksum-sha256"),
    AP_INIT_TAKE1("OCIS3RedirectExpiry", set_word, NULL, RSRC_CONF,
                  "for how many seconds the URL of a redirect is valid"),
    AP_INIT_TAKE1("OCIS3Timeout", set_word, NULL, RSRC_CONF,
                  "for how many seconds the S3 server may be silent"),
    { .name = NULL },
};

static const char *create(oci_blob_store_t **store,
                          const oci_store_config_t *config, apr_pool_t *pool)
{
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
