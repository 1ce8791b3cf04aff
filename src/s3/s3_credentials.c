/* SPDX-License-Identifier: Apache-2.0 */

/* The credentials of a process: read, cached, renewed before they expire. */

#include <string.h>
#include <unistd.h>

#include "apr_file_info.h"
#include "apr_strings.h"
#include "apr_thread_cond.h"
#include "apr_thread_mutex.h"

#include "mod_oci.h"
#include "s3/s3_credentials.h"
#include "s3/s3_key_source.h"

#define RENEW_BEFORE apr_time_from_sec(300)
#define RETRY_AFTER  apr_time_from_sec(10)
#define LOOK_EVERY   apr_time_from_sec(1)

struct oci_s3_credentials_t {
    const oci_s3_settings_t *settings;
    oci_s3_transport_t *transport;
    apr_pool_t *parent;
    apr_thread_mutex_t *mutex; /* guards the members below */
    apr_thread_cond_t *changed;
    pid_t pid;          /* the process that set them */
    int busy;           /* whether a thread reads credentials */
    apr_pool_t *pool;   /* of keys; NULL if there are none */
    oci_s3_keys_t keys; /* the current ones */
    apr_time_t renew;   /* when to read them again; 0 for never */
    const char *file;   /* where they are from, or NULL */
    apr_finfo_t seen;   /* of that file, when it was read */
    apr_time_t look;    /* when to look at the file again, monotonic */
};

typedef apr_status_t load_t(oci_s3_keys_t *keys,
                            const oci_s3_key_query_t *query);

/* The sources, in the order in which "auto" tries them. */
static const struct {
    oci_s3_source_e source;
    load_t *load;
} sources[] = {
    { OCI_S3_SOURCE_ENVIRONMENT, oci_s3_keys_of_environment },
    { OCI_S3_SOURCE_WEB_IDENTITY, oci_s3_keys_of_web_identity },
    { OCI_S3_SOURCE_FILE, oci_s3_keys_of_file },
    { OCI_S3_SOURCE_CONTAINER, oci_s3_keys_of_container },
    { OCI_S3_SOURCE_INSTANCE, oci_s3_keys_of_instance },
};

apr_status_t oci_s3_credentials_create(oci_s3_credentials_t **credentials,
                                       const oci_s3_settings_t *settings,
                                       oci_s3_transport_t *transport,
                                       apr_pool_t *pool)
{
    oci_s3_credentials_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t rv;

    made->settings = settings;
    made->transport = transport;
    made->parent = pool;
    made->pid = getpid();
    *credentials = made;
    rv = apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    return rv == APR_SUCCESS ? apr_thread_cond_create(&made->changed, pool)
                             : rv;
}

static void copy_keys(oci_s3_keys_t *keys, const oci_s3_keys_t *from,
                      apr_pool_t *pool)
{
    keys->id = apr_pstrdup(pool, from->id);
    keys->secret = apr_pstrdup(pool, from->secret);
    keys->token = from->token ? apr_pstrdup(pool, from->token) : NULL;
    keys->expires = from->expires;
}

/* Whether there are credentials that the server accepts yet. */
static int usable(const oci_s3_credentials_t *credentials)
{
    return credentials->pool
        && (!credentials->keys.expires
            || apr_time_now() < credentials->keys.expires);
}

/* Whether a file is no longer the one that was read. */
static int file_changed(oci_s3_credentials_t *credentials)
{
    apr_time_t now = oci_s3_now();
    apr_finfo_t finfo;
    apr_pool_t *pool;
    int changed;

    if (!credentials->file || now < credentials->look) {
        return 0;
    }
    credentials->look = now + LOOK_EVERY;
    if (apr_pool_create(&pool, credentials->parent) != APR_SUCCESS) {
        return 0;
    }
    changed = apr_stat(&finfo, credentials->file,
                       APR_FINFO_MTIME | APR_FINFO_SIZE | APR_FINFO_INODE, pool)
            == APR_SUCCESS
        && (finfo.mtime != credentials->seen.mtime
            || finfo.size != credentials->seen.size
            || finfo.inode != credentials->seen.inode);
    apr_pool_destroy(pool);
    return changed;
}

/* Whether credentials should be read: for the first time, or again. */
static int is_due(oci_s3_credentials_t *credentials)
{
    return !usable(credentials)
        || (credentials->renew && apr_time_now() >= credentials->renew)
        || file_changed(credentials);
}

/* Explain that no source has credentials.  Outside of EC2 the last source, the
 * instance's service, is not what the administrator had in mind. */
static void explain_none(const oci_s3_key_query_t *query)
{
    void *reason = NULL;

    apr_pool_userdata_get(&reason, OCI_REASON, query->pool);
    oci_s3_keys_refuse(query, APR_EACCES,
                       apr_pstrcat(query->pool,
                                   "no credentials: neither the environment "
                                   "nor a file has any (set "
                                   "OCIS3Credentials), and ",
                                   reason ? (const char *)reason : "", NULL));
}

/* Read credentials from the configured source, or from the first that this host
 * has. */
static apr_status_t load(oci_s3_keys_t *keys, oci_s3_source_e *source,
                         const oci_s3_key_query_t *query)
{
    oci_s3_source_e wanted = query->settings->source;
    apr_status_t rv = APR_ENOENT;
    apr_size_t i;

    for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        if (wanted != OCI_S3_SOURCE_AUTO && wanted != sources[i].source) {
            continue;
        }
        *source = sources[i].source;
        rv = sources[i].load(keys, query);
        if (rv != APR_ENOENT) {
            break;
        }
    }
    if (rv != APR_SUCCESS && wanted == OCI_S3_SOURCE_AUTO
        && *source == OCI_S3_SOURCE_INSTANCE) {
        explain_none(query);
    }
    return rv == APR_ENOENT ? APR_EACCES : rv;
}

/* When credentials should be renewed: before they expire, but not all the time
 * if they are valid for a short time only. */
static apr_time_t renewal_of(const oci_s3_keys_t *keys)
{
    apr_interval_time_t margin = (keys->expires - apr_time_now()) / 4;

    if (!keys->expires) {
        return 0;
    }
    return keys->expires - (margin < RENEW_BEFORE ? margin : RENEW_BEFORE);
}

/* Take note of a file before it is read. */
static const char *note_file(apr_finfo_t *seen,
                             const oci_s3_settings_t *settings,
                             apr_pool_t *pool)
{
    const char *path = oci_s3_keys_file(settings, pool);

    memset(seen, 0, sizeof(*seen));
    if (path) {
        apr_stat(seen, path, APR_FINFO_MTIME | APR_FINFO_SIZE | APR_FINFO_INODE,
                 pool);
    }
    return path;
}

/* Read credentials, without the lock, and store them.  The lock is held before
 * and after. */
static apr_status_t renew(oci_s3_credentials_t *credentials,
                          apr_time_t deadline, const char **reason,
                          apr_pool_t *pool)
{
    oci_s3_key_query_t query = { credentials->settings, credentials->transport,
                                 deadline, NULL };
    oci_s3_source_e source = OCI_S3_SOURCE_AUTO;
    oci_s3_keys_t keys;
    apr_finfo_t seen;
    const char *file;
    apr_status_t rv;
    void *said = NULL;

    if (apr_pool_create(&query.pool, credentials->parent) != APR_SUCCESS) {
        return APR_ENOMEM;
    }
    credentials->busy = 1;
    apr_thread_mutex_unlock(credentials->mutex);
    file = note_file(&seen, credentials->settings, query.pool);
    rv = load(&keys, &source, &query);
    apr_thread_mutex_lock(credentials->mutex);
    credentials->busy = 0;
    if (rv == APR_SUCCESS) {
        if (credentials->pool) {
            apr_pool_destroy(credentials->pool);
        }
        credentials->pool = query.pool;
        credentials->keys = keys;
        credentials->renew = renewal_of(&keys);
        credentials->file = source == OCI_S3_SOURCE_FILE ? file : NULL;
        credentials->seen = seen;
    }
    else {
        apr_pool_userdata_get(&said, OCI_REASON, query.pool);
        *reason = said ? apr_pstrdup(pool, said) : NULL;
        credentials->renew = apr_time_now() + RETRY_AFTER;
        apr_pool_destroy(query.pool);
    }
    apr_thread_cond_broadcast(credentials->changed);
    return rv;
}

apr_status_t oci_s3_credentials_get(oci_s3_keys_t *keys,
                                    oci_s3_credentials_t *credentials,
                                    apr_time_t deadline, apr_pool_t *pool)
{
    const char *reason = "no credentials: another request was reading them";
    apr_status_t rv = APR_TIMEUP;

    deadline = deadline ? deadline : oci_s3_now() + OCI_S3_WAIT;
    apr_thread_mutex_lock(credentials->mutex);
    if (credentials->pid != getpid()) {
        credentials->pid = getpid();
        credentials->busy = 0;
    }
    while (credentials->busy && !usable(credentials)
           && oci_s3_now() < deadline) {
        apr_thread_cond_timedwait(credentials->changed, credentials->mutex,
                                  deadline - oci_s3_now());
    }
    if (!credentials->busy && is_due(credentials)) {
        rv = renew(credentials, deadline, &reason, pool);
    }
    if (usable(credentials)) {
        copy_keys(keys, &credentials->keys, pool);
        rv = APR_SUCCESS;
    }
    apr_thread_mutex_unlock(credentials->mutex);
    if (rv != APR_SUCCESS) {
        apr_pool_userdata_setn(reason, OCI_REASON, NULL, pool);
    }
    return rv;
}

void oci_s3_credentials_discard(oci_s3_credentials_t *credentials,
                                const char *id)
{
    apr_thread_mutex_lock(credentials->mutex);
    if (credentials->pool && !strcmp(credentials->keys.id, id)) {
        credentials->keys.expires = 1;
    }
    apr_thread_mutex_unlock(credentials->mutex);
}
