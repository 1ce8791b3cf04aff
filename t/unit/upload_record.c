/* SPDX-License-Identifier: Apache-2.0 */

/* Records of uploads: a record that was written can be read back, and malformed
 * text is rejected. */

#include "start_pool.h"
#include "tap.h"

#include "apr_strings.h"

#include "registry/boot.h"
#include "registry/upload_record.h"

#define BOOT "0123456789abcdef0123456789abcdef"

/* A hash over the bytes "abc". */
static oci_hash_t *make_hash(oci_algorithm_e algorithm, apr_pool_t *pool)
{
    oci_hash_t *hash = oci_hash_make(algorithm, pool);

    oci_hash_update(hash, "abc", 3);
    return hash;
}

static void check_round_trip(tap_t *tap, oci_algorithm_e algorithm,
                             const char *boot, int more, apr_pool_t *pool)
{
    int rehashed = more & 1, retry = more >> 1;
    oci_upload_record_t record = { .size = 3,
                                   .hash = make_hash(algorithm, pool),
                                   .boot = boot,
                                   .rehashed = rehashed,
                                   .retry_size = retry ? 2 : 0,
                                   .retry_hash = retry
                                       ? make_hash(algorithm, pool)
                                       : NULL };
    const char *text = oci_upload_record_format(&record, pool);
    oci_upload_record_t again;

    tap_ok(tap,
           !oci_upload_record_parse(&again, text, strlen(text), pool)
               && again.size == 3 && again.rehashed == rehashed
               && again.retry_size == record.retry_size
               && !again.retry_hash == !record.retry_hash
               && !strcmp(again.boot, boot)
               && !strcmp(oci_hash_digest(again.hash, pool),
                          oci_hash_digest(record.hash, pool)),
           "%.20s..., boot %.6s%s%s", text, boot, rehashed ? ", rehashed" : "",
           retry ? ", retry" : "");
}

static void check_old(tap_t *tap, apr_pool_t *pool)
{
    const char *text = apr_pstrcat(pool, "sha256;3;",
                                   oci_hash_save(make_hash(OCI_SHA256, pool),
                                                 pool),
                                   NULL);
    oci_upload_record_t record;

    tap_ok(tap,
           !oci_upload_record_parse(&record, text, strlen(text), pool)
               && record.size == 3 && !record.boot && !record.rehashed,
           "the old form has no boot");
    tap_ok(tap,
           !oci_upload_record_trusted(&record, BOOT)
               && !oci_upload_record_trusted(&record, NULL),
           "and is not trusted");
    tap_is(tap, oci_upload_record_format(&record, pool), text,
           "it is written in the same form");
}

static void check_trust(tap_t *tap)
{
    oci_upload_record_t record = { .boot = BOOT };

    tap_ok(tap, oci_upload_record_trusted(&record, BOOT), "the same boot");
    tap_ok(tap,
           !oci_upload_record_trusted(&record,
                                      "f123456789abcdef0123456789abcdef")
               && !oci_upload_record_trusted(&record, NULL),
           "another boot, or one that is not known");
    record.boot = OCI_BOOT_SYNCED;
    tap_ok(tap,
           oci_upload_record_trusted(&record, BOOT)
               && oci_upload_record_trusted(&record, NULL),
           "bytes that were synced are trusted everywhere");
}

static void check_malformed(tap_t *tap, apr_pool_t *pool)
{
    const char *state = oci_hash_save(make_hash(OCI_SHA256, pool), pool);
    static const char *const formats[] = {
        "",
        ";",
        ";;",
        "sha256;3",
        "sha256;3;",
        "sha384;3;%s",
        "sha512;3;%s",
        "sha256;;%s",
        "sha256;-3;%s",
        "sha256;+3;%s",
        "sha256; 3;%s",
        "sha256;3x;%s",
        "sha256;99999999999999999999;%s",
        "sha256;3;%s0",
        "sha256;3;%s;",
        "sha256;3;%s;0123",
        "sha256;3;%s;" BOOT "0",
        "sha256;3;%s;" BOOT ";",
        "sha256;3;%s;" BOOT ";other",
        "sha256;3;%s;;rehashed",
        "sha256;3;%s;synced;rehashed;",
        "sha256;3;%s;SYNCED",
        "sha256;3;%s;synced;retry",
        "sha256;3;%s;synced;retry;2",
        "sha256;3;%s;synced;retry;2;",
        "sha256;3;%s;synced;retry;2;00",
        "sha256;3;%s;synced;rehashed;retry;2;00",
    };
    oci_upload_record_t record;
    const char *text;
    size_t i;

    for (i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
        const char *place = strstr(formats[i], "%s");

        text = place
            ? apr_pstrcat(pool,
                          apr_pstrmemdup(pool, formats[i], place - formats[i]),
                          state, place + 2, NULL)
            : formats[i];
        tap_ok(tap,
               oci_upload_record_parse(&record, text, strlen(text), pool)
                   == APR_EINVAL,
               "not a record: %s", formats[i]);
    }
    text = apr_pstrcat(pool, "sha256;3;", state, NULL);
    tap_ok(tap,
           oci_upload_record_parse(&record, text, strlen(text) + 1, pool)
               == APR_EINVAL,
           "not a record: it contains a NUL");
}

static void check_boot(tap_t *tap, apr_pool_t *pool)
{
    const char *name = oci_boot_name(pool);

    tap_ok(tap,
           !name
               || (strlen(name) == OCI_BOOT_LENGTH
                   && !name[strspn(name, "0123456789abcdef")]
                   && !strcmp(name, oci_boot_name(pool))),
           "the boot of this machine stays the same");
}

int main(void)
{
    tap_t tap = { 0, 0 };
    apr_pool_t *pool = start_pool();
    int i;

    for (i = 0; i < 16; i++) {
        check_round_trip(&tap, i & 1 ? OCI_SHA512 : OCI_SHA256,
                         i & 2 ? OCI_BOOT_SYNCED : BOOT, i / 4, pool);
    }
    check_old(&tap, pool);
    check_trust(&tap);
    check_malformed(&tap, pool);
    check_boot(&tap, pool);
    return tap_done(&tap);
}
