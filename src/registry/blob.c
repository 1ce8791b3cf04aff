/* SPDX-License-Identifier: Apache-2.0 */

/* The blobs that a repository holds. */

#include <stdlib.h>
#include <string.h>

#include "apr_lib.h"
#include "apr_strings.h"

#include "registry/blob.h"
#include "registry/blob_add.h"
#include "registry/keys.h"
#include "registry/pending.h"
#include "registry/random.h"
#include "registry/repository.h"
#include "registry/stored_walk.h"
#include "values/digest.h"

/* The size of a filter: 8 MiB. */
#define FILTER 23

#define HOLDERS 4 /* names of repositories in one line of the log */

/* How often to look for a blob's bytes: between the looks at its facts and at
 * its bytes, garbage collection may have deleted both. */
#define LOOKS 2

static oci_error_t *blob_unknown(const char *digest, apr_pool_t *pool)
{
    return oci_error_make(pool, OCI_E_BLOB_UNKNOWN, "digest", digest,
                          "the repository does not hold this blob");
}

oci_error_t *oci_blob_parse(oci_blob_t *blob, const char *record,
                            const oci_registry_t *registry, const char *digest,
                            apr_pool_t *pool)
{
    char *end;

    if (!record) {
        return blob_unknown(digest, pool);
    }
    blob->digest = digest;
    if (apr_strtoff(&blob->size, record, &end, 10) != APR_SUCCESS
        || end == record || *end != ';' || blob->size < 0) {
        return oci_error_storage(
            pool, APR_SUCCESS,
            "%s/%s is not a valid blob record; " OCI_PUSH_AGAIN,
            registry->index->where, oci_key_blob(pool, digest));
    }
    blob->locator = end + 1;
    blob->condemned = 0;
    return NULL;
}

const char *oci_blob_format(apr_off_t size, const char *locator,
                            apr_pool_t *pool)
{
    return apr_psprintf(pool, "%" APR_OFF_T_FMT ";%s", size, locator);
}

const char *oci_blob_locator_hash(const char *locator, apr_pool_t *pool)
{
    return oci_digest_of(OCI_SHA256, locator, strlen(locator), pool);
}

apr_int64_t oci_blob_condemned_at(const char *held)
{
    apr_int64_t seconds = *held == ';' && apr_isdigit(held[1])
        ? apr_atoi64(held + 1)
        : 0;

    return seconds > 0 ? seconds : 0;
}

const char *oci_blob_condemn(apr_int64_t seconds, apr_pool_t *pool)
{
    return apr_psprintf(pool, ";%" APR_INT64_T_FMT, seconds);
}

oci_error_t *oci_blob_lock(oci_lock_t **lock, const oci_registry_t *registry,
                           const char *digest, oci_lock_e kind,
                           apr_pool_t *pool)
{
    return oci_registry_lock(lock, registry, oci_key_blob(pool, digest), kind,
                             pool);
}

oci_error_t *oci_blob_record(oci_blob_t *blob, const oci_registry_t *registry,
                             const char *digest, apr_pool_t *pool)
{
    oci_value_t record;
    oci_error_t *error = oci_fact_get(&record, registry,
                                      oci_key_blob(pool, digest), pool);

    return error ? error
                 : oci_blob_parse(blob, record.data, registry, digest, pool);
}

oci_error_t *oci_blob_find(oci_blob_t *blob, const oci_repository_t *repository,
                           const char *digest, apr_pool_t *pool)
{
    oci_follow_t follow = {
        .key = oci_key_held(pool, repository->name, digest),
        .prefix = oci_key_blob(pool, digest),
        .is_empty = 1,
    };
    oci_error_t *error = oci_fact_follow(&follow, repository->registry, pool);

    if (!error) {
        error = oci_blob_parse(blob, follow.target.data, repository->registry,
                               digest, pool);
    }
    if (!error) {
        blob->condemned = oci_blob_condemned_at(follow.value.data);
    }
    return error;
}

/* Name some of the repositories that hold a blob, for the log. */
static const char *describe_holders(const oci_registry_t *registry,
                                    const char *digest, apr_pool_t *pool)
{
    apr_array_header_t *names;
    const char *more = "";

    if (oci_blob_holders(&names, registry, digest, HOLDERS + 1, pool)
        || !names->nelts) {
        return "";
    }
    if (names->nelts > HOLDERS) {
        names->nelts = HOLDERS;
        more = " and others";
    }
    return apr_pstrcat(pool, "; it is a blob of ",
                       apr_array_pstrcat(pool, names, ','), more, NULL);
}

/* Make the error of a blob whose bytes are not there.
 * fault: what is wrong with its file */
static oci_error_t *blob_lost(const oci_blob_t *blob,
                              const oci_registry_t *registry, const char *fault,
                              apr_pool_t *pool)
{
    oci_error_t *error = blob_unknown(blob->digest, pool);

    error->note = apr_psprintf(pool, "%s/%s %s%s; " OCI_PUSH_AGAIN,
                               registry->blobs->where, blob->locator, fault,
                               describe_holders(registry, blob->digest, pool));
    return error;
}

/* Compare the store's status and size for a blob with the blob's record. */
static oci_error_t *check_stored(const oci_blob_t *blob,
                                 const oci_registry_t *registry,
                                 apr_status_t rv, apr_off_t size,
                                 apr_pool_t *pool)
{
    if (rv == APR_SUCCESS && size == blob->size) {
        return NULL;
    }
    if (rv != APR_SUCCESS && rv != APR_NOTFOUND) {
        return oci_error_storage(pool, rv, "cannot open %s/%s",
                                 registry->blobs->where, blob->locator);
    }
    return blob_lost(blob, registry,
                     rv == APR_NOTFOUND
                         ? "is lost or cannot be read"
                         : apr_psprintf(pool,
                                        "has %" APR_OFF_T_FMT
                                        " bytes instead of %" APR_OFF_T_FMT,
                                        size, blob->size),
                     pool);
}

oci_error_t *oci_blob_stat(oci_blob_t *blob, const oci_repository_t *repository,
                           const char *digest, apr_pool_t *pool)
{
    oci_blob_store_t *store = repository->registry->blobs;
    apr_off_t size = 0;
    apr_status_t rv;
    int looks = 0;

    do {
        oci_error_t *error = oci_blob_find(blob, repository, digest, pool);

        if (error) {
            return error;
        }
        if (store->provider->remote) {
            return NULL;
        }
        rv = store->provider->blob_size(&size, store, blob->locator, pool);
    } while (rv == APR_NOTFOUND && ++looks < LOOKS);
    return check_stored(blob, repository->registry, rv, size, pool);
}

oci_error_t *oci_blob_open(oci_blob_source_t *source, oci_blob_t *blob,
                           const oci_repository_t *repository,
                           apr_int32_t flags, apr_pool_t *pool)
{
    oci_blob_store_t *store = repository->registry->blobs;
    apr_status_t rv;
    int looks = 0;

    do {
        oci_error_t *error = looks || !blob->locator
            ? oci_blob_find(blob, repository, blob->digest, pool)
            : NULL;

        if (error) {
            return error;
        }
        source->file = NULL;
        source->stream = NULL;
        source->url = NULL;
        rv = store->provider->blob_open(source, store, blob->locator, flags,
                                        pool);
    } while (rv == APR_NOTFOUND && ++looks < LOOKS);
    return check_stored(blob, repository->registry, rv,
                        source->url ? blob->size : source->size, pool);
}

oci_error_t *oci_blob_holders(apr_array_header_t **names,
                              const oci_registry_t *registry,
                              const char *digest, int limit, apr_pool_t *pool)
{
    const char *prefix = oci_key_holders(pool, digest);
    const char *first = apr_pstrcat(pool, digest, ",", NULL);
    oci_scan_t scan = { prefix, first, limit, 1, 0 };
    apr_array_header_t *entries;
    oci_error_t *error = oci_facts_scan(&entries, registry, &scan, pool);
    int i;

    if (error) {
        return error;
    }
    *names = apr_array_make(pool, entries->nelts, sizeof(const char *));
    for (i = 0; i < entries->nelts; i++) {
        const oci_entry_t *entry = &APR_ARRAY_IDX(entries, i, oci_entry_t);

        if (strncmp(entry->key + strlen(prefix), first, strlen(first))) {
            break; /* the holders of another blob with the same <xx> follow */
        }
        APR_ARRAY_PUSH(*names, const char *) = entry->value.data;
    }
    return NULL;
}

static oci_error_t *release_locked(const oci_repository_t *repository,
                                   const char *digest, apr_pool_t *pool)
{
    const oci_registry_t *registry = repository->registry;
    const char *key = oci_key_held(pool, repository->name, digest);
    int held;
    oci_error_t *error = oci_fact_exists(&held, registry, key, pool);

    if (error || !held) {
        return error ? error : blob_unknown(digest, pool);
    }
    return oci_fact_put(registry, key, "", registry->durable, pool);
}

oci_error_t *oci_blob_release(oci_blob_t *blob,
                              const oci_repository_t *repository,
                              apr_pool_t *pool)
{
    oci_lock_t *lock;
    oci_error_t *error;

    if (!blob->condemned) {
        return NULL;
    }
    error = oci_repository_lock(&lock, repository, OCI_LOCK_SHARED, pool);
    if (error) {
        return error;
    }
    error = release_locked(repository, blob->digest, pool);
    oci_repository_unlock(repository, lock);
    if (!error) {
        blob->condemned = 0;
    }
    return error;
}

oci_error_t *oci_blob_mount(const oci_repository_t *repository,
                            const char *digest, const char *from,
                            apr_pool_t *pool)
{
    oci_blob_t blob;
    oci_repository_t source = { repository->registry, from };
    oci_lock_t *lock;
    oci_error_t *error;

    /* A push to a remote store may change the locator in the record meanwhile.
     */
    error = oci_blob_lock(&lock, repository->registry, digest,
                          repository->registry->blobs->provider->remote
                              ? OCI_LOCK_EXCLUSIVE
                              : OCI_LOCK_SHARED,
                          pool);
    if (error) {
        return error;
    }
    error = oci_blob_stat(&blob, &source, digest, pool);
    if (!error) {
        error = oci_blob_add(repository, &blob, pool);
    }
    oci_registry_unlock(repository->registry, lock);
    return error;
}

void oci_blob_add_removal(apr_array_header_t *changes,
                          const oci_repository_t *repository,
                          const char *digest)
{
    apr_pool_t *pool = changes->pool;

    /* The note comes first: a crash must not leave an orphan without it. */
    oci_change_put(changes, OCI_CHANGE_PUT, oci_key_orphan(pool, digest), NULL,
                   0);
    oci_change_delete(changes, oci_key_held(pool, repository->name, digest));
    oci_change_delete(changes, oci_key_holder(pool, digest, repository->name));
}

/* The deletion of a blob's bytes. */
typedef struct deletion_t {
    const oci_registry_t *registry;
    const char *digest;
    apr_pool_t *pool;
} deletion_t;

/* Confirm that a blob has no record.  If this process was stopped for so long
 * that its lock ended, the blob may have been entered again, and this look at
 * the index fails or finds it. */
static int has_no_record(void *baton)
{
    const deletion_t *deletion = baton;
    oci_blob_t blob;
    oci_error_t *error = oci_blob_record(&blob, deletion->registry,
                                         deletion->digest, deletion->pool);

    return error && error->code == OCI_E_BLOB_UNKNOWN;
}

oci_error_t *oci_blob_filter_make(oci_digest_filter_t **filter,
                                  apr_pool_t *pool)
{
    const char *seed;
    oci_error_t *error = oci_random_hex(&seed, 8, pool);

    if (!error) {
        *filter = oci_digest_filter_make(FILTER, strtoull(seed, NULL, 16),
                                         pool);
    }
    return error;
}

/* No locator sorts between the one that the list begins after and the wanted
 * one. */
oci_error_t *oci_blob_find_stored(oci_stored_t *stored,
                                  const oci_registry_t *registry,
                                  const char *locator, apr_pool_t *pool)
{
    apr_size_t length = strlen(locator);
    char *after = apr_pstrcat(pool, locator, "~", NULL);
    oci_stored_page_t page = { registry->blobs, OCI_STORED_BLOBS, after, 1 };
    apr_array_header_t *entries;
    oci_error_t *error;

    memset(stored, 0, sizeof(*stored));
    if (!length) {
        return NULL;
    }
    after[length - 1]--;
    error = oci_stored_list(&entries, &page, pool);
    if (!error && entries->nelts
        && !strcmp(APR_ARRAY_IDX(entries, 0, oci_stored_t).name, locator)) {
        *stored = APR_ARRAY_IDX(entries, 0, oci_stored_t);
    }
    return error;
}

apr_status_t oci_blob_delete_bytes(const oci_registry_t *registry,
                                   const oci_blob_t *blob, apr_pool_t *pool)
{
    oci_blob_store_t *store = registry->blobs;
    deletion_t deletion = { registry, blob->digest, pool };
    oci_confirm_t confirm = { has_no_record, &deletion };

    return store->provider->blob_delete(store, blob->locator, &confirm, pool);
}

oci_error_t *oci_blob_delete(const oci_repository_t *repository,
                             const char *digest, apr_pool_t *pool)
{
    const char *held_key = oci_key_held(pool, repository->name, digest);
    apr_array_header_t *changes = oci_change_list_make(pool);
    oci_lock_t *lock;
    int held;
    oci_error_t *error = oci_repository_lock(&lock, repository,
                                             OCI_LOCK_EXCLUSIVE, pool);

    if (error) {
        return error;
    }
    error = oci_fact_exists(&held, repository->registry, held_key, pool);
    if (!error && held) {
        error = oci_pending_cancel(changes, repository, pool);
    }
    if (!error && held) {
        oci_blob_add_removal(changes, repository, digest);
        error = oci_facts_remove(repository->registry, changes, pool);
    }
    if (!error) {
        error = oci_repository_unregister_if_empty(repository, pool);
    }
    oci_repository_unlock(repository, lock);
    return error || held ? error : blob_unknown(digest, pool);
}
