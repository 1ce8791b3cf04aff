/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

#include "apr_signal.h"
#include "apr_thread_cond.h"
#include "apr_thread_mutex.h"
#include "apr_thread_proc.h"

#include "api/turns.h"

struct oci_turns_t {
    oci_step_t *const  *steps;
    apr_pool_t         *pool;
    apr_thread_mutex_t *mutexes[OCI_TURN_STEPS];   /* NULL for one thread */
    apr_thread_cond_t  *offer;     /* of a turn to the second thread */
    int                 offered;   /* guarded by the first mutex */
    apr_thread_t       *thread;    /* the second one, or NULL */
    void               *turn;      /* its own */
};

oci_turns_t *oci_turns_make(oci_step_t *const *steps, apr_pool_t *pool)
{
    oci_turns_t *turns = apr_pcalloc(pool, sizeof(*turns));

    turns->steps = steps;
    turns->pool = pool;
    return turns;
}

static void enter(const oci_turns_t *turns, int step)
{
    if (turns->mutexes[step]) {
        apr_thread_mutex_lock(turns->mutexes[step]);
    }
}

static void leave(const oci_turns_t *turns, int step)
{
    if (turns->mutexes[step]) {
        apr_thread_mutex_unlock(turns->mutexes[step]);
    }
}

/* Wait until it is the second thread's turn. */
static void accept_offer(oci_turns_t *turns)
{
    while (!turns->offered) {
        apr_thread_cond_wait(turns->offer, turns->mutexes[0]);
    }
    turns->offered = 0;
}

static void make_offer(oci_turns_t *turns)
{
    if (turns->offer) {
        turns->offered = 1;
        apr_thread_cond_signal(turns->offer);
    }
}

/* The other steps of a turn.  Who is at a step keeps it until the next one is
 * his: nobody overtakes. */
static void go_on(oci_turns_t *turns, void *turn)
{
    int i;

    for (i = 1; i < OCI_TURN_STEPS; i++) {
        enter(turns, i);
        leave(turns, i - 1);
        turns->steps[i](turn);
    }
    leave(turns, i - 1);
}

int oci_turns_take(oci_turns_t *turns, void *turn)
{
    int last;

    enter(turns, 0);
    last = turns->steps[0](turn);
    make_offer(turns);
    go_on(turns, turn);
    return last;
}

static void *APR_THREAD_FUNC help(apr_thread_t *thread, void *data)
{
    oci_turns_t *turns = data;
    int last = 0;

    /* signals are for httpd's own threads */
    apr_setup_signal_thread();
    while (!last) {
        enter(turns, 0);
        accept_offer(turns);
        last = turns->steps[0](turns->turn);
        go_on(turns, turns->turn);
    }
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

apr_status_t oci_turns_share(oci_turns_t *turns, void *turn)
{
    apr_status_t rv = apr_thread_cond_create(&turns->offer, turns->pool);
    int i;

    for (i = 0; i < OCI_TURN_STEPS && rv == APR_SUCCESS; i++) {
        rv = apr_thread_mutex_create(&turns->mutexes[i],
                                     APR_THREAD_MUTEX_DEFAULT, turns->pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    turns->turn = turn;
    rv = apr_thread_create(&turns->thread, NULL, help, turns, turns->pool);
    if (rv != APR_SUCCESS) {
        turns->thread = NULL;
    }
    return rv;
}

void oci_turns_end(oci_turns_t *turns)
{
    apr_status_t rv;

    if (turns->thread) {
        apr_thread_join(&rv, turns->thread);
        turns->thread = NULL;
    }
}
