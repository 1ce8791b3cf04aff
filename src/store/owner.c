/* SPDX-License-Identifier: Apache-2.0 */

/* Acting as the user that a store belongs to, where root calls. */

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

#define LINKS_MAX 40 /* on one path, as Linux has it */

/* One entry on the way of a path. */
typedef struct step_t {
    const char *folder; /* the directory that holds it */
    const char *path;   /* the entry's own */
    int found;          /* whether it exists */
    struct stat entry;  /* if so */
} step_t;

/* Judge a step; anything but APR_SUCCESS ends the walk. */
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
    if ((rv = take_groups(owner))) {
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

/* Put what a link says in the place of its name. */
static apr_status_t follow_link(char *done, char *rest, const char *link)
{
    char target[PATH_MAX], joined[2 * PATH_MAX];
    ssize_t length = readlink(link, target, sizeof(target) - 1);

    if (length < 0) {
        return errno;
    }
    target[length] = '\0';
    if (*target == '/') {
        *done = '\0';
    }
    snprintf(joined, sizeof(joined), "%s/%s", target, rest);
    if (strlen(joined) >= PATH_MAX) {
        return APR_ENAMETOOLONG;
    }
    strcpy(rest, joined);
    return APR_SUCCESS;
}

/* Take the first name of rest; empty at the end. */
static void take_name(char *name, char *rest)
{
    char *start = rest + strspn(rest, "/");
    size_t length = strcspn(start, "/");

    memcpy(name, start, length);
    name[length] = '\0';
    memmove(rest, start + length, strlen(start + length) + 1);
}

/* Go along a path, name by name, links included.  What does not exist ends
 * the walk after its visit. */
static apr_status_t walk(const char *path, visit_t *visit, void *data)
{
    char done[PATH_MAX] = "", rest[PATH_MAX], name[PATH_MAX];
    char entry[2 * PATH_MAX];
    step_t step = { .path = entry, .found = 1 };
    int links = 0;
    apr_status_t rv = strlen(path) < sizeof(rest) ? APR_SUCCESS
                                                  : APR_ENAMETOOLONG;

    apr_cpystrn(rest, path, sizeof(rest));
    for (take_name(name, rest); !rv && *name && step.found;
         take_name(name, rest)) {
        if (!strcmp(name, ".")) {
            continue;
        }
        if (!strcmp(name, "..")) {
            *(strrchr(done, '/') ? strrchr(done, '/') : done) = '\0';
            continue;
        }
        snprintf(entry, sizeof(entry), "%s/%s", done, name);
        step.folder = *done ? done : "/";
        step.found = !lstat(entry, &step.entry);
        rv = step.found || errno == ENOENT ? visit(&step, data) : errno;
        if (!rv && step.found && S_ISLNK(step.entry.st_mode)) {
            rv = ++links > LINKS_MAX ? ELOOP : follow_link(done, rest, entry);
        }
        else if (!rv) {
            rv = strlen(entry) < sizeof(done) ? APR_SUCCESS : APR_ENAMETOOLONG;
            apr_cpystrn(done, entry, sizeof(done));
        }
    }
    return rv;
}

/* In a directory with the sticky bit, such as /tmp, an entry is safe that
 * belongs to somebody else. */
static apr_status_t check_step(const step_t *step, void *data)
{
    uid_t user = geteuid();
    struct stat folder;

    (void)data;
    if (stat(step->folder, &folder)) {
        return errno;
    }
    if (folder.st_uid == user) {
        return EPERM;
    }
    if (faccessat(AT_FDCWD, step->folder, W_OK, AT_EACCESS)) {
        return APR_SUCCESS;
    }
    return (folder.st_mode & S_ISVTX) && step->found
            && step->entry.st_uid != user
        ? APR_SUCCESS
        : EPERM;
}

apr_status_t oci_owner_check_path(const char *path)
{
    return walk(path, check_step, NULL);
}

/* As root, make a directory that only root can get at, and give it away. */
static apr_status_t make_and_give(const char *path, mode_t mode, uid_t uid,
                                  gid_t gid)
{
    const char *name = strrchr(path, '/') + 1;
    char parent[PATH_MAX];
    int above, made = -1;
    apr_status_t rv = APR_SUCCESS;

    snprintf(parent, sizeof(parent), "%.*s", (int)(name - path), path);
    above = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (above == -1) {
        return errno;
    }
    if (mkdirat(above, name, mode)) {
        rv = errno;
    }
    if (!rv) {
        made = openat(above, name,
                      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (made == -1 || fchown(made, uid, gid) || fsync(above)) {
            rv = errno;
            unlinkat(above, name, AT_REMOVEDIR);
        }
    }
    if (made != -1) {
        close(made);
    }
    close(above);
    return rv;
}

apr_status_t oci_owner_make_folder(const char *path, mode_t mode)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    apr_status_t rv;

    if (getuid() || !uid) {
        return EPERM;
    }
    rv = oci_owner_check_path(path);
    if (!rv) {
        if (seteuid(0)) {
            return errno;
        }
        rv = make_and_give(path, mode, uid, gid);
        if (seteuid(uid)) {
            abort();
        }
    }
    return rv;
}

static apr_status_t note_owner(const step_t *step, void *data)
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
    walk(path, note_owner, owner);
}
