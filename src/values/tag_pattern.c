/* SPDX-License-Identifier: Apache-2.0 */

/* Regular expressions for tags, and what a tag's form says. */

#include <ctype.h>
#include <regex.h>
#include <string.h>

#include "apr_strings.h"

#include "values/digest.h"
#include "values/tag_pattern.h"

struct oci_tag_pattern_t {
    regex_t regex;
};

static apr_status_t free_regex(void *pattern)
{
    regfree(&((oci_tag_pattern_t *)pattern)->regex);
    return APR_SUCCESS;
}

/* Return what a POSIX regular expression would silently understand in another
 * way than people mean it, or NULL. */
static const char *find_foreign(const char *text, apr_pool_t *pool)
{
    const char *p;

    for (p = text; *p; p++) {
        if (*p == '\\' && isalnum((unsigned char)p[1])) {
            return apr_pstrmemdup(pool, p, 2);
        }
        if (*p == '\\' && p[1]) {
            p++;
        }
        else if (*p == '(' && p[1] == '?') {
            return "(?";
        }
    }
    return NULL;
}

const char *oci_tag_pattern_compile(oci_tag_pattern_t **pattern,
                                    const char *text, apr_pool_t *pool)
{
    oci_tag_pattern_t *self = apr_pcalloc(pool, sizeof(*self));
    const char *foreign = find_foreign(text, pool);
    char reason[120];
    int status;

    if (foreign) {
        return apr_psprintf(pool,
                            "'%s' is not possible in '%s': expected a POSIX "
                            "extended regular expression, with [0-9] for a "
                            "digit",
                            foreign, text);
    }
    if (!*text) {
        return "the regular expression is empty: it would match no tag";
    }
    /* The text must be valid without the parentheses around it. */
    status = regcomp(&self->regex, text, REG_EXTENDED | REG_NOSUB);
    if (!status) {
        regfree(&self->regex);
        status = regcomp(&self->regex,
                         apr_pstrcat(pool, "^(", text, ")$", NULL),
                         REG_EXTENDED | REG_NOSUB);
    }
    if (status) {
        regerror(status, &self->regex, reason, sizeof(reason));
        return apr_psprintf(pool,
                            "'%s' is not a POSIX extended regular expression: "
                            "%s",
                            text, reason);
    }
    apr_pool_cleanup_register(pool, self, free_regex, apr_pool_cleanup_null);
    *pattern = self;
    return NULL;
}

int oci_tag_pattern_matches(const oci_tag_pattern_t *pattern, const char *tag)
{
    return !regexec(&pattern->regex, tag, 0, NULL, 0);
}

const char *oci_tag_subject(const char *tag, apr_pool_t *pool)
{
    static const char *const ends[] = { "", ".sig", ".att", ".sbom" };
    const char *dash = strchr(tag, '-');
    apr_size_t length;
    const char *digest;
    int i;

    if (!dash) {
        return NULL;
    }
    length = dash + 1 - tag + strcspn(dash + 1, ".");
    for (i = 0; i < 4 && strcmp(tag + length, ends[i]); i++) {
        continue;
    }
    digest = apr_psprintf(pool, "%.*s:%.*s", (int)(dash - tag), tag,
                          (int)(tag + length - dash - 1), dash + 1);
    return i < 4 && oci_digest_valid(digest) ? digest : NULL;
}

int oci_tag_belongs_to_digest(const char *tag, apr_pool_t *pool)
{
    if (!strncmp(tag, "sha512-", 7)) {
        tag = apr_pstrcat(pool, "sha256-", tag + 7, NULL);
    }
    return oci_tag_subject(tag, pool) != NULL;
}
