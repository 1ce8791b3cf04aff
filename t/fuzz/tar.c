/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz the reader of tar archives.  Input: an archive, whose sums need not be
 * right. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apr_general.h"

#include "admin/layout/tar_read.h"
#include "values/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A member that was found lies in the archive. */
static void check_extent(const oci_tar_extent_t *extent, size_t size)
{
    assert(extent->offset >= 512 && extent->offset <= (apr_off_t)size);
    assert(extent->size >= 0
           && extent->size <= (apr_off_t)size - extent->offset);
}

static void check_archive(const uint8_t *data, size_t size)
{
    FILE *file = tmpfile();
    const char *problem;
    const oci_tar_extent_t *extent;
    apr_pool_t *pool;
    oci_tar_t *tar;
    int i;

    assert(file && fwrite(data, 1, size, file) == size && !fflush(file));
    apr_pool_create(&pool, NULL);
    problem = oci_tar_read(&tar, fileno(file), size, pool);
    if (problem) {
        assert(*problem);
    }
    else {
        for (i = 0; i < OCI_TAR_DOCUMENTS; i++) {
            extent = oci_tar_document(tar, i);
            if (extent->offset) {
                check_extent(extent, size);
            }
        }
        extent = oci_tar_blob(tar, oci_digest_of(OCI_SHA256, "", 0, pool));
        if (extent) {
            check_extent(extent, size);
        }
    }
    apr_pool_destroy(pool);
    fclose(file);
}

/* Give each block the sum of a header: hardly any input has a right one. */
static void set_sums(uint8_t *data, size_t size)
{
    size_t at, i;

    for (at = 0; at + 512 <= size; at += 512) {
        unsigned sum = 0;
        char text[8];

        memset(data + at + 148, ' ', 8);
        for (i = 0; i < 512; i++) {
            sum += data[at + i];
        }
        snprintf(text, sizeof(text), "%06o", sum & 0777777);
        if (sum > 8 * ' ') {
            memcpy(data + at + 148, text, 7);
        }
        else {
            memset(data + at + 148, 0, 8);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 1);

    assert(copy);
    memcpy(copy, data, size);
    set_sums(copy, size);
    apr_initialize();
    check_archive(data, size);
    check_archive(copy, size);
    apr_terminate();
    free(copy);
    return 0;
}
