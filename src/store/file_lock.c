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

/* A named lock is a lock on one byte of the file, at the name's hash.  It is
 * one of the open file description: such keep threads apart as well as
 * processes, and are gone when a process is.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE            /* F_OFD_SETLKW */
#endif

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "spec/hash.h"
#include "store/file_lock.h"

#ifndef F_OFD_SETLKW
#error "mod_oci needs locks of open file descriptions (POSIX.1-2024)"
#endif

struct oci_lock_t {
    apr_pool_t  *pool;
    int          fd;
    struct flock range;
};

static apr_status_t end_lock(void *data)
{
    oci_lock_t *self = data;

    /* Closing would not do while a process forked meanwhile has it open. */
    self->range.l_type = F_UNLCK;
    fcntl(self->fd, F_OFD_SETLK, &self->range);
    close(self->fd);
    return APR_SUCCESS;
}

/* command: F_OFD_SETLKW or F_OFD_SETLK. */
static apr_status_t begin_lock(oci_lock_t **lock, const char *path,
                               oci_lock_t *self, int command)
{
    self->range.l_whence = SEEK_SET;
    self->range.l_len = 1;
    self->fd = open(path, O_RDWR | O_CLOEXEC);
    if (self->fd == -1) {
        return errno;
    }
    while (fcntl(self->fd, command, &self->range)) {
        if (errno != EINTR) {
            apr_status_t rv = errno;

            close(self->fd);
            return rv;
        }
    }
    apr_pool_cleanup_register(self->pool, self, end_lock,
                              apr_pool_cleanup_null);
    *lock = self;
    return APR_SUCCESS;
}

static oci_lock_t *make_lock(const char *name, oci_lock_e kind,
                             apr_pool_t *pool)
{
    oci_lock_t *self = apr_pcalloc(pool, sizeof(*self));

    self->pool = pool;
    self->range.l_type = kind == OCI_LOCK_SHARED ? F_RDLCK : F_WRLCK;
    /* two bits less, for the sign and the end of the range */
    self->range.l_start = (off_t)(oci_hash(name) >> 2);
    return self;
}

apr_status_t oci_file_lock(oci_lock_t **lock, const char *path,
                           const char *name, oci_lock_e kind,
                           apr_pool_t *pool)
{
    return begin_lock(lock, path, make_lock(name, kind, pool), F_OFD_SETLKW);
}

apr_status_t oci_file_try_lock(oci_lock_t **lock, const char *path,
                               const char *name, apr_pool_t *pool)
{
    apr_status_t rv = begin_lock(lock, path,
                                 make_lock(name, OCI_LOCK_EXCLUSIVE, pool),
                                 F_OFD_SETLK);

    return rv == EAGAIN || rv == EACCES ? APR_EBUSY : rv;
}

apr_status_t oci_file_unlock(oci_lock_t *lock)
{
    return apr_pool_cleanup_run(lock->pool, lock, end_lock);
}
