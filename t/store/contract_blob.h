/* SPDX-License-Identifier: Apache-2.0 */

/* The helpers of the contract tests for blob stores:
 *
 *     program [provider[:type] [location [module.so record]]]
 *
 * location is the path of a new store; without arguments "fs" is tested. */

#ifndef OCI_CONTRACT_BLOB_H
#define OCI_CONTRACT_BLOB_H

#include "contract_module.h"
#include "registry/blob_source.h"

#define DIGEST(x) "sha256:" x x x x x x x x x x x x x x x x
#define ALL       (-1)

typedef struct test_t {
    run_t *run;
    const oci_blob_store_provider_t *provider;
    oci_store_config_t config;
    oci_blob_store_t *store;
    int ready[2]; /* a gate, see contract.h */
} test_t;

/* Open the store of t->config, and report the result. */
static inline int open_store(test_t *t)
{
    const char *error = t->provider->create(&t->store, &t->config,
                                            t->run->pool);

    if (!error) {
        t->provider = t->store->provider;
        error = t->provider->check ? t->provider->check(t->store, t->run->pool)
                                   : NULL;
    }
    if (!error) {
        error = t->provider->start(t->store, getuid(), getgid(), t->run->pool);
    }
    return tap_is(&t->run->tap, error, NULL, "a store is opened");
}

/* Begin the run, and open the store that the arguments name.  Returns whether
 * that succeeds. */
static inline int begin_store(test_t *t, int argc, char **argv)
{
    static char *default_arguments[] = { "", "fs" };

    begin(t->run);
    t->provider = named_provider(&t->config, t->run, OCI_BLOB_STORE_GROUP,
                                 argc > 1 ? argc : 2,
                                 argc > 1 ? argv : default_arguments);
    return t->provider && open_store(t);
}

/* Do one request of an upload, up to its close: open, resume after size bytes,
 * write text.  Of a remote store, size is 0. */
static inline apr_status_t request(oci_blob_writer_t **writer, test_t *t,
                                   const char *id, apr_off_t size,
                                   const char *text, apr_pool_t *pool)
{
    struct iovec vec = { (char *)text, strlen(text) };
    const char *state;
    apr_status_t rv;

    if (!(rv = t->provider->upload_open(writer, t->store, id, pool))
        && !(rv = t->provider->upload_resume(*writer, size, NULL))
        && !(rv = t->provider->upload_write(*writer, &vec, 1))) {
        rv = t->provider->upload_close(&state, *writer, 1, pool);
    }
    return rv;
}

/* Do a complete upload; return its locator, or NULL. */
static inline const char *push(test_t *t, const char *id, const char *digest,
                               const char *text, apr_pool_t *pool)
{
    const char *locator = NULL;
    oci_blob_writer_t *writer;
    apr_pool_t *request_pool = make_pool();

    if (request(&writer, t, id, 0, text, request_pool)
        || t->provider->upload_commit(&locator, writer, digest, 1, pool)
        || t->provider->upload_abort(writer)) {
        locator = NULL;
    }
    apr_pool_destroy(request_pool);
    return locator;
}

/* Return the content of an open blob as a string. */
static inline const char *content_of(const oci_blob_source_t *source,
                                     apr_pool_t *pool)
{
    char *text = apr_pcalloc(pool, source->size + 2);
    apr_size_t length = 1, at;

    for (at = 0; length; at += length) {
        length = source->size + 1 - at;
        if (oci_blob_source_read(source, at, text + at, &length)
            || at + length > (apr_size_t)source->size) {
            return "(failed)";
        }
    }
    return text;
}

/* Return a blob's content as a string, or an error in parentheses. */
static inline const char *pull(test_t *t, const char *locator, apr_pool_t *pool)
{
    oci_blob_source_t source = { 0 };
    apr_status_t rv = t->provider->blob_open(&source, t->store, locator,
                                             OCI_OPEN_SENDFILE, pool);
    apr_off_t size;

    if (rv != t->provider->blob_size(&size, t->store, locator, pool)) {
        return "(open and size differ)";
    }
    if (rv != APR_SUCCESS) {
        return rv == APR_NOTFOUND ? "(not found)" : "(failed)";
    }
    return size == source.size ? content_of(&source, pool) : "(sizes differ)";
}

#endif /* OCI_CONTRACT_BLOB_H */
