/* SPDX-License-Identifier: Apache-2.0 */

/* The settings of a bucket: its location and the OCIS3 directives. */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "apr_lib.h"
#include "apr_strings.h"

#include "s3/s3_endpoint.h"
#include "s3/s3_location.h"
#include "s3/s3_settings.h"
#include "values/duration.h"

#define KIB          APR_INT64_C(1024)
#define MIB          (1024 * KIB)
#define GIB          (1024 * MIB)
#define TIB          (1024 * GIB)
#define PART_MIN     (5 * MIB)
#define PART_MAX     (5 * GIB)
#define PART_DEFAULT (16 * MIB)
#define MEMORY_PARTS 32
#define EXPIRY_MIN   60
#define EXPIRY_MAX   604800
#define TIMEOUT_MAX  600

/* Settings that are being made. */
typedef struct maker_t {
    const oci_s3_configuration_t *configuration;
    oci_s3_settings_t *settings;
    const char *name;     /* of the directive or variable that is being read */
    const char *endpoint; /* as configured, or NULL */
    const char *public_endpoint;
    oci_s3_style_e style;
    const char *error; /* the first; or NULL */
    apr_pool_t *pool;
} maker_t;

/* Parse a number of bytes, such as "16M". */
static int parse_size(apr_off_t *size, const char *text)
{
    static const char letters[] = "KMGT";
    static const apr_int64_t units[] = { KIB, MIB, GIB, TIB };
    apr_int64_t number, unit = 1;
    const char *letter;
    char *end;

    if (!apr_isdigit(*text)) {
        return 0;
    }
    number = apr_strtoi64(text, &end, 10);
    if (*end) {
        letter = strchr(letters, apr_toupper(*end));
        if (!letter || end[1]) {
            return 0;
        }
        unit = units[letter - letters];
    }
    if (number > APR_INT64_MAX / unit) {
        return 0;
    }
    *size = number * unit;
    return 1;
}

/* Say that a value is not valid.
 * kind: what it should be, such as "size" */
static const char *refuse(const maker_t *maker, const char *value,
                          const char *kind, const char *expected)
{
    return apr_psprintf(maker->pool, "%s: '%s' is not a valid %s: expected %s",
                        maker->name, value, kind, expected);
}

static const char *refuse_endpoint(const maker_t *maker, const char *value)
{
    return refuse(maker, value, "URL of a server",
                  "http:// or https://, a host, and if necessary a port "
                  "and a path, such as https://host:9000");
}

static const char *set_endpoint(maker_t *maker, const char *value)
{
    maker->endpoint = value;
    return oci_s3_endpoint_check(value) ? NULL : refuse_endpoint(maker, value);
}

static const char *set_public_endpoint(maker_t *maker, const char *value)
{
    maker->public_endpoint = value;
    return oci_s3_endpoint_check(value) ? NULL : refuse_endpoint(maker, value);
}

static const char *set_region(maker_t *maker, const char *value)
{
    const char *p = value;

    while (apr_isalnum(*p) || *p == '-' || *p == '_') {
        p++;
    }
    if (*p || p == value) {
        return refuse(maker, value, "region",
                      "letters, digits and '-', such as eu-central-1");
    }
    maker->settings->region = value;
    return NULL;
}

/* A path of a file, absolute. */
static const char *file_path(maker_t *maker, const char *value)
{
    const char *base = maker->configuration->base;

    return *value == '/' || !base
        ? apr_pstrdup(maker->pool, value)
        : apr_pstrcat(maker->pool, base,
                      *base && base[strlen(base) - 1] == '/' ? "" : "/", value,
                      NULL);
}

static const char *set_credentials(maker_t *maker, const char *value)
{
    static const struct {
        const char *name;
        oci_s3_source_e source;
    } names[] = {
        { "auto", OCI_S3_SOURCE_AUTO },
        { "environment", OCI_S3_SOURCE_ENVIRONMENT },
        { "web-identity", OCI_S3_SOURCE_WEB_IDENTITY },
        { "container", OCI_S3_SOURCE_CONTAINER },
        { "instance", OCI_S3_SOURCE_INSTANCE },
    };
    oci_s3_settings_t *settings = maker->settings;
    apr_size_t i;
    char **words;

    if (apr_tokenize_to_argv(value, &words, maker->pool) == APR_SUCCESS
        && words[0]) {
        for (i = 0; i < sizeof(names) / sizeof(names[0]) && !words[1]; i++) {
            if (!strcasecmp(words[0], names[i].name)) {
                settings->source = names[i].source;
                return NULL;
            }
        }
        if (!strcasecmp(words[0], "file") && words[1]
            && (!words[2] || !words[3])) {
            settings->source = OCI_S3_SOURCE_FILE;
            settings->credentials_file = file_path(maker, words[1]);
            settings->profile = words[2];
            return NULL;
        }
    }
    return refuse(maker, value, "source of credentials",
                  "'file PATH [PROFILE]', 'environment', 'web-identity', "
                  "'container', 'instance' or 'auto'");
}

static const char *set_path_style(maker_t *maker, const char *value)
{
    static const char *const names[] = { "auto", "on", "off" };
    static const oci_s3_style_e styles[] = { OCI_S3_STYLE_AUTO,
                                             OCI_S3_STYLE_PATH,
                                             OCI_S3_STYLE_HOST };
    apr_size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!strcasecmp(value, names[i])) {
            maker->style = styles[i];
            return NULL;
        }
    }
    return refuse(maker, value, "value", "On, Off or auto");
}

static const char *set_ca_file(maker_t *maker, const char *value)
{
    maker->settings->ca_file = file_path(maker, value);
    return *value ? NULL : refuse(maker, value, "path", "that of a file");
}

static const char *set_part_size(maker_t *maker, const char *value)
{
    apr_off_t *size = &maker->settings->part_size;

    return parse_size(size, value) && *size >= PART_MIN && *size <= PART_MAX
        ? NULL
        : refuse(maker, value, "size", "a number of bytes from 5M to 5G");
}

static const char *set_max_blob(maker_t *maker, const char *value)
{
    apr_off_t *size = &maker->settings->max_blob;

    return parse_size(size, value) && *size > 0
        ? NULL
        : refuse(maker, value, "size", "a number of bytes, such as 100G");
}

static const char *set_memory(maker_t *maker, const char *value)
{
    apr_off_t *size = &maker->settings->memory;

    return parse_size(size, value) && *size > 0
        ? NULL
        : refuse(maker, value, "size", "a number of bytes, such as 512M");
}

/* The id of a key becomes a header, so it has only visible characters. */
static const char *set_encryption(maker_t *maker, const char *value)
{
    oci_s3_settings_t *settings = maker->settings;
    char **words;
    const char *p;

    if (!strcasecmp(value, "AES256")) {
        settings->encryption = OCI_S3_ENCRYPTION_AES256;
        return NULL;
    }
    if (apr_tokenize_to_argv(value, &words, maker->pool) == APR_SUCCESS
        && words[0] && !strcasecmp(words[0], "aws:kms")
        && (!words[1] || !words[2])) {
        for (p = words[1]; p && apr_isgraph(*p); p++) {
        }
        if (!p || !*p) {
            settings->encryption = OCI_S3_ENCRYPTION_KMS;
            settings->kms_key = words[1];
            return NULL;
        }
    }
    return refuse(maker, value, "encryption", "AES256 or 'aws:kms [KEY-ID]'");
}

static const char *set_checksums(maker_t *maker, const char *value)
{
    maker->settings->checksums = !strcasecmp(value, "on");
    return maker->settings->checksums || !strcasecmp(value, "off")
        ? NULL
        : refuse(maker, value, "value", "On or Off");
}

static const char *set_redirect_expiry(maker_t *maker, const char *value)
{
    int *seconds = &maker->settings->redirect_expiry;

    return oci_duration_parse(seconds, value) == APR_SUCCESS
            && *seconds >= EXPIRY_MIN && *seconds <= EXPIRY_MAX
        ? NULL
        : refuse(maker, value, "time", "60 to 604800 seconds");
}

static const char *set_timeout(maker_t *maker, const char *value)
{
    int seconds;

    if (oci_duration_parse(&seconds, value) != APR_SUCCESS || seconds < 1
        || seconds > TIMEOUT_MAX) {
        return refuse(maker, value, "time",
                      apr_psprintf(maker->pool, "1 to %d seconds",
                                   TIMEOUT_MAX));
    }
    maker->settings->timeout = apr_time_from_sec(seconds);
    return NULL;
}

static const struct {
    const char *name;
    const char *(*set)(maker_t *maker, const char *value);
} directives[] = {
    { "OCIS3Endpoint", set_endpoint },
    { "OCIS3PublicEndpoint", set_public_endpoint },
    { "OCIS3Region", set_region },
    { "OCIS3Credentials", set_credentials },
    { "OCIS3PathStyle", set_path_style },
    { "OCIS3CAFile", set_ca_file },
    { "OCIS3PartSize", set_part_size },
    { "OCIS3MaxBlob", set_max_blob },
    { "OCIS3Memory", set_memory },
    { "OCIS3Encryption", set_encryption },
    { "OCIS3Checksums", set_checksums },
    { "OCIS3RedirectExpiry", set_redirect_expiry },
    { "OCIS3Timeout", set_timeout },
};

/* Apply one directive; a visitor of apr_table_do. */
static int set_directive(void *baton, const char *name, const char *value)
{
    maker_t *maker = baton;
    apr_size_t i;

    for (i = 0; i < sizeof(directives) / sizeof(directives[0]); i++) {
        if (!strcasecmp(name, directives[i].name)) {
            maker->name = directives[i].name;
            maker->error = directives[i].set(maker,
                                             apr_pstrdup(maker->pool, value));
            return maker->error == NULL;
        }
    }
    maker->error = apr_psprintf(maker->pool,
                                "'%s' is not a setting of the blob store s3",
                                name);
    return 0;
}

/* Read a variable of the environment, and note its name; NULL if it is not set
 * or empty. */
static const char *read_variable(maker_t *maker, const char *name)
{
    const char *value = getenv(name);

    maker->name = apr_pstrcat(maker->pool, "the environment variable ", name,
                              NULL);
    return value && *value ? value : NULL;
}

/* Take what directives do not say from the environment. */
static void use_environment(maker_t *maker)
{
    static const char *const endpoints[] = { "AWS_ENDPOINT_URL_S3",
                                             "AWS_ENDPOINT_URL" };
    static const char *const regions[] = { "AWS_REGION", "AWS_DEFAULT_REGION" };
    const char *value;
    int i;

    for (i = 0; i < 2 && !maker->endpoint && !maker->error; i++) {
        value = read_variable(maker, endpoints[i]);
        maker->error = value ? set_endpoint(maker, value) : NULL;
    }
    for (i = 0; i < 2 && !maker->settings->region && !maker->error; i++) {
        value = read_variable(maker, regions[i]);
        maker->error = value ? set_region(maker, value) : NULL;
    }
}

/* Compare the sizes with one another, and fill in those that are missing.
 * Returns what is wrong with the directive that the maker then names. */
static const char *settle_sizes(maker_t *maker)
{
    oci_s3_settings_t *settings = maker->settings;
    apr_off_t most = settings->part_size * OCI_S3_PARTS;
    apr_off_t part;

    if (!settings->max_blob) {
        settings->max_blob = most;
    }
    if (!settings->memory) {
        settings->memory = settings->part_size * MEMORY_PARTS;
    }
    maker->name = "OCIS3MaxBlob";
    part = (settings->max_blob - 1) / OCI_S3_PARTS / MIB + 1;
    if (settings->max_blob > most && part * MIB > PART_MAX) {
        return apr_psprintf(maker->pool,
                            "%" APR_OFF_T_FMT " bytes are more than an object "
                            "can have: expected 50000G, which is 10000 parts "
                            "of 5G, or less",
                            settings->max_blob);
    }
    if (settings->max_blob > most) {
        return apr_psprintf(maker->pool,
                            "%" APR_OFF_T_FMT " bytes are more than 10000 "
                            "parts of %" APR_OFF_T_FMT " bytes: set "
                            "OCIS3PartSize %" APR_OFF_T_FMT "M or more",
                            settings->max_blob, settings->part_size, part);
    }
    maker->name = "OCIS3Memory";
    if (settings->memory < settings->part_size) {
        return apr_psprintf(maker->pool,
                            "%" APR_OFF_T_FMT " bytes are too few for a part: "
                            "expected %" APR_OFF_T_FMT " bytes, the size of a "
                            "part (OCIS3PartSize), or more",
                            settings->memory, settings->part_size);
    }
    return NULL;
}

const char *oci_s3_settings_check_sizes(const char **name,
                                        const apr_table_t *directives,
                                        apr_pool_t *pool)
{
    oci_s3_configuration_t configuration = { .directives = directives };
    oci_s3_settings_t settings = { .part_size = PART_DEFAULT };
    maker_t maker = { .configuration = &configuration,
                      .settings = &settings,
                      .style = OCI_S3_STYLE_AUTO,
                      .pool = pool };

    apr_table_do(set_directive, &maker, directives, NULL);
    if (!maker.error) {
        maker.error = settle_sizes(&maker);
    }
    *name = maker.name;
    return maker.error;
}

const char *oci_s3_settings_read(oci_s3_settings_t *settings, const char *name,
                                 const char *value, const char *base,
                                 apr_pool_t *pool)
{
    oci_s3_configuration_t configuration = { .base = base };
    maker_t maker = { .configuration = &configuration,
                      .settings = settings,
                      .style = OCI_S3_STYLE_AUTO,
                      .pool = pool };

    memset(settings, 0, sizeof(*settings));
    set_directive(&maker, name, value);
    return maker.error;
}

const char *oci_s3_settings_make(const oci_s3_settings_t **settings,
                                 const oci_s3_configuration_t *configuration,
                                 apr_pool_t *pool)
{
    oci_s3_settings_t *made = apr_pcalloc(pool, sizeof(*made));
    maker_t maker = { .configuration = configuration,
                      .settings = made,
                      .style = OCI_S3_STYLE_AUTO,
                      .pool = pool };

    made->part_size = PART_DEFAULT;
    made->redirect_expiry = 1200;
    made->timeout = apr_time_from_sec(20);
    maker.error = oci_s3_location_parse(&made->bucket, &made->prefix,
                                        configuration->location, pool);
    if (!maker.error && configuration->directives) {
        apr_table_do(set_directive, &maker, configuration->directives, NULL);
    }
    if (!maker.error && configuration->environment) {
        use_environment(&maker);
    }
    if (maker.error) {
        return maker.error;
    }
    maker.error = settle_sizes(&maker);
    if (maker.error) {
        return apr_pstrcat(pool, maker.name, ": ", maker.error, NULL);
    }
    if (!made->region) {
        made->region = "us-east-1";
    }
    oci_s3_endpoint_make(&made->endpoint, made, maker.endpoint, maker.style,
                         pool);
    made->public_endpoint = made->endpoint;
    if (maker.public_endpoint) {
        oci_s3_endpoint_make(&made->public_endpoint, made,
                             maker.public_endpoint, maker.style, pool);
    }
    *settings = made;
    return NULL;
}
