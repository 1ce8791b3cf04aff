/* SPDX-License-Identifier: Apache-2.0 */

/* The keys of a store "s3", the states of its uploads, and their memory. */

#include "start_pool.h"
#include "tap.h"

#include "apr_strings.h"

#include "s3/s3_memory.h"
#include "s3/s3_state.h"
#include "s3/s3_store_key.h"

#define END "!0123456789abcdef"
#define SHA256                          \
    "=0123456789abcdef0123456789abcdef" \
    "0123456789abcdef0123456789abcdef"
#define DIGITS "0123456789abcdef"
#define ID_64  DIGITS DIGITS DIGITS DIGITS

static const struct {
    const char *key;
    int good;
} keys[] = {
    { "blobs/a-0" END, 1 },
    { "blobs/" ID_64 END, 1 },
    { "blobs/" ID_64 "a" END, 0 },
    { "blobs/" END, 0 },
    { "blobs/a", 0 },
    { "blobs/a!0123456789abcde", 0 },
    { "blobs/a" END "0", 0 },
    { "blobs/a!0123456789ABCDEF", 0 },
    { "blobs/a" END "/x", 0 },
    { "blobs/A" END, 0 },
    { "blobs/a/b" END, 0 },
    { "blobs/../id" END, 0 },
    { "tails/a" END, 0 },
    { "a" END, 0 },
    { "id", 0 },
    { "", 0 },
};

static const struct {
    const char *state;
    int good;
} states[] = {
    { "1,7,5,-,-,,blobs/a" END SHA256 ",0,", 1 },
    { "1,7,5,blobs/a" END ",u,e,tails/a" END SHA256 ",0,", 1 },
    { "1,7,5,-,-,,blobs/a" END ",0,", 0 },
    { "1,7,5,-,-,,blobs/a" END SHA256 "0,0,", 0 },
    { "1,7,5,-,-,,blobs/a" END "=,0,", 0 },
    { "1,7,5,blobs/a" END ",u,e,tails/a" END SHA256 ",0,tails/b" END
      ":blobs/a" END,
      1 },
    { "1,7,5,tails/a" END ",u,e,-,0,", 0 },
    { "1,7,5,id,u,e,-,0,", 0 },
    { "1,7,5,-,-,,id,0,", 0 },
    { "1,7,5,-,-,,,0,", 0 },
    { "1,7,5,-,-,,-,0,index", 0 },
    { "1,7,5,-,-,,-,0,tails/a" END ":", 0 },
    { "1,4,5,blobs/a" END ",u,e,-,0,", 0 },
    { "1,7,0,-,-,,-,0,", 0 },
    { "2,7,5,-,-,,-,0,", 0 },
    { "1", 0 },
    { "", 0 },
};

static void check_keys(tap_t *tap, apr_pool_t *pool)
{
    const char *one, *other;
    size_t i;

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        tap_ok(tap,
               oci_s3_store_is_key(keys[i].key, OCI_S3_BLOBS) == keys[i].good,
               "the key '%s'", keys[i].key);
    }
    oci_s3_store_key(&one, OCI_S3_TAILS, "a", pool);
    oci_s3_store_key(&other, OCI_S3_TAILS, "a", pool);
    tap_ok(tap, oci_s3_store_is_key(one, OCI_S3_TAILS) && strcmp(one, other),
           "two keys that are made differ");
}

static void check_states(tap_t *tap, apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        oci_s3_state_t state;
        int good = oci_s3_state_parse(&state, states[i].state, pool)
            == APR_SUCCESS;

        tap_ok(tap, good == states[i].good, "the state '%s'", states[i].state);
        if (good) {
            tap_is(tap, oci_s3_state_format(&state, pool), states[i].state,
                   "it is formatted");
        }
    }
}

/* Room for three buffers of 1000 bytes. */
static void check_memory(tap_t *tap, apr_pool_t *pool)
{
    oci_s3_memory_t *memory;
    char *large, *small, *none;

    oci_s3_memory_create(&memory, 1000, 3999, pool);
    tap_ok(tap, oci_s3_memory_most(memory) == 3000, "whole buffers count");
    tap_ok(tap,
           !oci_s3_memory_take(&large, memory, 1001, 0)
               && !oci_s3_memory_take(&small, memory, 10, 0),
           "a large buffer and a small one");
    memset(large, 1, 1001);
    tap_ok(tap, oci_s3_memory_take(&none, memory, 1, 0) == APR_TIMEUP && !none,
           "the large one counts for two");
    oci_s3_memory_give(memory, small, 10);
    tap_ok(tap, oci_s3_memory_take(&none, memory, 1001, 0) == APR_TIMEUP,
           "one is free, which is too little");
    oci_s3_memory_give(memory, large, 1001);
    tap_ok(tap, !oci_s3_memory_take(&large, memory, 3000, 0),
           "all that was given back can be taken");
    oci_s3_memory_give(memory, large, 3000);
}

int main(void)
{
    apr_pool_t *pool = start_pool();
    tap_t tap = { 0, 0 };

    check_keys(&tap, pool);
    check_states(&tap, pool);
    check_memory(&tap, pool);
    return tap_done(&tap);
}
