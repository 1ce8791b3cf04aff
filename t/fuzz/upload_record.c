/* SPDX-License-Identifier: Apache-2.0 */

/* Input: the record of an upload. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "registry/upload_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is read again from what is written. */
static void check(const oci_upload_record_t *record, apr_pool_t *pool)
{
    const char *text = oci_upload_record_format(record, pool);
    oci_upload_record_t again;
    apr_status_t rv = oci_upload_record_parse(&again, text, strlen(text), pool);

    assert(rv == APR_SUCCESS && again.size == record->size);
    assert(record->size >= 0 && again.rehashed == record->rehashed);
    assert(!again.boot == !record->boot
           && (!again.boot || !strcmp(again.boot, record->boot)));
    assert(!again.retry_hash == !record->retry_hash
           && again.retry_size == record->retry_size
           && record->retry_size <= record->size);
    assert(!strcmp(oci_hash_save(again.hash, pool),
                   oci_hash_save(record->hash, pool)));
    assert(!strcmp(oci_upload_record_format(&again, pool), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    oci_upload_record_t record;
    apr_pool_t *pool;
    char *text;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    text = apr_pstrmemdup(pool, (const char *)data, size);
    if (!oci_upload_record_parse(&record, text, size, pool)) {
        check(&record, pool);
    }
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
