/* SPDX-License-Identifier: Apache-2.0 */

/* Acting as the user that owns a store, when root is the caller. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* setgroups, AT_EACCESS */
#endif

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_strings.h"

#include "store/owner.h"

#define LINKS_MAX 40 /* on one path, the limit of Linux */

/* One entry on the way to a path's target. */
typedef struct step_t {
    const char *dir;   /* the directory of the entry */
    const char *path;  /* of the entry */
    int found;         /* whether it exists */
    struct stat entry; /* if so */
} step_t;

/* Examine a step; a status other than APR_SUCCESS ends the walk. */
typedef apr_status_t(visit_t)(const step_t *step, void *data);

static apr_status_t take_groups(const oci_owner_t *owner)
{
    const struct passwd *user = getpwuid(owner->uid);
    gid_t gid = owner->gid;

    return (user ? initgroups(user->pw_name, gid) : setgroups(1, &gid))
        ? errno
        : APR_SUCCESS;
}

apr_status_t oci_owner_enter(oci_owner_caller_t *caller,
                             const oci_owner_t *owner, apr_pool_t *pool)
{
    apr_status_t rv;

    memset(caller, 0, sizeof(*caller));
    if (geteuid()) {
        return APR_SUCCESS;
    }
    caller->uid = geteuid();
    caller->gid = getegid();
    caller->count = getgroups(0, NULL);
    if (caller->count < 0) {
        return errno;
    }
    caller->groups = apr_palloc(pool, (caller->count + 1) * sizeof(gid_t));
    caller->count = getgroups(caller->count, caller->groups);
    if (caller->count < 0) {
        return errno;
    }
    caller->changed = 1;
    rv = take_groups(owner);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    return setegid(owner->gid) || seteuid(owner->uid) ? errno : APR_SUCCESS;
}

void oci_owner_leave(const oci_owner_caller_t *caller)
{
    if (caller->changed
        && (seteuid(caller->uid) || setegid(caller->gid)
            || setgroups(caller->count, caller->groups))) {
        abort();
    }
}

void oci_owner_pause(oci_owner_paused_t *paused)
{
    paused->uid = geteuid();
    paused->gid = getegid();
    paused->changed = !getuid() && paused->uid;
    if (paused->changed && (seteuid(0) || setegid(getgid()))) {
        abort();
    }
}

void oci_owner_resume(const oci_owner_paused_t *paused)
{
    if (paused->changed && (setegid(paused->gid) || seteuid(paused->uid))) {
        abort();
    }
}

/* Replace the name of a link by its target. */
static apr_status_t follow_link(char *resolved, char *rest, const char *link)
{
    char target[PATH_MAX], joined[2 * PATH_MAX];
    ssize_t length = readlink(link, target, sizeof(target) - 1);

    if (length < 0) {
        return errno;
    }
    target[length] = '\0';
    if (*target == '/') {
        *resolved = '\0';
    }
    snprintf(joined, sizeof(joined), "%s/%s", target, rest);
    if (strlen(joined) >= PATH_MAX) {
        return APR_ENAMETOOLONG;
    }
    strcpy(rest, joined);
    return APR_SUCCESS;
}

/* Move the first name of rest to name; it is empty at the end. */
static void next_name(char *name, char *rest)
{
    char *start = rest + strspn(rest, "/");
    size_t length = strcspn(start, "/");

    memcpy(name, start, length);
    name[length] = '\0';
    memmove(rest, start + length, strlen(start + length) + 1);
}

/* Visit the entries on the way to a path's target, name by name and including
 * links.  A name that does not exist ends the walk after its visit. */
static apr_status_t walk_path(const char *path, visit_t *visit, void *data)
{
    char resolved[PATH_MAX] = "", rest[PATH_MAX], name[PATH_MAX];
    char entry[2 * PATH_MAX];
    step_t step = { .path = entry, .found = 1 };
    int links = 0;
    apr_status_t rv = strlen(path) < sizeof(rest) ? APR_SUCCESS
                                                  : APR_ENAMETOOLONG;

    apr_cpystrn(rest, path, sizeof(rest));
    for (next_name(name, rest); rv == APR_SUCCESS && *name && step.found;
         next_name(name, rest)) {
        if (!strcmp(name, ".")) {
            continue;
        }
        if (!strcmp(name, "..")) {
            *(strrchr(resolved, '/') ? strrchr(resolved, '/')
                                     : resolved) = '\0';
            continue;
        }
        snprintf(entry, sizeof(entry), "%s/%s", resolved, name);
        step.dir = *resolved ? resolved : "/";
        step.found = !lstat(entry, &step.entry);
        rv = step.found || errno == ENOENT ? visit(&step, data) : errno;
        if (rv == APR_SUCCESS && step.found && S_ISLNK(step.entry.st_mode)) {
            rv = ++links > LINKS_MAX ? ELOOP
                                     : follow_link(resolved, rest, entry);
        }
        else if (rv == APR_SUCCESS) {
            rv = strlen(entry) < sizeof(resolved) ? APR_SUCCESS
                                                  : APR_ENAMETOOLONG;
            apr_cpystrn(resolved, entry, sizeof(resolved));
        }
    }
    return rv;
}

/* EPERM if the user can replace the entry.  In a directory with the sticky bit,
 * such as /tmp, it cannot replace an entry of another user. */
static apr_status_t check_step(const step_t *step, void *data)
{
    uid_t user = geteuid();
    struct stat dir;

    (void)data;
    if (stat(step->dir, &dir)) {
        return errno;
    }
    if (dir.st_uid == user) {
        return EPERM;
    }
    if (faccessat(AT_FDCWD, step->dir, W_OK, AT_EACCESS)) {
        return APR_SUCCESS;
    }
    return (dir.st_mode & S_ISVTX) && step->found && step->entry.st_uid != user
        ? APR_SUCCESS
        : EPERM;
}

apr_status_t oci_owner_check_path(const char *path)
{
    return walk_path(path, check_step, NULL);
}

/* As root, create a directory and change its owner.  Until then only root can
 * access it. */
static apr_status_t make_dir_as_root(const char *path, mode_t mode, uid_t uid,
                                     gid_t gid)
{
    const char *name = strrchr(path, '/') + 1;
    char parent[PATH_MAX];
    int parent_fd, fd = -1;
    apr_status_t rv = APR_SUCCESS;

    snprintf(parent, sizeof(parent), "%.*s", (int)(name - path), path);
    parent_fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent_fd == -1) {
        return errno;
    }
    if (mkdirat(parent_fd, name, mode)) {
        rv = errno;
    }
    if (rv == APR_SUCCESS) {
        fd = openat(parent_fd, name,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd == -1 || fchown(fd, uid, gid) || fsync(parent_fd)) {
            rv = errno;
            unlinkat(parent_fd, name, AT_REMOVEDIR);
        }
    }
    if (fd != -1) {
        close(fd);
    }
    close(parent_fd);
    return rv;
}

apr_status_t oci_owner_make_dir(const char *path, mode_t mode)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    apr_status_t rv;

    if (getuid() || !uid) {
        return EPERM;
    }
    rv = oci_owner_check_path(path);
    if (rv == APR_SUCCESS) {
        if (seteuid(0)) {
            return errno;
        }
        rv = make_dir_as_root(path, mode, uid, gid);
        if (seteuid(uid)) {
            abort();
        }
    }
    return rv;
}

apr_status_t oci_owner_link(int from_dir, const char *from, int to_dir,
                            const char *to)
{
    uid_t uid = geteuid();
    struct stat dir;
    apr_status_t rv = linkat(from_dir, from, to_dir, to, 0) ? errno
                                                            : APR_SUCCESS;

    if (rv != EPERM || getuid() || !uid) {
        return rv;
    }
    if (fstat(to_dir, &dir)) {
        return errno;
    }
    if (dir.st_uid != uid) {
        return EPERM;
    }
    if (seteuid(0)) {
        return errno;
    }
    rv = linkat(from_dir, from, to_dir, to, 0) ? errno : APR_SUCCESS;
    if (seteuid(uid)) {
        abort();
    }
    return rv;
}

static apr_status_t find_owner(const step_t *step, void *data)
{
    oci_owner_t *owner = data;

    if (!step->found || !step->entry.st_uid) {
        return APR_SUCCESS;
    }
    owner->uid = step->entry.st_uid;
    owner->gid = step->entry.st_gid;
    return APR_EEXIST;
}

void oci_owner_of_path(oci_owner_t *owner, const char *path)
{
    walk_path(path, find_owner, owner);
}
