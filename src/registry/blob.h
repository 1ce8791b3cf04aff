/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file blob.h
 * @brief The blobs that a repository holds
 */

#ifndef OCI_BLOB_H
#define OCI_BLOB_H

#include "registry/registry.h"
#include "values/digest_filter.h"

typedef struct oci_blob_t {
    const char *digest;
    apr_off_t size;        /* bytes */
    const char *locator;   /* the blob store's */
    apr_int64_t condemned; /* seconds since 1970, UTC: when garbage collection
                              condemned it in the repository; 0: it did not */
} oci_blob_t;

/** Return since when a held blob is condemned, in seconds, 0 if it is not.
 * @param held The value of its fact (keys.h) */
apr_int64_t oci_blob_condemned_at(const char *held);

/** Return the value of the fact of a held blob that is condemned since a time,
 * which is not 0. */
const char *oci_blob_condemn(apr_int64_t seconds, apr_pool_t *pool);

/**
 * Release a blob if it is condemned: a client that was told that the repository
 * holds it may push a manifest that names it.
 * @param blob As oci_blob_stat set it; it is not condemned after success
 * @return OCI_E_BLOB_UNKNOWN if the repository does not hold it any more; a
 *         storage error
 */
oci_error_t *oci_blob_release(oci_blob_t *blob,
                              const oci_repository_t *repository,
                              apr_pool_t *pool);

/**
 * Lock a blob, whichever repositories hold it.  Whoever stores its bytes and
 * adds it to a repository takes the shared lock for both, and whoever deletes
 * its bytes the exclusive lock.  It is taken before a repository's lock.
 * @param lock Set to the lock; oci_registry_unlock releases it
 * @param digest Valid
 * @return A storage error
 */
oci_error_t *oci_blob_lock(oci_lock_t **lock, const oci_registry_t *registry,
                           const char *digest, oci_lock_e kind,
                           apr_pool_t *pool);

/**
 * Read the record of a blob, which all repositories that hold it share.
 * @param blob Filled in on success, as if it were not condemned
 * @param digest A valid digest; kept in blob
 * @return OCI_E_BLOB_UNKNOWN if there is none; a storage error
 */
oci_error_t *oci_blob_record(oci_blob_t *blob, const oci_registry_t *registry,
                             const char *digest, apr_pool_t *pool);

/**
 * Parse the record of a blob.
 * @param blob Filled in on success, as if it were not condemned; the locator is
 *        a part of record
 * @param record The value of its fact; NULL if there is none
 * @param digest A valid digest; kept in blob
 * @return OCI_E_BLOB_UNKNOWN if there is none; OCI_E_INTERNAL, with the status
 *         APR_SUCCESS, if it is not a valid record
 */
oci_error_t *oci_blob_parse(oci_blob_t *blob, const char *record,
                            const oci_registry_t *registry, const char *digest,
                            apr_pool_t *pool);

/** Return the record of a blob with this size, in bytes, and locator. */
const char *oci_blob_format(apr_off_t size, const char *locator,
                            apr_pool_t *pool);

/** Return the digest of a locator, by which keys.h names a stray. */
const char *oci_blob_locator_hash(const char *locator, apr_pool_t *pool);

/**
 * Make an empty filter for blobs, of 8 MiB, with a random seed.
 * @return A storage error if the system cannot provide random bytes
 */
oci_error_t *oci_blob_filter_make(oci_digest_filter_t **filter,
                                  apr_pool_t *pool);

/**
 * Find bytes in the list of the blob store, which must be able to list.
 * @param stored Filled in; its name is NULL if the store does not list them
 * @param locator Theirs
 * @param pool For the result and temporary data
 * @return A storage error
 */
oci_error_t *oci_blob_find_stored(oci_stored_t *stored,
                                  const oci_registry_t *registry,
                                  const char *locator, apr_pool_t *pool);

/**
 * Delete the bytes of a blob, unless it has a record.  The caller holds the
 * exclusive lock on its digest (oci_blob_lock).  The bytes stay if that cannot
 * be known, also because the lock ended while this process was stopped.
 * @param blob Its digest and locator
 * @param pool For temporary data
 * @return The provider's status: APR_EBUSY if there is a record
 */
apr_status_t oci_blob_delete_bytes(const oci_registry_t *registry,
                                   const oci_blob_t *blob, apr_pool_t *pool);

/**
 * Add the changes that take a blob out of a repository.  Garbage collection
 * deletes the blob if no other repository holds it.
 * @param changes Allocated from the pool that the changes are to live in
 */
void oci_blob_add_removal(apr_array_header_t *changes,
                          const oci_repository_t *repository,
                          const char *digest);

/**
 * Look up a blob of a repository, without a look at its bytes.
 * @param blob Filled in on success
 * @param digest A valid digest; kept in blob
 * @param pool For the result and temporary data
 * @return OCI_E_BLOB_UNKNOWN if the repository does not hold the blob; a
 * storage error (error.h)
 */
oci_error_t *oci_blob_find(oci_blob_t *blob, const oci_repository_t *repository,
                           const char *digest, apr_pool_t *pool);

/**
 * Look up a blob of a repository, and check that its bytes are stored, unless
 * the store is remote.
 * @param blob Filled in on success
 * @param digest A valid digest; kept in blob
 * @param pool For the result and temporary data
 * @return OCI_E_BLOB_UNKNOWN if the repository does not hold the blob, or, with
 *         a note for the log, if its bytes are missing or have another size;
 *         a storage error (error.h)
 */
oci_error_t *oci_blob_stat(oci_blob_t *blob, const oci_repository_t *repository,
                           const char *digest, apr_pool_t *pool);

/**
 * Open a blob of a repository for reading.
 * @param source Set to the provider's source: a file, a stream or a URL; its
 *        offset and its until are given
 * @param blob As oci_blob_find set it, or only its digest, which is valid, and
 *        the rest 0; filled in on success
 * @param flags As for the provider's blob_open
 * @param pool The source lives as long as this pool
 * @return As oci_blob_stat
 */
oci_error_t *oci_blob_open(oci_blob_source_t *source, oci_blob_t *blob,
                           const oci_repository_t *repository,
                           apr_int32_t flags, apr_pool_t *pool);

/**
 * List repositories that hold a blob.  A name may be left over from a deletion
 * that was killed, see holder in keys.h.
 * @param names Set to an array of const char *
 * @param digest A valid digest
 * @param limit The maximum number of names
 * @param pool For the result and temporary data
 * @return A storage error
 */
oci_error_t *oci_blob_holders(apr_array_header_t **names,
                              const oci_registry_t *registry,
                              const char *digest, int limit, apr_pool_t *pool);

/**
 * Add a blob of another repository to a repository (distribution-spec,
 * "Mounting a blob from another repository").
 * @param digest A valid digest
 * @param from The name of the other repository; valid
 * @param pool For temporary data
 * @return As oci_blob_stat for the other repository; as oci_blob_add
 */
oci_error_t *oci_blob_mount(const oci_repository_t *repository,
                            const char *digest, const char *from,
                            apr_pool_t *pool);

/**
 * Remove a blob from a repository (distribution-spec, "Deleting Blobs").  The
 * bytes stay in the blob store, for other repositories.
 * @param digest A valid digest
 * @param pool For temporary data
 * @return OCI_E_BLOB_UNKNOWN if the repository does not hold it; a storage
 *         error
 */
oci_error_t *oci_blob_delete(const oci_repository_t *repository,
                             const char *digest, apr_pool_t *pool);

#endif /* OCI_BLOB_H */
