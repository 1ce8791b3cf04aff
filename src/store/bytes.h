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
 * @file bytes.h
 * @brief Numbers and checksums in files, the same on every machine
 */

#ifndef OCI_BYTES_H
#define OCI_BYTES_H

#include "apr.h"

/** Write a number as count bytes, the most significant one first. */
void oci_bytes_put(char *bytes, apr_uint64_t number, int count);

/** Read a number of count bytes. */
apr_uint64_t oci_bytes_get(const char *bytes, int count);

/**
 * A checksum, which tells damage, not malice.
 * @param seed Sums of the same bytes with other seeds differ
 */
apr_uint64_t oci_bytes_sum(apr_uint64_t seed, const char *data,
                           apr_size_t size);

#endif /* OCI_BYTES_H */
