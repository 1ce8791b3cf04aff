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
