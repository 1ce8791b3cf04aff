/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file interrupt.h
 * @brief SIGINT and SIGTERM, polled at the points where work can be stopped
 */

#ifndef OCI_INTERRUPT_H
#define OCI_INTERRUPT_H

/** Block both signals: they stay pending and no longer end the process.  A
 * program that is started afterwards inherits this, so open the stores first:
 * that may start httpd. */
void oci_interrupt_block(void);

/** Return 1 if one of the blocked signals is pending, otherwise 0. */
int oci_interrupt_pending(void);

#endif /* OCI_INTERRUPT_H */
