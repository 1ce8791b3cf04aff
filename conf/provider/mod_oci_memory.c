/* SPDX-License-Identifier: Apache-2.0 */

/* The index provider "memory": an index in memory that all processes of an
 * httpd share.
 *
 *     OCIIndex memory[:SIZE] [NAME]
 *
 * It has room for SIZE MiB (64 by default), and exists until httpd stops.  A
 * reload keeps its facts and its size.  Two directives with the same NAME use
 * the same index.  See the README in this directory.
 *
 * The memory is an anonymous file that is mapped before httpd forks.  It
 * therefore has the same address in all processes, and may contain plain
 * pointers.
 *
 *     memory_t | half | half
 *
 * One half is in use.  Facts and values are appended to it.  When it is full,
 * the facts that still exist are copied to the other half, which is then used.
 * Each change of a fact, or to the other half, becomes visible when one pointer
 * is stored, so that a killed process leaves a consistent index. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "httpd.h"
#include "http_config.h"
#include "ap_provider.h"
#include "apr_general.h"
#include "apr_strings.h"
#include "mod_oci.h"

/* After a reload the process finds its memory by this key and the index's name.
 * Increase the number when memory_t changes, because a reload may load a newer
 * module. */
#define KEY "mod_oci_memory 1: "

/* The offset in the file of the lock for the facts; the locks for names follow.
 * Each lock has two bytes. */
#define FACTS 0

/* The facts are a skip list, sorted by key: a quarter of the facts of each
 * level are also in the next level. */
#define LEVELS 16

typedef struct fact_t {
    const oci_value_t *value; /* followed by its data */
    const char *key;
    int levels;
    struct fact_t *next[]; /* for each level, the next fact of that level */
} fact_t;

typedef struct half_t {
    char *end;   /* the end of the used space */
    char *limit; /* the end of the space */
    fact_t *first[LEVELS];
    char data[];
} half_t;

typedef struct memory_t {
    half_t *half; /* the half in use */
    half_t *halves[2];
    apr_uint64_t seed;
    int fd; /* the file; the same number in all processes */
} memory_t;

typedef struct index_t {
    oci_index_t base;
    apr_size_t size;  /* of one half, in bytes */
    memory_t *memory; /* set by start */
} index_t;

struct oci_lock_t {
    int fd;
    apr_pool_t *pool; /* in which a named lock is registered */
};

/* Lock one byte, after passing through the byte before it, the gate.  A waiting
 * writer holds the gate, so that new readers queue behind it and cannot starve
 * it.  Locks of an open file description exclude both threads and processes,
 * and end with the process.  Each caller therefore opens the file again, by its
 * path in /proc, because it has no other name. */
static apr_status_t begin_lock(oci_lock_t *lock, const memory_t *memory,
                               off_t gate, oci_lock_e kind)
{
    short type = kind == OCI_LOCK_SHARED ? F_RDLCK : F_WRLCK;
    struct flock steps[] = {
        { .l_type = type, .l_start = gate, .l_len = 1 },
        { .l_type = type, .l_start = gate + 1, .l_len = 1 },
        { .l_type = F_UNLCK, .l_start = gate, .l_len = 1 },
    };
    char path[64];
    int i;

    apr_snprintf(path, sizeof(path), "/proc/self/fd/%d", memory->fd);
    lock->fd = open(path, O_RDWR | O_CLOEXEC);
    for (i = 0; lock->fd != -1 && i < 3; i++) {
        while (fcntl(lock->fd, F_OFD_SETLKW, &steps[i])) {
            apr_status_t rv = errno;

            if (rv != EINTR) {
                close(lock->fd);
                return rv;
            }
        }
    }
    return lock->fd == -1 ? errno : APR_SUCCESS;
}

static apr_status_t end_lock(void *lock)
{
    static const struct flock all = { .l_type = F_UNLCK };
    int fd = ((oci_lock_t *)lock)->fd;

    /* close alone does not unlock if a process that was forked meanwhile still
     * has the description open. */
    fcntl(fd, F_OFD_SETLK, &all);
    close(fd);
    return APR_SUCCESS;
}

/* FNV-1a, mixed once more so that all bits depend on the whole text. */
static apr_uint64_t hash(apr_uint64_t value, const char *text)
{
    for (value ^= APR_UINT64_C(0xcbf29ce484222325); *text; text++) {
        value = (value ^ (unsigned char)*text) * APR_UINT64_C(0x100000001b3);
    }
    value = (value ^ (value >> 32)) * APR_UINT64_C(0x9e3779b97f4a7c15);
    return value ^ (value >> 32);
}

/* The seed is random, so that a client cannot choose keys that all have many
 * levels, or one. */
static int levels_of(const memory_t *memory, const char *key)
{
    apr_uint64_t bits = hash(memory->seed, key);
    int levels = 1;

    for (; levels < LEVELS && !(bits & 3); bits >>= 2) {
        levels++;
    }
    return levels;
}

static apr_size_t fact_size(const char *key, int levels)
{
    return APR_ALIGN_DEFAULT(sizeof(fact_t) + levels * sizeof(fact_t *)
                             + strlen(key) + 1);
}

static apr_size_t value_size(const oci_value_t *value)
{
    return APR_ALIGN_DEFAULT(sizeof(*value) + value->size + 1);
}

static apr_size_t room_in(const half_t *half)
{
    return half->limit - half->end;
}

/* Allocate size bytes.  There is enough space: apply has called make_room. */
static void *allocate(half_t *half, apr_size_t size)
{
    char *start = half->end;

    half->end += size;
    return start;
}

static oci_value_t *make_value(half_t *half, const oci_value_t *from)
{
    oci_value_t *value = allocate(half, value_size(from));
    char *data = (char *)(value + 1);

    if (from->size) {
        memcpy(data, from->data, from->size);
    }
    data[from->size] = '\0';
    value->data = data;
    value->size = from->size;
    return value;
}

static fact_t *make_fact(half_t *half, const char *key, int levels,
                         const oci_value_t *value)
{
    fact_t *fact = allocate(half, fact_size(key, levels));

    fact->key = strcpy((char *)&fact->next[levels], key);
    fact->levels = levels;
    fact->value = make_value(half, value);
    return fact;
}

/* Return the first fact whose key is not less than key, or NULL.  links is set
 * to each level's link to this fact or to a later one. */
static fact_t *search(fact_t **links[LEVELS], half_t *half, const char *key)
{
    fact_t **next = half->first;
    int i;

    for (i = LEVELS - 1; i >= 0; i--) {
        while (next[i] && strcmp(next[i]->key, key) < 0) {
            next = next[i]->next;
        }
        links[i] = &next[i];
    }
    return next[0];
}

/* Copy all facts to the other half, and use that half. */
static void change_halves(memory_t *memory)
{
    half_t *half = memory->halves[memory->half == memory->halves[0]];
    fact_t **last[LEVELS], *fact;
    int i;

    half->end = half->data;
    for (i = 0; i < LEVELS; i++) {
        last[i] = &half->first[i];
        half->first[i] = NULL;
    }
    for (fact = memory->half->first[0]; fact; fact = fact->next[0]) {
        fact_t *copy = make_fact(half, fact->key, fact->levels, fact->value);

        for (i = 0; i < fact->levels; i++) {
            copy->next[i] = NULL;
            *last[i] = copy;
            last[i] = &copy->next[i];
        }
    }
    __atomic_store_n(&memory->half, half, __ATOMIC_RELEASE);
}

/* Ensure that there is space for all changes.  A deletion needs none. */
static apr_status_t make_room(memory_t *memory, const oci_change_t *changes,
                              int count)
{
    apr_size_t size = 0;
    int i;

    for (i = 0; i < count; i++) {
        if (changes[i].kind != OCI_CHANGE_DELETE) {
            size += fact_size(changes[i].key, levels_of(memory, changes[i].key))
                + value_size(&changes[i].value);
        }
    }
    if (size > room_in(memory->half)) {
        change_halves(memory);
    }
    return size > room_in(memory->half) ? APR_ENOSPC : APR_SUCCESS;
}

/* The atomic store that makes a change visible comes after all other writes.  A
 * process that is killed between the stores for several levels leaves a fact
 * that is missing in the higher levels; searching still finds it. */
static apr_status_t change_one(memory_t *memory, const oci_change_t *change)
{
    half_t *half = memory->half;
    int levels = levels_of(memory, change->key), i;
    fact_t **links[LEVELS], *fact = search(links, half, change->key);

    if (fact && strcmp(fact->key, change->key)) {
        fact = NULL;
    }
    if (fact && change->kind == OCI_CHANGE_ADD) {
        return APR_EEXIST;
    }
    if (change->kind == OCI_CHANGE_DELETE) {
        for (i = levels - 1; fact && i >= 0; i--) {
            if (*links[i] == fact) {
                __atomic_store_n(links[i], fact->next[i], __ATOMIC_RELEASE);
            }
        }
    }
    else if (fact) {
        __atomic_store_n(&fact->value, make_value(half, &change->value),
                         __ATOMIC_RELEASE);
    }
    else {
        fact = make_fact(half, change->key, levels, &change->value);
        for (i = 0; i < levels; i++) {
            fact->next[i] = *links[i];
            __atomic_store_n(links[i], fact, __ATOMIC_RELEASE);
        }
    }
    return APR_SUCCESS;
}

static const oci_index_provider_t provider;

static const char *create(oci_index_t **index, const oci_store_config_t *config,
                          apr_pool_t *pool)
{
    index_t *self = apr_pcalloc(pool, sizeof(*self));
    apr_int64_t size = 64;
    char *end = "";

    if (config->type) {
        size = apr_strtoi64(config->type, &end, 10);
    }
    if (*end || size < 1 || size > 1024) {
        return apr_psprintf(pool,
                            "memory:%s has a wrong size: expected a number "
                            "of MiB from 1 to 1024",
                            config->type);
    }
    self->base.provider = &provider;
    self->base.where = !config->location
        ? "memory"
        : apr_pstrcat(pool, "memory ", config->location, NULL);
    self->size = size * 1024 * 1024;
    *index = &self->base;
    return NULL;
}

/* A new file contains zeros, so that its halves have no facts. */
static apr_status_t make_memory(memory_t **memory, apr_size_t size)
{
    apr_size_t half = sizeof(half_t) + size;
    apr_size_t total = sizeof(**memory) + 2 * half;
    int fd = memfd_create("mod_oci_memory", MFD_CLOEXEC);
    memory_t *self;
    apr_status_t rv;
    int i;

    if (fd == -1) {
        return errno;
    }
    self = ftruncate(fd, total)
        ? MAP_FAILED
        : mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (self == MAP_FAILED) {
        rv = errno;
        close(fd);
        return rv;
    }
    for (i = 0; i < 2; i++) {
        self->halves[i] = (half_t *)((char *)(self + 1) + i * half);
        self->halves[i]->end = self->halves[i]->data;
        self->halves[i]->limit = self->halves[i]->data + size;
    }
    self->half = self->halves[0];
    self->fd = fd;
    *memory = self;
    return apr_generate_random_bytes((unsigned char *)&self->seed,
                                     sizeof(self->seed));
}

static const char *start(oci_index_t *index, apr_uid_t uid, apr_gid_t gid,
                         apr_pool_t *pool)
{
    index_t *self = (index_t *)index;
    const char *key = apr_pstrcat(pool, KEY, index->where, NULL);
    apr_pool_t *process = pool, *parent;
    void *memory = NULL;
    apr_status_t rv;
    char reason[120];

    /* The topmost pool lives as long as the process.  Its user data survives a
     * reload, which unloads this module and loads it again. */
    while ((parent = apr_pool_parent_get(process))) {
        process = parent;
    }
    rv = apr_pool_userdata_get(&memory, key, process);
    self->memory = memory;
    if (rv == APR_SUCCESS && !memory) {
        rv = make_memory(&self->memory, self->size);
        if (rv == APR_SUCCESS) {
            apr_pool_userdata_set(self->memory, key, NULL, process);
        }
    }
    if (rv == APR_SUCCESS && !geteuid() && fchown(self->memory->fd, uid, gid)) {
        rv = errno;
    }
    return rv == APR_SUCCESS
        ? NULL
        : apr_pstrcat(pool, "cannot create the memory of the index: ",
                      apr_strerror(rv, reason, sizeof(reason)), NULL);
}

static void copy_value(oci_value_t *value, const fact_t *fact, apr_pool_t *pool)
{
    value->size = fact->value->size;
    value->data = apr_pmemdup(pool, fact->value->data, value->size + 1);
}

static apr_status_t get(oci_value_t *value, oci_index_t *index, const char *key,
                        apr_pool_t *pool)
{
    memory_t *memory = ((index_t *)index)->memory;
    fact_t **links[LEVELS], *fact;
    oci_lock_t lock;
    apr_status_t rv = begin_lock(&lock, memory, FACTS, OCI_LOCK_SHARED);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    fact = search(links, memory->half, key);
    rv = fact && !strcmp(fact->key, key) ? APR_SUCCESS : APR_NOTFOUND;
    if (rv == APR_SUCCESS && value) {
        copy_value(value, fact, pool);
    }
    end_lock(&lock);
    return rv;
}

/* Memory cannot make a change durable, and no change needs a pool. */
static apr_status_t apply(oci_index_t *index, const oci_change_t *changes,
                          int count, int durable, apr_pool_t *pool)
{
    memory_t *memory = ((index_t *)index)->memory;
    oci_lock_t lock;
    int i;
    apr_status_t rv = begin_lock(&lock, memory, FACTS, OCI_LOCK_EXCLUSIVE);

    (void)durable;
    (void)pool;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = make_room(memory, changes, count);
    for (i = 0; i < count && rv == APR_SUCCESS; i++) {
        rv = change_one(memory, &changes[i]);
    }
    end_lock(&lock);
    return rv;
}

static apr_status_t scan(apr_array_header_t **entries, oci_index_t *index,
                         const oci_scan_t *range, apr_pool_t *pool)
{
    /* The byte "\1" is less than any byte of a key, so that the search starts
     * right after the key "after". */
    const char *from = apr_pstrcat(pool, range->prefix,
                                   range->after ? range->after : "", "\1",
                                   NULL);
    apr_size_t length = strlen(range->prefix);
    memory_t *memory = ((index_t *)index)->memory;
    fact_t **links[LEVELS], *fact;
    oci_lock_t lock;
    apr_status_t rv = begin_lock(&lock, memory, FACTS, OCI_LOCK_SHARED);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *entries = apr_array_make(pool, 16, sizeof(oci_entry_t));
    for (fact = search(links, memory->half, from);
         fact && !strncmp(fact->key, range->prefix, length)
         && (!range->limit || (*entries)->nelts < range->limit);
         fact = fact->next[0]) {
        oci_entry_t entry = { apr_pstrdup(pool, fact->key), { NULL, 0 } };

        if (range->values) {
            copy_value(&entry.value, fact, pool);
        }
        APR_ARRAY_PUSH(*entries, oci_entry_t) = entry;
    }
    end_lock(&lock);
    return APR_SUCCESS;
}

static apr_status_t lock(oci_lock_t **result, oci_index_t *index,
                         const char *name, oci_lock_e kind, apr_pool_t *pool)
{
    const memory_t *memory = ((index_t *)index)->memory;
    oci_lock_t *self = apr_palloc(pool, sizeof(*self));
    off_t gate = FACTS + 2 + 2 * (off_t)(hash(memory->seed, name) >> 3);
    apr_status_t rv = begin_lock(self, memory, gate, kind);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    self->pool = pool;
    apr_pool_cleanup_register(pool, self, end_lock, apr_pool_cleanup_null);
    *result = self;
    return APR_SUCCESS;
}

static apr_status_t unlock(oci_lock_t *lock)
{
    return apr_pool_cleanup_run(lock->pool, lock, end_lock);
}

static const oci_index_provider_t provider = {
    create, start, get, apply, scan, lock, unlock, NULL, NULL, NULL,
};

static void register_hooks(apr_pool_t *pool)
{
    ap_register_provider(pool, OCI_INDEX_GROUP, "memory", OCI_PROVIDER_VERSION,
                         &provider);
}

AP_DECLARE_MODULE(oci_memory) = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks, 0,
};
