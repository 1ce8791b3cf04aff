/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file owner.h
 * @brief Acting as the user that a store belongs to, where root calls
 *
 * A process of root's does everything inside a store as the store's user:
 * a link that this user planted then leads no further than the user could
 * have gone, and what is made belongs to the user from its first moment.
 */

#ifndef OCI_OWNER_H
#define OCI_OWNER_H

#include <sys/types.h>

#include "apr_pools.h"
#include "apr_user.h"

/** A user, and the groups that processes of this user have. */
typedef struct oci_owner_t {
    apr_uid_t uid;
    apr_gid_t gid;
} oci_owner_t;

/** What the caller was before; filled in by oci_owner_enter. */
typedef struct oci_owner_caller_t {
    int changed; /* whether there is anything to restore */
    uid_t uid;
    gid_t gid;
    int count; /* of groups */
    gid_t *groups;
} oci_owner_caller_t;

/**
 * Take on the effective user, group and supplementary groups of an owner.
 * Nothing happens where the caller is not root.
 * @param caller For oci_owner_leave, which is called in any case
 * @param pool Of the caller's groups
 * @return What the system said
 */
apr_status_t oci_owner_enter(oci_owner_caller_t *caller,
                             const oci_owner_t *owner, apr_pool_t *pool);

/** Be the caller again; the process aborts where that is impossible. */
void oci_owner_leave(const oci_owner_caller_t *caller);

/**
 * Check that the effective user, who is not root, has no say in what a path
 * leads to: by write access to a directory on the way, or by owning
 * one.  Links are followed as the system does.
 * @param path Absolute; what it names need not exist
 * @return APR_SUCCESS where the user has none, EPERM where it has, or why a
 *         directory on the way cannot be examined
 */
apr_status_t oci_owner_check_path(const char *path);

/**
 * Make a directory for the effective user with the rights of root, who is
 * the real user, in a place where the effective user has no say.
 * @param path Absolute
 * @param mode Permissions, less the umask
 * @return APR_EEXIST where something is there; EPERM where the effective
 *         user has a say in the place, or the real user is not root
 */
apr_status_t oci_owner_make_folder(const char *path, mode_t mode);

/**
 * The owner of a path as far as root may trust it: that of the first entry
 * on the way, links included, that does not belong to root, since this user
 * decides what lies beyond it.
 * @param owner Left alone where all of the way that exists is root's
 * @param path Absolute
 */
void oci_owner_of_path(oci_owner_t *owner, const char *path);

#endif /* OCI_OWNER_H */
