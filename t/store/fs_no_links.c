/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of the fs providers in a file system without hard links: link(2) is
 * replaced here. */

#include "contract_blob.h"

#include <errno.h>

#include "store/fs/fs_blobs.h"
#include "store/fs/fs_index.h"

#define LONG "a value with blanks, which needs a file"

int link(const char *from, const char *to)
{
    (void)from;
    (void)to;
    errno = EPERM;
    return -1;
}

static void check_blobs(test_t *t)
{
    apr_pool_t *pool = make_pool();
    const char *locator = push(t, "one", DIGEST("0001"), "bytes", pool);
    oci_blob_writer_t *writer;
    const char *again, *other;

    tap_is(&t->run->tap, pull(t, locator, pool), "bytes", "a blob");
    request(&writer, t, "two", 0, "others", pool);
    t->provider->upload_commit(&locator, writer, DIGEST("0001"), 1, pool);
    tap_is(&t->run->tap, pull(t, locator, pool), "others",
           "a blob is replaced");
    t->provider->upload_commit(&other, writer, DIGEST("0002"), 1, pool);
    t->provider->blob_delete(t->store, locator, NULL, pool);
    is_status(t->run,
              t->provider->upload_commit(&again, writer, DIGEST("0001"), 1,
                                         pool),
              APR_SUCCESS, "a commit is repeated");
    tap_is(&t->run->tap, pull(t, again, pool), "others",
           "the repeated commit's blob");
    tap_is(&t->run->tap, pull(t, other, pool), "others",
           "the blob of the commit before");
    is_status(t->run, t->provider->upload_abort(writer), APR_SUCCESS,
              "the upload is aborted");
    apr_pool_destroy(pool);
}

static void check_index(run_t *run)
{
    oci_store_config_t config = { .location = "store", .base = run->dir };
    oci_change_t add = { OCI_CHANGE_ADD, "a/b", { LONG, strlen(LONG) } };
    apr_pool_t *pool = make_pool();
    oci_value_t value = { "", 0 };
    oci_index_t *index;

    if (tap_ok(&run->tap,
               !oci_index_fs.create(&index, &config, pool)
                   && !oci_index_fs.start(index, getuid(), getgid(), pool),
               "an index is opened")) {
        is_status(run, oci_index_fs.apply(index, &add, 1, 1, pool), APR_SUCCESS,
                  "a long value is added");
        add.value.size--;
        is_status(run, oci_index_fs.apply(index, &add, 1, 1, pool), APR_EEXIST,
                  "but only once");
        oci_index_fs.get(&value, index, "a/b", pool);
        tap_is(&run->tap, value.data, LONG, "the value is unchanged");
    }
    tap_ok(&run->tap,
           !rmdir(apr_pstrcat(pool, run->dir, "/store/index/.tmp", NULL)),
           "no temporary is left");
    apr_pool_destroy(pool);
}

int main(void)
{
    run_t run;
    test_t t = { .run = &run, .provider = &oci_blob_fs };

    begin(&run);
    t.config.location = "store";
    t.config.base = run.dir;
    if (open_store(&t)) {
        check_blobs(&t);
        tap_ok(&run.tap,
               !rmdir(apr_pstrcat(run.pool, run.dir, "/store/uploads", NULL)),
               "no upload is left");
    }
    check_index(&run);
    return finish(&run);
}
