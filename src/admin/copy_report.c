/* SPDX-License-Identifier: Apache-2.0 */

/* What "copy --blobs" prints at its end. */

#include <stdio.h>

#include "admin/copy_report.h"
#include "admin/terminal.h"

#define COUNT APR_UINT64_T_FMT

static void print_json(const oci_blob_copy_t *copy, double seconds)
{
    printf("{\"blobs\": %" COUNT ", \"bytes\": %" COUNT ", \"present\": %" COUNT
           ", \"unnamed\": %" COUNT ", \"gone\": %" COUNT
           ", \"skipped\": %" COUNT ", \"switched\": %" COUNT
           ", \"seconds\": %.3f}\n",
           copy->blobs, copy->bytes, copy->present, copy->unnamed, copy->gone,
           copy->skipped, copy->switched, seconds);
}

static void print_text(const oci_blob_copy_t *copy, double seconds)
{
    apr_pool_t *pool = copy->pool;

    printf("copied %s to %s: %s, %s, in %.1f s\n", copy->from.store->where,
           copy->to.store->where, oci_terminal_count(copy->blobs, "blob", pool),
           oci_progress_format_bytes(copy->bytes, pool), seconds);
    if (copy->present) {
        printf("%s there already\n",
               oci_terminal_count(copy->present, "blob", pool));
    }
    if (copy->unnamed) {
        printf("%s not recorded by the index\n",
               oci_terminal_count(copy->unnamed, "blob", pool));
    }
    if (copy->gone) {
        printf("%s deleted from %s meanwhile\n",
               oci_terminal_count(copy->gone, "blob", pool),
               copy->from.store->where);
    }
    if (copy->skipped) {
        printf("%s skipped, see the messages\n",
               oci_terminal_count(copy->skipped, "blob", pool));
    }
}

void oci_copy_report(const oci_blob_copy_t *copy, apr_time_t begun)
{
    (copy->request->json
         ? print_json
         : print_text)(copy,
                       (apr_time_now() - begun) / (double)APR_USEC_PER_SEC);
}
