/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of the overlay: random changes, compared with an array that is searched
 * linearly. */

#include <stdlib.h>

#include "start_pool.h"
#include "tap.h"

#include "apr_strings.h"

#include "store/dbm/dbm_overlay.h"

#define KEYS  500
#define STEPS 20000

typedef struct model_t {
    oci_dbm_position_t position[KEYS];
    int exists[KEYS];
    int count;
} model_t;

/* Make a key; keys have the order of their numbers, and some are prefixes of
 * others. */
static const char *key_of(char key[16], int number)
{
    apr_snprintf(key, 16, "%03d%s", number / 2, number % 2 ? "/a" : "");
    return key;
}

static int is_entry(const oci_dbm_overlay_entry_t *entry, const model_t *model,
                    int number)
{
    char key[16];

    return number == KEYS ? !entry
                          : entry && !strcmp(entry->key, key_of(key, number))
            && entry->position.offset == model->position[number].offset
            && entry->position.deleted == model->position[number].deleted;
}

static int next_of(const model_t *model, int number)
{
    do {
        number++;
    } while (number < KEYS && !model->exists[number]);
    return number;
}

/* Return whether the overlay, from its first entry to its last, equals the
 * model. */
static int is_same(const oci_dbm_overlay_t *overlay, const model_t *model)
{
    const oci_dbm_overlay_entry_t *entry = oci_dbm_overlay_after(overlay, "");
    int number = next_of(model, -1);

    for (; number < KEYS; number = next_of(model, number)) {
        if (!is_entry(entry, model, number)) {
            return 0;
        }
        entry = oci_dbm_overlay_next(entry);
    }
    return !entry && oci_dbm_overlay_count(overlay) == model->count;
}

int main(void)
{
    static model_t model;
    tap_t tap = { 0, 0 };
    oci_dbm_overlay_t *overlay;
    apr_pool_t *pool = start_pool();
    char key[16];
    int i, bad = 0;

    overlay = oci_dbm_overlay_make(pool);
    tap_ok(&tap,
           is_same(overlay, &model) && !oci_dbm_overlay_find(overlay, "a"),
           "a new overlay is empty");
    srand(1);
    for (i = 0; i < STEPS; i++) {
        int number = rand() % KEYS, other = rand() % KEYS;
        oci_dbm_position_t position = { rand() % 2, 1, i, 3 };

        key_of(key, number);
        oci_dbm_overlay_set(overlay, key, strlen(key), &position);
        model.position[number] = position;
        model.count += !model.exists[number];
        model.exists[number] = 1;
        key_of(key, other);
        bad += !is_entry(oci_dbm_overlay_find(overlay, key), &model,
                         model.exists[other] ? other : KEYS);
        bad += !is_entry(oci_dbm_overlay_after(overlay, key), &model,
                         next_of(&model, other));
        if (i % 100 == 0) {
            bad += !is_same(overlay, &model);
        }
    }
    tap_ok(&tap, !bad, "it has the last positions, sorted by key");
    oci_dbm_overlay_set(overlay, "~longer", 1, &model.position[0]);
    tap_ok(&tap,
           oci_dbm_overlay_find(overlay, "~")
               && !oci_dbm_overlay_find(overlay, "~longer"),
           "a key need not end with a NUL");
    oci_dbm_overlay_set(overlay, "~\0longer", 8, &model.position[0]);
    tap_ok(&tap,
           oci_dbm_overlay_find(overlay, "~")
               && oci_dbm_overlay_count(overlay) == model.count + 1,
           "a key ends at a NUL");
    tap_ok(&tap,
           !oci_dbm_overlay_after(overlay, "~")
               && !oci_dbm_overlay_after(overlay, "\xff"),
           "there is no entry after the last one");
    return tap_done(&tap);
}
