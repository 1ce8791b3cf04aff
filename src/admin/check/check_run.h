/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file check_run.h
 * @brief A run of the command "check": what is looked at, and what is found
 *
 * Everything that is checked is an item, with a function that looks at it.  The
 * same function looks up to three times:
 *
 *     first     while the facts are walked, without a lock
 *     again     if something was wrong, a moment later, without a lock
 *     locked    if it still is, under the locks with which it is changed
 *
 * Only what is wrong in the third look is reported and mended.  A request that
 * was under way during the first or the second look cannot be the reason then.
 */

#ifndef OCI_CHECK_RUN_H
#define OCI_CHECK_RUN_H

#include "admin/check/check_finding.h"
#include "admin/progress.h"
#include "registry/blob.h"
#include "values/digest_set.h"

typedef enum { OCI_LOOK_FIRST, OCI_LOOK_AGAIN, OCI_LOOK_LOCKED } oci_look_e;

/** What is known of the bytes of a blob that were read. */
typedef struct oci_hashed_t {
    int known;          /* whether they were read at all */
    int right;          /* whether they have the digest */
    apr_off_t size;     /* of the file, bytes; with inode and changed it */
    apr_ino_t inode;    /* says whether the file was replaced since */
    apr_time_t changed; /* the time of its last change */
} oci_hashed_t;

typedef struct oci_check_t oci_check_t;
typedef struct oci_item_t oci_item_t;

/**
 * Looks at an item, and adds what is wrong to the findings of the run, with
 * oci_check_found.
 * @param pool For the findings, and temporary data
 * @return A storage error
 */
typedef oci_error_t *oci_looker_t(oci_check_t *check, oci_item_t *item,
                                  apr_pool_t *pool);

/** Something to look at. */
struct oci_item_t {
    oci_looker_t *look;
    const char *repository; /* to lock for the last look, or NULL */
    const char *blob;       /* the digest to lock before it, or NULL */
    const char *what;       /* a tag, a digest or a key */
    const char *of;         /* for look: what it belongs to, or NULL */
    apr_off_t size;         /* for look */
    int kind;               /* for look */
    const oci_value_t
        *value;          /* for the first look: that of the fact, or NULL */
    oci_hashed_t hashed; /* for look */
};

/** The numbers of what was checked. */
typedef struct oci_check_totals_t {
    apr_uint64_t repositories;
    apr_uint64_t manifests;
    apr_uint64_t tags;
    apr_uint64_t blobs;    /* records */
    apr_uint64_t facts;    /* looked at, for the progress */
    apr_uint64_t bytes;    /* rehashed */
    apr_uint64_t damage;   /* findings that users can notice */
    apr_uint64_t leftover; /* other findings */
    apr_uint64_t mended;   /* of both */
    apr_uint64_t marks;    /* removed marks of manifests that are gone */
    apr_uint64_t skipped;  /* what could not be examined */
} oci_check_totals_t;

/** A run. */
struct oci_check_t {
    const oci_registry_t *registry;
    int repair;  /* whether to mend what is found */
    int digests; /* whether to read all bytes */
    int json;    /* whether to print JSON */
    oci_progress_t *progress;
    oci_check_totals_t totals;
    oci_digest_set_t *bad;        /* blobs whose bytes are lost or wrong */
    oci_digest_set_t *wrong;      /* those of them that have the right size */
    oci_digest_set_t *restorable; /* blobs of which only the record is wrong */
    oci_digest_set_t *unsure; /* held, without record; the bytes may be right */
    oci_digest_set_t *held_again;  /* blobs of which only an entry is lost */
    oci_digest_set_t *settled;     /* blobs whose records were looked at */
    oci_digest_filter_t *listed;   /* blobs that facts holder/... list; NULL
                                      before they are read */
    oci_digest_filter_t *stored;   /* hashes of the records of what a remote
                                        store lists; NULL for a local one */
    apr_array_header_t *strays;    /* what check_remote.c suspects; likewise */
    struct oci_held_table_t *held; /* of the repository that is walked */
    int doubtful;    /* whether a manifest or a blob of it may be damaged */
    oci_look_e look; /* the present one */
    int depth;       /* of nested calls of oci_check_item */
    int suspected;   /* how many items ever were */
    apr_array_header_t *findings; /* oci_finding_t *: of the present look */
    apr_array_header_t *suspects; /* oci_item_t: to look at again */
    apr_time_t suspected_at;      /* when the last of them was added */
    apr_interval_time_t moment;   /* to wait before that */
    apr_pool_t *suspects_pool;    /* for suspects */
    apr_pool_t *pool;             /* as long as the run */
};

/** Prepare a run, whose other fields are set. */
void oci_check_prepare(oci_check_t *check);

/**
 * Look at an item for the first time.  If something is wrong, it is looked at
 * again later: at the latest by oci_check_settle.
 * @param item Copied if that is necessary
 * @param pool For temporary data
 * @return An error that ends the run; others are reported here
 */
oci_error_t *oci_check_item(oci_check_t *check, const oci_item_t *item,
                            apr_pool_t *pool);

/**
 * Look again at all items in which something was wrong, and report what still
 * is.
 * @return As oci_check_item
 */
oci_error_t *oci_check_settle(oci_check_t *check);

/**
 * Add a finding of the present look.
 * @return It, with the fields fault and repository set
 */
oci_finding_t *oci_check_found(oci_check_t *check, const oci_item_t *item,
                               oci_fault_e fault, apr_pool_t *pool);

/**
 * Report what could not be examined.
 * @param error NULL does nothing
 * @return NULL; the error if storage does not answer, which ends the run
 */
oci_error_t *oci_check_skip(oci_check_t *check, oci_error_t *error);

/** Show progress, and return an error if the user interrupts the run. */
oci_error_t *oci_check_progress(oci_check_t *check, apr_pool_t *pool);

/* The parts of a run.  Each returns an error that ends the run. */

/** Check the bytes in the blob store, and the records of blobs. */
oci_error_t *oci_check_blobs(oci_check_t *check, apr_pool_t *pool);

/** Check the facts of all repositories. */
oci_error_t *oci_check_repositories(oci_check_t *check, apr_pool_t *pool);

/** Check all other facts. */
oci_error_t *oci_check_rest(oci_check_t *check, apr_pool_t *pool);

#endif /* OCI_CHECK_RUN_H */
