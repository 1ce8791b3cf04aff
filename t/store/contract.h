/* SPDX-License-Identifier: Apache-2.0 */

/* Helpers of the store tests: results as TAP, a temporary directory that is
 * removed at the end, and helpers that run in processes and threads. */

#ifndef OCI_CONTRACT_H
#define OCI_CONTRACT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* nftw */
#endif

#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "mod_oci.h"
#include "store/owner.h"

#include "../unit/tap.h"

#define THREADS 16
#define NOBODY  65534 /* for httpd's User, if root runs the test */

/* The state of a test program. */
typedef struct run_t {
    tap_t tap;
    apr_pool_t *pool;
    char dir[1024]; /* removed at the end */
} run_t;

/* Report one result: whether a status is the wanted one. */
static inline int is_status(run_t *run, apr_status_t got, apr_status_t wanted,
                            const char *name)
{
    char text[120];

    if (!tap_ok(&run->tap, got == wanted, "%s", name)) {
        printf("# got %d, %s\n", got, apr_strerror(got, text, sizeof(text)));
    }
    return got == wanted;
}

/* Report one result: whether a sentence contains both words. */
static inline void says(run_t *run, const char *got, const char *path,
                        const char *word)
{
    if (!tap_ok(&run->tap, got && strstr(got, path) && strstr(got, word),
                "a sentence says \"%s\" of \"%s\"", word, path)) {
        printf("# but: %s\n", got ? got : "(nothing)");
    }
}

/* Return the path of a file in the directory of the run. */
static inline const char *at(run_t *run, const char *path)
{
    return apr_pstrcat(run->pool, run->dir, "/", path, NULL);
}

/* For nftw: return 0 if NOBODY owns an entry. */
static inline int check_owner(const char *path, const struct stat *st, int type,
                              struct FTW *where)
{
    (void)type;
    (void)where;
    if (st->st_uid != NOBODY || st->st_gid != NOBODY) {
        printf("# %s belongs to %d\n", path, (int)st->st_uid);
        return 1;
    }
    return 0;
}

static inline int remove_entry(const char *path, const struct stat *st,
                               int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static inline void remove_tree(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void begin(run_t *run)
{
    const char *base = getenv("TMPDIR");

    setvbuf(stdout, NULL, _IOLBF, 0);
    memset(run, 0, sizeof(*run));
    snprintf(run->dir, sizeof(run->dir), "%s/mod_oci-store-XXXXXX",
             base && *base ? base : "/tmp");
    if (!mkdtemp(run->dir) || apr_initialize() != APR_SUCCESS
        || apr_pool_create(&run->pool, NULL) != APR_SUCCESS) {
        printf("Bail out! cannot create a temporary directory\n");
        exit(1);
    }
}

/* End the run; return the exit status of main. */
static inline int finish(run_t *run)
{
    remove_tree(run->dir);
    apr_terminate();
    return tap_done(&run->tap);
}

/* Act as a user, as httpd does when it starts a store, until
 * oci_owner_leave. */
static inline oci_owner_caller_t act_as(run_t *run, apr_uid_t uid)
{
    oci_owner_t owner = { uid, uid };
    oci_owner_caller_t caller;

    if (oci_owner_enter(&caller, &owner, run->pool)) {
        abort();
    }
    return caller;
}

static inline apr_pool_t *make_pool(void)
{
    apr_pool_t *pool;

    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        abort();
    }
    return pool;
}

/* A helper returns its exit status; 0 is success. */
typedef int(helper_t)(void *data, int number);

/* Start a process that runs helper and exits with its result. */
static inline pid_t start_process(helper_t *helper, void *data, int number)
{
    pid_t pid = fork();

    if (pid == 0) {
        _exit(helper(data, number));
    }
    if (pid < 0) {
        abort();
    }
    return pid;
}

/* Wait for a process; return its exit status, or -1 if a signal ended it. */
static inline int end_process(pid_t pid)
{
    int status;

    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

typedef struct job_t {
    helper_t *helper;
    void *data;
    int number;
    int result;
} job_t;

static inline void *run_job(void *data)
{
    job_t *job = data;

    job->result = job->helper(job->data, job->number);
    return NULL;
}

/* Run helper in several threads, or processes, at once; return the sum of the
 * results. */
static inline int run_threads(helper_t *helper, void *data, int count)
{
    pthread_t threads[THREADS];
    job_t jobs[THREADS];
    int i, sum = 0;

    for (i = 0; i < count; i++) {
        job_t job = { helper, data, i, 0 };

        jobs[i] = job;
        if (pthread_create(&threads[i], NULL, run_job, &jobs[i])) {
            abort();
        }
    }
    for (i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        sum += jobs[i].result;
    }
    return sum;
}

static inline int run_processes(helper_t *helper, void *data, int count)
{
    pid_t pids[THREADS];
    int i, sum = 0;

    for (i = 0; i < count; i++) {
        pids[i] = start_process(helper, data, i);
    }
    for (i = 0; i < count; i++) {
        sum += end_process(pids[i]);
    }
    return sum;
}

/* A gate: a pipe on which one helper waits for another's byte. */
static inline void open_gate(int gate[2])
{
    if (pipe(gate)) {
        abort();
    }
}

static inline void signal_gate(int gate[2])
{
    if (write(gate[1], "x", 1) != 1) {
        abort();
    }
}

static inline void wait_at_gate(int gate[2])
{
    char byte;

    if (read(gate[0], &byte, 1) != 1) {
        abort();
    }
}

static inline void close_gate(int gate[2])
{
    close(gate[0]);
    close(gate[1]);
}

#endif /* OCI_CONTRACT_H */
