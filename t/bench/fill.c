/* SPDX-License-Identifier: Apache-2.0 */

/* fill: write a large registry through the registry layer.
 *
 *     fill DIR REPOSITORIES BLOBS MANIFESTS
 *
 * DIR is that of an "fs" blob store with an "fs" index beside it; root works
 * there as its owner.  Each of the
 * repositories "r/<number>" gets one image of so many blobs of its own.  The
 * repository "big" gets so many images that share a layer; each has a config
 * of its own. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "registry/manifest_change.h"
#include "registry/pairing.h"
#include "registry/upload.h"
#include "registry/upload_write.h"
#include "store/fs/fs_blobs.h"
#include "store/fs/fs_index.h"
#include "values/digest.h"

#define TYPE "application/vnd.oci.image.manifest.v1+json"

static void check(const oci_error_t *error)
{
    if (error) {
        fprintf(stderr, "fill: %s\n",
                error->note ? error->note : error->message);
        exit(1);
    }
}

/* Push a blob; returns its descriptor. */
static const char *push_blob(const oci_repository_t *repository,
                             const char *text, apr_pool_t *pool)
{
    struct iovec vec = { (void *)text, strlen(text) };
    const char *digest = oci_digest_of(OCI_SHA256, text, vec.iov_len, pool);
    oci_upload_t *upload;

    check(oci_upload_begin_once(&upload, repository, OCI_SHA256, pool));
    check(oci_upload_write(upload, &vec, 1, pool));
    oci_upload_hash(upload, &vec, 1);
    check(oci_upload_finish(upload, digest, pool));
    oci_upload_release(upload);
    return apr_psprintf(pool,
                        "{\"mediaType\":\"application/octet-stream\","
                        "\"digest\":\"%s\",\"size\":%d}",
                        digest, (int)vec.iov_len);
}

static void push_manifest(const oci_repository_t *repository, const char *tag,
                          const char *config, const char *layers,
                          apr_pool_t *pool)
{
    const char *text = apr_psprintf(pool,
                                    "{\"schemaVersion\":2,\"mediaType\":"
                                    "\"" TYPE "\",\"config\":%s,\"layers\":"
                                    "[%s],\"annotations\":{\"tag\":\"%s\"}}",
                                    config, layers, tag);
    oci_push_t push = { .reference = tag,
                        .content_type = TYPE,
                        .data = text,
                        .size = strlen(text) };
    oci_pushed_t pushed;

    check(oci_manifest_put(&pushed, repository, &push, pool));
}

static void fill_repository(const oci_registry_t *registry, int number,
                            int blobs, apr_pool_t *pool)
{
    oci_repository_t repository = { registry,
                                    apr_psprintf(pool, "r/%06d", number) };
    apr_array_header_t *layers = apr_array_make(pool, blobs, sizeof(char *));
    const char *config = push_blob(&repository,
                                   apr_psprintf(pool, "config %d", number),
                                   pool);
    int i;

    for (i = 1; i < blobs; i++) {
        APR_ARRAY_PUSH(layers,
                       const char *) = push_blob(&repository,
                                                 apr_psprintf(pool,
                                                              "layer %d of %d",
                                                              i, number),
                                                 pool);
    }
    push_manifest(&repository, "latest", config,
                  apr_array_pstrcat(pool, layers, ','), pool);
}

static void fill_big(const oci_registry_t *registry, int manifests,
                     apr_pool_t *pool)
{
    oci_repository_t repository = { registry, "big" };
    const char *layer = push_blob(&repository, "layer", pool);
    apr_pool_t *scratch;
    int i;

    apr_pool_create(&scratch, pool);
    for (i = 0; i < manifests; i++) {
        const char *config = push_blob(&repository,
                                       apr_psprintf(scratch, "config %d of big",
                                                    i),
                                       scratch);

        push_manifest(&repository, apr_psprintf(scratch, "t%06d", i), config,
                      layer, scratch);
        apr_pool_clear(scratch);
    }
}

/* Become the owner of a directory. */
static void become_owner(const char *dir)
{
    struct stat st;

    if (stat(dir, &st)
        || (!getuid() && (setgid(st.st_gid) || setuid(st.st_uid)))) {
        fprintf(stderr, "fill: cannot work in %s\n", dir);
        exit(1);
    }
}

int main(int argc, const char *const *argv)
{
    oci_store_config_t config = { .base = "/" };
    oci_registry_t registry = { 0 };
    oci_pairing_state_t pairing = { 0 };
    apr_pool_t *pool, *scratch;
    int i;

    apr_app_initialize(&argc, &argv, NULL);
    apr_pool_create(&pool, NULL);
    apr_pool_create(&scratch, pool);
    if (argc != 5) {
        fprintf(stderr, "usage: fill DIR REPOSITORIES BLOBS MANIFESTS\n");
        return 2;
    }
    become_owner(argv[1]);
    config.location = argv[1];
    registry.pairing = &pairing;
    if (oci_blob_fs.create(&registry.blobs, &config, pool)
        || oci_index_fs.create(&registry.index, &config, pool)
        || oci_blob_fs.start(registry.blobs, getuid(), getgid(), pool)
        || oci_index_fs.start(registry.index, getuid(), getgid(), pool)) {
        fprintf(stderr, "fill: cannot use %s\n", argv[1]);
        return 1;
    }
    check(oci_pairing_check(&registry, 1, pool));
    for (i = 0; i < atoi(argv[2]); i++) {
        fill_repository(&registry, i, atoi(argv[3]), scratch);
        apr_pool_clear(scratch);
    }
    fill_big(&registry, atoi(argv[4]), pool);
    return 0;
}
