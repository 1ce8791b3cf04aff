/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/* A page of a large folder must not cost the reading of the folder.  So the
 * sorted names of large folders are remembered, and good as long as the
 * folder's ctime is the same; its mtime would do, but can be set at will.
 *
 * A folder can change twice within one tick of the file system's clock, and
 * its stamp only once.  A listing is therefore remembered only where the
 * stamp was older than a tick before the reading began: every later change
 * gets another one.  On network file systems this supposes that the clocks
 * of server and client agree.
 *
 * Where a file system enters a name anew when it is renamed over an entry,
 * whoever reads the folder meanwhile may miss that name, or find it twice,
 * though it was there all the time: btrfs and tmpfs do so.  There a reading
 * counts where nothing changed meanwhile; otherwise there is another one,
 * and after some of them what all have found together is the listing.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "apr_allocator.h"
#include "apr_file_info.h"
#include "apr_strings.h"
#include "apr_tables.h"
#include "apr_thread_mutex.h"
#include "apr_time.h"

#include "store/fs.h"
#include "store/listing.h"

/* Smaller folders are read as quickly as looked up. */
#define REMEMBER_MIN   64
#define REMEMBER_MAX   32                      /* listings */
#define REMEMBER_BYTES (64 * 1024 * 1024)

/* Memory that waits for the next listing (bytes). */
#define KEEP_FREE      (256 * 1024)

/* Readings of a folder that changes (no more than need be: each one takes
 * its time, and who waits for it may well come again). */
#define READINGS       5

/* Ticks: of clocks that count nanoseconds, and of those that do not. */
#define FINE_TICK      apr_time_from_msec(20)
#define COARSE_TICK    apr_time_from_sec(2)

typedef struct listing_t {
    oci_listing_t   names;     /* first: what the caller sees */
    apr_pool_t     *pool;      /* its own; holds all of it */
    const char     *path;
    dev_t           device;
    ino_t           inode;
    struct timespec changed;   /* ctime before it was read */
    apr_size_t      bytes;
    int             users;     /* under the mutex */
} listing_t;

struct oci_listings_t {
    apr_allocator_t    *allocator;         /* of the listings' pools */
    apr_thread_mutex_t *mutex;
    listing_t  *remembered[REMEMBER_MAX];  /* the last used one last */
    int         count;
    apr_size_t  bytes;
};

static void drop(listing_t *listing)
{
    if (--listing->users == 0) {
        apr_pool_destroy(listing->pool);
    }
}

static void forget(oci_listings_t *self, int i)
{
    listing_t *listing = self->remembered[i];

    self->count--;
    memmove(self->remembered + i, self->remembered + i + 1,
            (self->count - i) * sizeof(listing));
    self->bytes -= listing->bytes;
    drop(listing);
}

static apr_status_t forget_all(void *data)
{
    oci_listings_t *self = data;

    while (self->count) {
        forget(self, self->count - 1);
    }
    apr_allocator_destroy(self->allocator);
    return APR_SUCCESS;
}

apr_status_t oci_listings_create(oci_listings_t **listings, apr_pool_t *pool)
{
    oci_listings_t *self = apr_pcalloc(pool, sizeof(*self));
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
    apr_pool_cleanup_register(pool, self, forget_all, apr_pool_cleanup_null);
    *listings = self;
    return APR_SUCCESS;
}

static int is_same(const listing_t *listing, const struct stat *st)
{
    return listing->device == st->st_dev && listing->inode == st->st_ino
           && listing->changed.tv_sec == st->st_ctim.tv_sec
           && listing->changed.tv_nsec == st->st_ctim.tv_nsec;
}

/* Find a listing that is still good, for one more user. */
static listing_t *recall(oci_listings_t *self, const char *path,
                         const struct stat *st)
{
    listing_t *found = NULL;
    int i;

    apr_thread_mutex_lock(self->mutex);
    for (i = 0; i < self->count; i++) {
        listing_t *listing = self->remembered[i];

        if (!strcmp(listing->path, path)) {
            if (is_same(listing, st)) {
                found = listing;
                found->users++;
                memmove(self->remembered + i, self->remembered + i + 1,
                        (self->count - 1 - i) * sizeof(found));
                self->remembered[self->count - 1] = found;
            }
            break;
        }
    }
    apr_thread_mutex_unlock(self->mutex);
    return found;
}

static void remember(oci_listings_t *self, listing_t *listing)
{
    int i;

    apr_thread_mutex_lock(self->mutex);
    for (i = self->count - 1; i >= 0; i--) {
        if (!strcmp(self->remembered[i]->path, listing->path)) {
            forget(self, i);
        }
    }
    while (self->count == REMEMBER_MAX
           || (self->count
               && self->bytes + listing->bytes > REMEMBER_BYTES)) {
        forget(self, 0);
    }
    self->remembered[self->count++] = listing;
    self->bytes += listing->bytes;
    listing->users++;
    apr_thread_mutex_unlock(self->mutex);
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void add_name(listing_t *listing, apr_array_header_t *names,
                     const char *name)
{
    APR_ARRAY_PUSH(names, const char *) = name;
    listing->bytes += strlen(name) + 1 + sizeof(char *);
}

/* Sort the names; one that was found twice is there once. */
static void settle(listing_t *listing, apr_array_header_t *names)
{
    const char **name = (const char **)names->elts;
    int i, count = 0;

    qsort(name, names->nelts, sizeof(char *), compare);
    for (i = 0; i < names->nelts; i++) {
        if (!count || strcmp(name[count - 1], name[i])) {
            name[count++] = name[i];
        }
    }
    listing->names.names = name;
    listing->names.count = count;
}

/* Read and sort the names. */
static apr_status_t read_names(listing_t *listing)
{
    apr_array_header_t *names = apr_array_make(listing->pool, 64,
                                               sizeof(char *));
    apr_finfo_t entry;
    apr_dir_t *dir;
    apr_status_t rv = apr_dir_open(&dir, listing->path, listing->pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    while ((rv = apr_dir_read(&entry, APR_FINFO_NAME | APR_FINFO_TYPE, dir))
               == APR_SUCCESS || rv == APR_INCOMPLETE) {
        /* Incomplete: it went before its type was known. */
        if (*entry.name == '.' || rv == APR_INCOMPLETE) {
            continue;
        }
        add_name(listing, names, entry.filetype == APR_DIR
                 ? apr_pstrcat(listing->pool, entry.name, "/", NULL)
                 : entry.name);
    }
    apr_dir_close(dir);
    settle(listing, names);
    return APR_STATUS_IS_ENOENT(rv) ? APR_SUCCESS : rv;
}

/* Add the names of another listing. */
static void join(listing_t *listing, const listing_t *other)
{
    apr_array_header_t *names = apr_array_make(
        listing->pool, listing->names.count + other->names.count,
        sizeof(char *));
    int i;

    memcpy(names->elts, listing->names.names,
           listing->names.count * sizeof(char *));
    names->nelts = listing->names.count;
    for (i = 0; i < other->names.count; i++) {
        add_name(listing, names, apr_pstrdup(listing->pool,
                                             other->names.names[i]));
    }
    settle(listing, names);
}

/* Whether a change after now has another stamp than this. */
static int is_settled(const struct timespec *stamp, apr_time_t now)
{
    apr_time_t time = apr_time_make(stamp->tv_sec, stamp->tv_nsec / 1000);

    return time + (stamp->tv_nsec ? FINE_TICK : COARSE_TICK) < now;
}

/* Read a folder that has this status now.
 * *whole: whether the listing has all that was there all the time
 */
static apr_status_t read_folder(listing_t **result, int *whole,
                                oci_listings_t *listings, const char *path,
                                const struct stat *st, apr_time_t now)
{
    apr_pool_t *pool;
    listing_t *self;
    struct stat after;
    apr_status_t rv;

    /* A pool without a parent: it goes with its last user, in any thread. */
    rv = apr_pool_create_unmanaged_ex(&pool, NULL, listings->allocator);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    self = apr_pcalloc(pool, sizeof(*self));
    self->pool = pool;
    self->path = apr_pstrdup(pool, path);
    self->device = st->st_dev;
    self->inode = st->st_ino;
    self->changed = st->st_ctim;
    self->users = 1;
    rv = read_names(self);
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return rv;
    }
    *whole = oci_fs_is_orderly(path)
             || (is_settled(&st->st_ctim, now) && !stat(path, &after)
                 && is_same(self, &after));
    *result = self;
    return APR_SUCCESS;
}

apr_status_t oci_listing_get(const oci_listing_t **listing,
                             oci_listings_t *listings, const char *path)
{
    apr_time_t now = apr_time_now();
    int whole, readings;
    listing_t *self;
    apr_status_t rv;
    struct stat st;

    if (stat(path, &st)) {
        return errno;
    }
    if ((self = recall(listings, path, &st))) {
        *listing = &self->names;
        return APR_SUCCESS;
    }
    rv = read_folder(&self, &whole, listings, path, &st, now);
    for (readings = 1; !rv && !whole && readings < READINGS; readings++) {
        listing_t *last = self;

        now = apr_time_now();
        rv = stat(path, &st) ? errno : read_folder(&self, &whole, listings,
                                                   path, &st, now);
        if (!rv && !whole) {
            join(self, last);
        }
        apr_pool_destroy(last->pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (whole && self->names.count > REMEMBER_MIN
        && self->bytes <= REMEMBER_BYTES && is_settled(&st.st_ctim, now)) {
        remember(listings, self);
    }
    *listing = &self->names;
    return APR_SUCCESS;
}

void oci_listing_release(oci_listings_t *listings,
                         const oci_listing_t *listing)
{
    apr_thread_mutex_lock(listings->mutex);
    drop((listing_t *)listing);
    apr_thread_mutex_unlock(listings->mutex);
}
