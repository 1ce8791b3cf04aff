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

#include <string.h>

#include "apr_signal.h"
#include "apr_thread_cond.h"
#include "apr_thread_mutex.h"
#include "apr_thread_proc.h"

#include "registry/hasher.h"

struct oci_hasher_t {
    apr_pool_t         *pool;
    apr_thread_t       *thread;
    apr_thread_mutex_t *mutex;     /* guards what follows */
    apr_thread_cond_t  *changed;
    oci_hash_t         *hash;      /* NULL while there is nothing to do */
    struct iovec       *vec;
    int                 n;
    int                 room;      /* of vec */
    int                 over;
};

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    oci_hasher_t *hasher = data;
    int i;

    /* signals are for httpd's own threads */
    apr_setup_signal_thread();
    apr_thread_mutex_lock(hasher->mutex);
    for (;;) {
        while (!hasher->hash && !hasher->over) {
            apr_thread_cond_wait(hasher->changed, hasher->mutex);
        }
        if (!hasher->hash) {
            break;
        }
        apr_thread_mutex_unlock(hasher->mutex);
        for (i = 0; i < hasher->n; i++) {
            oci_hash_update(hasher->hash, hasher->vec[i].iov_base,
                            hasher->vec[i].iov_len);
        }
        apr_thread_mutex_lock(hasher->mutex);
        hasher->hash = NULL;
        apr_thread_cond_signal(hasher->changed);
    }
    apr_thread_mutex_unlock(hasher->mutex);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static apr_status_t end(void *data)
{
    oci_hasher_t *hasher = data;
    apr_status_t rv;

    apr_thread_mutex_lock(hasher->mutex);
    hasher->over = 1;
    apr_thread_cond_signal(hasher->changed);
    apr_thread_mutex_unlock(hasher->mutex);
    return apr_thread_join(&rv, hasher->thread);
}

apr_status_t oci_hasher_create(oci_hasher_t **hasher, apr_pool_t *pool)
{
    oci_hasher_t *self = apr_pcalloc(pool, sizeof(*self));
    apr_status_t rv;

    self->pool = pool;
    if ((rv = apr_thread_mutex_create(&self->mutex,
                                      APR_THREAD_MUTEX_DEFAULT, pool))
        || (rv = apr_thread_cond_create(&self->changed, pool))
        || (rv = apr_thread_create(&self->thread, NULL, work, self, pool))) {
        return rv;
    }
    /* before the mutex goes, and whatever else the thread uses */
    apr_pool_pre_cleanup_register(pool, self, end);
    *hasher = self;
    return APR_SUCCESS;
}

void oci_hasher_update(oci_hasher_t *hasher, oci_hash_t *hash,
                       const struct iovec *vec, int n)
{
    apr_thread_mutex_lock(hasher->mutex);
    while (hasher->hash) {
        apr_thread_cond_wait(hasher->changed, hasher->mutex);
    }
    if (n > hasher->room) {
        hasher->room = 2 * n;
        hasher->vec = apr_palloc(hasher->pool, hasher->room * sizeof(*vec));
    }
    if (n) {
        memcpy(hasher->vec, vec, n * sizeof(*vec));
        hasher->n = n;
        hasher->hash = hash;
        apr_thread_cond_signal(hasher->changed);
    }
    apr_thread_mutex_unlock(hasher->mutex);
}
