/* SPDX-License-Identifier: Apache-2.0 */

/* A copy, and what is there if it ends after any of its steps:
 *
 *     mark TO               with FROM's name; a registry is not served from
 *                           an index that is marked
 *     mirror FROM in TO     the mark says up to which key
 *     compare all           where something differs the mark begins anew,
 *                           and so does a copy that began behind a mark
 *     take the mark away
 *
 * The next call with the same names goes on from the mark.  Whoever copies
 * to TO has its lock meanwhile; a second one waits.
 */

#include <stdio.h>
#include <string.h>

#include "apr_strings.h"
#include "apr_user.h"

#include "admin/as_owner.h"
#include "admin/copy.h"
#include "admin/interrupt.h"
#include "admin/mirror.h"
#include "admin/named_index.h"
#include "registry/keys.h"

/* No repository is called so: locks are named after these, too. */
#define LOCK_NAME "_copy"

#define AGAIN "run the same command again to go on from there"

typedef struct copy_t {
    int force;
    int quiet;
    const char *user; /* or NULL */
    oci_named_index_t from;
    oci_named_index_t to;
    oci_owner_t owner; /* of TO */
    oci_mirror_t mirror;
    apr_pool_t *pool;
} copy_t;

enum { OPTION_FORCE = 256, OPTION_QUIET, OPTION_USER };

static const apr_getopt_option_t options[] = {
    { "force", OPTION_FORCE, 0, NULL },
    { "quiet", OPTION_QUIET, 0, NULL },
    { "user", OPTION_USER, 1, NULL },
    { NULL, 0, 0, NULL },
};

static const char *parse(copy_t *copy, apr_getopt_t *arguments)
{
    const char *value, *error;
    apr_status_t rv;
    int option;

    while ((rv = apr_getopt_long(arguments, options, &option, &value))
           == APR_SUCCESS) {
        copy->force |= option == OPTION_FORCE;
        copy->quiet |= option == OPTION_QUIET;
        copy->user = option == OPTION_USER ? value : copy->user;
    }
    if (rv != APR_EOF) {
        return apr_psprintf(copy->pool, "copy does not understand '%s'",
                            arguments->argv[arguments->ind - 1]);
    }
    if (arguments->argc - arguments->ind != 2) {
        return "copy takes two indexes, FROM and TO, each in one argument";
    }
    error = oci_named_index_parse(&copy->from, arguments->argv[arguments->ind],
                                  copy->pool);
    return error
        ? error
        : oci_named_index_parse(&copy->to, arguments->argv[arguments->ind + 1],
                                copy->pool);
}

/* An error of the registry's as a sentence; APR_EGENERAL says nothing. */
static const char *sentence(const oci_error_t *error, apr_pool_t *pool)
{
    char why[120];

    if (error->status == APR_EGENERAL) {
        return error->note;
    }
    apr_strerror(error->status, why, sizeof(why));
    return apr_psprintf(pool, "%s: %s", error->note, why);
}

/* Have both indexes used as their owners: FROM as the one it has, TO as the
 * one that --user names, or else FROM's or, where that is root, its own.  A
 * database that has no path is used as the caller. */
static const char *find_owners(copy_t *copy)
{
    apr_pool_t *pool = copy->pool;
    oci_owner_t from, to;

    if (apr_uid_current(&from.uid, &from.gid, pool) != APR_SUCCESS) {
        return "cannot find out which user runs this command";
    }
    oci_named_index_owner(&from, &copy->from);
    to = from;
    if (copy->user) {
        if (apr_uid_get(&to.uid, &to.gid, copy->user, pool) != APR_SUCCESS) {
            return apr_psprintf(pool, "there is no user '%s'", copy->user);
        }
    }
    else if (to.uid == 0) {
        oci_named_index_owner(&to, &copy->to);
    }
    copy->mirror.source.index = oci_as_owner(copy->from.index, &from, pool);
    copy->mirror.target.index = oci_named_index_has_path(&copy->to)
        ? oci_as_owner(copy->to.index, &to, pool)
        : copy->to.index;
    copy->owner = to;
    return NULL;
}

static const char *start(oci_index_t *index, const copy_t *copy)
{
    return index->provider->start(index, copy->owner.uid, copy->owner.gid,
                                  copy->pool);
}

/* Whether an index is marked as an unfinished copy. */
static const char *is_marked(int *marked, const oci_registry_t *registry,
                             apr_pool_t *pool)
{
    oci_error_t *error = oci_fact_exists(marked, registry, oci_key_copy(),
                                         pool);

    return error ? sentence(error, pool) : NULL;
}

/* Whether there is nothing in an index, nor a mark. */
static const char *is_empty(int *empty, const oci_registry_t *registry,
                            apr_pool_t *pool)
{
    oci_scan_t any = { "", NULL, 1, 0, 1 };
    apr_array_header_t *entries;
    oci_error_t *error = oci_facts_scan(&entries, registry, &any, pool);

    if (error) {
        return sentence(error, pool);
    }
    *empty = !entries->nelts;
    return NULL;
}

/* Start FROM, which must be there: start would make what is missing. */
static const char *open_source(copy_t *copy)
{
    const char *name = copy->from.name;
    apr_pool_t *pool = copy->pool;
    apr_status_t rv = oci_named_index_find(&copy->from, pool);
    const char *error;
    int is;

    if (rv != APR_SUCCESS) {
        char why[120];

        return apr_psprintf(pool, "cannot copy from %s: %s", name,
                            apr_strerror(rv, why, sizeof(why)));
    }
    if ((error = start(copy->mirror.source.index, copy))
        || (error = is_marked(&is, &copy->mirror.source, pool))) {
        return error;
    }
    if (is) {
        return apr_psprintf(pool, "%s is itself a copy that was not finished",
                            name);
    }
    error = is_empty(&is, &copy->mirror.source, pool);
    return error || !is ? error
                        : apr_psprintf(pool, "there is nothing in %s", name);
}

static const char *change_mark(const copy_t *copy, int is_marked)
{
    apr_array_header_t *changes = oci_change_list_make(copy->pool);
    oci_error_t *error;

    if (is_marked) {
        oci_mirror_mark(changes, &copy->mirror, NULL, copy->pool);
    }
    else {
        oci_change_delete(changes, oci_key_copy());
    }
    error = oci_facts_apply(&copy->mirror.target, changes, 1, copy->pool);
    return error ? sentence(error, copy->pool) : NULL;
}

/* Read the mark of an earlier copy: what keys.h draws, with FROM's name for
 * the index. */
static const char *read_mark(copy_t *copy, const char *mark)
{
    const char *end = strchr(mark, '\n');
    apr_size_t length = end ? (apr_size_t)(end - mark) : strlen(mark);

    if (end && strlen(copy->from.id) == length
        && !strncmp(mark, copy->from.id, length)) {
        copy->mirror.after = end + 1;
    }
    else if (!copy->force) {
        return apr_psprintf(copy->pool,
                            "%s holds an unfinished copy of "
                            "%.*s: finish that, or replace it by --force",
                            copy->to.name, (int)length, mark);
    }
    return NULL;
}

/* See that TO may be written. */
static const char *check_target(copy_t *copy)
{
    oci_value_t mark;
    oci_error_t *failure = oci_fact_get(&mark, &copy->mirror.target,
                                        oci_key_copy(), copy->pool);
    const char *error;
    int empty;

    if (failure) {
        return sentence(failure, copy->pool);
    }
    if (mark.data) {
        return read_mark(copy, mark.data);
    }
    error = is_empty(&empty, &copy->mirror.target, copy->pool);
    return error || empty || copy->force
        ? error
        : apr_psprintf(copy->pool,
                       "%s is not empty: --force replaces what it holds",
                       copy->to.name);
}

static const char *open_target(copy_t *copy)
{
    oci_index_t *index = copy->mirror.target.index;
    const char *error = start(index, copy);
    oci_lock_t *lock;
    apr_status_t rv;
    int same;

    if (error) {
        return error;
    }
    rv = index->provider->lock(&lock, index, LOCK_NAME, OCI_LOCK_EXCLUSIVE,
                               copy->pool);
    if (rv != APR_SUCCESS) {
        return sentence(oci_error_storage(copy->pool, rv, "can't lock %s",
                                          copy->to.name),
                        copy->pool);
    }
    oci_interrupt_hold();
    if ((error = check_target(copy))) {
        return error;
    }
    if (copy->mirror.after) {
        return NULL;
    }
    /* One index may have two names: then the mark is in both. */
    if ((error = change_mark(copy, 1))
        || (error = is_marked(&same, &copy->mirror.source, copy->pool))
        || !same) {
        return error;
    }
    error = change_mark(copy, 0);
    return error ? error : "FROM and TO are the same index";
}

/* Copy what follows mirror->after, and compare all. */
static const char *mirror_once(copy_t *copy)
{
    oci_mirror_t *mirror = &copy->mirror;
    oci_error_t *failure = oci_mirror_update(mirror, copy->pool);

    if (!failure && !mirror->stopped) {
        failure = oci_mirror_compare(mirror, copy->pool);
    }
    oci_progress_end(mirror->progress);
    if (failure) {
        return apr_pstrcat(copy->pool, sentence(failure, copy->pool),
                           "; " AGAIN, NULL);
    }
    return mirror->stopped ? "interrupted; " AGAIN : NULL;
}

static const char *transfer(copy_t *copy)
{
    oci_mirror_t *mirror = &copy->mirror;
    const char *error = mirror_once(copy);

    /* FROM may have changed since an earlier call copied from it. */
    if (!error && mirror->different && mirror->after) {
        mirror->after = NULL;
        if (!(error = change_mark(copy, 1))) {
            error = mirror_once(copy);
        }
    }
    if (error || !mirror->different) {
        return error ? error : change_mark(copy, 0);
    }
    error = change_mark(copy, 1);
    return error
        ? error
        : apr_psprintf(copy->pool,
                       "%" APR_UINT64_T_FMT " %s, the first at "
                       "%s: stop what changes %s (OCIReadOnly On) and run "
                       "the same command again",
                       mirror->different,
                       mirror->different == 1 ? "fact differs" : "facts differ",
                       mirror->first, copy->from.name);
}

oci_outcome_e oci_copy_command(const char **error, apr_getopt_t *arguments,
                               apr_pool_t *pool)
{
    copy_t copy = { .pool = pool };
    apr_time_t begun = apr_time_now();

    if ((*error = parse(&copy, arguments))) {
        return OCI_USAGE;
    }
    if (!strcmp(copy.from.id, copy.to.id)) {
        *error = "FROM and TO are the same index";
        return OCI_FAILED;
    }
    copy.mirror.name = copy.from.id;
    copy.mirror.progress = oci_progress_create(copy.quiet, pool);
    if ((*error = find_owners(&copy)) || (*error = open_source(&copy))
        || (*error = open_target(&copy)) || (*error = transfer(&copy))) {
        return OCI_FAILED;
    }
    printf("%s now holds what %s does: %" APR_UINT64_T_FMT " facts, %s, in "
           "%.1f s\n",
           copy.to.name, copy.from.name, copy.mirror.facts,
           oci_progress_bytes(copy.mirror.bytes, pool),
           (apr_time_now() - begun) / (double)APR_USEC_PER_SEC);
    return OCI_DONE;
}
