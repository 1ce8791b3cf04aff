/* SPDX-License-Identifier: Apache-2.0 */

/* Copies an index.  The steps, and the state that each leaves in TO if the
 * command ends there:
 *
 *     mark TO               the mark names FROM; httpd does not serve an index
 *                           that is marked
 *     mirror FROM to TO     the mark holds the last key that was copied
 *     compare FROM and TO   if they differ, the mark is reset to the first
 *                           key; a copy that continued an earlier one is then
 *                           repeated from there
 *     give TO an id, and    TO is complete
 *     remove the mark
 *
 * With --online, nothing is compared: FROM may differ at any time.
 *
 * A later call with the same names continues at the mark.  A copy holds a lock
 * on TO until it ends, so a second copy to TO waits.
 */

#include <stdio.h>
#include <string.h>

#include "apr_strings.h"

#include "admin/as_owner.h"
#include "admin/copy_index.h"
#include "admin/interrupt.h"
#include "admin/mirror.h"
#include "admin/named_index.h"
#include "admin/terminal.h"
#include "registry/keys.h"
#include "registry/random.h"
#include "store/io.h"

/* Locks are also named after repositories, and no repository has this name. */
#define LOCK_NAME "_copy"

#define SAME_INDEX "FROM and TO are the same index: name two different ones"

#define ID_SIZE 16 /* of an index, bytes before hex encoding */

typedef struct copy_t {
    const oci_copy_request_t *request;
    oci_lock_t *lock; /* of TO, or NULL */
    oci_named_index_t from;
    oci_named_index_t to;
    oci_copy_owners_t owners;
    oci_mirror_t mirror;
    apr_pool_t *pool;
} copy_t;

static const char *parse_names(copy_t *copy)
{
    const char *error = oci_named_index_parse(&copy->from, copy->request->from,
                                              copy->pool);

    return error
        ? error
        : oci_named_index_parse(&copy->to, copy->request->to, copy->pool);
}

static const char *path_of(const oci_named_index_t *named)
{
    return oci_named_index_has_path(named) ? named->index->where : NULL;
}

/* Choose the user for each index.  A database that has no path is used as the
 * user who runs the command. */
static const char *find_owners(copy_t *copy)
{
    oci_registry_t *source = &copy->mirror.source;
    oci_registry_t *target = &copy->mirror.target;
    const char *to = path_of(&copy->to);
    const char *error = oci_copy_find_owners(&copy->owners, copy->request,
                                             path_of(&copy->from), to,
                                             copy->pool);

    source->index = oci_index_as_owner(copy->from.index, &copy->owners.from,
                                       copy->pool);
    target->index = to
        ? oci_index_as_owner(copy->to.index, &copy->owners.to, copy->pool)
        : copy->to.index;
    return error;
}

static const char *start_index(oci_index_t *index, const copy_t *copy)
{
    return index->provider->start(index, copy->owners.to.uid,
                                  copy->owners.to.gid, copy->pool);
}

/* Whether an index is marked as an unfinished copy. */
static const char *is_marked(int *marked, const oci_registry_t *registry,
                             apr_pool_t *pool)
{
    oci_error_t *error = oci_fact_exists(marked, registry, oci_key_copy(),
                                         pool);

    return error ? oci_error_text(error, pool) : NULL;
}

/* Whether an index has no fact at all, not even a mark. */
static const char *is_empty(int *empty, const oci_registry_t *registry,
                            apr_pool_t *pool)
{
    oci_scan_t any = { "", NULL, 1, 0, 1 };
    apr_array_header_t *entries;
    oci_error_t *error = oci_facts_scan(&entries, registry, &any, pool);

    if (error) {
        return oci_error_text(error, pool);
    }
    *empty = !entries->nelts;
    return NULL;
}

/* Start FROM.  Check first that it exists: start would create it. */
static const char *open_source(copy_t *copy)
{
    const char *name = copy->from.name;
    apr_pool_t *pool = copy->pool;
    apr_status_t rv = oci_named_index_stat(&copy->from, pool);
    const char *error;
    int marked, empty;

    if (rv != APR_SUCCESS) {
        return oci_io_failure("copy from", name, rv, pool);
    }
    if ((error = start_index(copy->mirror.source.index, copy))
        || (error = is_marked(&marked, &copy->mirror.source, pool))) {
        return error;
    }
    if (marked) {
        return apr_psprintf(pool,
                            "cannot copy from %s: it is an unfinished copy; "
                            "finish that copy first",
                            name);
    }
    error = is_empty(&empty, &copy->mirror.source, pool);
    return error || !empty
        ? error
        : apr_psprintf(pool, "cannot copy from %s: it is empty", name);
}

/* Mark TO as unfinished, with no key copied; or remove the mark. */
static const char *set_mark(const copy_t *copy, int marked)
{
    apr_array_header_t *changes = oci_change_list_make(copy->pool);
    oci_error_t *error;

    if (marked) {
        oci_mirror_add_mark(changes, &copy->mirror, NULL, copy->pool);
    }
    else {
        oci_change_delete(changes, oci_key_copy());
    }
    error = oci_facts_apply(&copy->mirror.target, changes, 1, copy->pool);
    return error ? oci_error_text(error, copy->pool) : NULL;
}

/* Give TO an id of its own, note of which index it is a copy, and remove the
 * mark. */
static const char *finish_target(const copy_t *copy)
{
    apr_pool_t *pool = copy->pool;
    apr_array_header_t *changes = oci_change_list_make(pool);
    oci_value_t from;
    const char *id;
    oci_error_t *error = oci_fact_get(&from, &copy->mirror.source,
                                      oci_key_index(), pool);

    if (!error) {
        error = oci_random_hex(&id, ID_SIZE, pool);
    }
    if (error) {
        return oci_error_text(error, pool);
    }
    oci_change_put(changes, OCI_CHANGE_PUT, oci_key_index(), id, strlen(id));
    if (from.size) {
        oci_change_put(changes, OCI_CHANGE_PUT, oci_key_copy_of(), from.data,
                       from.size);
    }
    else {
        oci_change_delete(changes, oci_key_copy_of());
    }
    oci_change_delete(changes, oci_key_copy());
    error = oci_facts_apply(&copy->mirror.target, changes, 1, pool);
    return error ? oci_error_text(error, pool) : NULL;
}

/* Continue at the mark of an earlier copy, if it was a copy of FROM.  keys.h
 * shows the form of a mark; the index in it is FROM's id. */
static const char *resume_from_mark(copy_t *copy, const char *mark)
{
    const char *end = strchr(mark, '\n');
    apr_size_t length = end ? (apr_size_t)(end - mark) : strlen(mark);

    if (end && strlen(copy->from.id) == length
        && !strncmp(mark, copy->from.id, length)) {
        copy->mirror.after = end + 1;
    }
    else if (!copy->request->force) {
        return apr_psprintf(copy->pool,
                            "%s holds an unfinished copy of "
                            "%.*s: finish that copy, or use --force to "
                            "replace it",
                            copy->to.name, (int)length, mark);
    }
    return NULL;
}

/* Check that TO may be written: it is empty, or holds an unfinished copy of
 * FROM, or --force is set. */
static const char *check_target(copy_t *copy)
{
    oci_value_t mark;
    oci_error_t *failure = oci_fact_get(&mark, &copy->mirror.target,
                                        oci_key_copy(), copy->pool);
    const char *error;
    int empty;

    if (failure) {
        return oci_error_text(failure, copy->pool);
    }
    if (mark.data) {
        return resume_from_mark(copy, mark.data);
    }
    error = is_empty(&empty, &copy->mirror.target, copy->pool);
    return error || empty || copy->request->force
        ? error
        : apr_psprintf(copy->pool,
                       "%s is not empty: use --force to replace its contents",
                       copy->to.name);
}

static const char *open_target(copy_t *copy)
{
    oci_index_t *index = copy->mirror.target.index;
    const char *error = start_index(index, copy);
    apr_status_t rv;
    int same;

    if (error) {
        return error;
    }
    rv = index->provider->lock(&copy->lock, index, LOCK_NAME,
                               OCI_LOCK_EXCLUSIVE, copy->pool);
    if (rv != APR_SUCCESS) {
        copy->lock = NULL;
        return oci_error_text(oci_error_storage(copy->pool, rv,
                                                "cannot lock %s",
                                                copy->to.name),
                              copy->pool);
    }
    oci_interrupt_block();
    if ((error = check_target(copy))) {
        return error;
    }
    if (copy->mirror.after) {
        return NULL;
    }
    /* One index may have two names.  The mark then appears in both. */
    if ((error = set_mark(copy, 1))
        || (error = is_marked(&same, &copy->mirror.source, copy->pool))
        || !same) {
        return error;
    }
    error = set_mark(copy, 0);
    return error ? error : SAME_INDEX;
}

/* Copy all facts after mirror->after, then compare both indexes, or if FROM is
 * in use, make TO complete. */
static const char *mirror_once(copy_t *copy)
{
    oci_mirror_t *mirror = &copy->mirror;
    oci_error_t *failure = oci_mirror_update(mirror, copy->pool);

    if (!failure && !mirror->interrupted) {
        failure = (copy->request->online
                       ? oci_mirror_settle
                       : oci_mirror_compare)(mirror, copy->pool);
    }
    oci_progress_end(mirror->progress);
    if (failure) {
        return apr_pstrcat(copy->pool, oci_error_text(failure, copy->pool),
                           "; " OCI_COPY_HOW_TO_CONTINUE, NULL);
    }
    return mirror->interrupted ? "interrupted; " OCI_COPY_HOW_TO_CONTINUE
                               : NULL;
}

static const char *mirror_and_verify(copy_t *copy)
{
    oci_mirror_t *mirror = &copy->mirror;
    const char *error = mirror_once(copy);

    if (copy->request->online) {
        return error ? error : finish_target(copy);
    }

    /* FROM may have changed since an earlier call of the command copied from
     * it. */
    if (!error && mirror->differences && mirror->after) {
        mirror->after = NULL;
        if (!(error = set_mark(copy, 1))) {
            error = mirror_once(copy);
        }
    }
    if (error || !mirror->differences) {
        return error ? error : finish_target(copy);
    }
    error = set_mark(copy, 1);
    return error
        ? error
        : apr_psprintf(copy->pool,
                       "%" APR_UINT64_T_FMT " %s, the first at "
                       "%s: stop all writes to %s (OCIReadOnly On), then run "
                       "the same command again",
                       mirror->differences,
                       mirror->differences == 1 ? "fact differs"
                                                : "facts differ",
                       mirror->first_difference, copy->from.name);
}

static void print_report(const copy_t *copy, double seconds)
{
    const oci_mirror_t *mirror = &copy->mirror;

    if (copy->request->json) {
        printf("{\"facts\": %" APR_UINT64_T_FMT
               ", \"bytes\": %" APR_UINT64_T_FMT ", \"seconds\": %.3f}\n",
               mirror->facts, mirror->bytes, seconds);
        return;
    }
    printf("copied %s to %s: %s, %s, in %.1f s\n", copy->from.name,
           copy->to.name, oci_terminal_count(mirror->facts, "fact", copy->pool),
           oci_progress_format_bytes(mirror->bytes, copy->pool), seconds);
    if (oci_named_index_has_path(&copy->to)) {
        oci_copy_warn_of_root(&copy->owners.to, copy->to.name);
    }
}

oci_outcome_e oci_copy_index(const char **error,
                             const oci_copy_request_t *request,
                             apr_pool_t *pool)
{
    copy_t copy = { .request = request, .pool = pool };
    apr_time_t begun = apr_time_now();

    if ((*error = parse_names(&copy))) {
        return OCI_USAGE;
    }
    if (!strcmp(copy.from.id, copy.to.id)) {
        *error = SAME_INDEX;
        return OCI_FAILED;
    }
    copy.mirror.name = copy.from.id;
    copy.mirror.progress = oci_progress_create(request->quiet, pool);
    if (!(*error = find_owners(&copy)) && !(*error = open_source(&copy))
        && !(*error = open_target(&copy))) {
        *error = mirror_and_verify(&copy);
    }
    if (copy.lock) {
        copy.mirror.target.index->provider->unlock(copy.lock);
    }
    if (*error) {
        return OCI_FAILED;
    }
    print_report(&copy, (apr_time_now() - begun) / (double)APR_USEC_PER_SEC);
    return OCI_DONE;
}
