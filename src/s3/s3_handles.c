/* SPDX-License-Identifier: Apache-2.0 */

/* Handles of libcurl, each with its connections, that are used again. */

#include <stdlib.h>
#include <unistd.h>

#include <curl/curl.h>

#include "apr_thread_mutex.h"

#include "s3/s3_handles.h"

#define IDLE_MAX 64

struct oci_s3_handles_t {
    apr_thread_mutex_t *mutex; /* guards the members below */
    pid_t pid;                 /* the process that has them */
    oci_s3_handle_t *idle;
    int count;                  /* of idle */
    oci_s3_handle_t *inherited; /* those of the process that forked this one */
};

static void destroy(oci_s3_handle_t *handle)
{
    curl_easy_cleanup(handle->easy);
    curl_multi_cleanup(handle->multi);
    free(handle);
}

/* Close all idle connections; the clean-up of a set of handles. */
static apr_status_t close_idle(void *baton)
{
    oci_s3_handles_t *handles = baton;

    while (handles->idle && handles->pid == getpid()) {
        oci_s3_handle_t *handle = handles->idle;

        handles->idle = handle->next;
        destroy(handle);
    }
    handles->idle = NULL;
    handles->count = 0;
    return APR_SUCCESS;
}

apr_status_t oci_s3_handles_create(oci_s3_handles_t **handles, apr_pool_t *pool)
{
    oci_s3_handles_t *made = apr_pcalloc(pool, sizeof(*made));

    made->pid = getpid();
    apr_pool_cleanup_register(pool, made, close_idle, apr_pool_cleanup_null);
    *handles = made;
    return apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT,
                                   pool);
}

static oci_s3_handle_t *create(void)
{
    oci_s3_handle_t *handle = calloc(1, sizeof(*handle));

    if (!handle) {
        return NULL;
    }
    handle->easy = curl_easy_init();
    handle->multi = curl_multi_init();
    if (!handle->easy || !handle->multi) {
        destroy(handle);
        return NULL;
    }
    return handle;
}

oci_s3_handle_t *oci_s3_handles_take(oci_s3_handles_t *handles)
{
    oci_s3_handle_t *handle;

    apr_thread_mutex_lock(handles->mutex);
    if (handles->pid != getpid()) {
        handles->pid = getpid();
        handles->inherited = handles->idle;
        handles->idle = NULL;
        handles->count = 0;
    }
    handle = handles->idle;
    if (handle) {
        handles->idle = handle->next;
        handles->count--;
    }
    apr_thread_mutex_unlock(handles->mutex);
    return handle ? handle : create();
}

void oci_s3_handles_give(oci_s3_handles_t *handles, oci_s3_handle_t *handle,
                         int reusable)
{
    int kept = 0;

    curl_multi_remove_handle(handle->multi, handle->easy);
    curl_easy_reset(handle->easy);
    apr_thread_mutex_lock(handles->mutex);
    if (reusable && handles->pid == getpid() && handles->count < IDLE_MAX) {
        handle->next = handles->idle;
        handles->idle = handle;
        handles->count++;
        kept = 1;
    }
    apr_thread_mutex_unlock(handles->mutex);
    if (!kept) {
        destroy(handle);
    }
}
