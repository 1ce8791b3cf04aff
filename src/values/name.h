/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file name.h
 * @brief Repository names and tags (distribution-spec, "Pulling manifests")
 */

#ifndef OCI_NAME_H
#define OCI_NAME_H

/** The longest repository name, component of a name, and tag, in bytes.  A
 * component plus one byte is still a valid file name. */
#define OCI_NAME_MAX      255
#define OCI_COMPONENT_MAX 254
#define OCI_TAG_MAX       128

/** Return 1 if text is a valid repository name, with any depth. */
int oci_name_valid(const char *text);

/** Return 1 if text is a valid tag. */
int oci_tag_valid(const char *text);

#endif /* OCI_NAME_H */
