/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/* Random changes, beside an array that is searched from its beginning. */

#include <stdlib.h>

#include "tap.h"

#include "apr_general.h"
#include "apr_strings.h"

#include "store/overlay.h"

#define KEYS  500
#define STEPS 20000

typedef struct model_t {
    oci_place_t place[KEYS];
    int there[KEYS];
    int count;
} model_t;

/* Keys whose order is that of their numbers; some begin with others. */
static const char *key_of(char key[16], int number)
{
    apr_snprintf(key, 16, "%03d%s", number / 2, number % 2 ? "/a" : "");
    return key;
}

static int is_entry(const oci_overlay_entry_t *entry, const model_t *model,
                    int number)
{
    char key[16];

    return number == KEYS
           ? !entry : entry && !strcmp(entry->key, key_of(key, number))
                      && entry->place.offset == model->place[number].offset
                      && entry->place.deleted
                         == model->place[number].deleted;
}

static int next_of(const model_t *model, int number)
{
    do {
        number++;
    } while (number < KEYS && !model->there[number]);
    return number;
}

/* Whether the overlay, from its first entry to its last, is the model. */
static int is_same(const oci_overlay_t *overlay, const model_t *model)
{
    const oci_overlay_entry_t *entry = oci_overlay_after(overlay, "");
    int number = next_of(model, -1);

    for (; number < KEYS; number = next_of(model, number)) {
        if (!is_entry(entry, model, number)) {
            return 0;
        }
        entry = oci_overlay_next(entry);
    }
    return !entry && oci_overlay_count(overlay) == model->count;
}

int main(void)
{
    static model_t model;
    tap_t tap = { 0, 0 };
    oci_overlay_t *overlay;
    apr_pool_t *pool;
    char key[16];
    int i, bad = 0;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    overlay = oci_overlay_make(pool);
    tap_ok(&tap, is_same(overlay, &model) && !oci_overlay_find(overlay, "a"),
           "an overlay is empty");
    srand(1);
    for (i = 0; i < STEPS; i++) {
        int number = rand() % KEYS, other = rand() % KEYS;
        oci_place_t place = { rand() % 2, 1, i, 3 };

        key_of(key, number);
        oci_overlay_set(overlay, key, strlen(key), &place);
        model.place[number] = place;
        model.count += !model.there[number];
        model.there[number] = 1;
        key_of(key, other);
        bad += !is_entry(oci_overlay_find(overlay, key), &model,
                         model.there[other] ? other : KEYS);
        bad += !is_entry(oci_overlay_after(overlay, key), &model,
                         next_of(&model, other));
        if (i % 100 == 0) {
            bad += !is_same(overlay, &model);
        }
    }
    tap_ok(&tap, !bad, "it has what was set last, in order");
    oci_overlay_set(overlay, "~longer", 1, &model.place[0]);
    tap_ok(&tap, oci_overlay_find(overlay, "~")
           && !oci_overlay_find(overlay, "~longer"),
           "a key need not end with a NUL");
    oci_overlay_set(overlay, "~\0longer", 8, &model.place[0]);
    tap_ok(&tap, oci_overlay_find(overlay, "~")
           && oci_overlay_count(overlay) == model.count + 1,
           "a key ends at a NUL");
    tap_ok(&tap, !oci_overlay_after(overlay, "~")
           && !oci_overlay_after(overlay, "\xff"), "nothing is after the last");
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done(&tap);
}
