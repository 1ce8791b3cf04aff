/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file name.h
 * @brief Repository names and tags (distribution-spec, "Pulling manifests")
 */

#ifndef OCI_NAME_H
#define OCI_NAME_H

/** The longest repository name, component of one, and tag, in bytes.  A
 * component can be a file's name with a mark added. */
#define OCI_NAME_MAX      255
#define OCI_COMPONENT_MAX 254
#define OCI_TAG_MAX       128

/** Whether text is a repository name of any depth. */
int oci_name_valid(const char *text);

/** Whether text is a tag. */
int oci_tag_valid(const char *text);

#endif /* OCI_NAME_H */
