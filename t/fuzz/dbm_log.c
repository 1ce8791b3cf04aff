/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz target: reading a log.
 *
 * Input: the records of a log.  After "r" they are the bytes of the file.
 * After anything else, each is a size of two bytes and a body, whose checksum
 * is made right so that the reader of the body sees it. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "store/dbm/dbm_bytes.h"
#include "store/dbm/dbm_log.h"

#define NUMBER 7
#define LINE   "mod_oci index log 1 7\n"
#define HEAD   16 /* of a record, bytes */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Write the file of a log. */
static void write_log(int fd, const char *data, size_t size)
{
    apr_off_t offset = strlen(LINE);
    int raw = size && *data == 'r';
    char head[HEAD];

    assert(pwrite(fd, LINE, strlen(LINE), 0) == (ssize_t)strlen(LINE));
    data += size > 0;
    size -= size > 0;
    if (raw) {
        assert(pwrite(fd, data, size, offset) == (ssize_t)size);
        return;
    }
    while (size >= 2) {
        size_t body = oci_dbm_bytes_get(data, 2);

        data += 2;
        size -= 2;
        body = body < size ? body : size;
        oci_dbm_bytes_put(head, body, 8);
        oci_dbm_bytes_put(head + 8,
                          oci_dbm_bytes_sum((apr_uint64_t)NUMBER << 40
                                                ^ (apr_uint64_t)offset,
                                            data, body),
                          8);
        assert(pwrite(fd, head, HEAD, offset) == HEAD);
        assert(pwrite(fd, data, body, offset + HEAD) == (ssize_t)body);
        offset += HEAD + body;
        data += body;
        size -= body;
    }
}

/* Read the whole log, as an index does. */
static void read_log(oci_dbm_log_t *log, apr_pool_t *pool)
{
    oci_dbm_overlay_t *overlay = oci_dbm_overlay_make(pool);
    const oci_dbm_overlay_entry_t *entry;
    const char *last = "";
    oci_value_t value;
    apr_off_t length;
    apr_status_t rv;

    assert(!oci_dbm_log_size(&length, log));
    rv = oci_dbm_log_follow(log, length, overlay, pool);
    assert(log->end <= length);
    if (rv == APR_INCOMPLETE) {
        oci_dbm_log_check(log, length, pool);
    }
    for (entry = oci_dbm_overlay_after(overlay, ""); entry;
         entry = oci_dbm_overlay_next(entry)) {
        assert(strcmp(last, entry->key) < 0);
        assert(oci_dbm_overlay_find(overlay, entry->key) == entry);
        last = entry->key;
        if (!entry->position.deleted) {
            assert(
                !oci_dbm_log_read_value(&value, log, &entry->position, pool));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[] = "/dev/shm/oci-log-XXXXXX";
    int fd = mkstemp(path);
    apr_pool_t *pool;
    oci_dbm_log_t log;

    assert(fd != -1);
    apr_initialize();
    apr_pool_create(&pool, NULL);
    write_log(fd, (const char *)data, size);
    assert(!oci_dbm_log_open(&log, path, NUMBER));
    read_log(&log, pool);
    unlink(path);
    oci_dbm_log_close(&log);
    close(fd);
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
