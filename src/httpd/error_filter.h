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
 * @file error_filter.h
 * @brief The errors that httpd raises itself, in the registry's words
 */

#ifndef OCI_ERROR_FILTER_H
#define OCI_ERROR_FILTER_H

/** Register the filter and the hook that inserts it. */
void oci_error_filter_register(void);

#endif /* OCI_ERROR_FILTER_H */
