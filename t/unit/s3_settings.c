/* SPDX-License-Identifier: Apache-2.0 */

/* The settings of a bucket: locations, directives, and the environment. */

#include "start_pool.h"
#include "tap.h"

#include "apr_strings.h"

#include "s3/s3_settings.h"

#define KIB APR_INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* A location, a directive or NULL, and the beginning of the error; or NULL and
 * the URL of the bucket, with the prefix. */
static const struct {
    const char *location;
    const char *name;
    const char *value;
    const char *error;
    const char *url;
} locations[] = {
    { "s3://images", NULL, NULL, NULL,
      "https://images.s3.us-east-1.amazonaws.com/" },
    { "s3://images/", NULL, NULL, NULL,
      "https://images.s3.us-east-1.amazonaws.com/" },
    { "s3://images/a/b.c/", "OCIS3Region", "eu-central-1", NULL,
      "https://images.s3.eu-central-1.amazonaws.com/a/b.c/" },
    { "s3://images", "OCIS3Region", "cn-north-1", NULL,
      "https://images.s3.cn-north-1.amazonaws.com.cn/" },
    { "s3://im.ages", NULL, NULL, NULL,
      "https://s3.us-east-1.amazonaws.com/im.ages/" },
    { "s3://images", "OCIS3PathStyle", "On", NULL,
      "https://s3.us-east-1.amazonaws.com/images/" },
    { "s3://images/p", "OCIS3Endpoint", "http://Host:9000", NULL,
      "http://host:9000/images/p/" },
    { "s3://images", "ocis3endpoint", "https://host:443/", NULL,
      "https://host/images/" },
    { "s3://images", "OCIS3Endpoint", "http://host:443/a/b/", NULL,
      "http://host:443/a/b/images/" },
    { "s3://images", "OCIS3Endpoint", "http://[::1]:9000", NULL,
      "http://[::1]:9000/images/" },
    { "s3://images", "OCIS3Endpoint", "https://s3.eu-1.amazonaws.com", NULL,
      "https://images.s3.eu-1.amazonaws.com/" },

    { NULL, NULL, NULL, "'' is not the location of a bucket", NULL },
    { "/images", NULL, NULL, "'/images' is not the location of", NULL },
    { "s3://", NULL, NULL, "'' is not a valid name of a bucket", NULL },
    { "s3://ab", NULL, NULL, "'ab' is not a valid name of", NULL },
    { "s3://Images", NULL, NULL, "'Images' is not a valid name of", NULL },
    { "s3://a..b", NULL, NULL, "'a..b' is not a valid name of", NULL },
    { "s3://-ab", NULL, NULL, "'-ab' is not a valid name of", NULL },
    { "s3://images/a//b", NULL, NULL, "'a//b' is not a valid prefix", NULL },
    { "s3://images/../b", NULL, NULL, "'../b' is not a valid prefix", NULL },
    { "s3://images/.", NULL, NULL, "'.' is not a valid prefix", NULL },
    { "s3://images/a b", NULL, NULL, "'a b' is not a valid prefix", NULL },
};

/* A directive and its value, and the beginning of the error or NULL. */
static const struct {
    const char *name;
    const char *value;
    const char *error;
} directives[] = {
    { "OCIS3Endpoint", "https://host", NULL },
    { "OCIS3Endpoint", "ftp://host", "OCIS3Endpoint: 'ftp://host' is" },
    { "OCIS3Endpoint", "host:9000", "OCIS3Endpoint: 'host:9000' is" },
    { "OCIS3Endpoint", "http://host?a", "OCIS3Endpoint: 'http://host?a' is" },
    { "OCIS3Endpoint", "http://u:p@host", "OCIS3Endpoint: 'http://u:p@" },
    { "OCIS3Endpoint", "http://host:0", "OCIS3Endpoint: 'http://host:0' is" },
    { "OCIS3Endpoint", "http://host:65536", "OCIS3Endpoint: 'http://host:6" },
    { "OCIS3Endpoint", "http://host/a/../b", "OCIS3Endpoint: 'http://host/a" },
    { "OCIS3Endpoint", "http://a b", "OCIS3Endpoint: 'http://a b' is" },
    { "OCIS3PublicEndpoint", "http://host:80", NULL },
    { "OCIS3PublicEndpoint", "x", "OCIS3PublicEndpoint: 'x' is not a valid" },
    { "OCIS3Region", "auto", NULL },
    { "OCIS3Region", "", "OCIS3Region: '' is not a valid" },
    { "OCIS3Region", "eu 1", "OCIS3Region: 'eu 1' is not a valid" },
    { "OCIS3Region", "eu/1", "OCIS3Region: 'eu/1' is not a valid" },
    { "OCIS3Credentials", "auto", NULL },
    { "OCIS3Credentials", "Environment", NULL },
    { "OCIS3Credentials", "instance", NULL },
    { "OCIS3Credentials", "container", NULL },
    { "OCIS3Credentials", "web-identity", NULL },
    { "OCIS3Credentials", "file keys", NULL },
    { "OCIS3Credentials", "file 'my keys' work", NULL },
    { "OCIS3Credentials", "", "OCIS3Credentials: '' is not a valid" },
    { "OCIS3Credentials", "file", "OCIS3Credentials: 'file' is not a valid" },
    { "OCIS3Credentials", "file a b c", "OCIS3Credentials: 'file a b c' is" },
    { "OCIS3Credentials", "auto x", "OCIS3Credentials: 'auto x' is not" },
    { "OCIS3Credentials", "none", "OCIS3Credentials: 'none' is not a valid" },
    { "OCIS3PathStyle", "auto", NULL },
    { "OCIS3PathStyle", "yes", "OCIS3PathStyle: 'yes' is not a valid" },
    { "OCIS3CAFile", "conf/ca.pem", NULL },
    { "OCIS3CAFile", "", "OCIS3CAFile: '' is not a valid path" },
    { "OCIS3PartSize", "5M", NULL },
    { "OCIS3PartSize", "5G", NULL },
    { "OCIS3PartSize", "5242879", "OCIS3PartSize: '5242879' is not a valid" },
    { "OCIS3PartSize", "5368709121", "OCIS3PartSize: '5368709121' is not" },
    { "OCIS3PartSize", "16MB", "OCIS3PartSize: '16MB' is not a valid" },
    { "OCIS3PartSize", "-16M", "OCIS3PartSize: '-16M' is not a valid" },
    { "OCIS3PartSize", "99999999999G", "OCIS3PartSize: '99999999999G' is" },
    { "OCIS3MaxBlob", "1", NULL },
    { "OCIS3MaxBlob", "167772160000", NULL },
    { "OCIS3MaxBlob", "0", "OCIS3MaxBlob: '0' is not a valid" },
    { "OCIS3MaxBlob", "167772160001",
      "OCIS3MaxBlob: 167772160001 bytes are more than 10000 parts of 16777216 "
      "bytes: set OCIS3PartSize 17M" },
    { "OCIS3MaxBlob", "60T",
      "OCIS3MaxBlob: 65970697666560 bytes are more than an object can have: "
      "expected 50000G" },
    { "OCIS3Memory", "16M", NULL },
    { "OCIS3Memory", "15M", "OCIS3Memory: 15728640 bytes are too few for" },
    { "OCIS3Memory", "x", "OCIS3Memory: 'x' is not a valid" },
    { "OCIS3Encryption", "aes256", NULL },
    { "OCIS3Encryption", "aws:kms", NULL },
    { "OCIS3Encryption", "aws:kms 1234-abcd", NULL },
    { "OCIS3Encryption", "aws:kms a b", "OCIS3Encryption: 'aws:kms a b' is" },
    { "OCIS3Encryption", "aws:kms 'a b'", "OCIS3Encryption: 'aws:kms 'a b''" },
    { "OCIS3Encryption", "On", "OCIS3Encryption: 'On' is not a valid" },
    { "OCIS3Checksums", "off", NULL },
    { "OCIS3Checksums", "sha256", "OCIS3Checksums: 'sha256' is not a valid" },
    { "OCIS3RedirectExpiry", "60", NULL },
    { "OCIS3RedirectExpiry", "7d", NULL },
    { "OCIS3RedirectExpiry", "59", "OCIS3RedirectExpiry: '59' is not a valid" },
    { "OCIS3RedirectExpiry", "604801", "OCIS3RedirectExpiry: '604801' is" },
    { "OCIS3Timeout", "1", NULL },
    { "OCIS3Timeout", "0", "OCIS3Timeout: '0' is not a valid" },
    { "OCIS3Timeout", "601", "OCIS3Timeout: '601' is not a valid" },
    { "OCIS3Bucket", "x", "'OCIS3Bucket' is not a setting" },
};

/* Make settings of a location and a directive. */
static const char *make(const oci_s3_settings_t **settings,
                        const char *location, const char *name,
                        const char *value, apr_pool_t *pool)
{
    apr_table_t *table = apr_table_make(pool, 1);
    oci_s3_configuration_t configuration = { location, table, "/base", 0 };

    if (name) {
        apr_table_setn(table, name, value);
    }
    *settings = NULL;
    return oci_s3_settings_make(settings, &configuration, pool);
}

/* Whether an error begins as expected, or is NULL as expected. */
static int same_error(const char *error, const char *expected)
{
    return error && expected ? !strncmp(error, expected, strlen(expected))
                             : error == expected;
}

static void check_locations(tap_t *tap, apr_pool_t *pool)
{
    apr_size_t i;

    for (i = 0; i < sizeof(locations) / sizeof(locations[0]); i++) {
        const oci_s3_settings_t *settings;
        const char *location = locations[i].location;
        const char *error = make(&settings, location, locations[i].name,
                                 locations[i].value, pool);

        location = location ? location : "no location";
        if (error || locations[i].error) {
            tap_ok(tap, same_error(error, locations[i].error), "%s: %s",
                   location, error ? error : "no error");
            continue;
        }
        tap_is(tap,
               apr_pstrcat(pool, settings->endpoint.origin,
                           settings->endpoint.path, "/", settings->prefix,
                           NULL),
               locations[i].url, location);
        tap_is(tap, settings->endpoint.host,
               strstr(settings->endpoint.origin, "://") + 3, "and its host");
    }
}

static void check_directives(tap_t *tap, apr_pool_t *pool)
{
    apr_size_t i;

    for (i = 0; i < sizeof(directives) / sizeof(directives[0]); i++) {
        const oci_s3_settings_t *settings;
        const char *error = make(&settings, "s3://images", directives[i].name,
                                 directives[i].value, pool);

        tap_ok(tap, same_error(error, directives[i].error), "%s %s: %s",
               directives[i].name, directives[i].value, error ? error : "");
        tap_ok(tap, !error == !!settings, "settings or an error");
    }
}

static void check_values(tap_t *tap, apr_pool_t *pool)
{
    const oci_s3_settings_t *settings;

    make(&settings, "s3://images", NULL, NULL, pool);
    tap_ok(tap, settings->part_size == 16 * MIB, "parts have 16 MiB");
    tap_ok(tap, settings->max_blob == 160000 * MIB, "a blob 10000 parts");
    tap_ok(tap, settings->memory == 512 * MIB, "there is room for 32 parts");
    tap_ok(tap, settings->redirect_expiry == 1200, "URLs last 20 minutes");
    tap_ok(tap, settings->timeout == apr_time_from_sec(20), "20 seconds");
    tap_ok(tap, !settings->checksums && !settings->encryption, "both are off");
    make(&settings, "s3://images", "OCIS3PartSize", "1g", pool);
    tap_ok(tap,
           settings->part_size == GIB && settings->max_blob == 10000 * GIB
               && settings->memory == 32 * GIB,
           "the part size determines the other two");
    make(&settings, "s3://images", "OCIS3Credentials", "file k w", pool);
    tap_is(tap, settings->credentials_file, "/base/k", "a relative path");
    tap_is(tap, settings->profile, "w", "a profile");
    make(&settings, "s3://images", "OCIS3CAFile", "/ca.pem", pool);
    tap_is(tap, settings->ca_file, "/ca.pem", "an absolute path");
    make(&settings, "s3://images", "OCIS3Encryption", "aws:kms k", pool);
    tap_ok(tap, settings->encryption == OCI_S3_ENCRYPTION_KMS, "encryption");
    tap_is(tap, settings->kms_key, "k", "its key");
    make(&settings, "s3://images", "OCIS3PublicEndpoint", "http://p:1", pool);
    tap_is(tap, settings->public_endpoint.origin, "http://p:1", "for clients");
    tap_is(tap, settings->endpoint.host, "images.s3.us-east-1.amazonaws.com",
           "for this process");
}

static void check_environment(tap_t *tap, apr_pool_t *pool)
{
    oci_s3_configuration_t configuration = { "s3://images", NULL, NULL, 1 };
    const oci_s3_settings_t *settings;

    setenv("AWS_ENDPOINT_URL", "http://general", 1);
    setenv("AWS_ENDPOINT_URL_S3", "http://host:1", 1);
    setenv("AWS_REGION", "", 1);
    setenv("AWS_DEFAULT_REGION", "eu-1", 1);
    oci_s3_settings_make(&settings, &configuration, pool);
    tap_is(tap, settings->endpoint.origin, "http://host:1",
           "the endpoint of the environment");
    tap_is(tap, settings->region, "eu-1", "its region");
    setenv("AWS_ENDPOINT_URL_S3", "x", 1);
    tap_ok(tap,
           same_error(oci_s3_settings_make(&settings, &configuration, pool),
                      "the environment variable AWS_ENDPOINT_URL_S3: 'x' is "),
           "an error names the variable");
    make(&settings, "s3://images", NULL, NULL, pool);
    tap_is(tap, settings->region, "us-east-1", "the environment is not asked");
}

int main(void)
{
    apr_pool_t *pool = start_pool();
    tap_t tap = { 0, 0 };

    check_locations(&tap, pool);
    check_directives(&tap, pool);
    check_values(&tap, pool);
    check_environment(&tap, pool);
    return tap_done(&tap);
}
