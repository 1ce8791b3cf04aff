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
 * @file log_format.h
 * @brief What reading and writing a log have in common; change_log.c draws
 *        its form
 */

#ifndef OCI_LOG_FORMAT_H
#define OCI_LOG_FORMAT_H

#include "store/change_log.h"

#define OCI_LOG_WORDS  "mod_oci index log "
#define OCI_LOG_HEAD   16      /* of a record, bytes */
#define OCI_LOG_SYNCED 8       /* of a body, bytes */

/** Write the first line of the log of a number; its length. */
int oci_log_head_line(char line[64], apr_uint64_t number);

/** Read all of size bytes; APR_EOF where there are fewer. */
apr_status_t oci_log_read_at(int fd, char *bytes, apr_size_t size,
                             apr_off_t offset);

/** The checksum of a record that lies at offset. */
apr_uint64_t oci_log_sum(const oci_log_t *log, apr_off_t offset,
                         const char *body, apr_size_t size);

/** Whether bytes, left of them, begin with a record that lies at offset. */
int oci_log_is_record(const oci_log_t *log, apr_off_t offset,
                      const char *bytes, apr_size_t left);

#endif /* OCI_LOG_FORMAT_H */
