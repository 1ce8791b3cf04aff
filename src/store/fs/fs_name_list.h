/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file fs_name_list.h
 * @brief A sorted list of names that is cheap to change
 */

#ifndef OCI_FS_NAME_LIST_H
#define OCI_FS_NAME_LIST_H

#include "apr.h"
#include "apr_tables.h"

/** Some of the names. */
typedef struct oci_fs_name_chunk_t oci_fs_name_chunk_t;

/** Names in bytewise order, each once.  All zero is the empty list.  The
 * memory comes from malloc(3), so that removed names take none. */
typedef struct oci_fs_name_list_t {
    oci_fs_name_chunk_t **chunks; /* in order; none is empty */
    int used;                     /* chunks */
    int room;                     /* for chunks */
    int count;                    /* names */
    apr_size_t bytes;             /* about what the names take */
} oci_fs_name_list_t;

/** Add a copy of a name, unless it is there. */
void oci_fs_name_list_add(oci_fs_name_list_t *list, const char *name);

/** Remove a name, if it is there. */
void oci_fs_name_list_remove(oci_fs_name_list_t *list, const char *name);

/**
 * Copy a part of the list.
 * @param names Receives const char *, copied into its pool
 * @param after The first name may be this or greater; NULL for all
 * @param past Whether the first name must be greater than after
 * @param limit At most this many
 * @return Whether more names follow
 */
int oci_fs_name_list_copy(apr_array_header_t *names,
                          const oci_fs_name_list_t *list, const char *after,
                          int past, int limit);

/** Add the names of one list to another. */
void oci_fs_name_list_add_all(oci_fs_name_list_t *list,
                              const oci_fs_name_list_t *from);

/** Remove the names of one list from another. */
void oci_fs_name_list_remove_all(oci_fs_name_list_t *list,
                                 const oci_fs_name_list_t *from);

/** Remove all names. */
void oci_fs_name_list_clear(oci_fs_name_list_t *list);

#endif /* OCI_FS_NAME_LIST_H */
