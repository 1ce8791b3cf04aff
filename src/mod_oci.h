/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file mod_oci.h
 * @brief What a storage provider of mod_oci promises
 *
 * A registry keeps its bytes in a blob store and its facts in an index.
 * Each is a provider, registered from any module's register_hooks:
 *
 *     ap_register_provider(p, OCI_BLOB_STORE_GROUP, "name",
 *                          OCI_PROVIDER_VERSION, &my_blob_store);
 *
 * and chosen in the configuration by that name.  conf/provider walks through
 * an example; t/store holds the contract as tests for any provider.
 *
 * Who calls, and when:
 *  - create while a directive is read, start before httpd forks its
 *    children; both in one thread of the parent, and both twice at a start
 *    and again at each reload.  Where root starts httpd, start is called with
 *    the effective user and groups of httpd's children: inside a store root
 *    would follow links that a child has planted.
 *  - All else from any thread of any process, at once, also while an older
 *    generation of httpd still uses the store.  Two processes share nothing
 *    but the store; what start opened is inherited by children, and a child
 *    that needs something of its own makes it at its first call.
 *
 * Common to all functions:
 *  - Arguments are valid: keys, digests and ids have been checked.
 *  - Results live in the pool that is passed last, and so do the resources
 *    behind them (files, locks), which a pool cleanup releases.  That pool
 *    may live as long as a request does: a store's own needs (a connection,
 *    a mutex) are given back before the function returns.
 *  - APR_SUCCESS, the statuses that a function lists, or an error of the
 *    system; never APR_NOTFOUND or APR_EEXIST for a store that is broken.
 *    APR_ENOSPC (or EDQUOT) says that the store is full: what was there is
 *    then still there, and can be read and deleted.  APR_ECONNREFUSED says
 *    that the store can't be reached at present, APR_TIMEUP that it did not
 *    answer in time: clients are told to come back.  No function waits
 *    without a limit.  Clients give up after 30 seconds, so all waits of a
 *    call together end after about 20.  All else is logged, and is a 500 to
 *    clients.  Who can say more than a status does gives the pool a sentence
 *    under OCI_REASON, which lives as long as the pool:
 *    apr_pool_userdata_setn(text, OCI_REASON, NULL, pool).
 *  - A failure may leave a change undone or done, never half of it.
 */

#ifndef MOD_OCI_H
#define MOD_OCI_H

#include "apr.h"
#include "apr_errno.h"
#include "apr_file_io.h"
#include "apr_pools.h"
#include "apr_tables.h"
#if APR_HAVE_SYS_UIO_H
#include <sys/uio.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** The version of the module, as httpd and ociadmin show it. */
#define OCI_VERSION "0.9.0"

#define OCI_BLOB_STORE_GROUP "oci-blob-store"
#define OCI_INDEX_GROUP      "oci-index"
#define OCI_PROVIDER_VERSION "2"

#define OCI_REASON "mod_oci reason"

/** What the configuration says of a store; lives as long as the store. */
typedef struct oci_store_config_t {
    const char *type;     /* what followed "provider:", or NULL */
    const char *location; /* the directive's last argument, or NULL */
    const char *base;     /* ServerRoot: relative paths start here */
    void *server;         /* the server_rec whose section it is, or NULL
                             where no httpd runs */
} oci_store_config_t;

/* ------------------------------------------------------------------------
 * The blob store: large immutable bytes, and uploads that become such.
 * It knows digests and locators, nothing of repositories.
 *
 *   write:  open -> resume -> write ... -> close -> commit -> abort
 *           `-- each request of an upload --'       `-- the last one --'
 *   read:   open a locator
 *
 * An upload is named by an id (1..64 of [0-9a-z-]).  It comes into being
 * with the first open of its id.
 */

typedef struct oci_blob_store_provider_t oci_blob_store_provider_t;

/** A store; providers put this first in their own structure. */
typedef struct oci_blob_store_t {
    const oci_blob_store_provider_t *provider;
    const char *where; /* for logs: a locator is found at where/locator */
} oci_blob_store_t;

/** An upload that one request holds; providers define it. */
typedef struct oci_blob_writer_t oci_blob_writer_t;

/** Where to read a blob: a file, or an address to send the client to. */
typedef struct oci_blob_source_t {
    apr_file_t *file; /* open for reading, or NULL */
    apr_off_t size;   /* bytes that the file has now */
    const char *url;  /* where file is NULL: absolute, good for a while */
} oci_blob_source_t;

struct oci_blob_store_provider_t {
    /**
     * Make a store from its configuration, without touching the disk.
     * @param store Set to the store, which lives as long as pool
     * @return NULL, or a sentence that says what is wrong
     */
    const char *(*create)(oci_blob_store_t **store,
                          const oci_store_config_t *config, apr_pool_t *pool);

    /**
     * Prepare the store at the server's start; called again at each reload.
     * A store of a newer version than the provider knows is refused.
     * @param uid,gid Whose processes will use the store; where root starts
     *        httpd they are the effective ones of the caller
     * @return NULL, or a sentence that says what is wrong
     */
    const char *(*start)(oci_blob_store_t *store, apr_uid_t uid, apr_gid_t gid,
                         apr_pool_t *pool);

    /**
     * Claim an upload for this request.  The claim ends with pool, and with
     * the process however it ends.  The writer is used by one thread at a
     * time, but upload_write by two in turn where a body is long.
     * @param id The upload
     * @param pool For this writer alone: upload_write may use it, too
     * @return APR_EBUSY where another request holds it
     */
    apr_status_t (*upload_open)(oci_blob_writer_t **writer,
                                oci_blob_store_t *store, const char *id,
                                apr_pool_t *pool);

    /**
     * Continue after the first size bytes; what lies beyond is dropped.
     * @param size Bytes, as counted at the last close
     * @return APR_EOF where the upload has fewer bytes
     */
    apr_status_t (*upload_resume)(oci_blob_writer_t *writer, apr_off_t size);

    /** Append n buffers, all or an error. */
    apr_status_t (*upload_write)(oci_blob_writer_t *writer,
                                 const struct iovec *vec, int n);

    /**
     * Read back what was written.
     * @param length In: bytes wanted; out: bytes read, 0 at the end
     */
    apr_status_t (*upload_read)(oci_blob_writer_t *writer, apr_off_t offset,
                                char *buffer, apr_size_t *length);

    /**
     * Make what was written survive: the process's end always, the
     * machine's where durable is set.  After a failure no one knows what was
     * kept: the registry then aborts the upload.
     */
    apr_status_t (*upload_close)(oci_blob_writer_t *writer, int durable);

    /**
     * Turn the closed upload into the blob of this digest, in the place of
     * any that is there.  May be repeated until upload_abort.
     * @param locator Set to what blob_open will be asked for: printable
     *        ASCII without spaces, at most 512 bytes
     * @param digest "algorithm:hex", valid
     */
    apr_status_t (*upload_commit)(const char **locator,
                                  oci_blob_writer_t *writer, const char *digest,
                                  int durable, apr_pool_t *pool);

    /** Forget the upload and free its space, unless it became a blob. */
    apr_status_t (*upload_abort)(oci_blob_writer_t *writer);

    /**
     * Open a blob for reading.
     * @param flags APR_FOPEN_SENDFILE_ENABLED or 0, added for a file
     * @return APR_NOTFOUND where the store works and lacks these bytes
     */
    apr_status_t (*blob_open)(oci_blob_source_t *source,
                              oci_blob_store_t *store, const char *locator,
                              apr_int32_t flags, apr_pool_t *pool);

    /**
     * The size of a blob's bytes, without opening it.
     * @return APR_NOTFOUND where the store works and lacks these bytes
     */
    apr_status_t (*blob_size)(apr_off_t *size, oci_blob_store_t *store,
                              const char *locator, apr_pool_t *pool);

    /**
     * Delete a blob's bytes; who reads them at the time may go on.
     * @return APR_NOTFOUND where they are not there
     */
    apr_status_t (*blob_delete)(oci_blob_store_t *store, const char *locator,
                                apr_pool_t *pool);

    /**
     * The id that a store has kept since it was first used, by which its
     * index knows it again.  It lies where the bytes lie, so that a disk that
     * is not mounted takes it along.  Also called before start.  NULL for a
     * provider whose stores have no ids.
     * @param id Set to it: 1 to 64 printable characters
     * @param make Whether a store that has none gets a random one, which is
     *        as safe on the disk then as a blob; of callers at once all get
     *        the same
     * @return APR_NOTFOUND where the store works and has none
     */
    apr_status_t (*identity)(const char **id, oci_blob_store_t *store, int make,
                             apr_pool_t *pool);
};

/* ------------------------------------------------------------------------
 * The index: an ordered map of small mutable facts.
 *
 *   key   = part *( "/" part )        1..1023 bytes
 *   part  = 1..255 of [0-9A-Za-z._:!+=@,~-], not beginning with "."
 *
 * No key is the folder of another: where "a/b" is a key, "a/b/c" is none.
 * Keys are ordered bytewise.  A value is 0 bytes to 64 MiB of any bytes;
 * nearly all are below 1 KiB, and manifests below 4 MiB.
 */

typedef struct oci_index_provider_t oci_index_provider_t;

/** An index; providers put this first in their own structure. */
typedef struct oci_index_t {
    const oci_index_provider_t *provider;
    const char *where; /* for logs: a key is found at where/key; an
                          absolute path where it is on the disk */
} oci_index_t;

typedef struct oci_value_t {
    const char *data; /* followed by a NUL that does not count */
    apr_size_t size;  /* bytes */
} oci_value_t;

typedef enum {
    OCI_CHANGE_PUT,   /* set, whether or not it is there */
    OCI_CHANGE_ADD,   /* set; APR_EEXIST where it is there */
    OCI_CHANGE_DELETE /* remove; absence is no error */
} oci_change_e;

typedef struct oci_change_t {
    oci_change_e kind;
    const char *key;
    oci_value_t value; /* of PUT and ADD; data may be NULL where size
                          is 0, and need not end with a NUL */
} oci_change_t;

typedef struct oci_entry_t {
    const char *key;   /* whole */
    oci_value_t value; /* data is NULL unless values were asked for */
} oci_entry_t;

/** A range of keys. */
typedef struct oci_scan_t {
    const char *folder; /* keys below it, such as "a/b/": ends with "/";
                           or "" for all */
    const char *after;  /* keys greater than folder + after, any bytes;
                           or NULL */
    int limit;          /* at most so many, 0 for all */
    int values;         /* whether their values are wanted too */
    int any;            /* with a limit of 1, and no after: any key of the
                           range will do, not only the first; a provider
                           may ignore this */
} oci_scan_t;

typedef enum { OCI_LOCK_SHARED, OCI_LOCK_EXCLUSIVE } oci_lock_e;

/** A lock that is held; providers define it. */
typedef struct oci_lock_t oci_lock_t;

struct oci_index_provider_t {
    /** As for a blob store. */
    const char *(*create)(oci_index_t **index, const oci_store_config_t *config,
                          apr_pool_t *pool);

    /** As for a blob store. */
    const char *(*start)(oci_index_t *index, apr_uid_t uid, apr_gid_t gid,
                         apr_pool_t *pool);

    /**
     * One fact, as the last change that returned left it, in whichever
     * process that was.
     * @param value Set to it; NULL to ask only whether it is there
     * @return APR_NOTFOUND where the index works and has no such key
     */
    apr_status_t (*get)(oci_value_t *value, oci_index_t *index, const char *key,
                        apr_pool_t *pool);

    /**
     * Apply changes in their order; later ones see earlier ones.  A reader
     * sees, at any moment, some prefix of them; so does one who comes after
     * a crash.  An index that can show all or nothing does so.
     * @param changes As many as count; none is no error
     * @param durable Whether to return only when the machine's end can no
     *        longer undo them
     * @return APR_EEXIST of the first ADD that found its key: what stands
     *         before it is done, nothing from it on
     */
    apr_status_t (*apply)(oci_index_t *index, const oci_change_t *changes,
                          int count, int durable, apr_pool_t *pool);

    /**
     * The keys of a range in order.  What is added or removed meanwhile may
     * or may not be among them; all else is, once.  The cost depends on the
     * entries returned, not on how many there are.
     * @param entries Set to an array of oci_entry_t, empty where there is no
     *        such key
     */
    apr_status_t (*scan)(apr_array_header_t **entries, oci_index_t *index,
                         const oci_scan_t *scan, apr_pool_t *pool);

    /**
     * Wait for a named lock, which is one for all processes, and hosts, that
     * use this index.  A caller never asks for a name that it holds, and may
     * hold a few names at a time.  The lock ends with unlock, with pool, and
     * with the process however it ends.  While it is held its caller gives
     * pool, or one below it, to the other functions.  Who waits to exclude
     * others is not kept from it by those who go on to share it; and names
     * that clients have chosen don't get in each other's way.
     * @param name 1..1023 printable ASCII characters
     * @return APR_TIMEUP where the lock was not free within the limit
     */
    apr_status_t (*lock)(oci_lock_t **lock, oci_index_t *index,
                         const char *name, oci_lock_e kind, apr_pool_t *pool);

    /**
     * Give a lock back.
     * @return As the others, where the lock may have ended before its time
     */
    apr_status_t (*unlock)(oci_lock_t *lock);
};

#ifdef __cplusplus
}
#endif

#endif /* MOD_OCI_H */
