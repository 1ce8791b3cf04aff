/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file gc.h
 * @brief Garbage collection: a run, which frees what nothing needs any more
 *
 * A run works beside pushes, pulls and deletions.  Only one run works on an
 * index at a time.  It
 *
 *  - deletes the tags that no rule keeps, and the manifests to which no tag has
 *    led for long enough, if rules say so;
 *  - condemns the blobs of a repository that none of its manifests names, and
 *    takes those out of the repository that were condemned long enough ago;
 *  - deletes the blobs that no repository holds any more;
 *  - ends uploads that have been idle for too long.
 *
 * A full run reviews all repositories, and also deletes what a killed process
 * left: blobs that no repository holds, and bytes that no record names.  Other
 * runs review only the repositories that changed.
 *
 * A run can be stopped or killed at any moment.  The next run finishes what it
 * left.
 */

#ifndef OCI_GC_H
#define OCI_GC_H

#include "gc/gc_policy.h"
#include "registry/registry.h"
#include "values/digest_filter.h"

/** What a run has done, or, for a dry run, would do. */
typedef struct oci_gc_report_t {
    apr_uint64_t repositories; /* reviewed */
    apr_uint64_t stored;       /* blobs that a full run found */
    apr_uint64_t pending;      /* uploads that the run found */
    apr_uint64_t condemned;    /* blobs of repositories: condemned now */
    apr_uint64_t waiting;   /* likewise: condemned earlier, not long enough */
    apr_uint64_t collected; /* likewise: taken out of their repositories */
    apr_uint64_t blobs;     /* deleted */
    apr_uint64_t uploads;   /* ended */
    apr_uint64_t bytes;     /* of blobs and uploads: freed */
    apr_uint64_t tags;      /* deleted, as no rule keeps them */
    apr_uint64_t manifests; /* deleted, as no tag leads to them */
    apr_uint64_t emptied;   /* repositories that went */
    apr_uint64_t skipped;   /* what could not be handled, each with a call of
                               report_error */
} oci_gc_report_t;

/** A run, and who is told of it. */
typedef struct oci_gc_t {
    const oci_registry_t *registry;
    int grace;         /* seconds for which something stays condemned */
    int upload_expiry; /* seconds for which an upload may be idle */
    int full;          /* whether to review all repositories */
    int gentle;        /* whether to rest for as long as it works; any run rests
                          much longer if others need the processor */
    int partial;       /* whether a full run that the server makes, with its
                          own rules, stays due */
    int dry;           /* whether to change nothing, but report what would be
                          changed */
    const oci_gc_policy_t *policy;       /* or NULL: what is pushed is kept */
    const apr_array_header_t *immutable; /* oci_immutable_t: tags that are kept
                                            in any case; or NULL */
    const char *glob; /* review only repositories that match, or NULL; such a
                         run is never full */
    oci_gc_report_t report;
    apr_int64_t since; /* set by the run: when the first run on this index
                          began, in seconds; what has no time counts as pushed
                          then */
    int repair;    /* set by the run: whether the last run was killed, so that
                      blobs may be condemned that manifests name */
    int unsettled; /* likewise: whether this run may have left such blobs */
    oci_digest_filter_t *held; /* likewise: what the repositories held when they
                                  were reviewed; NULL unless the run is full */
    apr_array_header_t *taken_out; /* likewise, if it is dry: const char *: the
                                      blobs to take out of repositories */
    apr_array_header_t *doomed;    /* likewise: the blobs of a remote store to
                                      delete, see gc_doomed.c */
    int busy; /* set if another run works on the index: nothing was done */

    apr_time_t rested; /* for the run: when it rested last, */
    apr_time_t used;   /* for how long it had used a processor by then, */
    apr_time_t waited; /* and for how long it had waited for one */

    /** Return whether to stop at the next opportunity. */
    int (*is_stopped)(void *baton);
    /** Take note of something that could not be handled. */
    void (*report_error)(void *baton, const oci_error_t *error);
    /** Take note of a tag or a manifest that goes; NULL if nobody wants to
     * know.
     * @param what The tag or the digest
     * @param reason Why, in words */
    void (*report_removal)(void *baton, const char *repository,
                           const char *what, const char *reason);
    /** Take note of progress; NULL if nobody wants to know. */
    void (*report_progress)(void *baton, const oci_gc_report_t *report);
    void *baton;
} oci_gc_t;

/**
 * Run.
 * @param gc The run; report and busy are set, also after an error
 * @param pool For temporary data
 * @return OCI_E_UNAVAILABLE if another run works on the index; a storage error
 *         (error.h) if the run could not go on
 */
oci_error_t *oci_gc_run(oci_gc_t *gc, apr_pool_t *pool);

#endif /* OCI_GC_H */
