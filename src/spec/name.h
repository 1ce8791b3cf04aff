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
 * @file name.h
 * @brief Repository names and tags (distribution-spec, "Pulling manifests")
 */

#ifndef OCI_NAME_H
#define OCI_NAME_H

/** The longest repository name, component of one, and tag, in bytes.  A
 * component can be a file's name with a mark added. */
#define OCI_NAME_MAX 255
#define OCI_COMPONENT_MAX 254
#define OCI_TAG_MAX  128

/** Whether text is a repository name of any depth. */
int oci_name_valid(const char *text);

/** Whether text is a tag. */
int oci_tag_valid(const char *text);

#endif /* OCI_NAME_H */
