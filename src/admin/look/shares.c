/* SPDX-License-Identifier: Apache-2.0 */

/* How the blobs of a registry are shared among its repositories.
 *
 * Holders are listed by the first digits of the digest, then by the digest:
 *
 *     holder/ab/sha256:ab...,<hash>     records: the next of sha256:...
 *     holder/ab/sha512:ab...,<hash>              the next of sha512:...
 *     holder/ac/sha256:ac...,<hash>
 *
 * so that the records of each algorithm are read in their order, beside the
 * holders.  A repository is known by the hash of its name, as in these keys. */

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

#include "admin/look/shares.h"
#include "registry/blob.h"
#include "registry/keys.h"
#include "registry/walk.h"
#include "values/digest.h"

#define PAGE      256 /* records */
#define HASH_SIZE 16  /* bytes of a hash in a key */
#define FIRST     64  /* entries */

typedef struct shared_blob_t {
    unsigned char hash[HASH_SIZE]; /* of the name */
    oci_share_t share;
} shared_blob_t;

struct oci_shares_t {
    const oci_registry_t *registry;
    shared_blob_t *entries; /* sorted by hash when they are read */
    apr_size_t count;
    apr_size_t allocated;
    apr_pool_t *pool;
};

static apr_status_t free_entries(void *shares)
{
    free(((oci_shares_t *)shares)->entries);
    return APR_SUCCESS;
}

oci_shares_t *oci_shares_make(const oci_registry_t *registry, apr_pool_t *pool)
{
    oci_shares_t *shares = apr_pcalloc(pool, sizeof(*shares));

    shares->registry = registry;
    shares->pool = pool;
    apr_pool_cleanup_register(pool, shares, free_entries,
                              apr_pool_cleanup_null);
    return shares;
}

static int hex_value(char digit)
{
    return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

/* Read the first bytes of a hash; returns whether it has enough digits. */
static int parse_hash(unsigned char hash[HASH_SIZE], const char *hex)
{
    int i;

    if (strspn(hex, "0123456789abcdef") < 2 * HASH_SIZE) {
        return 0;
    }
    for (i = 0; i < HASH_SIZE; i++) {
        hash[i] = hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]);
    }
    return 1;
}

static void hash_name(unsigned char hash[HASH_SIZE], const char *name,
                      apr_pool_t *pool)
{
    const char *digest = oci_digest_of(OCI_SHA256, name, strlen(name), pool);

    parse_hash(hash, strchr(digest, ':') + 1);
}

void oci_shares_add(oci_shares_t *shares, const char *name, apr_pool_t *pool)
{
    if (shares->count == shares->allocated) {
        shares->allocated = shares->allocated ? 2 * shares->allocated : FIRST;
        shares->entries = realloc(shares->entries,
                                  shares->allocated * sizeof(shared_blob_t));
        if (!shares->entries) {
            apr_pool_abort_get(shares->pool)(APR_ENOMEM);
            abort();
        }
    }
    memset(&shares->entries[shares->count], 0, sizeof(shared_blob_t));
    hash_name(shares->entries[shares->count++].hash, name, pool);
}

static int compare(const void *left, const void *right)
{
    return memcmp(left, right, HASH_SIZE);
}

static oci_share_t *find(const oci_shares_t *shares,
                         const unsigned char hash[HASH_SIZE])
{
    shared_blob_t *entry = shares->count
        ? bsearch(hash, shares->entries, shares->count, sizeof(shared_blob_t),
                  compare)
        : NULL;

    return entry ? &entry->share : NULL;
}

const oci_share_t *oci_shares_find(const oci_shares_t *shares, const char *name,
                                   apr_pool_t *pool)
{
    unsigned char hash[HASH_SIZE];

    hash_name(hash, name, pool);
    return find(shares, hash);
}

/* The records of one algorithm, read page by page. */
typedef struct share_walk_t {
    const char *prefix; /* of the keys */
    const char *begin;  /* of their digests, such as "sha256:" */
    apr_array_header_t *page;
    int at;     /* the next one in page */
    int is_end; /* page is the last one */
    char *after;
    apr_pool_t *pool; /* for page */
} share_walk_t;

/* The reading of all facts. */
typedef struct sharing_t {
    oci_shares_t *shares;
    oci_shares_total_t *total;
    share_walk_t records[2]; /* sha256, sha512 */
    char *digest;            /* of the current blob, "" before the first */
    apr_uint64_t size;       /* of the current blob */
    int holders;             /* of the current blob: 0, 1, or 2 for more */
    oci_share_t *first;      /* of its first holder, or NULL */
} sharing_t;

/* The longest key, and a NUL. */
#define KEY_SIZE 1024

/* Make page hold the next record, if there is one. */
static oci_error_t *fill_page(share_walk_t *records,
                              const oci_registry_t *registry)
{
    oci_scan_t scan = { records->prefix, records->after, PAGE, 1, 0 };
    oci_error_t *error;

    if (records->page && (records->is_end || records->at < PAGE)) {
        return NULL;
    }
    apr_pool_clear(records->pool);
    records->at = 0;
    error = oci_facts_scan(&records->page, registry, &scan, records->pool);
    if (!error && records->page->nelts) {
        apr_cpystrn(records->after,
                    APR_ARRAY_IDX(records->page, records->page->nelts - 1,
                                  oci_entry_t)
                            .key
                        + strlen(records->prefix),
                    KEY_SIZE);
    }
    records->is_end = error || records->page->nelts < PAGE;
    return error;
}

/* Return the next record; NULL at the end.
 * *digest: set to its digest */
static const oci_entry_t *next_record(const char **digest,
                                      const share_walk_t *records)
{
    const oci_entry_t *entry;

    if (!records->page || records->at >= records->page->nelts) {
        return NULL;
    }
    entry = &APR_ARRAY_IDX(records->page, records->at, oci_entry_t);
    *digest = entry->key + strlen(records->prefix);
    return strncmp(*digest, records->begin, strlen(records->begin)) ? NULL
                                                                    : entry;
}

/* Count a record for which no holder was read.  One may have come since. */
static oci_error_t *count_unheld(sharing_t *sharing, const char *digest,
                                 apr_uint64_t size, apr_pool_t *pool)
{
    apr_array_header_t *names;
    oci_error_t *error;

    if (!oci_digest_valid(digest)) {
        return NULL;
    }
    error = oci_blob_holders(&names, sharing->shares->registry, digest, 1,
                             pool);
    if (!error && !names->nelts) {
        sharing->total->unheld++;
        sharing->total->unheld_bytes += size;
    }
    return error;
}

static apr_uint64_t size_of(const oci_value_t *record)
{
    apr_int64_t size = record->data ? apr_atoi64(record->data) : 0;

    return size > 0 ? size : 0;
}

/* Go to the record of a digest, past those before it.
 * digest: NULL to go past all
 * *size: set to its size, 0 if there is none */
static oci_error_t *go_to_record(apr_uint64_t *size, sharing_t *sharing,
                                 share_walk_t *records, const char *digest)
{
    oci_error_t *error = NULL;
    int order = -1;

    *size = 0;
    while (order < 0
           && !(error = fill_page(records, sharing->shares->registry))) {
        const char *found;
        const oci_entry_t *entry = next_record(&found, records);

        if (!entry) {
            break;
        }
        order = digest ? strcmp(found, digest) : -1;
        if (order > 0) {
            break;
        }
        records->at++;
        *size = size_of(&entry->value);
        sharing->total->blobs++;
        sharing->total->bytes += *size;
        if (order < 0
            && (error = count_unheld(sharing, found, *size, records->pool))) {
            break;
        }
    }
    *size = order ? 0 : *size;
    return error;
}

/* Begin with the next blob.  Its record may have come after the page of records
 * was read. */
static oci_error_t *begin_blob(sharing_t *sharing, const char *digest,
                               apr_pool_t *pool)
{
    share_walk_t *
        records = &sharing->records[oci_digest_algorithm(digest) == OCI_SHA512];
    oci_blob_t blob;
    oci_error_t *error;

    apr_cpystrn(sharing->digest, digest, KEY_SIZE);
    sharing->holders = 0;
    sharing->first = NULL;
    error = go_to_record(&sharing->size, sharing, records, digest);
    if (error || sharing->size) {
        return error;
    }
    error = oci_blob_record(&blob, sharing->shares->registry, digest, pool);
    if (error) {
        return error->code == OCI_E_BLOB_UNKNOWN ? NULL : error;
    }
    sharing->size = blob.size;
    return NULL;
}

/* Count a holder of the current blob. */
static void count_holder(sharing_t *sharing, oci_share_t *share)
{
    if (!sharing->holders++) {
        sharing->first = share;
        if (share) {
            share->own += sharing->size;
            share->blobs++;
        }
        return;
    }
    if (sharing->holders == 2 && sharing->first) {
        sharing->first->own -= sharing->size;
        sharing->first->shared += sharing->size;
    }
    if (share) {
        share->shared += sharing->size;
        share->blobs++;
    }
    sharing->holders = 2;
}

/* Visit "ab/sha256:ab...,<hash>".  What has another form belongs to nobody. */
static oci_error_t *visit_holder(oci_walk_t *walk, const char *rest,
                                 const oci_value_t *value, apr_pool_t *pool)
{
    sharing_t *sharing = walk->baton;
    const char *slash = strchr(rest, '/');
    const char *comma = strchr(rest, ',');
    unsigned char hash[HASH_SIZE];
    oci_error_t *error = NULL;
    const char *digest;

    (void)value;
    if (!slash || !comma || comma < slash || !parse_hash(hash, comma + 1)) {
        return NULL;
    }
    digest = apr_pstrmemdup(pool, slash + 1, comma - slash - 1);
    if (!oci_digest_valid(digest)) {
        return NULL;
    }
    if (strcmp(sharing->digest, digest)) {
        error = begin_blob(sharing, digest, pool);
    }
    if (!error) {
        count_holder(sharing, find(sharing->shares, hash));
    }
    return error;
}

/* Prepare to read the records of both algorithms. */
static apr_status_t make_records(sharing_t *sharing, apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; i < 2 && rv == APR_SUCCESS; i++) {
        share_walk_t *records = &sharing->records[i];

        records->prefix = oci_key_blob(pool, NULL);
        records->begin = apr_pstrcat(pool,
                                     oci_algorithm_name(i ? OCI_SHA512
                                                          : OCI_SHA256),
                                     ":", NULL);
        records->after = apr_pcalloc(pool, KEY_SIZE);
        apr_cpystrn(records->after, records->begin, KEY_SIZE);
        rv = apr_pool_create(&records->pool, pool);
    }
    return rv;
}

oci_error_t *oci_shares_read(oci_shares_total_t *total, oci_shares_t *shares,
                             apr_pool_t *pool)
{
    sharing_t sharing = { .shares = shares,
                          .total = total,
                          .digest = apr_pcalloc(pool, KEY_SIZE) };
    oci_walk_t walk = { .registry = shares->registry,
                        .prefix = oci_key_holders(pool, NULL),
                        .visit = visit_holder,
                        .baton = &sharing };
    apr_status_t rv = make_records(&sharing, pool);
    oci_error_t *error;
    apr_uint64_t size;
    int i;

    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot read the records of blobs");
    }
    memset(total, 0, sizeof(*total));
    if (shares->count) {
        qsort(shares->entries, shares->count, sizeof(shared_blob_t), compare);
    }
    error = oci_walk(&walk, pool);
    for (i = 0; i < 2 && !error; i++) {
        error = go_to_record(&size, &sharing, &sharing.records[i], NULL);
    }
    return error;
}
