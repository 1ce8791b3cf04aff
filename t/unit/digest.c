/* SPDX-License-Identifier: Apache-2.0 */

/* Digests: validating, computing, and saving a running computation. */

#include "start_pool.h"
#include "tap.h"

#include "apr_strings.h"

#include "values/digest.h"

#define HEX32 "0123456789abcdef0123456789abcdef"
#define HEX64 HEX32 HEX32

static const struct {
    const char *text;
    int valid;
} digests[] = {
    { "sha256:" HEX64, 1 },
    { "sha512:" HEX64 HEX64, 1 },
    { "", 0 },
    { "sha256", 0 },
    { "sha256:", 0 },
    { "sha256:" HEX32, 0 },
    { "sha256:" HEX64 "0", 0 },
    { "sha256:" HEX64 HEX64, 0 },
    { "sha256:" HEX64 " ", 0 },
    { "sha256:" HEX64 "\n", 0 },
    { " sha256:" HEX64, 0 },
    { "sha256:0123456789ABCDEF0123456789abcdef" HEX32, 0 },
    { "sha256:0123456789abcdeg0123456789abcdef" HEX32, 0 },
    { "sha256-" HEX64, 0 },
    { "sha256::" HEX64, 0 },
    { "SHA256:" HEX64, 0 },
    { "sha512:" HEX64, 0 },
    { "sha512:" HEX64 HEX64 "0", 0 },
    { "sha384:" HEX64 HEX32, 0 },
    { "blake3:" HEX64, 0 },
    { "sha256+b64:" HEX64, 0 },
    { ":" HEX64, 0 },
    { HEX64, 0 },
    { "sha256:baddigeststring", 0 },
    { "sha256:../../../../etc/passwd", 0 },
};

/* The examples of FIPS 180. */
static const struct {
    oci_algorithm_e algorithm;
    const char *data;
    const char *digest;
} vectors[] = {
    { OCI_SHA256, "",
      "sha256:"
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { OCI_SHA256, "abc",
      "sha256:"
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { OCI_SHA512, "",
      "sha512:"
      "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
      "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e" },
    { OCI_SHA512, "abc",
      "sha512:"
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
};

#define SHA256_START \
    "20"             \
    "6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19"
#define SHA512_START                                                   \
    "40"                                                               \
    "6a09e667f3bcc908bb67ae8584caa73b3c6ef372fe94f82ba54ff53a5f1d36f1" \
    "510e527fade682d19b05688c2b3e6c1f1f83d9abfb41bd6b5be0cd19137e2179"

/* Saved states: every version of this code must read and write them so. */
static const struct {
    oci_algorithm_e algorithm;
    const char *text;
    const char *digest;
} states[] = {
    { OCI_SHA256, SHA256_START "0000000000000003616263",
      "sha256:"
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { OCI_SHA512, SHA512_START "0000000000000003616263",
      "sha512:"
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },

    /* 512 MiB and three bytes of zeros: the number of bits exceeds 32 bits */
    { OCI_SHA256,
      "20c19453160ed03e104e1064e92f8b0652e52774ad065ea229c9c3c2460e0cc072"
      "0000000020000003000000",
      "sha256:"
      "403a955183d83bd37bd31dde74eb3b713fcf99b6ba1a87fa91aa5befe4f51280" },
    { OCI_SHA512,
      "40f003bf771c2a5fa9fd3ffe24bf4b3064c9cf25f95be3cd1db4410482f1508dd8"
      "6f3ab25e3a500a3547b7c35b561916ddb0ab53502ce5692f92ea28dc250adc18"
      "0000000020000003000000",
      "sha512:"
      "3bafe8be7ad46f6d84f47f4d1da9a72b58fc01332b644444456f01e6bd632fa7"
      "e7d2b8e81133ccb641f71c503204b1bd5ff6bb35410709e5493bcd16ec978066" },
};

static const struct {
    oci_algorithm_e algorithm;
    const char *text;
} bad_states[] = {
    { OCI_SHA256, "" },
    { OCI_SHA256, "20" },
    { OCI_SHA256, SHA256_START },
    { OCI_SHA256, SHA256_START "00000000000003" },
    { OCI_SHA256, SHA256_START "0000000000000003" },
    { OCI_SHA256, SHA256_START "00000000000000036162" },
    { OCI_SHA256, SHA256_START "000000000000000361626" },
    { OCI_SHA256, SHA256_START "000000000000000361626364" },
    { OCI_SHA256, SHA256_START "000000000000000361626G" },
    { OCI_SHA256, SHA256_START "000000000000000361626A" },
    { OCI_SHA256, SHA256_START "0000000000000000616263" },
    { OCI_SHA256, SHA256_START "0000000000000040" HEX64 HEX64 },
    { OCI_SHA256, SHA256_START "2000000000000000" },
    { OCI_SHA256, SHA256_START "ffffffffffffffc0" },
    { OCI_SHA256,
      "40" HEX64 "0000000000000003"
      "616263" },
    { OCI_SHA256,
      "00" HEX64 "0000000000000003"
      "616263" },
    { OCI_SHA256, SHA512_START "0000000000000003616263" },
    { OCI_SHA512, SHA256_START "0000000000000003616263" },
    { OCI_SHA512, SHA512_START "00000000000000036162" },
    { OCI_SHA512, SHA512_START "0000000000000080" HEX64 HEX64 HEX64 HEX64 },
    { OCI_SHA512,
      SHA512_START
      "0000000000000003"
      "616263" HEX64 HEX64 HEX64 HEX64 HEX64 HEX64 HEX64 HEX64 HEX64 HEX64 },
};

static void algorithm_tests(tap_t *tap)
{
    oci_algorithm_e algorithm = OCI_SHA256;

    tap_is(tap, oci_algorithm_name(OCI_SHA256), "sha256", "sha256's name");
    tap_is(tap, oci_algorithm_name(OCI_SHA512), "sha512", "sha512's name");
    tap_ok(tap,
           oci_algorithm_parse(&algorithm, "sha512") == APR_SUCCESS
               && algorithm == OCI_SHA512,
           "sha512 is known");
    tap_ok(tap,
           oci_algorithm_parse(&algorithm, "sha256") == APR_SUCCESS
               && algorithm == OCI_SHA256,
           "sha256 is known");
    tap_ok(tap,
           oci_algorithm_parse(&algorithm, "") == APR_EINVAL
               && oci_algorithm_parse(&algorithm, "SHA256") == APR_EINVAL
               && oci_algorithm_parse(&algorithm, "sha2567") == APR_EINVAL
               && oci_algorithm_parse(&algorithm, "sha384") == APR_EINVAL,
           "other algorithms are unknown");
    tap_ok(tap,
           oci_digest_algorithm("sha256:" HEX64) == OCI_SHA256
               && oci_digest_algorithm("sha512:" HEX64 HEX64) == OCI_SHA512,
           "the algorithm of a digest");
}

/* Whether a digest that is saved and loaded after every step bytes is right,
 * for all lengths up to three blocks.
 */
static int survives(oci_algorithm_e algorithm, apr_size_t step,
                    apr_pool_t *pool)
{
    char data[384];
    apr_size_t i;

    for (i = 0; i < sizeof(data); i++) {
        data[i] = (char)(i * 7);
    }
    for (i = 0; i <= sizeof(data); i++) {
        oci_hash_t *hash = oci_hash_make(algorithm, pool);
        apr_size_t done = 0;

        while (done < i) {
            apr_size_t part = step < i - done ? step : i - done;
            const char *text;

            oci_hash_update(hash, data + done, part);
            done += part;
            text = oci_hash_save(hash, pool);
            if (strlen(text) > 512
                || oci_hash_load(&hash, algorithm, text, pool)
                || oci_hash_algorithm(hash) != algorithm
                || strcmp(oci_hash_save(hash, pool), text)) {
                return 0;
            }
        }
        if (strcmp(oci_hash_digest(hash, pool),
                   oci_digest_of(algorithm, data, i, pool))) {
            return 0;
        }
    }
    return 1;
}

static void state_tests(tap_t *tap, apr_pool_t *pool)
{
    static const int steps[] = { 1, 13, 63, 64, 65, 127, 128, 129 };
    apr_pool_t *subpool;
    oci_hash_t *hash;
    apr_size_t i;

    for (i = 0; i < sizeof(states) / sizeof(*states); i++) {
        if (tap_ok(tap,
                   !oci_hash_load(&hash, states[i].algorithm, states[i].text,
                                  pool),
                   "state %d is loaded", (int)i)) {
            tap_is(tap, oci_hash_digest(hash, pool), states[i].digest,
                   "its digest");
            tap_is(tap, oci_hash_save(hash, pool), states[i].text,
                   "it is saved as the same text");
        }
    }
    for (i = 0; i < sizeof(bad_states) / sizeof(*bad_states); i++) {
        tap_ok(tap,
               oci_hash_load(&hash, bad_states[i].algorithm, bad_states[i].text,
                             pool)
                   == APR_EINVAL,
               "bad state %d is refused", (int)i);
    }

    apr_pool_create(&subpool, pool);
    for (i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        tap_ok(tap, survives(OCI_SHA256, steps[i], subpool),
               "sha256, saved after each %d bytes", steps[i]);
        apr_pool_clear(subpool);
        tap_ok(tap, survives(OCI_SHA512, steps[i], subpool),
               "sha512, saved after each %d bytes", steps[i]);
        apr_pool_clear(subpool);
    }
}

int main(void)
{
    tap_t tap = { 0, 0 };
    oci_hash_t *hash;
    apr_pool_t *pool = start_pool();
    size_t i;

    algorithm_tests(&tap);
    for (i = 0; i < sizeof(digests) / sizeof(*digests); i++) {
        tap_ok(&tap, oci_digest_valid(digests[i].text) == digests[i].valid,
               "digest %d is %svalid", (int)i, digests[i].valid ? "" : "not ");
    }
    for (i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
        tap_is(&tap,
               oci_digest_of(vectors[i].algorithm, vectors[i].data,
                             strlen(vectors[i].data), pool),
               vectors[i].digest,
               apr_psprintf(pool, "digest of \"%s\"", vectors[i].data));
    }

    hash = oci_hash_make(OCI_SHA256, pool);
    tap_is(&tap, oci_hash_digest(hash, pool), vectors[0].digest,
           "the digest of no bytes");
    oci_hash_update(hash, "ab", 2);
    oci_hash_digest(hash, pool);
    oci_hash_update(hash, "c", 1);
    tap_is(&tap, oci_hash_digest(hash, pool), vectors[1].digest,
           "more bytes can be added afterwards");

    state_tests(&tap, pool);
    return tap_done(&tap);
}
