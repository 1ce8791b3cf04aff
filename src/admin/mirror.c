/* SPDX-License-Identifier: Apache-2.0 */

/* Makes an index equal to another, and compares two indexes. */

#include <string.h>

#include "apr_strings.h"

#include "admin/interrupt.h"
#include "admin/mirror.h"
#include "registry/keys.h"
#include "registry/repository.h"

#define KEY_MAX  1023 /* bytes, as mod_oci.h has it */
#define PAGE     1000 /* keys */
#define PAGE_MIN 4    /* keys; of the first page under a lock */
#define BATCH    1000 /* facts */

/* Bytes of values in a batch, before the last is added. */
#define BATCH_BYTES (4 * 1024 * 1024)

/* How many repositories are locked before memory is freed. */
#define LOCKS 1000

#define REPOSITORIES     "repo/" /* before all keys of repositories */
#define REPOSITORIES_END "repo0" /* behind them */

/* A position in one of the two indexes. */
typedef struct cursor_t {
    const oci_registry_t *registry;
    apr_pool_t *pool; /* owns the page */
    apr_array_header_t
        *page;               /* of oci_entry_t; read_small_values adds values */
    int limit;               /* of keys in the next page */
    int at;                  /* position in the page of the key after key */
    const char *key;         /* the current key, NULL at the end */
    char after[KEY_MAX + 1]; /* the key before the page's first */
} cursor_t;

/* One call of mirror_all.  The batch's pool also owns every value that was
 * read while the batch was filled. */
typedef struct run_t {
    oci_mirror_t *mirror;
    int writing;       /* 1 to change the target, 0 to compare only */
    const char *until; /* stop before this key; NULL: at the end */
    int locking;       /* whether to lock the repository of each key */
    int locks;         /* how many were locked */
    oci_repository_t repository; /* the locked one; its name may be NULL */
    oci_lock_t *lock;            /* or NULL */
    apr_pool_t *locks_pool;      /* above all other pools of the run */
    cursor_t source;
    cursor_t target;
    apr_pool_t *pool;            /* of the batch */
    apr_array_header_t *changes; /* the batch's */
    int count;                   /* keys in the batch */
    apr_size_t bytes;            /* of values in the batch */
    char last[KEY_MAX + 1];      /* the last key compared */
} run_t;

static oci_entry_t *entry_at(const cursor_t *cursor, int i)
{
    return &APR_ARRAY_IDX(cursor->page, i, oci_entry_t);
}

static oci_error_t *read_page(cursor_t *cursor)
{
    oci_scan_t scan = { "", *cursor->after ? cursor->after : NULL,
                        cursor->limit, 0, 0 };

    apr_pool_clear(cursor->pool);
    cursor->at = 0;
    cursor->limit = cursor->limit < PAGE / 4 ? cursor->limit * 4 : PAGE;
    return oci_facts_scan(&cursor->page, cursor->registry, &scan, cursor->pool);
}

/* Whether a key is never copied or compared: the mark, and what says which
 * index this is. */
static int is_skipped(const char *key)
{
    return !strcmp(key, oci_key_copy()) || !strcmp(key, oci_key_index())
        || !strcmp(key, oci_key_copy_of());
}

/* Advance to the key at cursor->at, skipping some.  The next page is read
 * as soon as this one is used up, before the batch is written, so that a page
 * of the target never contains facts that were written here. */
static oci_error_t *next_key(cursor_t *cursor)
{
    oci_error_t *error = NULL;

    do {
        if (cursor->at == cursor->page->nelts && cursor->at) {
            const oci_entry_t *end = apr_array_pop(cursor->page);

            apr_cpystrn(cursor->after, end->key, sizeof(cursor->after));
            error = read_page(cursor);
        }
        if (error || !cursor->page->nelts) {
            cursor->key = NULL;
            return error;
        }
        cursor->key = entry_at(cursor, cursor->at++)->key;
    } while (is_skipped(cursor->key));
    return NULL;
}

/* Read the value of the current key and of the keys that follow it in the
 * page, up to the first key whose value may be large.  A database then gets
 * one query instead of one for each key. */
static oci_error_t *read_small_values(cursor_t *cursor)
{
    int first = cursor->at - 1, end = first, i;
    oci_scan_t scan = {
        "", first ? entry_at(cursor, first - 1)->key : cursor->after, 0, 1, 0
    };
    apr_array_header_t *found;
    oci_error_t *error;

    while (end < cursor->page->nelts
           && oci_key_is_small(entry_at(cursor, end)->key)) {
        end++;
    }
    if (!(scan.limit = end - first)) {
        return NULL;
    }
    error = oci_facts_scan(&found, cursor->registry, &scan, cursor->pool);
    for (i = 0; !error && i < found->nelts && first < end; i++) {
        const oci_entry_t *entry = &APR_ARRAY_IDX(found, i, oci_entry_t);

        while (first < end
               && strcmp(entry_at(cursor, first)->key, entry->key) < 0) {
            first++;
        }
        if (first < end && !strcmp(entry_at(cursor, first)->key, entry->key)) {
            entry_at(cursor, first)->value = entry->value;
        }
    }
    return error;
}

static oci_error_t *begin_cursor(cursor_t *cursor,
                                 const oci_registry_t *registry,
                                 const char *after, apr_pool_t *pool)
{
    oci_error_t *error;

    cursor->registry = registry;
    cursor->limit = PAGE;
    apr_cpystrn(cursor->after, after ? after : "", sizeof(cursor->after));
    apr_pool_create(&cursor->pool, pool);
    error = read_page(cursor);
    return error ? error : next_key(cursor);
}

static void begin_batch(run_t *run)
{
    apr_pool_clear(run->pool);
    run->changes = oci_change_list_make(run->pool);
    run->count = 0;
    run->bytes = 0;
}

void oci_mirror_add_mark(apr_array_header_t *changes,
                         const oci_mirror_t *mirror, const char *key,
                         apr_pool_t *pool)
{
    const char *text = apr_pstrcat(pool, mirror->name, "\n", key, NULL);

    oci_change_put(changes, OCI_CHANGE_PUT, oci_key_copy(), text, strlen(text));
}

/* The mark comes last in the batch, so that it never names a key whose change
 * is not applied. */
static oci_error_t *write_batch(run_t *run)
{
    oci_mirror_t *mirror = run->mirror;
    oci_error_t *error = NULL;

    if (run->writing && run->count) {
        oci_mirror_add_mark(run->changes, mirror, run->last, run->pool);
        error = oci_facts_apply(&mirror->target, run->changes, 1, run->pool);
    }
    if (error) {
        return error;
    }
    begin_batch(run);
    oci_progress_show(mirror->progress, mirror->facts, mirror->bytes);
    mirror->interrupted = oci_interrupt_pending();
    return NULL;
}

/* Read the value of a cursor's key into the batch's pool. */
static oci_error_t *read_value(oci_value_t *value, run_t *run, cursor_t *cursor)
{
    const oci_value_t *read = &entry_at(cursor, cursor->at - 1)->value;
    oci_error_t *error = read->data ? NULL : read_small_values(cursor);

    if (error) {
        return error;
    }
    if (read->data) {
        value->data = apr_pstrmemdup(run->pool, read->data, read->size);
        value->size = read->size;
    }
    else {
        error = oci_fact_get(value, cursor->registry, cursor->key, run->pool);
    }
    run->bytes += value->size;
    return error;
}

/* Record that the values of this key differ.  from->data is NULL if the source
 * does not have the key. */
static void note_difference(run_t *run, const char *key,
                            const oci_value_t *from)
{
    oci_mirror_t *mirror = run->mirror;

    if (!mirror->differences++) {
        mirror->first_difference = apr_pstrdup(apr_pool_parent_get(run->pool),
                                               key);
    }
    key = apr_pstrdup(run->pool, key);
    if (from->data) {
        oci_change_put(run->changes, OCI_CHANGE_PUT, key, from->data,
                       from->size);
    }
    else {
        oci_change_delete(run->changes, key);
    }
}

/* NULL is the end of an index, which comes after every key. */
static int compare_keys(const char *a, const char *b)
{
    if (!b) {
        return -1;
    }
    return a ? strcmp(a, b) : 1;
}

static int is_same(const oci_value_t *a, const oci_value_t *b)
{
    return a->data && b->data && a->size == b->size
        && !memcmp(a->data, b->data, a->size);
}

/* Compare the values of the lower of the two current keys, and advance each
 * cursor that is at this key. */
static oci_error_t *compare_next(run_t *run)
{
    cursor_t *source = &run->source;
    cursor_t *target = &run->target;
    int order = compare_keys(source->key, target->key);
    const char *key = order <= 0 ? source->key : target->key;
    oci_value_t from = { NULL, 0 };
    oci_value_t to = { NULL, 0 };
    oci_error_t *error = NULL;

    if (order <= 0) {
        error = read_value(&from, run, source);
        run->mirror->facts++;
        run->mirror->bytes += from.size;
    }
    if (order == 0 && !error) {
        error = read_value(&to, run, target);
    }
    if (error) {
        return error;
    }
    if (!is_same(&from, &to)) {
        note_difference(run, key, &from);
    }
    apr_cpystrn(run->last, key, sizeof(run->last));
    run->count++;
    if (order <= 0) {
        error = next_key(source);
    }
    return error || order < 0 ? error : next_key(target);
}

/* Return the current key, which is the lower one of both cursors. */
static const char *current_key(const run_t *run)
{
    return compare_keys(run->source.key, run->target.key) <= 0
        ? run->source.key
        : run->target.key;
}

/* Whether a key belongs to the repository that is locked, or to none while none
 * is locked. */
static int is_locked(const run_t *run, const char *key)
{
    const char *name = run->repository.name;
    const char *end = strstr(key, "/_");
    apr_size_t length = end ? end - key - strlen(REPOSITORIES) : 0;

    return name && end ? strlen(name) == length
            && !strncmp(key + strlen(REPOSITORIES), name, length)
                       : !name && !end;
}

static void unlock(run_t *run)
{
    if (run->lock) {
        oci_repository_unlock(&run->repository, run->lock);
    }
    run->lock = NULL;
    run->repository.name = NULL;
}

/* Read again what comes after the last key that was compared.  Most
 * repositories have few facts. */
static oci_error_t *reread_source(run_t *run)
{
    cursor_t *source = &run->source;
    oci_error_t *error;

    apr_cpystrn(source->after, run->last, sizeof(source->after));
    source->limit = PAGE_MIN;
    error = read_page(source);
    return error ? error : next_key(source);
}

/* Lock the repository of the current key, instead of the last one. */
static oci_error_t *lock_current(run_t *run)
{
    const char *key = current_key(run);
    const char *end = strstr(key, "/_");
    oci_error_t *error = NULL;

    unlock(run);
    if (end) {
        key += strlen(REPOSITORIES);
        run->repository.name = apr_pstrmemdup(run->locks_pool, key, end - key);
        run->locks++;
        error = oci_repository_lock(&run->lock, &run->repository,
                                    OCI_LOCK_EXCLUSIVE, run->locks_pool);
    }
    if (error) {
        run->lock = NULL;
        return error;
    }
    return reread_source(run);
}

/* Whether the run is over for now. */
static int is_over(const run_t *run)
{
    const char *key = current_key(run);

    return run->mirror->interrupted || !key
        || (run->until && strcmp(key, run->until) >= 0)
        || (run->locks >= LOCKS && !is_locked(run, key));
}

static oci_error_t *begin_run(run_t *run, const char *after, apr_pool_t *pool)
{
    oci_mirror_t *mirror = run->mirror;
    oci_error_t *error;

    run->repository.registry = &mirror->source;
    apr_pool_create(&run->locks_pool, pool);
    apr_pool_create(&run->pool, run->locks_pool);
    begin_batch(run);
    apr_cpystrn(run->last, after ? after : "", sizeof(run->last));
    mirror->facts = mirror->bytes = mirror->differences = 0;
    error = begin_cursor(&run->source, &mirror->source, after, run->locks_pool);
    return error
        ? error
        : begin_cursor(&run->target, &mirror->target, after, run->locks_pool);
}

static oci_error_t *mirror_keys(run_t *run, const char *after, apr_pool_t *pool)
{
    oci_error_t *error = begin_run(run, after, pool);

    while (!error && !is_over(run)) {
        if (run->locking && !is_locked(run, current_key(run))) {
            error = lock_current(run);
            continue;
        }
        error = compare_next(run);
        if (!error && (run->count >= BATCH || run->bytes >= BATCH_BYTES)) {
            error = write_batch(run);
        }
    }
    if (!error) {
        error = write_batch(run);
    }
    unlock(run);
    return error;
}

oci_error_t *oci_mirror_update(oci_mirror_t *mirror, apr_pool_t *pool)
{
    run_t *run = apr_pcalloc(pool, sizeof(*run));

    run->mirror = mirror;
    run->writing = 1;
    oci_progress_begin(mirror->progress, "copying");
    return mirror_keys(run, mirror->after, pool);
}

oci_error_t *oci_mirror_compare(oci_mirror_t *mirror, apr_pool_t *pool)
{
    run_t *run = apr_pcalloc(pool, sizeof(*run));

    run->mirror = mirror;
    oci_progress_begin(mirror->progress, "comparing");
    return mirror_keys(run, NULL, pool);
}

/* Mirror the facts of all repositories, each of them under its lock. */
static oci_error_t *mirror_repositories(run_t *run, oci_mirror_t *mirror,
                                        apr_pool_t *pool)
{
    oci_error_t *error;
    char after[KEY_MAX + 1] = REPOSITORIES;

    do {
        memset(run, 0, sizeof(*run));
        run->mirror = mirror;
        run->writing = run->locking = 1;
        run->until = REPOSITORIES_END;
        error = mirror_keys(run, after, pool);
        apr_cpystrn(after, run->last, sizeof(after));
        if (!error) {
            apr_pool_destroy(run->locks_pool);
        }
    } while (!error && !mirror->interrupted && run->locks >= LOCKS);
    return error;
}

oci_error_t *oci_mirror_settle(oci_mirror_t *mirror, apr_pool_t *pool)
{
    apr_uint64_t facts = mirror->facts, bytes = mirror->bytes;
    run_t *run = apr_pcalloc(pool, sizeof(*run));
    oci_error_t *error;

    oci_progress_begin(mirror->progress, "comparing");
    error = mirror_repositories(run, mirror, pool);
    if (!error && !mirror->interrupted) {
        memset(run, 0, sizeof(*run));
        run->mirror = mirror;
        run->writing = 1;
        run->until = REPOSITORIES;
        error = mirror_keys(run, NULL, pool);
    }
    mirror->facts = facts;
    mirror->bytes = bytes;
    return error;
}
