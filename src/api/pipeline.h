/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file pipeline.h
 * @brief A pipeline of three stages, run by one thread or by two
 *
 * A batch is data that passes through all stages, one after the other, in one
 * thread.  Only one thread is in a stage at a time, and batches pass each stage
 * in their order.  So data that only one stage uses needs no lock.  While one
 * thread is in a later stage, the other one begins the next batch.
 *
 * The second thread begins a batch only after the first thread has read one: if
 * there is no data, only the first thread waits for it.
 */

#ifndef OCI_PIPELINE_H
#define OCI_PIPELINE_H

#include "apr_pools.h"

#define OCI_PIPELINE_STAGES 3

typedef struct oci_pipeline_t oci_pipeline_t;

/**
 * A stage.
 * @param batch The batch of the calling thread
 * @return For the first stage: 1 if this is the last batch.  After that, it
 *         returns 1 each time that it is called.  Other stages' results are
 *         ignored
 */
typedef int oci_pipeline_stage_t(void *batch);

/**
 * Make a pipeline for one thread.
 * @param stages OCI_PIPELINE_STAGES functions; not copied
 * @param pool The pipeline lives in it.  With two threads, only the first stage
 *        may use this pool
 */
oci_pipeline_t *oci_pipeline_make(oci_pipeline_stage_t *const *stages,
                                  apr_pool_t *pool);

/**
 * Pass a batch through all stages, in the first thread.
 * @return 1 if it was the last batch, otherwise 0
 */
int oci_pipeline_run_batch(oci_pipeline_t *pipeline, void *batch);

/**
 * Start a second thread, which runs batches until the last one.  The first
 * thread calls this between two batches.
 * @param batch A batch for the second thread's use
 * @return APR_SUCCESS, or why there is no second thread; the pipeline works
 *         without it
 */
apr_status_t oci_pipeline_add_thread(oci_pipeline_t *pipeline, void *batch);

/**
 * Wait until all earlier batches have passed all stages.  Only the first stage
 * may call this.
 */
void oci_pipeline_drain(const oci_pipeline_t *pipeline);

/** After the last batch, wait until the second thread ends, if there is one. */
void oci_pipeline_end(oci_pipeline_t *pipeline);

#endif /* OCI_PIPELINE_H */
