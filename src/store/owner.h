/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file owner.h
 * @brief Act as the user that owns a store, when root is the caller
 *
 * A process of root does everything inside a store as the store's user.  A link
 * that this user planted then leads only to what the user could reach anyway,
 * and every new file belongs to the user from the first moment.
 */

#ifndef OCI_OWNER_H
#define OCI_OWNER_H

#include <sys/types.h>

#include "apr_pools.h"
#include "apr_user.h"

/** A user and group; the user's supplementary groups are looked up. */
typedef struct oci_owner_t {
    apr_uid_t uid;
    apr_gid_t gid;
} oci_owner_t;

/** The caller's identity before oci_owner_enter, which fills this in. */
typedef struct oci_owner_caller_t {
    int changed; /* whether the identity was changed */
    uid_t uid;
    gid_t gid;
    int count; /* of groups */
    gid_t *groups;
} oci_owner_caller_t;

/**
 * Take on the effective user, group and supplementary groups of an owner.  Does
 * nothing unless the caller is root.
 * @param caller For oci_owner_leave, which must be called in any case
 * @param pool Holds the list of the caller's groups
 * @return APR_SUCCESS or an errno
 */
apr_status_t oci_owner_enter(oci_owner_caller_t *caller,
                             const oci_owner_t *owner, apr_pool_t *pool);

/** Restore the caller's identity; aborts the process if that fails. */
void oci_owner_leave(const oci_owner_caller_t *caller);

/** The identity that oci_owner_pause has left. */
typedef struct oci_owner_paused_t {
    int changed;
    uid_t uid;
    gid_t gid;
} oci_owner_paused_t;

/**
 * Act as root again if root is the real user and has become an owner; the
 * supplementary groups stay the owner's.  Aborts the process if that fails.
 * @param paused For oci_owner_resume, which must be called in any case
 */
void oci_owner_pause(oci_owner_paused_t *paused);

/** Become the owner again; aborts the process if that fails. */
void oci_owner_resume(const oci_owner_paused_t *paused);

/**
 * Check that the effective user, which is not root, cannot change what a path
 * leads to: it neither owns a directory on the way nor can write to one.  Links
 * are followed as the system does.
 * @param path Absolute; need not exist
 * @return APR_SUCCESS if the user cannot, EPERM if it can, or the errno of a
 *         directory on the way that cannot be examined
 */
apr_status_t oci_owner_check_path(const char *path);

/**
 * Create a directory for the effective user with the rights of root, which is
 * the real user, if the effective user cannot change what its parent's path
 * leads to.
 * @param path Absolute
 * @param mode Permissions, less the umask
 * @return APR_EEXIST if the path exists; EPERM if the effective user can change
 *         what the path leads to, or the real user is not root
 */
apr_status_t oci_owner_make_dir(const char *path, mode_t mode);

/**
 * Give a file another name, as linkat(2) does without following links.  If the
 * system refuses that, because the file does not belong to the effective user,
 * and the real user is root, it is done with the rights of root, but only in a
 * directory that belongs to the effective user.  The name may then be that of
 * another file, which was put in the place of the first: compare them.
 * @param from_dir,from An open directory, and the file's name in it
 * @param to_dir,to An open directory, and the new name in it
 * @return APR_SUCCESS or an errno
 */
apr_status_t oci_owner_link(int from_dir, const char *from, int to_dir,
                            const char *to);

/**
 * Find the owner of a path as far as root may trust it: that of the first entry
 * on the way, links included, that does not belong to root, because this user
 * decides what is beyond it.
 * @param owner Unchanged if all existing entries on the way belong to root
 * @param path Absolute
 */
void oci_owner_of_path(oci_owner_t *owner, const char *path);

#endif /* OCI_OWNER_H */
