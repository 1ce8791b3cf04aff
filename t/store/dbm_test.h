/* SPDX-License-Identifier: Apache-2.0 */

/* Helpers of the tests of the provider "dbm". */

#ifndef OCI_DBM_TEST_H
#define OCI_DBM_TEST_H

#include "contract_index.h"

#include <errno.h>
#include <fcntl.h>

#include "store/dbm/dbm_index.h"

/* Run a check with each type. */
static inline void with_each_type(test_t *t,
                                  void (*check)(test_t *t, const char *type))
{
    printf("# gdbm\n");
    check(t, "gdbm");
    printf("# db\n");
    check(t, "db");
}

/* Create and start an index as a user; return NULL, or a sentence. */
static inline const char *open_as(test_t *t, const char *type,
                                  const char *location, apr_uid_t uid)
{
    oci_store_config_t config = { .type = type,
                                  .location = location,
                                  .base = t->run->dir };
    oci_owner_caller_t caller = act_as(t->run, uid);
    const char *error;

    t->config = config;
    t->provider = &oci_index_dbm;
    error = oci_index_dbm.create(&t->index, &config, t->run->pool);
    if (!error) {
        error = oci_index_dbm.start(t->index, uid, uid, t->run->pool);
    }
    oci_owner_leave(&caller);
    return error;
}

static inline void write_file(test_t *t, const char *path, const char *text,
                              size_t size)
{
    int fd = open(at(t->run, path), O_WRONLY | O_CREAT | O_TRUNC, 0640);

    if (fd == -1 || write(fd, text, size) != (ssize_t)size) {
        abort();
    }
    close(fd);
}

static inline oci_value_t read_file(test_t *t, const char *path)
{
    int fd = open(at(t->run, path), O_RDONLY);
    oci_value_t value = { NULL, 0 };
    struct stat st;
    char *data;

    if (fd == -1 || fstat(fd, &st)) {
        abort();
    }
    data = apr_palloc(t->run->pool, st.st_size + 1);
    if (read(fd, data, st.st_size) != st.st_size) {
        abort();
    }
    close(fd);
    data[st.st_size] = '\0';
    value.data = data;
    value.size = st.st_size;
    return value;
}

/* Return the status of get. */
static inline apr_status_t get_status(test_t *t, const char *key)
{
    apr_pool_t *pool = make_pool();
    oci_value_t value;
    apr_status_t rv = oci_index_dbm.get(&value, t->index, key, pool);

    apr_pool_destroy(pool);
    return rv;
}

/* Return whether t->index has this text as the value of a key. */
static inline int holds(test_t *t, const char *key, const char *text)
{
    apr_pool_t *pool = make_pool();
    oci_value_t value;
    int good = !oci_index_dbm.get(&value, t->index, key, pool)
        && value.size == strlen(text) && !memcmp(value.data, text, value.size);

    apr_pool_destroy(pool);
    return good;
}

/* Put values of size bytes, with the keys "fill/0" and so on, until this log
 * exists: the log before it has been merged by then, or is due to be.  Returns
 * the number of values, or 0 on failure. */
static inline int fill_log(test_t *t, const char *log, size_t size)
{
    char *value = apr_palloc(t->run->pool, size);
    struct stat st;
    char key[32];
    int i;

    for (i = 0; stat(at(t->run, log), &st); i++) {
        memset(value, 'a' + i % 26, size);
        apr_snprintf(key, sizeof(key), "fill/%d", i);
        if (i > 10000 || change(t->index, OCI_CHANGE_PUT, key, value, size)) {
            return 0;
        }
    }
    return i;
}

static inline int exists(test_t *t, const char *path)
{
    return !access(at(t->run, path), F_OK);
}

#endif /* OCI_DBM_TEST_H */
