/* SPDX-License-Identifier: Apache-2.0 */

/* What the pool of connections to a database tells its observer. */

#include "contract.h"

#include "apr_dbd.h"

#include "store/dbd/dbd_source.h"

/* What the observer was told: the events of calls, by their letter and number,
 * and the time of the waits. */
static char told[512];
static apr_int64_t waited;

static void observe(oci_dbd_event_e event, oci_dbd_use_e use,
                    apr_int64_t number)
{
    static const char letters[] = {
        [OCI_DBD_LIMIT] = 'l',     [OCI_DBD_IN_USE] = 'u',
        [OCI_DBD_WAITING] = 'w',   [OCI_DBD_WAITED] = 't',
        [OCI_DBD_TIMED_OUT] = 'x', [OCI_DBD_REFUSED] = 'r',
    };
    apr_size_t length = strlen(told);

    if (event == OCI_DBD_WAITED) {
        waited = number;
        number = 0;
    }
    if (use == OCI_DBD_FOR_CALLS) {
        snprintf(told + length, sizeof(told) - length, "%c%d ", letters[event],
                 (int)number);
    }
}

static void was_told(run_t *run, const char *expected, const char *name)
{
    tap_is(&run->tap, told, expected, name);
    told[0] = '\0';
}

static oci_dbd_source_t *make_source(run_t *run, const char *params)
{
    oci_dbd_settings_t *settings = apr_pcalloc(run->pool, sizeof(*settings));
    oci_dbd_source_t *source;

    settings->driver = "sqlite3";
    settings->params = params;
    settings->most = 2;
    if (oci_dbd_source_create(&source, settings, run->pool)
        || source->start(source, run->pool)) {
        printf("Bail out! no SQLite\n");
        exit(1);
    }
    source->seconds = 1;
    source->observer = observe;
    return source;
}

int main(void)
{
    oci_dbd_connection_t one, two;
    oci_dbd_source_t *source;
    const char *why;
    run_t run;

    begin(&run);
    source = make_source(&run, at(&run, "file.db"));
    memset(&one, 0, sizeof(one));
    memset(&two, 0, sizeof(two));
    is_status(&run,
              source->acquire(&one, source, OCI_DBD_FOR_CALLS, &why, run.pool),
              APR_SUCCESS, "a connection");
    was_told(&run, "l1 u1 ", "the limit, and one in use");
    is_status(&run,
              source->acquire(&two, source, OCI_DBD_FOR_CALLS, &why, run.pool),
              APR_TIMEUP, "no second one");
    was_told(&run, "w1 w-1 t0 x1 ", "a wait that ends without success");
    tap_ok(&run.tap, waited >= apr_time_from_msec(900),
           "it took the limit of a wait");
    is_status(&run,
              source->acquire(&two, source, OCI_DBD_FOR_LOCKS, &why, run.pool),
              APR_SUCCESS, "locks have their own");
    source->release(source, &two);
    was_told(&run, "", "which count apart");
    source->release(source, &one);
    was_told(&run, "u-1 ", "one fewer in use");
    source->release(source, &one);
    was_told(&run, "", "it is released only once");
    is_status(&run,
              source->acquire(&one, source, OCI_DBD_FOR_CALLS, &why, run.pool),
              APR_SUCCESS, "a connection again");
    one.broken = 1;
    source->release(source, &one);
    was_told(&run, "u1 u-1 ", "a broken one is no longer in use");

    source = make_source(&run, at(&run, "no/directory/file.db"));
    is_status(&run,
              source->acquire(&one, source, OCI_DBD_FOR_CALLS, &why, run.pool)
                      == APR_SUCCESS
                  ? APR_EGENERAL
                  : APR_SUCCESS,
              APR_SUCCESS, "a database that cannot be opened");
    was_told(&run, "l1 u1 u-1 r1 ", "is an attempt that failed");
    return finish(&run);
}
