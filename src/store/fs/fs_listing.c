/* SPDX-License-Identifier: Apache-2.0 */

/* A page of a large directory must not cost the reading of the directory,
 * even while others change it.  So the sorted names of large directories are
 * remembered, and changed as the directories change (fs_watch.h).  The watch
 * is there before the directory is read, so what changes meanwhile is known,
 * too: it is applied to what was read.
 *
 * Where a directory cannot be watched, its names are good as long as its
 * ctime is the same (fs_entries.c).
 *
 * A directory that is removed, or replaced by another one, is noticed by its
 * inode.  Its status is asked for before the reports are read: should the
 * inode's number be in use again, a report says so.
 */

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

/* Smaller directories are read as quickly as looked up. */
#define REMEMBER_MIN   64
#define REMEMBER_MAX   32 /* listings */
#define REMEMBER_BYTES (64 * 1024 * 1024)

/* Names that are copied while other threads wait. */
#define PIECE 1000

/* Memory that waits for the next reading (bytes). */
#define KEEP_FREE (256 * 1024)

typedef struct listing_t {
    struct listing_t *next; /* among those that are being read */
    char *path;
    struct stat status; /* says which directory it is */
    int watch;          /* or OCI_WATCH_NONE: good until its ctime
                           changes */
    int reading;        /* names came, and gone went, since the watch
                           was there */
    int lost;           /* and something is missing */
    oci_fs_name_list_t names;
    oci_fs_name_list_t gone;
} listing_t;

struct oci_fs_listings_t {
    apr_allocator_t *allocator;          /* of the pools of readings */
    apr_thread_mutex_t *mutex;           /* for all that follows */
    pid_t process;                       /* whose fd and watches are */
    int fd;                              /* of the reports, or -1 */
    listing_t *remembered[REMEMBER_MAX]; /* the last used one last */
    int count;
    listing_t *reading; /* each is its reader's */
};

static void destroy(listing_t *listing)
{
    oci_fs_name_list_clear(&listing->names);
    oci_fs_name_list_clear(&listing->gone);
    free(listing->path);
    free(listing);
}

static void stop_watch(oci_fs_listings_t *self, const listing_t *listing)
{
    if (self->fd != -1 && listing->watch != OCI_WATCH_NONE) {
        oci_fs_watch_remove(self->fd, listing->watch);
    }
}

static void forget(oci_fs_listings_t *self, int i)
{
    listing_t *listing = self->remembered[i];

    self->count--;
    memmove(self->remembered + i, self->remembered + i + 1,
            (self->count - i) * sizeof(listing));
    stop_watch(self, listing);
    destroy(listing);
}

/* Close the queue, which ends all watches if no other process has it. */
static void forget_all(oci_fs_listings_t *self)
{
    listing_t *listing;

    if (self->fd != -1) {
        close(self->fd);
        self->fd = -1;
    }
    while (self->count) {
        forget(self, self->count - 1);
    }
    for (listing = self->reading; listing; listing = listing->next) {
        listing->lost = 1;
    }
}

static apr_status_t end(void *data)
{
    oci_fs_listings_t *self = data;

    forget_all(self);
    apr_allocator_destroy(self->allocator);
    return APR_SUCCESS;
}

apr_status_t oci_fs_listings_create(oci_fs_listings_t **listings,
                                    apr_pool_t *pool)
{
    oci_fs_listings_t *self = apr_pcalloc(pool, sizeof(*self));
    apr_thread_mutex_t *mutex;
    apr_status_t rv;

    if ((rv = apr_thread_mutex_create(&self->mutex, APR_THREAD_MUTEX_DEFAULT,
                                      pool))
        || (rv = apr_thread_mutex_create(&mutex, APR_THREAD_MUTEX_DEFAULT,
                                         pool))
        || (rv = apr_allocator_create(&self->allocator))) {
        return rv;
    }
    apr_allocator_mutex_set(self->allocator, mutex);
    apr_allocator_max_free_set(self->allocator, KEEP_FREE);
    self->process = getpid();
    self->fd = -1;
    apr_pool_cleanup_register(pool, self, end, apr_pool_cleanup_null);
    *listings = self;
    return APR_SUCCESS;
}

static void apply(listing_t *listing, const oci_fs_watch_event_t *event)
{
    if (*event->name == '.') {
        return;
    }
    if (event->kind == OCI_WATCH_ADDED) {
        oci_fs_name_list_add(&listing->names, event->name);
        oci_fs_name_list_remove(&listing->gone, event->name);
    }
    else {
        oci_fs_name_list_remove(&listing->names, event->name);
        if (listing->reading) {
            oci_fs_name_list_add(&listing->gone, event->name);
        }
    }
}

static void handle(void *data, const oci_fs_watch_event_t *event)
{
    oci_fs_listings_t *self = data;
    listing_t *listing;
    int i;

    for (i = self->count - 1; i >= 0; i--) {
        listing = self->remembered[i];
        if (listing->watch == OCI_WATCH_NONE
            || (event->watch != OCI_WATCH_NONE
                && event->watch != listing->watch)) {
            continue;
        }
        if (event->kind == OCI_WATCH_LOST) {
            forget(self, i);
        }
        else {
            apply(listing, event);
        }
    }
    for (listing = self->reading; listing; listing = listing->next) {
        if (event->watch == OCI_WATCH_NONE || event->watch == listing->watch) {
            if (event->kind == OCI_WATCH_LOST) {
                listing->lost = 1;
            }
            else {
                apply(listing, event);
            }
        }
    }
}

/* Forget what was not used for long, until the rest is within bounds. */
static void trim(oci_fs_listings_t *self)
{
    apr_size_t bytes = 0;
    int i;

    for (i = self->count - 1; i >= 0; i--) {
        bytes += self->remembered[i]->names.bytes;
        if (bytes > REMEMBER_BYTES) {
            while (i-- >= 0) {
                forget(self, 0);
            }
            return;
        }
    }
}

/* Under the mutex: apply what was reported so far. */
static void refresh(oci_fs_listings_t *self)
{
    if (self->process != getpid()) {
        /* The queue is our parent's, which would miss what we read. */
        self->reading = NULL;
        forget_all(self);
        self->process = getpid();
    }
    if (self->fd != -1) {
        if (oci_fs_watch_read(self->fd, handle, self)) {
            forget_all(self);
        }
        trim(self);
    }
}

static int is_good(const listing_t *listing, const struct stat *st)
{
    const struct stat *own = &listing->status;

    return own->st_dev == st->st_dev && own->st_ino == st->st_ino
        && (listing->watch != OCI_WATCH_NONE
            || (own->st_ctim.tv_sec == st->st_ctim.tv_sec
                && own->st_ctim.tv_nsec == st->st_ctim.tv_nsec));
}

/* How many names of a remembered listing to copy. */
static int piece_of(const oci_fs_listing_range_t *range)
{
    return range->limit > 0 && range->limit < PIECE ? range->limit : PIECE;
}

/* Copy names of a listing that is remembered and still good, or return 0. */
static int recall(apr_array_header_t *names, int *more, oci_fs_listings_t *self,
                  const oci_fs_listing_range_t *range, const struct stat *st)
{
    int i, found = 0;

    apr_thread_mutex_lock(self->mutex);
    refresh(self);
    for (i = self->count - 1; i >= 0 && !found; i--) {
        listing_t *listing = self->remembered[i];

        if (strcmp(listing->path, range->path)) {
            continue;
        }
        if (!is_good(listing, st)) {
            forget(self, i);
            break;
        }
        memmove(self->remembered + i, self->remembered + i + 1,
                (self->count - 1 - i) * sizeof(listing));
        self->remembered[self->count - 1] = listing;
        *more = oci_fs_name_list_copy(names, &listing->names, range->after,
                                      range->past, piece_of(range));
        found = 1;
    }
    apr_thread_mutex_unlock(self->mutex);
    return found;
}

/* Under the mutex: remember a listing in the place of any other one of its
 * directory, but for one that is watched: that is good for longer. */
static void remember(oci_fs_listings_t *self, listing_t *listing)
{
    int i;

    for (i = self->count - 1; i >= 0; i--) {
        if (strcmp(self->remembered[i]->path, listing->path)) {
            continue;
        }
        if (listing->watch == OCI_WATCH_NONE
            && self->remembered[i]->watch != OCI_WATCH_NONE) {
            destroy(listing);
            return;
        }
        forget(self, i);
    }
    if (self->count == REMEMBER_MAX) {
        forget(self, 0);
    }
    self->remembered[self->count++] = listing;
    trim(self);
}

static listing_t *make(const char *path, int watch)
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

/* Watch a directory that is to be read; NULL where that cannot be, or where
 * another thread is about to read it. */
static listing_t *begin(oci_fs_listings_t *self, const char *path)
{
    listing_t *listing = NULL;
    int watch;

    apr_thread_mutex_lock(self->mutex);
    refresh(self);
    if ((self->fd != -1 || !oci_fs_watch_open(&self->fd))
        && !oci_fs_watch_add(&watch, self->fd, path)) {
        listing = make(path, watch);
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

static void fill(listing_t *listing, const oci_fs_entries_t *folder,
                 oci_fs_name_list_t *names)
{
    int i;

    listing->status = folder->status;
    for (i = 0; i < folder->count; i++) {
        oci_fs_name_list_add(names, folder->names[i]);
    }
}

/* Under the mutex: take a listing out of those that are being read. */
static void take_out(oci_fs_listings_t *self, listing_t *listing)
{
    listing_t **link = &self->reading;

    while (*link && *link != listing) {
        link = &(*link)->next;
    }
    if (*link) {
        *link = listing->next;
    }
}

/* Remember what was read while it was watched; whether it counts. */
static int finish(oci_fs_listings_t *self, listing_t *listing,
                  const oci_fs_entries_t *folder)
{
    oci_fs_name_list_t names = { NULL, 0, 0, 0, 0 };
    struct stat st;
    int good;

    if (folder) {
        fill(listing, folder, &names);
    }
    good = folder && !stat(listing->path, &st) && is_good(listing, &st);
    apr_thread_mutex_lock(self->mutex);
    refresh(self);
    take_out(self, listing);
    good = good && !listing->lost;
    if (good) {
        oci_fs_name_list_add_all(&names, &listing->names);
        oci_fs_name_list_remove_all(&names, &listing->gone);
        oci_fs_name_list_clear(&listing->names);
        oci_fs_name_list_clear(&listing->gone);
        listing->names = names;
        listing->reading = 0;
        remember(self, listing);
    }
    else {
        stop_watch(self, listing);
        oci_fs_name_list_clear(&names);
        destroy(listing);
    }
    apr_thread_mutex_unlock(self->mutex);
    return good;
}

/* Copy the names of a directory that is not remembered. */
static int copy(apr_array_header_t *names, const oci_fs_entries_t *folder,
                const oci_fs_listing_range_t *range)
{
    int low = 0, high = folder->count;

    while (range->after && low < high) {
        int middle = (low + high) / 2;
        int order = strcmp(folder->names[middle], range->after);

        if (order < 0 || (order == 0 && range->past)) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    for (; low < folder->count; low++) {
        if (range->limit > 0 && names->nelts >= range->limit) {
            return 1;
        }
        APR_ARRAY_PUSH(names, const char *) = apr_pstrdup(names->pool,
                                                          folder->names[low]);
    }
    return 0;
}

/* Read a directory, remember it if it is large, and copy names. */
static apr_status_t read_anew(apr_array_header_t *names, int *more,
                              oci_fs_listings_t *self,
                              const oci_fs_listing_range_t *range,
                              apr_pool_t *pool)
{
    oci_fs_entries_t folder;
    apr_status_t rv = oci_fs_entries_read(&folder, range->path, REMEMBER_MIN,
                                          pool);
    listing_t *listing;

    if (!rv && folder.partial) {
        listing = begin(self, range->path);
        if (listing) {
            rv = oci_fs_entries_read_once(&folder, range->path, pool);
            /* What was read once counts with the reports alone. */
            if (finish(self, listing, rv ? NULL : &folder)
                && recall(names, more, self, range, &folder.status)) {
                return APR_SUCCESS;
            }
        }
        rv = oci_fs_entries_read(&folder, range->path, 0, pool);
        if (!rv && folder.settled
            && (listing = make(range->path, OCI_WATCH_NONE))) {
            fill(listing, &folder, &listing->names);
            apr_thread_mutex_lock(self->mutex);
            remember(self, listing);
            apr_thread_mutex_unlock(self->mutex);
        }
    }
    if (rv == APR_SUCCESS) {
        *more = copy(names, &folder, range);
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
    if (recall(*names, more, listings, range, &st)) {
        return APR_SUCCESS;
    }
    /* What a reading takes goes back to the system. */
    rv = apr_pool_create_unmanaged_ex(&reading, NULL, listings->allocator);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = read_anew(*names, more, listings, range, reading);
    apr_pool_destroy(reading);
    return rv;
}
