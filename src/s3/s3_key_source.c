/* SPDX-License-Identifier: Apache-2.0 */

/* Credentials of the environment and of files. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "apr_file_info.h"
#include "apr_file_io.h"
#include "apr_lib.h"
#include "apr_strings.h"

#include "mod_oci.h"
#include "s3/s3_key_source.h"

#define FILE_MAX (256 * 1024)

static const oci_s3_key_names_t in_file = { "aws_access_key_id",
                                            "aws_secret_access_key",
                                            "aws_session_token" };

const char *oci_s3_keys_variable(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

apr_status_t oci_s3_keys_refuse(const oci_s3_key_query_t *query,
                                apr_status_t status, const char *sentence)
{
    apr_pool_userdata_setn(sentence, OCI_REASON, NULL, query->pool);
    return status;
}

/* Find a character that a value cannot have, and say what was expected.  It
 * becomes a part of a header.
 * name: what the source calls the value
 * others: visible characters that it cannot have
 * Returns NULL if there is none. */
static const char *odd_character(const char *name, const char *value,
                                 const char *others, apr_pool_t *pool)
{
    const char *p = value, *what;

    while (apr_isgraph(*p) && !strchr(others, *p)) {
        p++;
    }
    if (!*p) {
        return NULL;
    }
    what = *p == ' ' ? "a blank"
        : apr_isgraph(*p)
        ? apr_psprintf(pool, "the character %c", *p)
        : apr_psprintf(pool, "the byte 0x%02x", (unsigned char)*p);
    return apr_psprintf(pool,
                        "is not valid: %s has %s at position %d; expected the "
                        "value alone, in ASCII, without blanks, quotes or a "
                        "comment",
                        name, what, (int)(p - value) + 1);
}

/* No id of a key has quotes or the like: a header separates it from what
 * follows.  The secret is in no header. */
const char *oci_s3_keys_fault(const oci_s3_keys_t *keys,
                              const oci_s3_key_names_t *names, apr_pool_t *pool)
{
    const char *fault;

    if (!keys->id || !*keys->id || !keys->secret || !*keys->secret) {
        return apr_psprintf(pool, "is not complete: expected %s and %s",
                            names->id, names->secret);
    }
    if (keys->token && !*keys->token) {
        return apr_psprintf(pool,
                            "is not complete: %s has no value; expected a "
                            "session token, or none of this name",
                            names->token);
    }
    fault = odd_character(names->id, keys->id, "\"'`,;=<>", pool);
    return fault || !keys->token
        ? fault
        : odd_character(names->token, keys->token, "", pool);
}

apr_status_t oci_s3_keys_of_environment(oci_s3_keys_t *keys,
                                        const oci_s3_key_query_t *query)
{
    static const oci_s3_key_names_t names = { "AWS_ACCESS_KEY_ID",
                                              "AWS_SECRET_ACCESS_KEY",
                                              "AWS_SESSION_TOKEN" };
    const char *id = oci_s3_keys_variable(names.id);
    const char *secret = oci_s3_keys_variable(names.secret);
    const char *token = oci_s3_keys_variable(names.token);
    const char *fault;

    if (!id || !secret) {
        return oci_s3_keys_refuse(
            query, APR_ENOENT,
            "the environment has no AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY");
    }
    keys->id = apr_pstrdup(query->pool, id);
    keys->secret = apr_pstrdup(query->pool, secret);
    keys->token = token ? apr_pstrdup(query->pool, token) : NULL;
    keys->expires = 0;
    fault = oci_s3_keys_fault(keys, &names, query->pool);
    return fault
        ? oci_s3_keys_refuse(query, APR_EACCES,
                             apr_pstrcat(query->pool,
                                         "the access key in the environment ",
                                         fault, NULL))
        : APR_SUCCESS;
}

const char *oci_s3_keys_file(const oci_s3_settings_t *settings,
                             apr_pool_t *pool)
{
    const char *path = oci_s3_keys_variable("AWS_SHARED_CREDENTIALS_FILE");
    const char *home = oci_s3_keys_variable("HOME");

    if (settings->credentials_file) {
        return settings->credentials_file;
    }
    if (path) {
        return apr_pstrdup(pool, path);
    }
    return home ? apr_pstrcat(pool, home, "/.aws/credentials", NULL) : NULL;
}

/* Whether nobody has named the file: if it is there, it may be another user's.
 */
static int is_in_home(const oci_s3_settings_t *settings)
{
    return !settings->credentials_file
        && !oci_s3_keys_variable("AWS_SHARED_CREDENTIALS_FILE");
}

const char *oci_s3_text_fault(const char *bytes, apr_size_t size,
                              apr_pool_t *pool)
{
    const char *nul = memchr(bytes, '\0', size), *p;
    int line = 1;

    if (size >= 2
        && (!memcmp(bytes, "\xff\xfe", 2) || !memcmp(bytes, "\xfe\xff", 2))) {
        return "it is in UTF-16: save it in UTF-8";
    }
    if (size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3)) {
        return "it begins with a byte order mark: save it without one";
    }
    for (p = bytes; nul && p < nul; p++) {
        line += *p == '\n';
    }
    return nul ? apr_psprintf(pool,
                              "it has a NUL byte in line %d: expected a text "
                              "file",
                              line)
               : NULL;
}

/* Read a whole file that is not too large.
 * data: has room for FILE_MAX bytes */
static apr_status_t read_bytes(char *data, apr_size_t *size, const char *path,
                               apr_pool_t *pool)
{
    apr_file_t *file;
    apr_status_t rv = apr_file_open(&file, path, APR_FOPEN_READ,
                                    APR_FPROT_OS_DEFAULT, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = apr_file_read_full(file, data, FILE_MAX, size);
    apr_file_close(file);
    if (rv == APR_SUCCESS) {
        return APR_EINVAL;
    }
    return APR_STATUS_IS_EOF(rv) ? APR_SUCCESS : rv;
}

apr_status_t oci_s3_keys_read_file(char **text, const char **why,
                                   const char *path, apr_pool_t *pool)
{
    char *data = apr_palloc(pool, FILE_MAX + 1);
    apr_size_t size = 0;
    apr_status_t rv = read_bytes(data, &size, path, pool);
    char buffer[256];

    if (rv == APR_EINVAL) {
        *why = apr_psprintf(pool, "expected less than %d bytes", FILE_MAX);
    }
    else if (rv != APR_SUCCESS) {
        *why = apr_pstrdup(pool, apr_strerror(rv, buffer, sizeof(buffer)));
    }
    else if ((*why = oci_s3_text_fault(data, size, pool))) {
        rv = APR_EINVAL;
    }
    while (size && apr_isspace(data[size - 1])) {
        size--;
    }
    data[size] = '\0';
    *text = data;
    return rv;
}

/* Remove blanks at both ends of a text, in place. */
static char *strip(char *text)
{
    char *end = text + strlen(text);

    while (apr_isspace(*text)) {
        text++;
    }
    while (end > text && apr_isspace(end[-1])) {
        *--end = '\0';
    }
    return text;
}

/* Whether a line, such as "[profile]", begins a section of this name. */
static int begins_section(const char *line, const char *profile)
{
    apr_size_t length = strlen(profile);

    return !strncmp(line + 1, profile, length)
        && !strcmp(line + 1 + length, "]");
}

/* Read the lines of a profile; returns whether the file has it. */
static int read_profile(oci_s3_keys_t *keys, char *text, const char *profile)
{
    int found = 0, inside = 0;
    char *line, *rest;

    for (line = apr_strtok(text, "\n", &rest); line;
         line = apr_strtok(NULL, "\n", &rest)) {
        char *value;

        line = strip(line);
        if (*line == '[') {
            inside = begins_section(line, profile);
            found |= inside;
            continue;
        }
        value = strchr(line, '=');
        if (!inside || !value || *line == '#' || *line == ';') {
            continue;
        }
        *value++ = '\0';
        line = strip(line);
        value = strip(value);
        if (!strcasecmp(line, in_file.id)) {
            keys->id = value;
        }
        else if (!strcasecmp(line, in_file.secret)) {
            keys->secret = value;
        }
        else if (!strcasecmp(line, in_file.token)) {
            keys->token = value;
        }
    }
    return found;
}

/* Say why a credentials file cannot be read.  Without a file that somebody has
 * named, the next source is asked. */
static apr_status_t refuse_unreadable(const oci_s3_key_query_t *query,
                                      const char *path, apr_status_t rv,
                                      const char *why)
{
    int absent = APR_STATUS_IS_ENOENT(rv)
        || (is_in_home(query->settings) && APR_STATUS_IS_EACCES(rv));

    return oci_s3_keys_refuse(
        query, absent ? APR_ENOENT : APR_EACCES,
        APR_STATUS_IS_ENOENT(rv)
            ? apr_psprintf(query->pool,
                           "the credentials file %s does not exist: create it, "
                           "or name another one",
                           path)
            : apr_psprintf(query->pool,
                           "the credentials file %s cannot be read: %s", path,
                           why));
}

/* Read a credentials file.  Another kind of file could block the reader. */
static apr_status_t read_regular(char **text, const char *path,
                                 const oci_s3_key_query_t *query)
{
    apr_finfo_t finfo;
    apr_status_t rv = apr_stat(&finfo, path, APR_FINFO_TYPE | APR_FINFO_SIZE,
                               query->pool);
    char buffer[256];
    const char *why;

    if (rv != APR_SUCCESS) {
        return refuse_unreadable(query, path, rv,
                                 apr_strerror(rv, buffer, sizeof(buffer)));
    }
    if (finfo.filetype != APR_REG || finfo.size >= FILE_MAX) {
        return oci_s3_keys_refuse(
            query, APR_EACCES,
            apr_psprintf(query->pool,
                         "the credentials file %s is not a regular file of "
                         "less than %d bytes",
                         path, FILE_MAX));
    }
    rv = oci_s3_keys_read_file(text, &why, path, query->pool);
    return rv == APR_SUCCESS ? rv : refuse_unreadable(query, path, rv, why);
}

apr_status_t oci_s3_keys_of_file(oci_s3_keys_t *keys,
                                 const oci_s3_key_query_t *query)
{
    const char *path = oci_s3_keys_file(query->settings, query->pool);
    const char *profile = query->settings->profile, *fault;
    apr_status_t rv;
    char *text;

    if (!path) {
        return oci_s3_keys_refuse(query, APR_ENOENT,
                                  "no credentials file is configured");
    }
    if (!profile) {
        profile = oci_s3_keys_variable("AWS_PROFILE");
        profile = profile ? profile : "default";
    }
    if ((rv = read_regular(&text, path, query)) != APR_SUCCESS) {
        return rv;
    }
    memset(keys, 0, sizeof(*keys));
    if (!read_profile(keys, text, profile) || !keys->id) {
        return oci_s3_keys_refuse(
            query, APR_ENOENT,
            apr_psprintf(query->pool,
                         "the credentials file %s has no access key for the "
                         "profile '%s': expected the line \"[%s]\", and after "
                         "it aws_access_key_id and aws_secret_access_key",
                         path, profile, profile));
    }
    fault = oci_s3_keys_fault(keys, &in_file, query->pool);
    return fault
        ? oci_s3_keys_refuse(query, APR_EACCES,
                             apr_psprintf(query->pool,
                                          "the profile '%s' in the credentials "
                                          "file %s %s",
                                          profile, path, fault))
        : APR_SUCCESS;
}
