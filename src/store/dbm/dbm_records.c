/* SPDX-License-Identifier: Apache-2.0 */

/* Records with checksums in a DBM.
 *
 * apr_dbm returns the DBM's own error numbers, which neither we nor APR can
 * translate: they all become EIO. */

#include <errno.h>
#include <string.h>

#include "apr_dbm.h"
#include "apr_strings.h"

#include "store/dbm/dbm_bytes.h"
#include "store/dbm/dbm_records.h"

#define NAME_MAX_SIZE 1023
#define SUM_SIZE      4

struct oci_dbm_records_t {
    apr_dbm_t *dbm;
    apr_pool_t *pool;
    apr_pool_t *scratch; /* cleared after each call */
};

typedef struct record_key_t {
    char bytes[1 + NAME_MAX_SIZE];
    apr_datum_t datum;
} record_key_t;

static apr_status_t make_key(record_key_t *key, char kind, const char *name)
{
    apr_size_t length = strlen(name);

    if (length > NAME_MAX_SIZE) {
        return APR_ENAMETOOLONG;
    }
    key->bytes[0] = kind;
    memcpy(key->bytes + 1, name, length);
    key->datum.dptr = key->bytes;
    key->datum.dsize = 1 + length;
    return APR_SUCCESS;
}

/* The sum includes the key, so that a record under the wrong key counts as
 * damaged. */
static apr_uint64_t sum_of(const record_key_t *key, const char *data,
                           apr_size_t size)
{
    apr_uint64_t seed = oci_dbm_bytes_sum(0, key->bytes, key->datum.dsize);

    return oci_dbm_bytes_sum(seed, data, size) & APR_UINT64_C(0xffffffff);
}

static apr_status_t close_records(void *data)
{
    oci_dbm_records_t *self = data;

    apr_dbm_close(self->dbm);
    return APR_SUCCESS;
}

apr_status_t oci_dbm_records_open(oci_dbm_records_t **records, const char *type,
                                  const char *path, apr_int32_t mode,
                                  apr_pool_t *pool)
{
    oci_dbm_records_t *self = apr_pcalloc(pool, sizeof(*self));
    apr_status_t rv = apr_pool_create(&self->scratch, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    self->pool = pool;
    if (apr_dbm_open_ex(&self->dbm, type, path, mode,
                        APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_GREAD,
                        pool)) {
        return APR_EGENERAL;
    }
    apr_pool_cleanup_register(pool, self, close_records, apr_pool_cleanup_null);
    *records = self;
    return APR_SUCCESS;
}

void oci_dbm_records_close(oci_dbm_records_t *records)
{
    apr_pool_cleanup_run(records->pool, records, close_records);
}

apr_status_t oci_dbm_records_get(oci_value_t *value, oci_dbm_records_t *records,
                                 char kind, const char *name, apr_pool_t *pool)
{
    apr_datum_t found = { NULL, 0 };
    apr_status_t rv;
    record_key_t key;

    rv = make_key(&key, kind, name);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!value) {
        return apr_dbm_exists(records->dbm, key.datum) ? APR_SUCCESS
                                                       : APR_NOTFOUND;
    }
    if (apr_dbm_fetch(records->dbm, key.datum, &found)) {
        return EIO;
    }
    if (!found.dptr) {
        return APR_NOTFOUND;
    }
    if (found.dsize < SUM_SIZE
        || oci_dbm_bytes_get(found.dptr, SUM_SIZE)
            != sum_of(&key, found.dptr + SUM_SIZE, found.dsize - SUM_SIZE)) {
        rv = EIO;
    }
    else {
        value->size = found.dsize - SUM_SIZE;
        value->data = apr_pstrmemdup(pool, found.dptr + SUM_SIZE, value->size);
    }
    apr_dbm_freedatum(records->dbm, found);
    return rv;
}

apr_status_t oci_dbm_records_put(oci_dbm_records_t *records, char kind,
                                 const char *name, const oci_value_t *value)
{
    apr_datum_t datum;
    apr_status_t rv;
    record_key_t key;

    rv = make_key(&key, kind, name);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    datum.dsize = SUM_SIZE + value->size;
    datum.dptr = apr_palloc(records->scratch, datum.dsize);
    oci_dbm_bytes_put(datum.dptr, sum_of(&key, value->data, value->size),
                      SUM_SIZE);
    if (value->size) {
        memcpy(datum.dptr + SUM_SIZE, value->data, value->size);
    }
    rv = apr_dbm_store(records->dbm, key.datum, datum);
    apr_pool_clear(records->scratch);
    return rv != APR_SUCCESS ? EIO : APR_SUCCESS;
}

apr_status_t oci_dbm_records_delete(oci_dbm_records_t *records, char kind,
                                    const char *name)
{
    apr_status_t rv;
    record_key_t key;

    rv = make_key(&key, kind, name);
    if (rv != APR_SUCCESS || !apr_dbm_exists(records->dbm, key.datum)) {
        return rv;
    }
    return apr_dbm_delete(records->dbm, key.datum) ? EIO : APR_SUCCESS;
}
