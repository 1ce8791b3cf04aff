/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbd_signals.h
 * @brief Calls of SQLite that no signal may end half-way
 *
 * The prefork MPM ends a child in the handler of a signal, in the middle of a
 * request, and closes all databases there.  If the signal came while SQLite
 * held one of its locks, the child would wait for itself until httpd kills it.
 */

#ifndef OCI_DBD_SIGNALS_H
#define OCI_DBD_SIGNALS_H

#include <signal.h>

/**
 * Put off the signals with which httpd ends a process, for this thread.
 * @param before Set to the signals that were blocked before
 */
void oci_dbd_signals_hold(sigset_t *before);

/**
 * Let them come again.  What was put off is handled before this returns.
 * @param before As oci_dbd_signals_hold set it
 */
void oci_dbd_signals_release(const sigset_t *before);

#endif /* OCI_DBD_SIGNALS_H */
