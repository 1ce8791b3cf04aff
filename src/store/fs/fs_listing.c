/* SPDX-License-Identifier: Apache-2.0 */

/* Sorted listings of directories, with a cache for large ones.
 *
 * A page of names must not require reading all of a large directory, even while
 * other processes change it.  So the sorted names of large directories are
 * cached, and updated as the directories change (fs_watch.h).  A directory is
 * watched before it is read, so the changes during the reading are known, too;
 * they are applied to the result.
 *
 * If a directory cannot be watched, its names are valid as long as its ctime is
 * the same (fs_entries.c).
 *
 * A directory that is removed or replaced is noticed by its inode number.  Its
 * status is read before the reports: if the number is in use again, a report
 * says so. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apr_allocator.h"
#include "apr_strings.h"
#include "apr_thread_mutex.h"

#include "store/fs/fs_entries.h"
#include "store/fs/fs_watch.h"
#include "store/fs/fs_listing.h"
#include "store/fs/fs_name_list.h"

/* Smaller directories are not cached: reading them is as fast as a lookup. */
#define CACHE_MIN 64
#define CACHE_MAX 32 /* listings */

/* This many listings are cached even if they exceed the size of the cache: a
 * walk in several directories would otherwise read each of them again for each
 * page. */
#define CACHE_MIN_COUNT 4

/* Names that are copied in one step, while other threads wait. */
#define PIECE 1000

/* Free memory that is kept for the next reading, bytes. */
#define KEEP_FREE (256 * 1024)

typedef struct listing_t {
    struct listing_t *next; /* in the list of those that are being read */
    char *path;
    struct stat status; /* identifies the directory */
    int watch;          /* or OCI_WATCH_NONE: valid until its ctime changes */
    int reading;    /* being read: names and removed have the changes since the
                       watch began */
    int incomplete; /* reports are missing */
    oci_fs_name_list_t names;
    oci_fs_name_list_t removed;
} listing_t;

struct oci_fs_listings_t {
    apr_allocator_t *allocator;   /* for the pools of readings */
    apr_thread_mutex_t *mutex;    /* guards the fields below */
    pid_t process;                /* the process that owns fd and the watches */
    int fd;                       /* the queue of reports, or -1 */
    listing_t *cached[CACHE_MAX]; /* the most recently used one last */
    int count;
    apr_size_t most;    /* bytes of the cached names */
    listing_t *reading; /* each is owned by its reader */
};

static void destroy(listing_t *listing)
{
    oci_fs_name_list_clear(&listing->names);
    oci_fs_name_list_clear(&listing->removed);
    free(listing->path);
    free(listing);
}

static void stop_watch(oci_fs_listings_t *self, const listing_t *listing)
{
    if (self->fd != -1 && listing->watch != OCI_WATCH_NONE) {
        oci_fs_watch_remove(self->fd, listing->watch);
    }
}

static void evict(oci_fs_listings_t *self, int i)
{
    listing_t *listing = self->cached[i];

    self->count--;
    memmove(self->cached + i, self->cached + i + 1,
            (self->count - i) * sizeof(listing));
    stop_watch(self, listing);
    destroy(listing);
}

/* Close the queue, which ends all watches if no other process has it open. */
static void evict_all(oci_fs_listings_t *self)
{
    listing_t *listing;

    if (self->fd != -1) {
        close(self->fd);
        self->fd = -1;
    }
    while (self->count) {
        evict(self, self->count - 1);
    }
    for (listing = self->reading; listing; listing = listing->next) {
        listing->incomplete = 1;
    }
}

static apr_status_t end_cache(void *data)
{
    oci_fs_listings_t *self = data;

    evict_all(self);
    apr_allocator_destroy(self->allocator);
    return APR_SUCCESS;
}

apr_status_t oci_fs_listings_create(oci_fs_listings_t **listings,
                                    apr_size_t most, apr_pool_t *pool)
{
    oci_fs_listings_t *self = apr_pcalloc(pool, sizeof(*self));
    apr_thread_mutex_t *mutex;
    apr_status_t rv;

    if ((rv = apr_thread_mutex_create(&self->mutex, APR_THREAD_MUTEX_DEFAULT,
                                      pool))
            != APR_SUCCESS
        || (rv = apr_thread_mutex_create(&mutex, APR_THREAD_MUTEX_DEFAULT,
                                         pool))
            != APR_SUCCESS
        || (rv = apr_allocator_create(&self->allocator)) != APR_SUCCESS) {
        return rv;
    }
    apr_allocator_mutex_set(self->allocator, mutex);
    apr_allocator_max_free_set(self->allocator, KEEP_FREE);
    self->process = getpid();
    self->fd = -1;
    self->most = most;
    apr_pool_cleanup_register(pool, self, end_cache, apr_pool_cleanup_null);
    *listings = self;
    return APR_SUCCESS;
}

static void apply_event(listing_t *listing, const oci_fs_watch_event_t *event)
{
    if (*event->name == '.') {
        return;
    }
    if (event->kind == OCI_WATCH_ADDED) {
        oci_fs_name_list_add(&listing->names, event->name);
        oci_fs_name_list_remove(&listing->removed, event->name);
    }
    else {
        oci_fs_name_list_remove(&listing->names, event->name);
        if (listing->reading) {
            oci_fs_name_list_add(&listing->removed, event->name);
        }
    }
}

static void handle_event(void *data, const oci_fs_watch_event_t *event)
{
    oci_fs_listings_t *self = data;
    listing_t *listing;
    int i;

    for (i = self->count - 1; i >= 0; i--) {
        listing = self->cached[i];
        if (listing->watch == OCI_WATCH_NONE
            || (event->watch != OCI_WATCH_NONE
                && event->watch != listing->watch)) {
            continue;
        }
        if (event->kind == OCI_WATCH_LOST) {
            evict(self, i);
        }
        else {
            apply_event(listing, event);
        }
    }
    for (listing = self->reading; listing; listing = listing->next) {
        if (event->watch == OCI_WATCH_NONE || event->watch == listing->watch) {
            if (event->kind == OCI_WATCH_LOST) {
                listing->incomplete = 1;
            }
            else {
                apply_event(listing, event);
            }
        }
    }
}

/* Evict the least recently used listings until the rest is within the limit. */
static void evict_old(oci_fs_listings_t *self)
{
    apr_size_t bytes = 0;
    int i;

    for (i = self->count - 1; i >= 0; i--) {
        bytes += self->cached[i]->names.bytes;
        if (bytes > self->most && self->count - i > CACHE_MIN_COUNT) {
            while (i-- >= 0) {
                evict(self, 0);
            }
            return;
        }
    }
}

/* Apply the reports so far.  The caller holds the mutex. */
static void apply_reports(oci_fs_listings_t *self)
{
    if (self->process != getpid()) {
        /* The queue is the parent's, which would miss the reports that this
         * process reads. */
        self->reading = NULL;
        evict_all(self);
        self->process = getpid();
    }
    if (self->fd != -1) {
        if (oci_fs_watch_read(self->fd, handle_event, self)) {
            evict_all(self);
        }
        evict_old(self);
    }
}

static int is_valid(const listing_t *listing, const struct stat *st)
{
    const struct stat *known = &listing->status;

    return known->st_dev == st->st_dev && known->st_ino == st->st_ino
        && (listing->watch != OCI_WATCH_NONE
            || (known->st_ctim.tv_sec == st->st_ctim.tv_sec
                && known->st_ctim.tv_nsec == st->st_ctim.tv_nsec));
}

/* Return how many names of a cached listing to copy. */
static int piece_size(const oci_fs_listing_range_t *range)
{
    return range->limit > 0 && range->limit < PIECE ? range->limit : PIECE;
}

/* Copy names of a cached, valid listing; return 0 if there is none. */
static int copy_cached(apr_array_header_t *names, int *more,
                       oci_fs_listings_t *self,
                       const oci_fs_listing_range_t *range,
                       const struct stat *st)
{
    int i, found = 0;

    apr_thread_mutex_lock(self->mutex);
    apply_reports(self);
    for (i = self->count - 1; i >= 0 && !found; i--) {
        listing_t *listing = self->cached[i];

        if (strcmp(listing->path, range->path)) {
            continue;
        }
        if (!is_valid(listing, st)) {
            evict(self, i);
            break;
        }
        memmove(self->cached + i, self->cached + i + 1,
                (self->count - 1 - i) * sizeof(listing));
        self->cached[self->count - 1] = listing;
        *more = oci_fs_name_list_copy(names, &listing->names, range->after,
                                      range->past, piece_size(range));
        found = 1;
    }
    apr_thread_mutex_unlock(self->mutex);
    return found;
}

/* Add a listing to the cache, replacing another one of its directory.  A
 * watched one is not replaced by one that is not, because it is valid for
 * longer.  The caller holds the mutex. */
static void add_to_cache(oci_fs_listings_t *self, listing_t *listing)
{
    int i;

    for (i = self->count - 1; i >= 0; i--) {
        if (strcmp(self->cached[i]->path, listing->path)) {
            continue;
        }
        if (listing->watch == OCI_WATCH_NONE
            && self->cached[i]->watch != OCI_WATCH_NONE) {
            destroy(listing);
            return;
        }
        evict(self, i);
    }
    if (self->count == CACHE_MAX) {
        evict(self, 0);
    }
    self->cached[self->count++] = listing;
    evict_old(self);
}

static listing_t *make_listing(const char *path, int watch)
{
    listing_t *listing = calloc(1, sizeof(*listing));

    if (listing) {
        listing->path = strdup(path);
        listing->watch = watch;
        if (!listing->path) {
            free(listing);
            return NULL;
        }
    }
    return listing;
}

/* Begin to watch a directory before it is read.  Returns NULL if it cannot be
 * watched, or if another thread is about to read it. */
static listing_t *begin_reading(oci_fs_listings_t *self, const char *path)
{
    listing_t *listing = NULL;
    int watch;

    apr_thread_mutex_lock(self->mutex);
    apply_reports(self);
    if ((self->fd != -1 || !oci_fs_watch_open(&self->fd))
        && !oci_fs_watch_add(&watch, self->fd, path)) {
        listing = make_listing(path, watch);
        if (!listing) {
            oci_fs_watch_remove(self->fd, watch);
        }
        else {
            listing->reading = 1;
            listing->next = self->reading;
            self->reading = listing;
        }
    }
    apr_thread_mutex_unlock(self->mutex);
    return listing;
}

static void fill(listing_t *listing, const oci_fs_entries_t *entries,
                 oci_fs_name_list_t *names)
{
    int i;

    listing->status = entries->status;
    for (i = 0; i < entries->count; i++) {
        oci_fs_name_list_add(names, entries->names[i]);
    }
}

/* Remove a listing from the list of those that are being read.  The caller
 * holds the mutex. */
static void unlink_reading(oci_fs_listings_t *self, listing_t *listing)
{
    listing_t **link = &self->reading;

    while (*link && *link != listing) {
        link = &(*link)->next;
    }
    if (*link) {
        *link = listing->next;
    }
}

/* Cache a directory that was read while it was watched.  Returns whether the
 * listing is valid. */
static int finish_reading(oci_fs_listings_t *self, listing_t *listing,
                          const oci_fs_entries_t *entries)
{
    oci_fs_name_list_t names = { NULL, 0, 0, 0, 0 };
    struct stat st;
    int good;

    if (entries) {
        fill(listing, entries, &names);
    }
    good = entries && !stat(listing->path, &st) && is_valid(listing, &st);
    apr_thread_mutex_lock(self->mutex);
    apply_reports(self);
    unlink_reading(self, listing);
    good = good && !listing->incomplete;
    if (good) {
        oci_fs_name_list_add_all(&names, &listing->names);
        oci_fs_name_list_remove_all(&names, &listing->removed);
        oci_fs_name_list_clear(&listing->names);
        oci_fs_name_list_clear(&listing->removed);
        listing->names = names;
        listing->reading = 0;
        add_to_cache(self, listing);
    }
    else {
        stop_watch(self, listing);
        oci_fs_name_list_clear(&names);
        destroy(listing);
    }
    apr_thread_mutex_unlock(self->mutex);
    return good;
}

/* Copy the names of a directory that is not cached; return whether more
 * follow. */
static int copy_entries(apr_array_header_t *names,
                        const oci_fs_entries_t *entries,
                        const oci_fs_listing_range_t *range)
{
    int low = 0, high = entries->count;

    while (range->after && low < high) {
        int middle = (low + high) / 2;
        int order = strcmp(entries->names[middle], range->after);

        if (order < 0 || (order == 0 && range->past)) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    for (; low < entries->count; low++) {
        if (range->limit > 0 && names->nelts >= range->limit) {
            return 1;
        }
        APR_ARRAY_PUSH(names, const char *) = apr_pstrdup(names->pool,
                                                          entries->names[low]);
    }
    return 0;
}

/* Read a directory, cache it if it is large, and copy names. */
static apr_status_t read_directory(apr_array_header_t *names, int *more,
                                   oci_fs_listings_t *self,
                                   const oci_fs_listing_range_t *range,
                                   apr_pool_t *pool)
{
    oci_fs_entries_t entries;
    apr_status_t rv = oci_fs_entries_read(&entries, range->path, CACHE_MIN,
                                          pool);
    listing_t *listing;

    if (rv == APR_SUCCESS && entries.partial) {
        listing = begin_reading(self, range->path);
        if (listing) {
            rv = oci_fs_entries_read_once(&entries, range->path, pool);
            /* A single reading is complete only together with the reports. */
            if (finish_reading(self, listing,
                               rv != APR_SUCCESS ? NULL : &entries)
                && copy_cached(names, more, self, range, &entries.status)) {
                return APR_SUCCESS;
            }
        }
        rv = oci_fs_entries_read(&entries, range->path, 0, pool);
        if (rv == APR_SUCCESS && entries.settled
            && (listing = make_listing(range->path, OCI_WATCH_NONE))) {
            fill(listing, &entries, &listing->names);
            apr_thread_mutex_lock(self->mutex);
            add_to_cache(self, listing);
            apr_thread_mutex_unlock(self->mutex);
        }
    }
    if (rv == APR_SUCCESS) {
        *more = copy_entries(names, &entries, range);
    }
    return rv;
}

apr_status_t oci_fs_listing_read(apr_array_header_t **names, int *more,
                                 oci_fs_listings_t *listings,
                                 const oci_fs_listing_range_t *range,
                                 apr_pool_t *pool)
{
    apr_pool_t *reading;
    apr_status_t rv;
    struct stat st;

    if (stat(range->path, &st)) {
        return errno;
    }
    *names = apr_array_make(pool, 32, sizeof(char *));
    if (copy_cached(*names, more, listings, range, &st)) {
        return APR_SUCCESS;
    }
    /* The memory of a reading is returned to the system. */
    rv = apr_pool_create_unmanaged_ex(&reading, NULL, listings->allocator);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = read_directory(*names, more, listings, range, reading);
    apr_pool_destroy(reading);
    return rv;
}
