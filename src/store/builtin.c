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

#include "store/blob_fs.h"
#include "store/builtin.h"
#include "store/index_dbd.h"
#include "store/index_dbm.h"
#include "store/index_fs.h"

const oci_builtin_t oci_builtins[] = {
    { OCI_BLOB_STORE_GROUP, "fs", &oci_blob_fs },
    { OCI_INDEX_GROUP, "dbd", &oci_index_dbd },
    { OCI_INDEX_GROUP, "dbm", &oci_index_dbm },
    { OCI_INDEX_GROUP, "fs", &oci_index_fs },
    { NULL, NULL, NULL }
};
