/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file mod_oci.h
 * @brief The interface between mod_oci and its storage providers
 *
 * A registry keeps its content in a blob store and its metadata in an index.
 * Each is a provider, registered from any module's register_hooks:
 *
 *     ap_register_provider(p, OCI_BLOB_STORE_GROUP, "name",
 *                          OCI_PROVIDER_VERSION, &my_blob_store);
 *
 * and selected in the configuration by that name.  conf/provider walks through
 * an example; t/store holds the contract as tests that any provider can run.
 *
 * When and where the functions are called:
 *  - create is called while a directive is read, start before httpd forks its
 *    children.  Both are called in one thread of the parent process, twice at a
 *    start and again at each reload.  If root starts httpd, start is called
 *    with the effective user and groups of httpd's children: as root it would
 *    follow links that a child has planted inside the store.
 *  - All other functions are called from any thread of any process,
 *    concurrently, even while an older generation of httpd still uses the
 *    store.  Two processes share nothing but the store.  Children inherit what
 *    start opened; a child that needs a resource of its own creates it in the
 *    first call.
 *
 * Common to all functions:
 *  - Arguments are valid: keys, digests and ids have been checked.
 *  - Results are allocated from the pool that is passed last.  So are the
 *    resources behind them (files, locks), which a pool cleanup releases.  That
 *    pool may live as long as a request: a store releases its own resources (a
 *    connection, a mutex) before the function returns.
 *  - The return value is APR_SUCCESS, a status that the function lists, or an
 *    error of the system; never APR_NOTFOUND or APR_EEXIST for a store that is
 *    broken.  APR_ENOSPC (or EDQUOT) means that the store is full: existing
 *    data is still there, and can be read and deleted.  APR_ECONNREFUSED means
 *    that the store cannot be reached at present, APR_TIMEUP that it did not
 *    answer in time: clients are told to retry.  EFBIG means that a blob cannot
 *    be that large.  Any other error is logged and reported to clients as 500.
 *  - No function waits without a limit.  Clients give up after 30 seconds, so
 *    all waits of one call together end after about 20.
 *  - A function that can explain a failure stores a sentence in the pool under
 *    OCI_REASON, which lives as long as the pool: apr_pool_userdata_setn(text,
 *    OCI_REASON, NULL, pool).  The log then has this sentence instead of the
 *    text of the status, so it must say what the system said.  With EFBIG, it
 *    may store the largest number of bytes, as decimal digits, in the same way
 *    under OCI_LIMIT: clients are told it.
 *  - A failed call leaves each change undone or done, never half done.
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
#define OCI_PROVIDER_VERSION "7"

#define OCI_REASON "mod_oci reason"
#define OCI_LIMIT  "mod_oci limit"

/** The configuration of a store; lives as long as the store. */
typedef struct oci_store_config_t {
    const char *type;     /* what follows "provider:", or NULL */
    const char *location; /* the directive's last argument, or NULL */
    const char *base;     /* ServerRoot: relative paths start here */
    void *server; /* the server_rec of its configuration section, or NULL
                     outside httpd */
    int no_raise; /* refuse a store of an older version: a newer version number
                     keeps servers that run older code from using it */
    const apr_table_t *options; /* outside httpd: what the provider's options
                                   returned inside it; or NULL */
} oci_store_config_t;

/* ------------------------------------------------------------------------
 * The blob store: large immutable content, and the uploads that create it.  It
 * knows digests and locators, not repositories.
 *
 *   write:  open -> resume -> write ... -> close -> commit -> abort
 *           `-- each request of an upload --'       `-- the last one --'
 *   read:   open a locator
 *
 * An upload is named by an id (1..64 of [0-9a-z-]). It is created when its id
 * is first opened.
 *
 * A store is local, or remote: its bytes are in another system, such as an
 * object store, and each call is a request to it.  Of a remote store
 *  - an upload is claimed by a lease in the index, not by upload_open, which
 *    never returns APR_EBUSY.  A process that was stopped for longer than its
 *    lease may go on writing beside the next one: what it writes must not
 *    change what a state of the other one leads to;
 *  - upload_close always makes the bytes durable, and upload_commit does it
 *    without upload_close.  The registry reads no bytes of an upload back;
 *  - each commit of another upload has another locator, which is never used
 *    again.  Of two that store the same digest at the same time, the registry
 *    deletes one;
 *  - bytes of an upload may be listed as a blob or as an upload;
 *  - the registry answers HEAD from its record of a blob, not with blob_size.
 */

typedef struct oci_blob_store_provider_t oci_blob_store_provider_t;

/** A blob store; providers put this first in their own structure. */
typedef struct oci_blob_store_t {
    const oci_blob_store_provider_t *provider;
    const char *where; /* for logs: a blob is at where/locator */
} oci_blob_store_t;

/** An upload that a request has claimed; defined by the provider. */
typedef struct oci_blob_writer_t oci_blob_writer_t;

/** A blob that is read at any offset; providers put this first in their own
 * structure. */
typedef struct oci_blob_stream_t oci_blob_stream_t;
struct oci_blob_stream_t {
    /**
     * Read bytes of the blob.  One thread at a time calls it.
     * @param offset Of the first byte to read
     * @param until Where the caller stops for now: it reads from offset to this
     *        byte, which it does not read, by one call or more.  The store need
     *        not fetch more
     * @param length In: bytes wanted, at least 1; out: bytes read, at least 1
     *        before the end of the blob, and 0 at its end
     * @return An error of the system if the bytes cannot be read
     */
    apr_status_t (*read)(oci_blob_stream_t *stream, apr_off_t offset,
                         apr_off_t until, char *buffer, apr_size_t *length);
};

/** Where to read a blob: from a file, from a stream, or at a URL to redirect
 * the client to.  Two of the three are NULL. */
typedef struct oci_blob_source_t {
    apr_file_t *file;          /* open for reading */
    oci_blob_stream_t *stream; /* lives as long as the pool of blob_open */
    const char *url;           /* absolute, valid for a while */
    apr_off_t size;            /* of the file or the stream, bytes */
    apr_off_t offset; /* set by the caller: which byte it will read first from a
                         stream */
    apr_off_t until; /* set by the caller: where it will stop for now; 0: at the
                        end */
} oci_blob_source_t;

/** How to open a blob: flags. */
enum {
    OCI_OPEN_SENDFILE = 1, /* a file is opened with APR_FOPEN_SENDFILE_ENABLED
                            */
    OCI_OPEN_REDIRECT = 2  /* a URL is welcome */
};

/** A question that a provider asks its caller. */
typedef struct oci_confirm_t {
    int (*is_confirmed)(void *baton);
    void *baton;
} oci_confirm_t;

/** What a blob store can list. */
typedef enum {
    OCI_STORED_BLOBS,
    OCI_STORED_UPLOADS,
    OCI_STORED_RECOVERED /* the blobs, after the store has undone deletions that
                            did not come to their end: no blob_delete runs
                            meanwhile.  size and changed need not be set */
} oci_stored_e;

/** A blob or an upload, as a store lists it. */
typedef struct oci_stored_t {
    const char *name;   /* a locator, or the id of an upload */
    const char *digest; /* of a blob; NULL if the store cannot tell */
    apr_off_t size;     /* bytes */
    apr_time_t changed; /* when its bytes were last written */
    const char
        *upload; /* of a blob of a remote store: the id of the upload that
                    made it, or may yet make it; NULL if not known */
} oci_stored_t;

struct oci_blob_store_provider_t {
    /**
     * Create a store from its configuration, without accessing the disk.
     * @param store Set to the store, which lives as long as pool
     * @return NULL, or a sentence that says what is wrong
     */
    const char *(*create)(oci_blob_store_t **store,
                          const oci_store_config_t *config, apr_pool_t *pool);

    /**
     * Prepare the store when the server starts; called again at each reload.
     * Refuse a store whose version is newer than the provider supports.
     * @param uid,gid The user and group of the processes that will use the
     *        store; if root starts httpd, they are the effective ones of the
     *        caller
     * @return NULL, or a sentence that says what is wrong
     */
    const char *(*start)(oci_blob_store_t *store, apr_uid_t uid, apr_gid_t gid,
                         apr_pool_t *pool);

    /**
     * Open an upload for this request, and create it if its id is new.  Of a
     * local store this claims it.  The claim ends with pool, and with the
     * process, however the process ends.  One thread at a time uses the writer,
     * but for a long body two threads call upload_write in turn.
     * @param writer Set to the claimed upload, which lives as long as pool
     * @param id The upload
     * @param pool For this writer only: upload_write may allocate from it, too
     * @return APR_EBUSY if another request has claimed the upload
     */
    apr_status_t (*upload_open)(oci_blob_writer_t **writer,
                                oci_blob_store_t *store, const char *id,
                                apr_pool_t *pool);

    /**
     * Continue after the first size bytes, and discard the bytes after them.
     * May be called again before the next write, with the size and state of an
     * earlier close: those of the last two requests that wrote must work.
     * @param size Bytes, as counted at a close
     * @param state As that close set it; NULL if there was none
     * @return APR_EOF if the upload has fewer bytes
     */
    apr_status_t (*upload_resume)(oci_blob_writer_t *writer, apr_off_t size,
                                  const char *state);

    /**
     * Append all of n buffers, or return an error.
     * @param vec The buffers, which may be empty
     * @return EFBIG, perhaps with OCI_LIMIT in the pool of the writer, if the
     *         store cannot have a blob that large; APR_EOF if a remote store
     *         has lost earlier bytes of the upload
     */
    apr_status_t (*upload_write)(oci_blob_writer_t *writer,
                                 const struct iovec *vec, int n);

    /**
     * Read back bytes of the upload.  NULL for a remote store.
     * @param offset Of the first byte to read
     * @param length In: bytes wanted; out: bytes read, 0 at the end
     */
    apr_status_t (*upload_read)(oci_blob_writer_t *writer, apr_off_t offset,
                                char *buffer, apr_size_t *length);

    /**
     * Make the written bytes survive the end of the process.  More bytes may be
     * written afterwards, and this may be called again.  After a failure
     * it is unknown which bytes were kept: the registry then aborts the upload.
     * @param state Set to a text that the registry keeps in the record of the
     *        upload, and passes to upload_resume: at most 1 MiB of printable
     *        ASCII without spaces and ";"; NULL if the store needs none
     * @param durable Whether they must survive a crash of the machine, too
     */
    apr_status_t (*upload_close)(const char **state, oci_blob_writer_t *writer,
                                 int durable, apr_pool_t *pool);

    /**
     * Turn the closed upload into the blob of this digest.  If the locator
     * exists, its blob is replaced.  May be repeated until upload_abort, also
     * by a process that resumes the upload as its last close left it.
     * Of a remote store it may return APR_EOF: bytes of the upload are lost; or
     * APR_EEXIST: an earlier commit has made the blob of this locator, and the
     * registry reads and verifies it.  Bytes that an upload has made may be
     * deleted when no record has named them for three minutes, so a commit does
     * not use older ones without a copy.
     * @param locator Set to the name by which blob_open will find the blob:
     *        printable ASCII without spaces, at most 512 bytes
     * @param digest "algorithm:hex", valid
     * @param durable Whether the blob must survive a crash of the machine
     */
    apr_status_t (*upload_commit)(const char **locator,
                                  oci_blob_writer_t *writer, const char *digest,
                                  int durable, apr_pool_t *pool);

    /** Delete the upload and free its space, unless it became a blob.  Of a
     * remote store that was not resumed, bytes that are listed as a blob may
     * stay. */
    apr_status_t (*upload_abort)(oci_blob_writer_t *writer);

    /**
     * Open a blob for reading.
     * @param source Set to the file, the stream or the URL; file and stream end
     *        with pool
     * @param locator As upload_commit set it
     * @param flags OCI_OPEN_SENDFILE and OCI_OPEN_REDIRECT, or 0.  Without
     *        OCI_OPEN_REDIRECT, a URL is not an answer
     * @return APR_NOTFOUND if the store works and does not have this blob; with
     *         OCI_OPEN_REDIRECT the store need not look
     */
    apr_status_t (*blob_open)(oci_blob_source_t *source,
                              oci_blob_store_t *store, const char *locator,
                              apr_int32_t flags, apr_pool_t *pool);

    /**
     * Get the size of a blob without opening it.
     * @param size Set to the size, bytes
     * @return APR_NOTFOUND if the store works and does not have this blob
     */
    apr_status_t (*blob_size)(apr_off_t *size, oci_blob_store_t *store,
                              const char *locator, apr_pool_t *pool);

    /**
     * Delete a blob.  A request that is reading it can continue.
     * @param confirm NULL, or to be asked when the locator no longer leads to
     *        the bytes, and before they are deleted for good: they are put back
     *        if it returns 0.  A store that never uses a locator again may
     *        delete without asking
     * @return APR_NOTFOUND if the store works and does not have this blob, or
     *         APR_SUCCESS if it is remote; APR_EBUSY if the deletion was not
     *         confirmed
     */
    apr_status_t (*blob_delete)(oci_blob_store_t *store, const char *locator,
                                const oci_confirm_t *confirm, apr_pool_t *pool);

    /**
     * Get the id that a store has kept since it was first used, by which its
     * index recognizes it.  It is stored beside the blobs, so that it is
     * missing, too, when their disk is not mounted.  Also called before start.
     * NULL for a provider whose stores have no ids.
     * @param id Set to the id: 1 to 64 printable characters
     * @param make Whether to give a store without an id a random one, stored as
     *        durably as a blob; concurrent callers all get the same id
     * @return APR_NOTFOUND if the store works and has no id
     */
    apr_status_t (*identity)(const char **id, oci_blob_store_t *store, int make,
                             apr_pool_t *pool);

    /**
     * Find out why start would fail, without changing anything.  "httpd -t"
     * calls it instead of start, perhaps while another httpd uses the store.
     * NULL for a provider that cannot tell.
     * @return NULL, or a sentence that says what is wrong
     */
    const char *(*check)(oci_blob_store_t *store, apr_pool_t *pool);

    /**
     * List the blobs, or the uploads, of a store in the bytewise order of their
     * names.  Those that are added or removed meanwhile may or may not be
     * listed; all others are listed once, also if they are replaced.  The
     * time and memory of a call may depend on limit and on the size of one of
     * the store's directories, but not on the size of the store.  An upload is
     * listed until it is aborted, even if a request is writing to it.  What a
     * killed process left of an upload is listed as this upload, so that
     * upload_open and upload_abort remove it.  Files that are not the store's
     * are not listed.
     * NULL for a provider that cannot list: garbage collection then cannot find
     * bytes that no record names.
     * @param entries Set to an array of oci_stored_t, empty if there are no
     *        more; fewer than limit do not mean the end
     * @param after Only names greater than this one, which need not exist; NULL
     *        for all
     * @param limit The maximum number of entries, at least 1
     */
    apr_status_t (*list)(apr_array_header_t **entries, oci_blob_store_t *store,
                         oci_stored_e kind, const char *after, int limit,
                         apr_pool_t *pool);

    /**
     * Get the id of the index to which the store belongs, and change it on
     * request.  It is stored as identity's id is.  Garbage collection works
     * only with this index: to any other one, blobs look like garbage.  To read
     * it is also possible before start.
     * NULL for a provider whose stores do not know their index.
     * @param owner Set to the id after the call: 1 to 64 printable characters;
     *        NULL if the store belongs to no index yet
     * @param old Change the id only if this is the present one; NULL: only if
     *        there is none.  Of concurrent callers with the same old, one
     *        changes it, and the others get its id
     * @param owner_new The new id, stored as durably as a blob; NULL to read
     */
    apr_status_t (*owner)(const char **owner, oci_blob_store_t *store,
                          const char *old, const char *owner_new,
                          apr_pool_t *pool);

    /**
     * Get what the provider's own directives say of a store, so that ociadmin
     * can create the same store outside httpd (oci_store_config_t).  Called in
     * httpd after the configuration was read.  NULL for a provider without
     * directives.
     * @param options Set to names and values in UTF-8, without secrets
     * @return NULL, or a sentence that says what is wrong
     */
    const char *(*options)(const apr_table_t **options, oci_blob_store_t *store,
                           apr_pool_t *pool);

    /**
     * Delete blobs of a remote store, as blob_delete does without confirm. NULL
     * if that costs no less than to delete them one by one.
     * @param locators An array of const char *
     * @return An error if some may be left
     */
    apr_status_t (*blobs_delete)(oci_blob_store_t *store,
                                 const apr_array_header_t *locators,
                                 apr_pool_t *pool);

    int remote; /* whether the store is remote, see above */
};

/* ------------------------------------------------------------------------
 * The index: an ordered map of small mutable records, called facts.
 *
 *   key   = part *( "/" part )        1..1023 bytes
 *   part  = 1..255 of [0-9A-Za-z._:!+=@,~-], not beginning with "."
 *
 * No key is the directory of another: if "a/b" is a key, "a/b/c" is not.  Keys
 * are ordered bytewise.  A value has 0 bytes to 64 MiB, of any content; nearly
 * all values are below 1 KiB, and manifests below 4 MiB. */

typedef struct oci_index_provider_t oci_index_provider_t;

/** An index; providers put this first in their own structure. */
typedef struct oci_index_t {
    const oci_index_provider_t *provider;
    const char *where; /* for logs: a key is at where/key; an absolute path if
                          the index is on disk */
} oci_index_t;

typedef struct oci_value_t {
    const char *data; /* followed by a NUL that size does not count */
    apr_size_t size;  /* bytes */
} oci_value_t;

typedef enum {
    OCI_CHANGE_PUT,   /* set, whether or not the key exists */
    OCI_CHANGE_ADD,   /* set; APR_EEXIST if the key exists */
    OCI_CHANGE_DELETE /* delete; succeeds if the key does not exist */
} oci_change_e;

typedef struct oci_change_t {
    oci_change_e kind;
    const char *key;
    oci_value_t value; /* of PUT and ADD; data may be NULL if size is 0, and
                          need not end with a NUL */
} oci_change_t;

typedef struct oci_entry_t {
    const char *key;   /* the complete key */
    oci_value_t value; /* data is NULL unless values were asked for */
} oci_entry_t;

/**
 * Visit a fact.
 * @param pool For temporary data of this call
 * @return Anything but APR_SUCCESS ends the visits
 */
typedef apr_status_t oci_entry_visit_t(void *baton, const oci_entry_t *entry,
                                       apr_pool_t *pool);

/** A range of keys. */
typedef struct oci_scan_t {
    const char *prefix; /* how all keys of the range begin, such as "a/b/":
                           ends with "/"; or "" for all keys */
    const char *after;  /* only keys greater than prefix + after, which may be
                           any bytes; or NULL */
    int limit;          /* the maximum number of entries, 0 for all */
    int values;         /* whether to return values, too */
    int any; /* with a limit of 1 and no after: any key of the range will do,
                not only the first; a provider may ignore this */
} oci_scan_t;

/**
 * A fact that leads to another one.  The second fact's key is prefix and end;
 * end is the part of the first fact's value before its first ";", or the whole
 * value if it has none.  The first value is empty, or it is at most 1023
 * characters of printable ASCII without spaces and begins with a letter, a
 * digit or ";".
 */
typedef struct oci_follow_t {
    const char *key;    /* of the first fact */
    const char *prefix; /* of the second fact's key */
    int is_empty;       /* the caller knows that end is empty if the first fact
                           exists: the value is then empty nearly always */
    oci_value_t value;  /* the first fact's value, all of it */
    oci_value_t target; /* the second fact's value; data is NULL before the
                           call, and stays NULL if there is no such fact */
} oci_follow_t;

typedef enum { OCI_LOCK_SHARED, OCI_LOCK_EXCLUSIVE } oci_lock_e;

/** A lock that is held; defined by the provider. */
typedef struct oci_lock_t oci_lock_t;

struct oci_index_provider_t {
    /** As for a blob store. */
    const char *(*create)(oci_index_t **index, const oci_store_config_t *config,
                          apr_pool_t *pool);

    /** As for a blob store. */
    const char *(*start)(oci_index_t *index, apr_uid_t uid, apr_gid_t gid,
                         apr_pool_t *pool);

    /**
     * Read a fact as the last change that returned left it, in whichever
     * process that change was made.
     * @param value Set to the value; NULL to ask only whether the key exists
     * @return APR_NOTFOUND if the index works and does not have the key
     */
    apr_status_t (*get)(oci_value_t *value, oci_index_t *index, const char *key,
                        apr_pool_t *pool);

    /**
     * Apply changes in their order; later ones see earlier ones.  At any moment
     * a reader sees some prefix of the changes, also after a crash.  An index
     * that can apply all or none of them does so.
     * @param changes An array of count changes; count may be 0
     * @param durable Whether to return only when a crash of the machine can no
     *        longer undo the changes
     * @return APR_EEXIST for the first ADD whose key exists: the changes before
     *         it have been applied, and it and the changes after it have not
     */
    apr_status_t (*apply)(oci_index_t *index, const oci_change_t *changes,
                          int count, int durable, apr_pool_t *pool);

    /**
     * List the keys of a range in order.  Keys that are added or removed
     * meanwhile may or may not be listed; all other keys are listed once.  The
     * cost depends on the number of entries returned, not on the size of the
     * index.
     * @param entries Set to an array of oci_entry_t, empty if there are none
     * @param scan The range
     */
    apr_status_t (*scan)(apr_array_header_t **entries, oci_index_t *index,
                         const oci_scan_t *scan, apr_pool_t *pool);

    /**
     * Wait for a named lock, which is shared by all processes, and hosts, that
     * use this index.  A caller never asks for a name that it holds, and may
     * hold several names at a time.  The lock ends with unlock, with pool, and
     * with the process, however the process ends.  While a lock is held, its
     * caller passes pool, or a pool below it, to the other functions.  A stream
     * of shared lockers must not starve a caller that waits for an exclusive
     * lock, and names that clients have chosen must not block each other.
     * @param lock Set to the lock
     * @param name 1..1023 printable ASCII characters
     * @param pool The lock ends with it
     * @return APR_TIMEUP if the lock was not free within the limit
     */
    apr_status_t (*lock)(oci_lock_t **lock, oci_index_t *index,
                         const char *name, oci_lock_e kind, apr_pool_t *pool);

    /**
     * Release a lock.
     * @return As the other functions; an error if the lock may have ended early
     */
    apr_status_t (*unlock)(oci_lock_t *lock);

    /**
     * Read two facts, as get would one after the other, for less than it costs
     * to call get twice.  NULL if that is not possible.
     * @param follow key, prefix and is_empty say which; value and target are
     *        set.  The second key ends with the part of the first value before
     *        its first ";", not with the whole value
     * @return APR_NOTFOUND if the index works and does not have the first key
     */
    apr_status_t (*follow)(oci_index_t *index, oci_follow_t *follow,
                           apr_pool_t *pool);

    /**
     * As for a blob store.  After it, "httpd -t" may call get and scan, to find
     * out whether the index and the blob store belong together; of the blob
     * store it calls identity, owner, blob_size and list.  get and scan then
     * fail if they would change anything, and the pair is not compared.  NULL
     * for a provider that needs start before.
     */
    const char *(*check)(oci_index_t *index, apr_pool_t *pool);

    /**
     * Visit the keys of a range as scan lists them, but in any order, and in
     * memory that does not depend on their number.  May be NULL if reading all
     * pages with scan costs no more.
     * @param scan prefix and values say which; the rest is not used
     * @param visit Called for each key; it may call the other functions
     * @param baton For visit
     * @return APR_ENOTIMPL if that is not possible here: nothing was visited.
     *         The status of visit if it is not APR_SUCCESS
     */
    apr_status_t (*visit)(oci_index_t *index, const oci_scan_t *scan,
                          oci_entry_visit_t *visit, void *baton,
                          apr_pool_t *pool);
};

#ifdef __cplusplus
}
#endif

#endif /* MOD_OCI_H */
