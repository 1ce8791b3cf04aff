/* SPDX-License-Identifier: Apache-2.0 */

/* The facts of a "dbm" index at one moment.
 *
 * A snapshot is a DBM with these records; the letter is the kind:
 *
 *     h mod_oci index   "2 " LOG " " ROOT " " LAST, the head
 *     n NODE            a node of the tree of keys, see dbm_node.c
 *     v KEY             the value of a key
 *
 * LOG is the number of the first log after the snapshot, ROOT that of the
 * tree's root or 0, LAST the last number that was given to a node.  The head
 * has this form, up to its first blank, in all versions.  The head of a
 * snapshot that was made in version 1 begins with "1 "; its logs may have
 * version 2. */

#include <errno.h>
#include <string.h>

#include "apr_dbm.h"
#include "apr_strings.h"

#include "store/dbm/dbm_snapshot.h"

#define HEAD_NAME "mod_oci index"
#define BATCH     256 /* names that are verified in one step */

apr_status_t oci_dbm_snapshot_create(oci_dbm_snapshot_t *snapshot,
                                     const char *type, const char *path,
                                     apr_uint64_t log, apr_pool_t *pool)
{
    memset(snapshot, 0, sizeof(*snapshot));
    snapshot->log = log;
    return oci_dbm_records_open(&snapshot->tree.records, type, path,
                                APR_DBM_RWCREATE, pool);
}

static apr_status_t read_head(oci_dbm_snapshot_t *snapshot, const char *text)
{
    char *end;

    apr_int64_t version = apr_strtoi64(text, &end, 10);

    if (version < 1 || version > OCI_DBM_VERSION) {
        return APR_ENOTIMPL;
    }
    snapshot->log = (apr_uint64_t)apr_strtoi64(end, &end, 10);
    snapshot->tree.root = (apr_uint32_t)apr_strtoi64(end, &end, 10);
    snapshot->tree.last = (apr_uint32_t)apr_strtoi64(end, &end, 10);
    return APR_SUCCESS;
}

apr_status_t oci_dbm_snapshot_open(oci_dbm_snapshot_t *snapshot,
                                   const char *type, const char *path,
                                   apr_int32_t mode, apr_pool_t *pool)
{
    oci_value_t value;
    apr_status_t rv = oci_dbm_records_open(&snapshot->tree.records, type, path,
                                           mode, pool);

    snapshot->tree.cache = mode == APR_DBM_READONLY ? apr_hash_make(pool)
                                                    : NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = oci_dbm_records_get(&value, snapshot->tree.records, 'h', HEAD_NAME,
                             pool);
    if (rv == APR_SUCCESS) {
        rv = read_head(snapshot, value.data);
    }
    if (rv != APR_SUCCESS) {
        oci_dbm_records_close(snapshot->tree.records);
    }
    return rv == APR_NOTFOUND ? APR_EINVAL : rv;
}

apr_status_t oci_dbm_snapshot_finish(oci_dbm_snapshot_t *snapshot)
{
    oci_value_t value;
    apr_status_t rv;
    char text[64];

    value.size = apr_snprintf(text, sizeof(text),
                              "%d %" APR_UINT64_T_FMT " %u %u", OCI_DBM_VERSION,
                              snapshot->log, snapshot->tree.root,
                              snapshot->tree.last);
    value.data = text;
    rv = oci_dbm_records_put(snapshot->tree.records, 'h', HEAD_NAME, &value);
    oci_dbm_records_close(snapshot->tree.records);
    return rv;
}

apr_status_t oci_dbm_snapshot_get(oci_value_t *value,
                                  const oci_dbm_snapshot_t *snapshot,
                                  const char *key, apr_pool_t *pool)
{
    apr_status_t rv = oci_dbm_records_get(value, snapshot->tree.records, 'v',
                                          key, pool);

    if (rv != APR_NOTFOUND) {
        return rv;
    }
    /* A DBM that cannot be read may report a missing record, too.  The key is
     * missing only if the tree does not have it either. */
    rv = oci_dbm_tree_find(&snapshot->tree, key, pool);
    return rv != APR_SUCCESS ? rv : EIO;
}

apr_status_t oci_dbm_snapshot_put(const oci_dbm_snapshot_t *snapshot,
                                  const char *key, const oci_value_t *value)
{
    return oci_dbm_records_put(snapshot->tree.records, 'v', key, value);
}

apr_status_t oci_dbm_snapshot_delete(const oci_dbm_snapshot_t *snapshot,
                                     const char *key)
{
    return oci_dbm_records_delete(snapshot->tree.records, 'v', key);
}

apr_status_t oci_dbm_snapshot_verify(const oci_dbm_snapshot_t *snapshot,
                                     apr_pool_t *pool)
{
    char after[1024] = "";
    apr_pool_t *part;
    apr_status_t rv = apr_pool_create(&part, pool);
    apr_array_header_t *names;
    oci_value_t value;
    int i;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    do {
        apr_pool_clear(part);
        names = apr_array_make(part, BATCH, sizeof(char *));
        rv = oci_dbm_tree_list(names, &snapshot->tree, after, "", BATCH);
        for (i = 0; i < names->nelts && rv == APR_SUCCESS; i++) {
            const char *name = APR_ARRAY_IDX(names, i, const char *);

            rv = oci_dbm_records_get(&value, snapshot->tree.records, 'v', name,
                                     part);
            apr_cpystrn(after, name, sizeof(after));
        }
    } while (rv == APR_SUCCESS && names->nelts == BATCH);
    apr_pool_destroy(part);
    return rv == APR_NOTFOUND ? EIO : rv;
}
