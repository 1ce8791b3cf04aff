/* SPDX-License-Identifier: Apache-2.0 */

/* Looks at items, up to three times each, see check_run.h. */

#include <stdio.h>
#include <string.h>

#include "apr_strings.h"
#include "apr_time.h"

#include "admin/check/check_run.h"
#include "admin/interrupt.h"
#include "registry/repository.h"

/* How many items to look at again at a time, and how long after the first look.
 * The time is halved whenever everything was still wrong: in a store with much
 * damage, waiting would take most of the time, and the locks decide anyway. */
#define BATCH  256
#define MOMENT apr_time_from_msec(100)

static void clear_suspects(oci_check_t *check)
{
    apr_pool_clear(check->suspects_pool);
    check->suspects = apr_array_make(check->suspects_pool, 16,
                                     sizeof(oci_item_t));
}

void oci_check_prepare(oci_check_t *check)
{
    apr_pool_create(&check->suspects_pool, check->pool);
    clear_suspects(check);
    check->moment = MOMENT;
    check->bad = oci_digest_set_make(check->pool);
    check->wrong = oci_digest_set_make(check->pool);
    check->restorable = oci_digest_set_make(check->pool);
    check->unsure = oci_digest_set_make(check->pool);
    check->held_again = oci_digest_set_make(check->pool);
    check->settled = oci_digest_set_make(check->pool);
}

oci_error_t *oci_check_progress(oci_check_t *check, apr_pool_t *pool)
{
    check->totals.facts++;
    oci_progress_show(check->progress, check->totals.facts,
                      check->totals.bytes);
    return oci_interrupt_pending()
        ? oci_error_make(pool, OCI_E_UNAVAILABLE, NULL, NULL,
                         "interrupted; the check is not complete")
        : NULL;
}

oci_error_t *oci_check_skip(oci_check_t *check, oci_error_t *error)
{
    apr_pool_t *pool;

    if (!error || (error->code == OCI_E_UNAVAILABLE && !error->locked)) {
        return error;
    }
    apr_pool_create(&pool, check->pool);
    oci_progress_end(check->progress);
    fprintf(stderr, "ociadmin: skipped: %s\n", oci_error_text(error, pool));
    apr_pool_destroy(pool);
    check->totals.skipped++;
    return NULL;
}

oci_finding_t *oci_check_found(oci_check_t *check, const oci_item_t *item,
                               oci_fault_e fault, apr_pool_t *pool)
{
    oci_finding_t *finding = apr_pcalloc(pool, sizeof(*finding));

    finding->fault = fault;
    finding->repository = item->repository;
    if (!check->findings) {
        check->findings = apr_array_make(pool, 2, sizeof(oci_finding_t *));
    }
    APR_ARRAY_PUSH(check->findings, oci_finding_t *) = finding;
    return finding;
}

/* Look at an item.
 * *findings: set to what is wrong, oci_finding_t *; NULL if nothing is */
static oci_error_t *look_at(apr_array_header_t **findings, oci_check_t *check,
                            oci_item_t *item, oci_look_e look, apr_pool_t *pool)
{
    apr_array_header_t *outer = check->findings;
    oci_error_t *error;

    check->findings = NULL;
    check->look = look;
    check->depth++;
    error = item->look(check, item, pool);
    check->depth--;
    *findings = check->findings;
    check->findings = outer;
    return error;
}

static const char *copy_text(const char *text, apr_pool_t *pool)
{
    return text ? apr_pstrdup(pool, text) : NULL;
}

static void suspect(oci_check_t *check, const oci_item_t *item)
{
    apr_pool_t *pool = check->suspects_pool;
    oci_item_t *copy = apr_array_push(check->suspects);

    *copy = *item;
    copy->repository = copy_text(item->repository, pool);
    copy->blob = copy_text(item->blob, pool);
    copy->what = copy_text(item->what, pool);
    copy->of = copy_text(item->of, pool);
    copy->value = NULL;
    check->suspected++;
    check->suspected_at = apr_time_now();
}

oci_error_t *oci_check_item(oci_check_t *check, const oci_item_t *item,
                            apr_pool_t *pool)
{
    oci_item_t present = *item;
    apr_array_header_t *findings;
    oci_error_t *error = look_at(&findings, check, &present, OCI_LOOK_FIRST,
                                 pool);

    if (!error && findings) {
        suspect(check, &present);
    }
    error = oci_check_skip(check, error);
    return error || check->depth || check->suspects->nelts < BATCH
        ? error
        : oci_check_settle(check);
}

/* Mend what a finding says. */
static oci_error_t *mend(oci_check_t *check, const oci_item_t *item,
                         oci_finding_t *finding, apr_pool_t *pool)
{
    oci_error_t *error = NULL;

    if (!check->repair || !oci_finding_is_mendable(finding)) {
        return NULL;
    }
    if (finding->changes) {
        error = oci_facts_apply(check->registry, finding->changes,
                                check->registry->durable, pool);
    }
    if (!error && finding->mend) {
        error = finding->mend(check, item, finding, pool);
    }
    if (!error && finding->removes) {
        oci_repository_t repository = { check->registry, item->repository };

        error = oci_repository_unregister_if_empty(&repository, pool);
    }
    finding->mended = !error;
    return error;
}

static void report(oci_check_t *check, const oci_finding_t *finding,
                   apr_pool_t *pool)
{
    oci_check_totals_t *totals = &check->totals;

    if (finding->fault == OCI_FAULT_MARK_STALE) {
        totals->marks += finding->mended;
        return;
    }
    oci_progress_end(check->progress);
    oci_finding_print(finding, check->json, pool);
    totals->mended += finding->mended;
    if (oci_finding_is_damage(finding)) {
        totals->damage++;
    }
    else {
        totals->leftover++;
    }
}

/* The last look, with the locks. */
static oci_error_t *look_locked(oci_check_t *check, oci_item_t *item,
                                apr_pool_t *pool)
{
    apr_array_header_t *findings;
    oci_error_t *error = look_at(&findings, check, item, OCI_LOOK_LOCKED, pool);
    oci_error_t *failed;
    int i;

    for (i = 0; !error && findings && i < findings->nelts; i++) {
        oci_finding_t *finding = APR_ARRAY_IDX(findings, i, oci_finding_t *);

        failed = mend(check, item, finding, pool);
        report(check, finding, pool);
        error = oci_check_skip(check, failed);
    }
    return error;
}

static oci_error_t *lock_and_look(oci_check_t *check, oci_item_t *item,
                                  apr_pool_t *pool)
{
    oci_repository_t repository = { check->registry, item->repository };
    oci_lock_t *blob = NULL;
    oci_lock_t *lock = NULL;
    oci_error_t *error = NULL;

    if (item->blob) {
        error = oci_blob_lock(&blob, check->registry, item->blob,
                              OCI_LOCK_EXCLUSIVE, pool);
        if (error) {
            return error;
        }
    }
    if (item->repository) {
        error = oci_repository_lock(&lock, &repository, OCI_LOCK_EXCLUSIVE,
                                    pool);
    }
    if (!error) {
        error = look_locked(check, item, pool);
        oci_registry_unlock(check->registry, lock);
    }
    oci_registry_unlock(check->registry, blob);
    return error;
}

/* *wrong: set to whether something is wrong without a lock, too */
static oci_error_t *settle_item(int *wrong, oci_check_t *check,
                                oci_item_t *item, apr_pool_t *pool)
{
    apr_array_header_t *findings;
    oci_error_t *error = look_at(&findings, check, item, OCI_LOOK_AGAIN, pool);

    *wrong = !error && findings;
    return *wrong ? lock_and_look(check, item, pool) : error;
}

/* Wait until a moment has passed since the last suspicion. */
static void wait_a_moment(const oci_check_t *check)
{
    apr_interval_time_t rest = check->suspected_at + check->moment
        - apr_time_now();

    if (rest > 0) {
        apr_sleep(rest < check->moment ? rest : check->moment);
    }
}

oci_error_t *oci_check_settle(oci_check_t *check)
{
    int all_wrong = 1;
    oci_error_t *error = NULL;
    apr_pool_t *pool;
    int i;

    if (!check->suspects->nelts) {
        return NULL;
    }
    wait_a_moment(check);
    apr_pool_create(&pool, check->pool);
    for (i = 0; i < check->suspects->nelts && !error; i++) {
        oci_item_t *item = &APR_ARRAY_IDX(check->suspects, i, oci_item_t);
        int wrong;

        error = oci_check_skip(check, settle_item(&wrong, check, item, pool));
        all_wrong &= wrong;
        if (!error) {
            error = oci_check_progress(check, pool);
        }
        if (!error) {
            apr_pool_clear(pool);
        }
    }
    if (!error) {
        apr_pool_destroy(pool);
    }
    check->moment = all_wrong ? check->moment / 2 : MOMENT;
    clear_suspects(check);
    return error;
}
