/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file interrupt.h
 * @brief SIGINT and SIGTERM, looked for where work can be left
 */

#ifndef OCI_INTERRUPT_H
#define OCI_INTERRUPT_H

/** From now on they wait until they are looked for. */
void oci_interrupt_hold(void);

/** Whether one of them came. */
int oci_interrupt_wanted(void);

#endif /* OCI_INTERRUPT_H */
