/* SPDX-License-Identifier: Apache-2.0 */

/* The buffers in which the uploads of a process gather their parts.  malloc
 * would keep those that are given back, in the arena of each thread. */

#include <sys/mman.h>

#include "apr_thread_cond.h"
#include "apr_thread_mutex.h"

#include "s3/s3_memory.h"

struct oci_s3_memory_t {
    apr_size_t part;
    int most; /* buffers */
    int used;
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *given;
};

apr_status_t oci_s3_memory_create(oci_s3_memory_t **memory, apr_size_t part,
                                  apr_off_t most, apr_pool_t *pool)
{
    oci_s3_memory_t *self = apr_pcalloc(pool, sizeof(*self));
    apr_status_t rv = apr_thread_mutex_create(&self->mutex,
                                              APR_THREAD_MUTEX_DEFAULT, pool);

    if (rv == APR_SUCCESS) {
        rv = apr_thread_cond_create(&self->given, pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    self->part = part;
    self->most = (int)(most / part);
    self->most = self->most ? self->most : 1;
    *memory = self;
    return APR_SUCCESS;
}

apr_size_t oci_s3_memory_part(const oci_s3_memory_t *memory)
{
    return memory->part;
}

apr_off_t oci_s3_memory_most(const oci_s3_memory_t *memory)
{
    return (apr_off_t)memory->part * memory->most;
}

/* How many buffers one of this size counts for. */
static int units_of(const oci_s3_memory_t *memory, apr_size_t size)
{
    return size > memory->part ? (int)((size - 1) / memory->part) + 1 : 1;
}

static char *map(const oci_s3_memory_t *memory, int units)
{
    void *buffer = mmap(NULL, memory->part * units, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return buffer == MAP_FAILED ? NULL : buffer;
}

apr_status_t oci_s3_memory_take(char **buffer, oci_s3_memory_t *memory,
                                apr_size_t size, apr_interval_time_t wait)
{
    int units = units_of(memory, size);
    apr_time_t until = apr_time_now() + wait;
    apr_status_t rv = APR_SUCCESS;

    *buffer = NULL;
    apr_thread_mutex_lock(memory->mutex);
    while (memory->used + units > memory->most && rv == APR_SUCCESS) {
        apr_interval_time_t left = until - apr_time_now();

        rv = left > 0
            ? apr_thread_cond_timedwait(memory->given, memory->mutex, left)
            : APR_TIMEUP;
    }
    if (memory->used + units <= memory->most) {
        *buffer = map(memory, units);
        memory->used += *buffer ? units : 0;
        rv = *buffer ? APR_SUCCESS : APR_ENOMEM;
    }
    apr_thread_mutex_unlock(memory->mutex);
    return rv;
}

void oci_s3_memory_give(oci_s3_memory_t *memory, char *buffer, apr_size_t size)
{
    int units = units_of(memory, size);

    if (!buffer) {
        return;
    }
    munmap(buffer, memory->part * units);
    apr_thread_mutex_lock(memory->mutex);
    memory->used -= units;
    apr_thread_cond_broadcast(memory->given);
    apr_thread_mutex_unlock(memory->mutex);
}
