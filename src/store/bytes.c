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

#include "store/bytes.h"

void oci_bytes_put(char *bytes, apr_uint64_t number, int count)
{
    while (count--) {
        bytes[count] = (char)(number & 0xff);
        number >>= 8;
    }
}

apr_uint64_t oci_bytes_get(const char *bytes, int count)
{
    apr_uint64_t number = 0;

    while (count--) {
        number = number << 8 | (unsigned char)*bytes++;
    }
    return number;
}

/* Written out, compilers see that it is one load. */
static apr_uint64_t word_at(const char *data)
{
    const unsigned char *byte = (const unsigned char *)data;

    return (apr_uint64_t)byte[0] << 56 | (apr_uint64_t)byte[1] << 48
           | (apr_uint64_t)byte[2] << 40 | (apr_uint64_t)byte[3] << 32
           | (apr_uint64_t)byte[4] << 24 | (apr_uint64_t)byte[5] << 16
           | (apr_uint64_t)byte[6] << 8 | (apr_uint64_t)byte[7];
}

/* Each step maps sums one to one, so that what differs in a single word is
 * always told apart. */
static apr_uint64_t mix(apr_uint64_t sum, apr_uint64_t word)
{
    sum = (sum ^ word) * APR_UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ sum >> 32;
}

apr_uint64_t oci_bytes_sum(apr_uint64_t seed, const char *data,
                           apr_size_t size)
{
    apr_uint64_t sum = mix(~seed, size);

    for (; size >= 8; data += 8, size -= 8) {
        sum = mix(sum, word_at(data));
    }
    return mix(sum, oci_bytes_get(data, (int)size));
}
