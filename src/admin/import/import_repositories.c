/* SPDX-License-Identifier: Apache-2.0 */

/* Imports one repository of another registry after the other. */

#include <errno.h>
#include <string.h>

#include "apr_strings.h"

#include "admin/import/import_repositories.h"
#include "admin/import/import_tree.h"
#include "admin/interrupt.h"
#include "values/name.h"

/* The depth of the directories that are searched: the longest name has fewer
 * components. */
#define DEPTH_MAX ((OCI_NAME_MAX + 1) / 2)

/* A walk through the directories of repositories. */
typedef struct repository_walk_t {
    oci_import_t *import;
    oci_error_t *error; /* of our stores, or NULL */
    apr_pool_t *pool;
} repository_walk_t;

static void skip_name(repository_walk_t *walk, const char *name,
                      const char *fault)
{
    oci_import_skip(walk->import, "repositories/%s: %s", name, fault);
}

static oci_error_t *import_content(repository_walk_t *walk, const char *name,
                                   int dir, apr_pool_t *pool)
{
    oci_repository_t repository = { walk->import->registry, name };
    oci_import_images_t *images;
    oci_error_t *error;

    oci_import_images_read(&images, walk->import, &repository, dir, pool);
    error = oci_import_layers(walk->import, &repository, dir, pool);
    if (!error && !oci_interrupt_pending()) {
        error = oci_import_images_put(images);
    }
    walk->import->report.repositories++;
    return error;
}

/* Import the repository in a directory. */
static void import_repository(repository_walk_t *walk, const char *name,
                              int dir)
{
    apr_pool_t *pool;
    apr_status_t rv;

    if (!oci_name_valid(name)) {
        skip_name(walk, name, "this is not a valid name of a repository here");
        return;
    }
    rv = apr_pool_create(&pool, walk->pool);
    if (rv != APR_SUCCESS) {
        walk->error = oci_error_storage(walk->pool, rv, "cannot import %s",
                                        name);
        return;
    }
    walk->error = import_content(walk, name, dir, pool);
    if (walk->error) {
        walk->error = oci_error_storage(walk->pool, APR_SUCCESS, "%s",
                                        oci_error_text(walk->error, pool));
    }
    apr_pool_destroy(pool);
}

/* Look for repositories in a directory and below it.  A name that begins with
 * "_" holds the content of a repository.
 * parent, path: of the directory
 * name: of its repository; "" at the top */
static void walk_dir(repository_walk_t *walk, int parent, const char *path,
                     const char *name, int depth)
{
    oci_import_dir_t dir;
    const char *entry;
    int found = 0;
    apr_pool_t *pool;
    apr_status_t rv = oci_import_dir_open(&dir, parent, path);

    if (apr_pool_create(&pool, walk->pool) != APR_SUCCESS) {
        rv = APR_ENOMEM;
    }
    while (rv == APR_SUCCESS && !walk->error && !oci_interrupt_pending()
           && (entry = oci_import_dir_next(&dir))) {
        if (*entry == '_') {
            found |= !strcmp(entry, "_layers") || !strcmp(entry, "_manifests");
        }
        else if (depth < DEPTH_MAX) {
            walk_dir(walk, dir.fd, entry,
                     *name ? apr_pstrcat(pool, name, "/", entry, NULL)
                           : apr_pstrdup(pool, entry),
                     depth + 1);
        }
    }
    rv = rv == APR_SUCCESS ? dir.rv : rv;
    if (rv != APR_SUCCESS && rv != ENOTDIR && rv != ENOENT) {
        skip_name(walk, name, oci_import_fault(rv, walk->pool));
    }
    if (found && !walk->error && !oci_interrupt_pending()) {
        import_repository(walk, name, dir.fd);
    }
    oci_import_dir_close(&dir);
    apr_pool_destroy(pool);
}

oci_error_t *oci_import_repositories(oci_import_t *import, apr_pool_t *pool)
{
    const oci_import_tree_t *tree = import->source;
    repository_walk_t walk = { import, NULL, pool };

    walk_dir(&walk, tree->repositories, ".", "", 0);
    return walk.error;
}
