/* SPDX-License-Identifier: Apache-2.0 */

/* The command "copy".  Its steps, and the state that each leaves in TO if the
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
 * A later call with the same names continues at the mark.  A copy holds a lock
 * on TO until it ends, so a second copy to TO waits.
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
#include "registry/random.h"

const char oci_copy_usage[] =
    " [--force] [--quiet] [--user NAME] FROM TO\n"
    "    Copy the index FROM to the index TO, then compare the two.\n"
    "    Write each index as one argument in the syntax of OCIIndex, for\n"
    "    example 'fs /var/lib/mod_oci'.  To continue a copy that was\n"
    "    interrupted, run the same command again.\n"
    "      --force      replace the contents of TO if it is not empty\n"
    "      --quiet      do not print progress\n"
    "      --user NAME  the user that writes TO if root runs the command;\n"
    "                   by default the owner of FROM, or the owner of TO\n"
    "                   if root owns FROM\n";

/* Locks are also named after repositories, and no repository has this name. */
#define LOCK_NAME "_copy"

#define SAME_INDEX "FROM and TO are the same index: name two different ones"

#define ID_SIZE 16 /* of an index, bytes before hex encoding */

#define HOW_TO_CONTINUE "run the same command again to continue"

typedef struct copy_t {
    int force;
    int quiet;
    oci_lock_t *lock; /* of TO, or NULL */
    const char *user; /* of --user, or NULL */
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

static const char *parse_arguments(copy_t *copy, apr_getopt_t *arguments)
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
        return apr_psprintf(copy->pool,
                            "cannot use the option '%s': copy expects "
                            "--force, --quiet or --user NAME",
                            arguments->argv[arguments->ind - 1]);
    }
    if (arguments->argc - arguments->ind != 2) {
        return "copy takes two indexes, FROM and TO, each as one argument "
               "such as 'fs DIR'";
    }
    error = oci_named_index_parse(&copy->from, arguments->argv[arguments->ind],
                                  copy->pool);
    return error
        ? error
        : oci_named_index_parse(&copy->to, arguments->argv[arguments->ind + 1],
                                copy->pool);
}

/* Choose the user for each index, if root runs the command.  FROM is read as
 * its owner.  TO is written as the user of --user, otherwise as the owner of
 * FROM, or as the owner of TO if root owns FROM.  A database that has no path
 * is used as the user who runs the command. */
static const char *find_owners(copy_t *copy)
{
    apr_pool_t *pool = copy->pool;
    oci_owner_t from, to;

    if (apr_uid_current(&from.uid, &from.gid, pool) != APR_SUCCESS) {
        return "cannot determine the user that runs this command";
    }
    oci_named_index_find_owner(&from, &copy->from);
    to = from;
    if (copy->user) {
        if (apr_uid_get(&to.uid, &to.gid, copy->user, pool) != APR_SUCCESS) {
            return apr_psprintf(pool,
                                "--user: there is no user '%s' on this system",
                                copy->user);
        }
    }
    else if (to.uid == 0) {
        oci_named_index_find_owner(&to, &copy->to);
    }
    copy->mirror.source.index = oci_index_as_owner(copy->from.index, &from,
                                                   pool);
    copy->mirror.target.index = oci_named_index_has_path(&copy->to)
        ? oci_index_as_owner(copy->to.index, &to, pool)
        : copy->to.index;
    copy->owner = to;
    return NULL;
}

static const char *start_index(oci_index_t *index, const copy_t *copy)
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
        char reason[120];

        return apr_psprintf(pool, "cannot copy from %s: %s", name,
                            apr_strerror(rv, reason, sizeof(reason)));
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
    else if (!copy->force) {
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
    return error || empty || copy->force
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

/* Copy all facts after mirror->after, then compare both indexes. */
static const char *mirror_once(copy_t *copy)
{
    oci_mirror_t *mirror = &copy->mirror;
    oci_error_t *failure = oci_mirror_update(mirror, copy->pool);

    if (!failure && !mirror->interrupted) {
        failure = oci_mirror_compare(mirror, copy->pool);
    }
    oci_progress_end(mirror->progress);
    if (failure) {
        return apr_pstrcat(copy->pool, oci_error_text(failure, copy->pool),
                           "; " HOW_TO_CONTINUE, NULL);
    }
    return mirror->interrupted ? "interrupted; " HOW_TO_CONTINUE : NULL;
}

static const char *mirror_and_verify(copy_t *copy)
{
    oci_mirror_t *mirror = &copy->mirror;
    const char *error = mirror_once(copy);

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

oci_outcome_e oci_copy_command(const char **error, apr_getopt_t *arguments,
                               apr_pool_t *pool)
{
    copy_t copy = { .pool = pool };
    apr_time_t begun = apr_time_now();

    if ((*error = parse_arguments(&copy, arguments))) {
        return OCI_USAGE;
    }
    if (!strcmp(copy.from.id, copy.to.id)) {
        *error = SAME_INDEX;
        return OCI_FAILED;
    }
    copy.mirror.name = copy.from.id;
    copy.mirror.progress = oci_progress_create(copy.quiet, pool);
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
    printf("copied %s to %s: %" APR_UINT64_T_FMT " facts, %s, in %.1f s\n",
           copy.from.name, copy.to.name, copy.mirror.facts,
           oci_progress_format_bytes(copy.mirror.bytes, pool),
           (apr_time_now() - begun) / (double)APR_USEC_PER_SEC);
    if (copy.owner.uid == 0 && oci_named_index_has_path(&copy.to)) {
        printf("root owns %s, so httpd's User cannot use it: change its owner "
               "with chown before httpd starts\n",
               copy.to.name);
    }
    return OCI_DONE;
}
