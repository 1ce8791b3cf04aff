/* SPDX-License-Identifier: Apache-2.0 */

/* The scopes of tokens: "repository:<name>:<action>,<action>" (Docker's token
 * authentication). */

#include "values/scope.h"

#include <string.h>

#include "apr_strings.h"

static const struct {
    const char *word;
    unsigned bits;
} actions[] = {
    { "pull", OCI_PULL },
    { "push", OCI_PUSH },
    { "delete", OCI_DELETE },
    { "*", OCI_ALL },
};

unsigned oci_action_parse(const char *word, apr_size_t length)
{
    apr_size_t i;

    for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strlen(actions[i].word) == length
            && !memcmp(actions[i].word, word, length)) {
            return actions[i].bits;
        }
    }
    return 0;
}

unsigned oci_actions_parse(const char *words)
{
    unsigned bits = 0;

    for (;;) {
        apr_size_t length = strcspn(words, ",");
        unsigned action = oci_action_parse(words, length);

        bits |= action;
        if (!action || !words[length]) {
            return action ? bits : 0;
        }
        words += length + 1;
    }
}

const char *oci_actions_text(unsigned bits, apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < 3; i++) {
        if (bits & actions[i].bits) {
            text = apr_pstrcat(pool, text, *text ? "," : "", actions[i].word,
                               NULL);
        }
    }
    return text;
}

static void merge_scope(apr_array_header_t *scopes, const char *type,
                        const char *name, unsigned bits)
{
    oci_scope_t *scope;
    int i;

    for (i = 0; i < scopes->nelts; i++) {
        scope = &APR_ARRAY_IDX(scopes, i, oci_scope_t);
        if (!strcmp(scope->type, type) && !strcmp(scope->name, name)) {
            scope->actions |= bits;
            return;
        }
    }
    scope = apr_array_push(scopes);
    scope->type = type;
    scope->name = name;
    scope->actions = bits;
}

static unsigned parse_actions(const char *text)
{
    unsigned bits = 0;

    while (*text) {
        apr_size_t length = strcspn(text, ",");

        bits |= oci_action_parse(text, length);
        text += length + (text[length] == ',');
    }
    return bits;
}

/* A name may contain colons: the type ends at the first colon, and the actions
 * begin after the last.  A class, as in "repository(plugin)", is ignored. */
static void parse_scope(apr_array_header_t *scopes, char *text)
{
    char *first = strchr(text, ':');
    char *last = strrchr(text, ':');

    if (first && last > first) {
        *first = *last = '\0';
        if (first > text && first[-1] == ')') {
            text[strcspn(text, "(")] = '\0';
        }
        merge_scope(scopes, text, first + 1, parse_actions(last + 1));
    }
}

void oci_scopes_parse(apr_array_header_t *scopes, const char *text)
{
    char *copy = apr_pstrdup(scopes->pool, text);
    char *state;
    char *word;

    for (word = apr_strtok(copy, " ", &state); word;
         word = apr_strtok(NULL, " ", &state)) {
        parse_scope(scopes, word);
    }
}

json_t *oci_scopes_to_access(const apr_array_header_t *scopes)
{
    json_t *access = json_array();
    int i, j;

    for (i = 0; i < scopes->nelts; i++) {
        const oci_scope_t *scope = &APR_ARRAY_IDX(scopes, i, oci_scope_t);
        json_t *words;

        if (!scope->actions) {
            continue;
        }
        words = json_array();
        for (j = 0; j < 4; j++) {
            if ((scope->actions & actions[j].bits) == actions[j].bits) {
                json_array_append_new(words, json_string(actions[j].word));
            }
        }
        json_array_append_new(access,
                              json_pack("{s:s, s:s, s:o}", "type", scope->type,
                                        "name", scope->name, "actions", words));
    }
    return access;
}

apr_array_header_t *oci_scopes_of_access(const json_t *access, apr_pool_t *pool)
{
    apr_array_header_t *scopes = apr_array_make(pool, 2, sizeof(oci_scope_t));
    const json_t *entry;
    apr_size_t i, j;

    json_array_foreach(access, i, entry)
    {
        const char *type = json_string_value(json_object_get(entry, "type"));
        const char *name = json_string_value(json_object_get(entry, "name"));
        const json_t *words = json_object_get(entry, "actions");
        const json_t *word;
        unsigned bits = 0;

        json_array_foreach(words, j, word)
        {
            if (json_is_string(word)) {
                bits |= oci_action_parse(json_string_value(word),
                                         json_string_length(word));
            }
        }
        if (type && name) {
            merge_scope(scopes, apr_pstrdup(pool, type),
                        apr_pstrdup(pool, name), bits);
        }
    }
    return scopes;
}

int oci_scopes_allow(const apr_array_header_t *scopes, const char *type,
                     const char *name, unsigned action)
{
    int i;

    for (i = 0; i < scopes->nelts; i++) {
        const oci_scope_t *scope = &APR_ARRAY_IDX(scopes, i, oci_scope_t);

        if (!strcmp(scope->type, type) && !strcmp(scope->name, name)
            && (scope->actions & action) == action) {
            return 1;
        }
    }
    return 0;
}
