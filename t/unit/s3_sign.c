/* SPDX-License-Identifier: Apache-2.0 */

/* AWS Signature Version 4: the examples of S3's documentation, and those of the
 * published test suite of version 4 that S3's rules for paths allow. */

#include "start_pool.h"
#include "tap.h"

#include "apr_strings.h"

#include "s3/s3_sign.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define LETTERS \
    "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define TOKEN                                                                  \
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKW" \
    "HGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4" \
    "IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE" \
    "8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yj" \
    "c8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

/* 2013-05-24T00:00:00Z and 2015-08-30T12:36:00Z, in seconds. */
#define EXAMPLES_TIME APR_INT64_C(1369353600)
#define SUITE_TIME    APR_INT64_C(1440938160)

static const oci_s3_keys_t examples_keys = {
    "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", NULL, 0
};
static const oci_s3_keys_t suite_keys = {
    "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", NULL, 0
};

/* A request, and its signature. Pairs of names and values end with NULL. */
typedef struct vector_t {
    const char *name;
    const char *method;
    const char *path; /* not encoded */
    const char *query[7];
    const char *headers[7]; /* but Host and x-amz-date */
    const char *body;
    const char *signed_headers;
    const char *signature;
} vector_t;

static const vector_t examples[] = {
    { "GET object",
      "GET",
      "/test.txt",
      { NULL },
      { "Range", "bytes=0-9", NULL },
      "",
      "host;range;x-amz-content-sha256;x-amz-date",
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
    { "PUT object",
      "PUT",
      "/test$file.text",
      { NULL },
      { "Date", "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class",
        "REDUCED_REDUNDANCY", NULL },
      "Welcome to Amazon S3.",
      "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
    { "GET bucket lifecycle",
      "GET",
      "/",
      { "lifecycle", "", NULL },
      { NULL },
      "",
      "host;x-amz-content-sha256;x-amz-date",
      "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
    { "list objects",
      "GET",
      "/",
      { "prefix", "J", "max-keys", "2", NULL },
      { NULL },
      "",
      "host;x-amz-content-sha256;x-amz-date",
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
};

static const vector_t suite[] = {
    { "get-vanilla",
      "GET",
      "/",
      { NULL },
      { NULL },
      "",
      "host;x-amz-date",
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
    { "get-vanilla-query-order-key-case",
      "GET",
      "/",
      { "Param2", "value2", "Param1", "value1", NULL },
      { NULL },
      "",
      "host;x-amz-date",
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
    { "get-vanilla-query-order-value",
      "GET",
      "/",
      { "Param1", "value2", "Param1", "value1", NULL },
      { NULL },
      "",
      "host;x-amz-date",
      "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694" },
    { "get-vanilla-query-order-encoded",
      "GET",
      "/",
      { "Param-3", "Value3", "Param", "Value2", "\xE1\x88\xB4", "Value1",
        NULL },
      { NULL },
      "",
      "host;x-amz-date",
      "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac" },
    { "get-vanilla-empty-query-key",
      "GET",
      "/",
      { "Param1", "value1", NULL },
      { NULL },
      "",
      "host;x-amz-date",
      "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb" },
    { "get-vanilla-query-unreserved",
      "GET",
      "/",
      { LETTERS, LETTERS, NULL },
      { NULL },
      "",
      "host;x-amz-date",
      "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197" },
    { "get-vanilla-utf8-query",
      "GET",
      "/",
      { "\xE1\x88\xB4", "bar", NULL },
      { NULL },
      "",
      "host;x-amz-date",
      "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04" },
    { "get-unreserved",
      "GET",
      "/" LETTERS,
      { NULL },
      { NULL },
      "",
      "host;x-amz-date",
      "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f" },
    { "get-utf8",
      "GET",
      "/\xE1\x88\xB4",
      { NULL },
      { NULL },
      "",
      "host;x-amz-date",
      "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85" },
    { "get-space",
      "GET",
      "/example space/",
      { NULL },
      { NULL },
      "",
      "host;x-amz-date",
      "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741" },
    { "get-slashes-unnormalized",
      "GET",
      "//example//",
      { NULL },
      { NULL },
      "",
      "host;x-amz-date",
      "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5" },
    { "get-header-value-trim",
      "GET",
      "/",
      { NULL },
      { "My-Header1", " value1", "My-Header2", " \"a   b   c\"", NULL },
      "",
      "host;my-header1;my-header2;x-amz-date",
      "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },
    { "post-vanilla",
      "POST",
      "/",
      { NULL },
      { NULL },
      "",
      "host;x-amz-date",
      "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
    { "post-vanilla-query",
      "POST",
      "/",
      { "Param1", "value1", NULL },
      { NULL },
      "",
      "host;x-amz-date",
      "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11" },
    { "post-header-key-sort",
      "POST",
      "/",
      { NULL },
      { "My-Header1", "value1", NULL },
      "",
      "host;my-header1;x-amz-date",
      "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c" },
    { "post-x-www-form-urlencoded",
      "POST",
      "/",
      { NULL },
      { "Content-Type", "application/x-www-form-urlencoded", NULL },
      "Param1=value1",
      "content-type;host;x-amz-date",
      "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a" },
    { "post-sts-header-before",
      "POST",
      "/",
      { NULL },
      { "X-Amz-Security-Token", TOKEN, NULL },
      "",
      "host;x-amz-date;x-amz-security-token",
      "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead" },
};

static apr_table_t *table_of(const char *const *pairs, apr_pool_t *pool)
{
    apr_table_t *table = apr_table_make(pool, 4);

    for (; *pairs; pairs += 2) {
        apr_table_addn(table, pairs[0], pairs[1]);
    }
    return table;
}

/* Sign a request, and compare the signature.  Only S3 asks for a header with
 * the hash of the body. */
static void check(tap_t *tap, const vector_t *vector, int of_s3,
                  apr_pool_t *pool)
{
    const oci_s3_keys_t *keys = of_s3 ? &examples_keys : &suite_keys;
    struct iovec body = { (void *)vector->body, strlen(vector->body) };
    apr_time_t now = apr_time_from_sec(of_s3 ? EXAMPLES_TIME : SUITE_TIME);
    oci_s3_signer_t signer = { keys, "us-east-1", of_s3 ? "s3" : "service",
                               now };
    apr_table_t *headers = table_of(vector->headers, pool);
    oci_s3_signable_t signable = { vector->method,
                                   oci_s3_encode(vector->path, 1, pool),
                                   table_of(vector->query, pool), headers,
                                   oci_s3_sha256(&body, 1, pool) };

    apr_table_setn(headers, "Host",
                   of_s3 ? "examplebucket.s3.amazonaws.com"
                         : "example.amazonaws.com");
    apr_table_setn(headers, "X-Amz-Date", oci_s3_date(now, pool));
    if (of_s3) {
        apr_table_setn(headers, "x-amz-content-sha256", signable.payload);
    }
    tap_is(tap, oci_s3_sign(&signable, &signer, pool),
           apr_psprintf(pool,
                        "AWS4-HMAC-SHA256 Credential=%s/%.8s/us-east-1/%s/"
                        "aws4_request, SignedHeaders=%s, Signature=%s",
                        keys->id, oci_s3_date(now, pool), signer.service,
                        vector->signed_headers, vector->signature),
           vector->name);
}

static void check_presign(tap_t *tap, apr_pool_t *pool)
{
    static const char *const host[] = { "Host",
                                        "examplebucket.s3.amazonaws.com",
                                        NULL };
    oci_s3_keys_t keys = examples_keys;
    oci_s3_signer_t signer = { &keys, "us-east-1", "s3",
                               apr_time_from_sec(EXAMPLES_TIME) };
    oci_s3_signable_t signable = { "GET", "/test.txt", NULL,
                                   table_of(host, pool), EMPTY };
    const char *query = oci_s3_presign(&signable, &signer, 86400, pool);

    tap_is(tap, query,
           "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
           "AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
           "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
           "&X-Amz-SignedHeaders=host&X-Amz-Signature="
           "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
           "a presigned GET");
    keys.token = "a/b+c";
    query = oci_s3_presign(&signable, &signer, 86400, pool);
    tap_ok(tap, strstr(query, "&X-Amz-Security-Token=a%2Fb%2Bc&") != NULL,
           "the token of a session is in the URL, encoded");
    tap_ok(tap, strstr(query, "aeeed9bb") == NULL, "and it is signed");
    signable.method = "HEAD";
    keys.token = NULL;
    tap_ok(tap,
           strstr(oci_s3_presign(&signable, &signer, 86400, pool), "aeeed9bb")
               == NULL,
           "the method is signed");
}

static void check_parts(tap_t *tap, apr_pool_t *pool)
{
    static const char *const query[] = { "uploads", "", "prefix", "a/b c*",
                                         NULL };
    struct iovec pieces[] = { { "Welcome to ", 11 },
                              { "", 0 },
                              { "Amazon S3.", 10 } };

    tap_is(tap, oci_s3_sha256(NULL, 0, pool), EMPTY, "the hash of no bytes");
    tap_is(tap, oci_s3_sha256(pieces, 3, pool),
           "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
           "the hash of three pieces");
    tap_is(tap, oci_s3_canonical_query(table_of(query, pool), pool),
           "prefix=a%2Fb%20c%2A&uploads=",
           "a query is sorted, and a parameter without a value ends with =");
    tap_is(tap, oci_s3_canonical_query(NULL, pool), "", "no query");
    tap_is(tap, oci_s3_encode("a/b c+%\xFF~", 1, pool), "a/b%20c%2B%25%FF~",
           "a path is encoded once, its slashes are not");
    tap_is(tap, oci_s3_date(apr_time_from_sec(SUITE_TIME) + 999999, pool),
           "20150830T123600Z", "a date");
}

int main(void)
{
    apr_pool_t *pool = start_pool();
    tap_t tap = { 0, 0 };
    apr_size_t i;

    for (i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        check(&tap, &examples[i], 1, pool);
    }
    for (i = 0; i < sizeof(suite) / sizeof(suite[0]); i++) {
        check(&tap, &suite[i], 0, pool);
    }
    check_presign(&tap, pool);
    check_parts(&tap, pool);
    return tap_done(&tap);
}
