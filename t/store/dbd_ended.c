/* SPDX-License-Identifier: Apache-2.0 */

/* A process that uses SQLite is ended as the prefork MPM ends its children: the
 * handler of a signal closes another database, and exits.  The process must not
 * wait for itself, see dbd_signals.h. */

#include "contract.h"

#include <signal.h>
#include <sys/wait.h>

#include "apr_dbd.h"

#include "store/dbd/dbd_index.h"
#include "store/dbd/dbd_signals.h"

#define ROUNDS  150
#define SECONDS 20 /* then a child is lost */

static const apr_dbd_driver_t *driver;
static apr_dbd_t *other;

static void end(int number)
{
    (void)number;
    apr_dbd_close(driver, other);
    _exit(0);
}

/* Make a connection, and call.  Most time goes by in SQLite. */
static void use_index(const run_t *run)
{
    oci_store_config_t config = { .type = "sqlite3",
                                  .location = "file.db",
                                  .base = run->dir };
    apr_pool_t *pool = make_pool();
    oci_index_t *index;
    oci_value_t value;

    if (oci_index_dbd.create(&index, &config, pool)
        || oci_index_dbd.start(index, getuid(), getgid(), pool)) {
        _exit(1);
    }
    oci_index_dbd.get(&value, index, "a/b", pool);
    apr_pool_destroy(pool);
}

/* The signal waits until there is a handler for it. */
static void run_child(const run_t *run, const sigset_t *before)
{
    const char *file = apr_pstrcat(run->pool, run->dir, "/other.db", NULL);

    if (apr_dbd_open(driver, run->pool, file, &other) != APR_SUCCESS) {
        _exit(1);
    }
    signal(SIGTERM, end);
    oci_dbd_signals_release(before);
    for (;;) {
        use_index(run);
    }
}

/* Return whether the child ended by itself; kill it otherwise. */
static int wait_for(pid_t child)
{
    apr_time_t until = apr_time_now() + apr_time_from_sec(SECONDS);
    int status;

    while (apr_time_now() < until) {
        if (waitpid(child, &status, WNOHANG) == child) {
            return WIFEXITED(status) && !WEXITSTATUS(status);
        }
        apr_sleep(1000);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return 0;
}

int main(void)
{
    run_t run;
    int round, ended = 1;

    begin(&run);
    if (apr_dbd_init(run.pool) != APR_SUCCESS
        || apr_dbd_get_driver(run.pool, "sqlite3", &driver) != APR_SUCCESS) {
        printf("Bail out! no SQLite\n");
        return 1;
    }
    for (round = 0; round < ROUNDS && ended; round++) {
        sigset_t before;
        pid_t child;

        oci_dbd_signals_hold(&before);
        child = fork();
        if (!child) {
            run_child(&run, &before);
        }
        oci_dbd_signals_release(&before);
        apr_sleep(10000 + 137 * round % 10000);
        ended = child > 0 && !kill(child, SIGTERM) && wait_for(child);
    }
    tap_ok(&run.tap, ended, "each child ended when it was told to");
    return finish(&run);
}
