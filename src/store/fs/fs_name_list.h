/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file fs_name_list.h
 * @brief A sorted list of names that is cheap to change
 */

#ifndef OCI_FS_NAME_LIST_H
#define OCI_FS_NAME_LIST_H

#include "apr.h"
#include "apr_tables.h"

/** A chunk: some consecutive names. */
typedef struct oci_fs_name_chunk_t oci_fs_name_chunk_t;

/**
 * Names in bytewise order, without duplicates.  A struct of zeros is an empty
 * list.  The memory comes from malloc(3), so that removed names use none.
 */
typedef struct oci_fs_name_list_t {
    oci_fs_name_chunk_t **chunks; /* in order, none of them empty */
    int used;                     /* the number of chunks */
    int room;                     /* chunks that fit in the array */
    int count;                    /* names */
    apr_size_t bytes;             /* approximate memory of the names */
} oci_fs_name_list_t;

/** Add a copy of a name, unless the list has it. */
void oci_fs_name_list_add(oci_fs_name_list_t *list, const char *name);

/** Remove a name, if the list has it. */
void oci_fs_name_list_remove(oci_fs_name_list_t *list, const char *name);

/**
 * Copy a part of the list.
 * @param names Receives const char *, copied into the array's pool
 * @param after The first name is this or greater; NULL for all
 * @param past Whether the first name must be greater than after
 * @param limit The maximum number of names
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
