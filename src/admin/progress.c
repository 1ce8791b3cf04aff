/* SPDX-License-Identifier: Apache-2.0 */

/* Progress reports of long commands, on standard error. */

#include <stdio.h>
#include <unistd.h>

#include "apr_strings.h"

#include "admin/progress.h"

#define INTERVAL_TERMINAL apr_time_from_msec(250)
#define INTERVAL_FILE     apr_time_from_sec(5)

struct oci_progress_t {
    int quiet;
    int terminal;
    int line_open; /* a line was printed to the terminal and not ended */
    const char *name;
    const char *items; /* what is counted */
    apr_time_t begun;
    apr_time_t next; /* when to print again */
};

oci_progress_t *oci_progress_create(int quiet, apr_pool_t *pool)
{
    oci_progress_t *progress = apr_pcalloc(pool, sizeof(*progress));

    progress->quiet = quiet;
    progress->items = "facts";
    progress->terminal = isatty(STDERR_FILENO);
    return progress;
}

static apr_time_t interval_of(const oci_progress_t *progress)
{
    return progress->terminal ? INTERVAL_TERMINAL : INTERVAL_FILE;
}

void oci_progress_begin(oci_progress_t *progress, const char *name)
{
    progress->name = name;
    progress->begun = apr_time_now();
    progress->next = progress->begun + interval_of(progress);
}

void oci_progress_count(oci_progress_t *progress, const char *items)
{
    progress->items = items;
}

void oci_progress_show(oci_progress_t *progress, apr_uint64_t count,
                       apr_uint64_t bytes)
{
    apr_time_t now = apr_time_now();
    apr_time_t spent = now - progress->begun;

    if (progress->quiet || now < progress->next || spent <= 0) {
        return;
    }
    fprintf(stderr,
            "%s%s: %" APR_UINT64_T_FMT " %s, %.1f MiB, "
            "%.0f %s/s%s",
            progress->terminal ? "\r" : "", progress->name, count,
            progress->items, bytes / 1048576.0,
            count * (double)APR_USEC_PER_SEC / spent, progress->items,
            progress->terminal ? "   " : "\n");
    progress->line_open = progress->terminal;
    progress->next = now + interval_of(progress);
}

void oci_progress_end(oci_progress_t *progress)
{
    if (progress->line_open) {
        fputc('\n', stderr);
    }
    progress->line_open = 0;
}

const char *oci_progress_format_bytes(apr_uint64_t bytes, apr_pool_t *pool)
{
    return bytes < 1048576 ? apr_psprintf(pool, "%" APR_UINT64_T_FMT " byte%s",
                                          bytes, bytes == 1 ? "" : "s")
                           : apr_psprintf(pool, "%.1f MiB", bytes / 1048576.0);
}
