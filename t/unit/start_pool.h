/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file start_pool.h
 * @brief The memory pool of a test program
 */

#ifndef START_POOL_H
#define START_POOL_H

#include <stdlib.h>

#include "apr_general.h"
#include "apr_pools.h"

/** Start APR, and return a pool that lives until the program ends. */
static inline apr_pool_t *start_pool(void)
{
    apr_pool_t *pool;

    if (apr_initialize() || atexit(apr_terminate)
        || apr_pool_create(&pool, NULL)) {
        abort();
    }
    return pool;
}

#endif /* START_POOL_H */
