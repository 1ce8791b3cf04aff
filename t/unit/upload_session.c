/* SPDX-License-Identifier: Apache-2.0 */

/* The cost of an upload's requests, and what they leave: syncs, bytes that are
 * read again, facts.
 */

#include "registry_test.h"

#include "registry/keys.h"
#include "registry/upload_write.h"
#include "registry/upload_id.h"

#define PIECE 1000

typedef struct test_t {
    run_t *run;
    oci_registry_t registry;
    oci_repository_t repository;
    const char *id;
    apr_off_t size;   /* bytes sent */
    oci_hash_t *hash; /* over these */
} test_t;

/* Add a piece to the bytes of a claimed upload. */
static oci_error_t *append(test_t *t, oci_upload_t *upload, apr_pool_t *pool)
{
    struct iovec vec = { apr_palloc(pool, PIECE), PIECE };
    oci_error_t *error;

    memset(vec.iov_base, 'a' + (int)(t->size / PIECE % 26), PIECE);
    error = oci_upload_write(upload, &vec, 1, pool);
    oci_upload_hash(upload, &vec, 1);
    oci_hash_update(t->hash, vec.iov_base, PIECE);
    t->size += PIECE;
    return error;
}

static void begin_upload(test_t *t, oci_algorithm_e digest)
{
    oci_upload_t *upload;

    if (oci_upload_begin(&upload, &t->repository, OCI_SHA256, t->run->pool)) {
        abort();
    }
    t->id = upload->id;
    t->size = 0;
    t->hash = oci_hash_make(digest, t->run->pool);
}

/* The steps of a request before its body. */
static oci_error_t *open_upload(oci_upload_t **upload, test_t *t,
                                apr_pool_t *pool)
{
    oci_error_t *error = oci_upload_find(upload, &t->repository, t->id, pool);

    if (!error) {
        error = oci_upload_claim(upload, pool);
    }
    return error ? error : oci_upload_verify(*upload, pool);
}

/* A request that adds pieces. */
static oci_error_t *patch_pieces(test_t *t, int pieces)
{
    oci_upload_t *upload = NULL;
    oci_error_t *error = open_upload(&upload, t, t->run->pool);

    while (!error && pieces--) {
        error = append(t, upload, t->run->pool);
    }
    if (!error) {
        error = oci_upload_save(upload, t->run->pool);
    }
    oci_upload_release(upload);
    return error;
}

static oci_error_t *patch(test_t *t)
{
    return patch_pieces(t, 1);
}

/* Finish the upload without a further byte.  digest: NULL for the correct one
 */
static oci_error_t *put(test_t *t, const char *digest)
{
    oci_upload_t *upload = NULL;
    oci_error_t *error = open_upload(&upload, t, t->run->pool);

    if (!digest) {
        digest = oci_hash_digest(t->hash, t->run->pool);
    }
    if (!error) {
        error = oci_upload_rehash(upload, oci_digest_algorithm(digest),
                                  t->run->pool);
    }
    if (!error) {
        error = oci_upload_finish(upload, digest, t->run->pool);
    }
    oci_upload_release(upload);
    return error;
}

static void check_syncs(test_t *t)
{
    oci_error_t *error = NULL;
    int i;

    begin_upload(t, OCI_SHA256);
    memset(&counts, 0, sizeof(counts));
    for (i = 0; i < 20 && !error; i++) {
        error = patch(t);
    }
    is_error(t->run, error, OCI_E_COUNT, "twenty PATCHes");
    tap_ok(&t->run->tap, !counts.syncs && !counts.reads,
           "neither sync nor read a byte again");
    is_error(t->run, put(t, NULL), OCI_E_COUNT, "the final PUT");
    tap_ok(&t->run->tap, counts.syncs == 1 && counts.reads == 1,
           "syncs once, and reads what no PATCH synced");

    begin_upload(t, OCI_SHA256);
    memset(&counts, 0, sizeof(counts));
    is_error(t->run, patch_pieces(t, 1 + (1 << 20) / PIECE), OCI_E_COUNT,
             "a PATCH of 1 MiB");
    tap_ok(&t->run->tap, counts.syncs == 1, "syncs");
    is_error(t->run, put(t, NULL), OCI_E_COUNT, "the final PUT");
    tap_ok(&t->run->tap, !counts.reads, "reads nothing again");

    begin_upload(t, OCI_SHA256);
    t->registry.boot = NULL;
    memset(&counts, 0, sizeof(counts));
    patch(t);
    is_error(t->run, patch(t), OCI_E_COUNT, "if the boot is not known");
    tap_ok(&t->run->tap, counts.syncs == 2 && !counts.reads,
           "each PATCH syncs");
    t->registry.boot = BOOT;
    is_error(t->run, put(t, NULL), OCI_E_COUNT, "and any host can continue");
    tap_ok(&t->run->tap, !counts.reads, "without reading the bytes");
}

static void check_later_boot(test_t *t)
{
    int i;

    begin_upload(t, OCI_SHA256);
    patch(t);
    t->registry.boot = LATER;
    memset(&counts, 0, sizeof(counts));
    is_error(t->run, patch(t), OCI_E_COUNT, "a PATCH in a later boot");
    tap_ok(&t->run->tap, counts.reads == 1 && counts.syncs == 2,
           "reads the bytes again, and syncs twice");
    for (i = 0; i < 6; i++) {
        t->registry.boot = i % 2 ? LATER : BOOT;
        patch(t);
    }
    tap_ok(&t->run->tap, counts.reads == 1 && counts.syncs == 8,
           "hosts that alternate read them once");
    t->registry.boot = BOOT;
    is_error(t->run, put(t, NULL), OCI_E_COUNT, "it becomes a blob");
}

/* A record of the old form, which has no boot. */
static void check_old_record(test_t *t)
{
    const char *key, *text;
    oci_value_t value;
    apr_array_header_t *changes = oci_change_list_make(t->run->pool);

    begin_upload(t, OCI_SHA256);
    patch(t);
    key = oci_key_upload(t->run->pool, t->id);
    oci_fact_get(&value, &t->registry, key, t->run->pool);
    text = apr_pstrmemdup(t->run->pool, value.data,
                          strrchr(value.data, ';') - value.data);
    oci_change_put(changes, OCI_CHANGE_PUT, key, text, strlen(text));
    oci_facts_apply(&t->registry, changes, 0, t->run->pool);
    memset(&counts, 0, sizeof(counts));
    is_error(t->run, patch(t), OCI_E_COUNT, "a record of the old form");
    patch(t);
    tap_ok(&t->run->tap, counts.reads == 1, "is compared with the bytes once");
    is_error(t->run, put(t, NULL), OCI_E_COUNT, "it becomes a blob");
}

/* The bytes are zeros, as after a power failure, or the file is truncated. */
static void check_lost_bytes(test_t *t, int size)
{
    char zeros[PIECE] = "";
    const char *path;
    oci_error_t *error;
    FILE *file;

    begin_upload(t, OCI_SHA256);
    patch(t);
    path = apr_pstrcat(t->run->pool, at(t->run, "uploads/"), t->id, NULL);
    file = fopen(path, "w");
    if (!file || (int)fwrite(zeros, 1, size, file) != size || fclose(file)) {
        abort();
    }
    t->registry.boot = LATER;
    error = patch(t);
    is_error(t->run, error, OCI_E_UPLOAD_UNKNOWN, "lost bytes end an upload");
    says(t->run, error ? error->message : NULL, "bytes were lost",
         "begin a new upload");
    is_error(t->run, put(t, NULL), OCI_E_UPLOAD_UNKNOWN, "permanently");
    t->registry.boot = BOOT;
}

/* The system failed to write bytes of an earlier request, and forgot it. */
static void check_unwritten_bytes(test_t *t)
{
    char zeros[PIECE] = "";
    const char *path;
    FILE *file;

    begin_upload(t, OCI_SHA256);
    patch(t);
    patch(t);
    path = apr_pstrcat(t->run->pool, at(t->run, "uploads/"), t->id, NULL);
    file = fopen(path, "r+");
    if (!file || fwrite(zeros, 1, PIECE, file) != PIECE || fclose(file)) {
        abort();
    }
    is_error(t->run, put(t, NULL), OCI_E_UPLOAD_UNKNOWN,
             "a PUT notices bytes that were not written");
    is_error(t->run, put(t, NULL), OCI_E_UPLOAD_UNKNOWN, "the upload is over");
}

/* After a reboot, each request with a wrong digest finds the bytes verified. */
static void check_verified_once(test_t *t)
{
    const char *wrong = oci_digest_of(OCI_SHA256, "wrong", 5, t->run->pool);

    begin_upload(t, OCI_SHA256);
    patch(t);
    t->registry.boot = LATER;
    memset(&counts, 0, sizeof(counts));
    is_error(t->run, put(t, wrong), OCI_E_DIGEST_INVALID, "a wrong digest");
    put(t, wrong);
    is_error(t->run, put(t, wrong), OCI_E_DIGEST_INVALID, "again");
    tap_ok(&t->run->tap, counts.reads == 1, "the bytes are read once");
    t->registry.boot = BOOT;
    is_error(t->run, put(t, NULL), OCI_E_COUNT, "it becomes a blob");
}

/* A body that was cut short, and one that replaces it and then fails: the
 * record must not vouch for the bytes of the first one any more.  pieces: how
 * many of the first body arrive */
static void check_replaced_body(test_t *t, int durable, int pieces)
{
    const char *first;
    oci_upload_t *upload = NULL;
    char *text = memset(apr_palloc(t->run->pool, PIECE), 'Z', PIECE);
    struct iovec vec = { text, PIECE };
    oci_error_t *error;
    int i;

    t->registry.durable = durable;
    begin_upload(t, OCI_SHA256);
    error = open_upload(&upload, t, t->run->pool);
    oci_upload_begin_body(upload, t->run->pool);
    for (i = 0; i < pieces && !error; i++) {
        error = append(t, upload, t->run->pool);
    }
    first = oci_hash_digest(t->hash, t->run->pool);
    is_error(t->run, error ? error : oci_upload_save(upload, t->run->pool),
             OCI_E_COUNT, "a body that is cut short");
    oci_upload_release(upload);

    error = open_upload(&upload, t, t->run->pool);
    if (!error) {
        error = oci_upload_rewind(upload, t->run->pool);
    }
    for (i = 0; i < pieces && !error; i++) {
        error = oci_upload_write(upload, &vec, 1, t->run->pool);
    }
    is_error(t->run, error, OCI_E_COUNT, "another body replaces it, and fails");
    oci_upload_release(upload);
    is_error(t->run, put(t, first), OCI_E_DIGEST_INVALID,
             "the digest of the first body makes no blob");
    t->registry.durable = 1;
}

static void check_rehash(test_t *t)
{
    const char *wrong = oci_digest_of(OCI_SHA512, "wrong", 5, t->run->pool);
    oci_error_t *error;

    begin_upload(t, OCI_SHA512);
    patch(t);
    memset(&counts, 0, sizeof(counts));
    is_error(t->run, put(t, wrong), OCI_E_DIGEST_INVALID,
             "a PUT by another algorithm, with a wrong digest");
    tap_ok(&t->run->tap, counts.reads == 1, "reads the bytes again");
    put(t, wrong);
    error = put(t, oci_digest_of(OCI_SHA256, "wrong", 5, t->run->pool));
    is_error(t->run, error, OCI_E_DIGEST_INVALID,
             "a second change of the algorithm");
    says(t->run, error ? error->message : NULL, "sha512", "change once");
    tap_ok(&t->run->tap, counts.reads == 1, "no further PUT reads them");
    patch(t);
    is_error(t->run, put(t, NULL), OCI_E_COUNT, "the right digest finishes it");
    tap_ok(&t->run->tap, counts.reads == 2, "and reads what is not synced");
}

/* An upload of a single request.  save: the body is incomplete, so that the
 * upload is saved and not finished.  wrong: it has a wrong digest */
static void push_once(test_t *t, int save, int wrong, oci_error_e code)
{
    apr_pool_t *pool = make_pool();
    const char *name = "a push in one request";
    oci_upload_t *upload;
    const char *digest;
    oci_error_t *error = oci_upload_begin_once(&upload, &t->repository,
                                               OCI_SHA256, pool);

    t->hash = oci_hash_make(OCI_SHA256, pool);
    if (error || (error = append(t, upload, pool))) {
        abort();
    }
    digest = wrong ? oci_digest_of(OCI_SHA256, "wrong", 5, pool)
                   : oci_hash_digest(t->hash, pool);
    error = save ? oci_upload_save(upload, pool)
                 : oci_upload_finish(upload, digest, pool);
    if (save) {
        name = "an incomplete body";
    }
    else if (wrong) {
        name = "a wrong digest";
    }
    is_error(t->run, error, code, name);
    if (error || save) {
        oci_upload_cancel(upload, pool);
    }
    oci_upload_release(upload);
    apr_pool_destroy(pool);
}

static void check_facts(test_t *t)
{
    int before = count_facts(&t->registry, "upload/");

    push_once(t, 0, 0, OCI_E_COUNT);
    push_once(t, 0, 1, OCI_E_DIGEST_INVALID);
    push_once(t, 1, 0, OCI_E_COUNT);
    tap_ok(&t->run->tap, count_facts(&t->registry, "upload/") == before,
           "a push in one request leaves no fact of an upload");
    begin_upload(t, OCI_SHA256);
    patch(t);
    put(t, NULL);
    tap_ok(&t->run->tap, count_facts(&t->registry, "upload/") == before + 1,
           "an upload that a client knows leaves a tombstone");
    is_error(t->run, put(t, NULL), OCI_E_UPLOAD_UNKNOWN, "which ends it");
}

static void check_age(test_t *t)
{
    apr_time_t now = apr_time_now();
    apr_time_t life = apr_time_from_sec(OCI_UPLOAD_ID_LIFE);

    begin_upload(t, OCI_SHA256);
    tap_ok(&t->run->tap,
           !oci_upload_id_expired(t->id, now)
               && !oci_upload_id_expired(t->id, now - life)
               && !oci_upload_id_expired(t->id,
                                         now + life - apr_time_from_sec(60)),
           "an id is valid for a new upload for a week");
    tap_ok(&t->run->tap,
           oci_upload_id_expired(t->id, now + life + apr_time_from_sec(60)),
           "and not longer");
}

int main(void)
{
    run_t run;
    test_t t = { .run = &run };

    begin(&run);
    open_registry(&t.registry, &run);
    t.repository.registry = &t.registry;
    t.repository.name = "a";
    check_syncs(&t);
    check_later_boot(&t);
    check_old_record(&t);
    check_lost_bytes(&t, PIECE);
    check_lost_bytes(&t, PIECE / 2);
    check_unwritten_bytes(&t);
    check_verified_once(&t);
    check_replaced_body(&t, 1, 1);
    check_replaced_body(&t, 1, 1 + (1 << 20) / PIECE);
    check_replaced_body(&t, 0, 1);
    check_rehash(&t);
    check_facts(&t);
    check_age(&t);
    return finish(&run);
}
