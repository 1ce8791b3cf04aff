/* SPDX-License-Identifier: Apache-2.0 */

/* The command "rm": deletes a tag, a manifest, a blob or a repository, as the
 * API does.  It asks first, and deletes only what it has named. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apr_strings.h"

#include "admin/arguments.h"
#include "admin/interrupt.h"
#include "admin/look/repository_facts.h"
#include "admin/reference.h"
#include "admin/rm.h"
#include "admin/rm_repository.h"
#include "admin/terminal.h"
#include "gc/gc_named.h"
#include "registry/blob.h"
#include "registry/keys.h"
#include "registry/manifest.h"
#include "registry/manifest_delete.h"
#include "registry/repository.h"
#include "registry/tag.h"

const char oci_rm_usage[] =
    " [--yes] NAME:TAG|NAME@DIGEST STORES\n"
    "ociadmin rm [--yes] --recursive NAME STORES\n"
    "    Delete a tag, a manifest with its tags, a blob, or a repository with\n"
    "    all that it holds; httpd may run.  Garbage collection frees the\n"
    "    space.  Tags that OCIImmutable protects are deleted as well.\n"
    "      --recursive  delete the repository NAME\n"
    "      --yes        do not ask; needed unless standard input is a\n"
    "                   terminal\n";

typedef struct removal_plan_t {
    const oci_reference_t *reference;
    const char *digest; /* of the manifest or blob, or that the tag names;
                           NULL for a repository */
    int is_blob;
    apr_array_header_t *tags; /* const char *: of the manifest */
    int asks;                 /* whether the plan was shown, and agreed to */
    apr_pool_t *pool;
} removal_plan_t;

/* Find out what a digest or a tag stands for. */
static const char *find(removal_plan_t *plan)
{
    const oci_reference_t *reference = plan->reference;
    const oci_repository_t *repository = &reference->repository;
    apr_pool_t *pool = plan->pool;
    oci_error_t *error;
    int manifest = 0, held = 0;

    error = oci_manifest_resolve(&plan->digest, repository,
                                 oci_reference_end(reference), pool);
    if (!error && reference->tag) {
        return plan->digest
            ? NULL
            : oci_reference_explain_absence(reference, "tag", pool);
    }
    if (!error) {
        error = oci_fact_exists(&manifest, repository->registry,
                                oci_key_manifest(pool, repository->name,
                                                 plan->digest),
                                pool);
    }
    if (!error && manifest) {
        error = oci_tag_list_naming(&plan->tags, repository, plan->digest,
                                    pool);
    }
    else if (!error) {
        error = oci_fact_exists(&held, repository->registry,
                                oci_key_held(pool, repository->name,
                                             plan->digest),
                                pool);
    }
    if (error) {
        return oci_error_text(error, pool);
    }
    plan->is_blob = held;
    return manifest || held
        ? NULL
        : oci_reference_explain_absence(reference, "manifest or blob", pool);
}

/* Say whether manifests of the repository name what is to go. */
static const char *describe_namers(const removal_plan_t *plan)
{
    oci_gc_t gc = { .registry = plan->reference->repository.registry };
    oci_gc_named_t *named = oci_gc_named_make(&gc, &plan->reference->repository,
                                              0, plan->pool);
    oci_error_t *damaged;
    oci_error_t *error = oci_gc_named_read(&damaged, named, plan->pool);

    if (error || damaged) {
        fprintf(stderr, "ociadmin: %s\n",
                oci_error_text(error ? error : damaged, plan->pool));
    }
    return oci_gc_named_has(named, plan->digest)
        ? "  Manifests of the repository name it.  They will be incomplete.\n"
        : "";
}

static void describe_digest(const removal_plan_t *plan)
{
    const char *name = plan->reference->repository.name;
    int i;

    fprintf(stderr, "This deletes the %s %s@%s\n",
            plan->is_blob ? "blob" : "manifest", name, plan->digest);
    for (i = 0; plan->tags && i < plan->tags->nelts; i++) {
        fprintf(stderr, "  and its tag %s:%s\n", name,
                oci_terminal_text(APR_ARRAY_IDX(plan->tags, i, const char *),
                                  plan->pool));
    }
    fputs(describe_namers(plan), stderr);
}

static const char *describe_repository(const removal_plan_t *plan)
{
    const oci_repository_t *repository = &plan->reference->repository;
    oci_repository_facts_t facts;
    oci_error_t *error = oci_repository_facts(&facts, repository, plan->pool);

    if (error) {
        return oci_error_text(error, plan->pool);
    }
    fprintf(stderr,
            "This deletes the repository %s with %s, %s and all its blobs.\n",
            repository->name, oci_terminal_count(facts.tags, "tag", plan->pool),
            oci_terminal_count(facts.manifests, "manifest", plan->pool));
    return NULL;
}

/* Show what is to go, and ask. */
static const char *ask(removal_plan_t *plan)
{
    const oci_reference_t *reference = plan->reference;
    const char *error = NULL;
    char answer[16];

    if (!plan->digest) {
        error = describe_repository(plan);
    }
    else if (reference->tag) {
        fprintf(stderr,
                "This deletes the tag %s, which names %s.\n"
                "  The manifest stays.\n",
                reference->text, oci_terminal_text(plan->digest, plan->pool));
    }
    else {
        describe_digest(plan);
    }
    if (error) {
        return error;
    }
    fprintf(stderr, "Delete? [y/N] ");
    if (!fgets(answer, sizeof(answer), stdin)
        || (strcasecmp(answer, "y\n") && strcasecmp(answer, "yes\n"))) {
        return "nothing was deleted";
    }
    plan->asks = 1;
    return NULL;
}

/* Allow only tags that were shown to go with a manifest. */
static oci_error_t *may_delete(void *baton, const char *tag)
{
    const removal_plan_t *plan = baton;
    int i;

    for (i = 0; i < plan->tags->nelts; i++) {
        if (!strcmp(APR_ARRAY_IDX(plan->tags, i, const char *), tag)) {
            return NULL;
        }
    }
    return oci_error_make(plan->pool, OCI_E_MANIFEST_CHANGED, "tag", tag,
                          "nothing was deleted: the tag %s was pushed "
                          "meanwhile",
                          tag);
}

static const char *delete_content(removal_plan_t *plan)
{
    const oci_reference_t *reference = plan->reference;
    oci_deletion_t deletion = { .reference = oci_reference_end(reference) };
    oci_error_t *error;
    int i;

    if (plan->asks && reference->tag) {
        deletion.condition.match = apr_pstrcat(plan->pool, "\"", plan->digest,
                                               "\"", NULL);
    }
    else if (plan->asks) {
        deletion.may_delete = may_delete;
        deletion.baton = plan;
    }
    error = plan->is_blob
        ? oci_blob_delete(&reference->repository, plan->digest, plan->pool)
        : oci_manifest_delete(&reference->repository, &deletion, plan->pool);
    if (error && error->code == OCI_E_MANIFEST_CHANGED && reference->tag) {
        return "nothing was deleted: the tag was pushed meanwhile";
    }
    if (error) {
        return oci_error_text(error, plan->pool);
    }
    printf("deleted the %s %s\n",
           plan->is_blob        ? "blob"
               : reference->tag ? "tag"
                                : "manifest",
           reference->text);
    for (i = 0; plan->tags && i < plan->tags->nelts; i++) {
        printf("deleted its tag %s:%s\n", reference->repository.name,
               oci_terminal_text(APR_ARRAY_IDX(plan->tags, i, const char *),
                                 plan->pool));
    }
    return NULL;
}

static const char *delete_repository(const removal_plan_t *plan)
{
    const oci_repository_t *repository = &plan->reference->repository;
    oci_rm_counts_t counts;
    oci_error_t *error = oci_rm_repository(&counts, repository,
                                           oci_interrupt_pending, plan->pool);

    printf("deleted %s, %s and %s of the repository %s\n",
           oci_terminal_count(counts.tags, "tag", plan->pool),
           oci_terminal_count(counts.manifests, "manifest", plan->pool),
           oci_terminal_count(counts.blobs, "blob", plan->pool),
           repository->name);
    return error ? oci_error_text(error, plan->pool) : NULL;
}

static const char *find_repository(const removal_plan_t *plan)
{
    int exists;
    oci_error_t *error = oci_repository_exists(&exists,
                                               &plan->reference->repository,
                                               plan->pool);

    if (error) {
        return oci_error_text(error, plan->pool);
    }
    return exists ? NULL
                  : apr_psprintf(plan->pool, "there is no repository %s",
                                 plan->reference->repository.name);
}

static const char *run(const oci_arguments_t *given,
                       const oci_reference_t *reference)
{
    removal_plan_t plan = { .reference = reference, .pool = given->pool };
    const char *error = given->recursive ? find_repository(&plan) : find(&plan);

    if (!error && !given->yes) {
        error = ask(&plan);
    }
    if (error) {
        return error;
    }
    oci_interrupt_block();
    return given->recursive ? delete_repository(&plan) : delete_content(&plan);
}

static const char *check(const oci_arguments_t *given,
                         const oci_reference_t *reference)
{
    int whole = !reference->tag && !reference->digest;

    if (whole && !given->recursive) {
        return "a whole repository is deleted only with --recursive; to delete "
               "less, write NAME:TAG or NAME@DIGEST";
    }
    if (!whole && given->recursive) {
        return "--recursive deletes a whole repository: write its name without "
               "a tag or digest";
    }
    return given->yes || isatty(STDIN_FILENO)
        ? NULL
        : "standard input is not a terminal, so nobody can be asked; use --yes "
          "to delete without a question";
}

oci_outcome_e oci_rm_command(const char **error, apr_getopt_t *arguments,
                             apr_pool_t *pool)
{
    oci_arguments_t given = { .command = "rm",
                              .accepted = OCI_ACCEPTS_NAME | OCI_NEEDS_NAME
                                  | OCI_ACCEPTS_RECURSIVE | OCI_ACCEPTS_YES,
                              .pool = pool };
    oci_reference_t reference;

    if ((*error = oci_arguments_parse(&given, arguments))
        || (*error = oci_reference_parse(&reference, &given.stores.registry,
                                         given.name, pool))
        || (*error = check(&given, &reference))) {
        return OCI_USAGE;
    }
    *error = oci_stores_open(&given.stores);
    if (!*error) {
        *error = oci_stores_check_pair(&given.stores);
    }
    if (!*error) {
        *error = run(&given, &reference);
    }
    return *error ? OCI_FAILED : OCI_DONE;
}
