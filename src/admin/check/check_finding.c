/* SPDX-License-Identifier: Apache-2.0 */

/* What the command "check" finds: what each kind of finding means for users,
 * what mends it, and how it is printed. */

#include <stdio.h>

#include "apr_strings.h"

#include "admin/check/check_finding.h"
#include "admin/terminal.h"

/* What --repair does. */
#define ADDS    "--repair adds it"
#define REMOVES "--repair removes it"
#define SETS    "--repair corrects it"
#define FORGETS \
    "--repair removes the entry of the blob, so that the next push restores it"

static const struct {
    const char *name;
    int damage; /* whether users can notice it */
    const char *meaning;
    const char *mend;   /* what --repair does, or NULL */
    const char *remedy; /* what the user can do if --repair does nothing */
} faults[] = {
    [OCI_FAULT_TAG_INVALID] = { "tag-invalid", 1, "pulls of the tag fail", NULL,
                                "delete the tag, and push it again" },
    [OCI_FAULT_TAG_DANGLING] = { "tag-without-manifest", 1,
                                 "pulls of the tag fail", NULL,
                                 "push it again, or delete the tag" },
    [OCI_FAULT_TAG_BROKEN] = { "tag-broken", 1,
                               "pulls of the tag fail or are incomplete", NULL,
                               "push it again" },
    [OCI_FAULT_TAGGED_MISSING] = { "tagged-missing", 1,
                                   "the tag would outlive its manifest", ADDS,
                                   NULL },
    [OCI_FAULT_TAGGED_STALE] = { "tagged-stale", 0, "no user notices", REMOVES,
                                 NULL },
    [OCI_FAULT_MANIFEST_DAMAGED] = { "manifest-damaged", 1,
                                     "pulls of it fail, and garbage collection "
                                     "skips the repository",
                                     "--repair removes the manifest; then push "
                                     "it again",
                                     NULL },
    [OCI_FAULT_MANIFEST_INVALID] = { "manifest-invalid", 1,
                                     "garbage collection skips the repository",
                                     NULL,
                                     "delete the manifest, and push it again" },
    [OCI_FAULT_MEDIA_TYPE] = { "media-type-wrong", 1,
                               "clients may refuse the manifest", SETS, NULL },
    [OCI_FAULT_CONTENT_MISSING] = { "content-missing", 1,
                                    "pulls of the manifest are incomplete",
                                    ADDS, "push the image again" },
    [OCI_FAULT_CONTENT_SIZE] = { "content-size", 1,
                                 "clients may refuse the manifest", NULL,
                                 "push the image again" },
    [OCI_FAULT_HELD_INVALID] = { "held-invalid", 1, "pulls of the blob fail",
                                 SETS, NULL },
    [OCI_FAULT_HELD_UNRECORDED] = { "held-unrecorded", 1,
                                    "pulls of the blob fail", FORGETS, NULL },
    [OCI_FAULT_HELD_CONDEMNED] = { "held-condemned", 0, "no user notices", SETS,
                                   NULL },
    [OCI_FAULT_HOLDER_MISSING] = { "holder-missing", 1,
                                   "garbage collection could delete the blob",
                                   ADDS, NULL },
    [OCI_FAULT_HOLDER_STALE] = { "holder-stale", 0, "no user notices", REMOVES,
                                 NULL },
    [OCI_FAULT_RECORD_INVALID] = { "record-invalid", 1,
                                   "pulls of the blob fail", SETS,
                                   "push the blob again" },
    [OCI_FAULT_RECORD_MISSING] = { "record-missing", 1,
                                   "pulls of the blob fail", ADDS,
                                   "push the blob again" },
    [OCI_FAULT_RECORD_UNHELD] = { "record-unheld", 0, "it wastes space",
                                  "--repair lets garbage collection delete it",
                                  NULL },
    [OCI_FAULT_BYTES_LOST] = { "bytes-lost", 1, "pulls of the blob fail",
                               FORGETS, "push the blob again" },
    [OCI_FAULT_BYTES_UNREADABLE] = { "bytes-unreadable", 1,
                                     "pulls of the blob fail", NULL,
                                     "change the permissions so that the user "
                                     "of httpd can read the file" },
    [OCI_FAULT_BYTES_WRONG] = { "bytes-wrong", 1, "clients refuse the blob",
                                "--repair deletes the bytes and the entry of "
                                "the blob, so that the next push restores it",
                                NULL },
    [OCI_FAULT_BYTES_UNRECORDED] = { "bytes-unrecorded", 0, "they waste space",
                                     NULL,
                                     "the next complete garbage collection "
                                     "deletes them" },
    [OCI_FAULT_CATALOG_MISSING] = { "catalog-missing", 1,
                                    "the catalog and garbage collection do not "
                                    "know the repository",
                                    ADDS, NULL },
    [OCI_FAULT_CATALOG_STALE] = { "catalog-stale", 0,
                                  "the catalog lists a repository that has "
                                  "nothing",
                                  REMOVES, NULL },
    [OCI_FAULT_REFERRER_MISSING] = { "referrer-missing", 1,
                                     "clients do not find it by its subject",
                                     ADDS, NULL },
    [OCI_FAULT_REFERRER_WRONG] = { "referrer-wrong", 1,
                                   "clients get a wrong descriptor", SETS,
                                   NULL },
    [OCI_FAULT_REFERRER_STALE] = { "referrer-stale", 1,
                                   "clients find a wrong referrer", REMOVES,
                                   NULL },
    [OCI_FAULT_PENDING_STALE] = { "pending-stale", 0, "no user notices",
                                  REMOVES, NULL },
    [OCI_FAULT_MARK_STALE] = { "mark-stale", 0, "no user notices", REMOVES,
                               NULL },
    [OCI_FAULT_UPLOAD_INVALID] = { "upload-invalid", 1,
                                   "the upload cannot be continued",
                                   "--repair ends it", NULL },
    [OCI_FAULT_VALUE_INVALID] = { "value-invalid", 1,
                                  "the registry cannot use it", SETS, NULL },
    [OCI_FAULT_KEY_FOREIGN] = { "key-foreign", 0,
                                "the registry does not use it", NULL,
                                "remove it by hand" },
};

int oci_finding_is_mendable(const oci_finding_t *finding)
{
    return finding->changes || finding->mend;
}

int oci_finding_is_damage(const oci_finding_t *finding)
{
    return faults[finding->fault].damage;
}

/* What is wrong: NAME:TAG, NAME@DIGEST, NAME, DIGEST or a key. */
static const char *subject_of(const oci_finding_t *finding, apr_pool_t *pool)
{
    const char *name = finding->repository;

    if (finding->key) {
        return finding->key;
    }
    if (name && finding->tag) {
        return apr_pstrcat(pool, name, ":", finding->tag, NULL);
    }
    if (name && finding->digest) {
        return apr_pstrcat(pool, name, "@", finding->digest, NULL);
    }
    return name ? name : finding->digest;
}

static const char *remedy_of(const oci_finding_t *finding)
{
    if (finding->mended) {
        return "mended";
    }
    if (finding->remedy) {
        return finding->remedy;
    }
    return oci_finding_is_mendable(finding) ? faults[finding->fault].mend
                                            : faults[finding->fault].remedy;
}

static const char *member(const char *name, const char *text, apr_pool_t *pool)
{
    return text ? apr_pstrcat(pool, ", \"", name,
                              "\": ", oci_terminal_quote(text, pool), NULL)
                : "";
}

/* The repositories that hold a blob, each escaped, with commas. */
static const char *join_holders(const oci_finding_t *finding,
                                const char *(*escape)(const char *,
                                                      apr_pool_t *),
                                apr_pool_t *pool)
{
    const apr_array_header_t *holders = finding->holders;
    apr_array_header_t *names = apr_array_make(pool, holders->nelts,
                                               sizeof(char *));
    int i;

    for (i = 0; i < holders->nelts; i++) {
        APR_ARRAY_PUSH(names,
                       const char *) = escape(APR_ARRAY_IDX(holders, i,
                                                            const char *),
                                              pool);
    }
    return apr_array_pstrcat(pool, names, ',');
}

/* The repositories that hold a blob, as a member of a JSON object. */
static const char *holders_member(const oci_finding_t *finding,
                                  apr_pool_t *pool)
{
    return finding->holders
        ? apr_pstrcat(pool, ", \"repositories\": [",
                      join_holders(finding, oci_terminal_quote, pool), "]",
                      NULL)
        : "";
}

static void print_json(const oci_finding_t *finding, apr_pool_t *pool)
{
    printf("{\"finding\": \"%s\", \"kind\": \"%s\"%s%s%s%s%s%s%s%s, "
           "\"mended\": %s}\n",
           faults[finding->fault].name,
           oci_finding_is_damage(finding) ? "damage" : "leftover",
           member("repository", finding->repository, pool),
           member("tag", finding->tag, pool),
           member("digest", finding->digest, pool),
           member("key", finding->key, pool), holders_member(finding, pool),
           member("what", finding->detail, pool),
           member("meaning", faults[finding->fault].meaning, pool),
           member("remedy", remedy_of(finding), pool),
           finding->mended ? "true" : "false");
}

void oci_finding_print(const oci_finding_t *finding, int json, apr_pool_t *pool)
{
    const char *holders = "";

    if (json) {
        print_json(finding, pool);
        return;
    }
    if (finding->holders && finding->holders->nelts) {
        holders = apr_pstrcat(pool, " (a blob of ",
                              join_holders(finding, oci_terminal_text, pool),
                              ")", NULL);
    }
    printf("%s: %s%s; %s; %s\n",
           oci_terminal_text(subject_of(finding, pool), pool),
           oci_terminal_text(finding->detail, pool), holders,
           faults[finding->fault].meaning, remedy_of(finding));
}
