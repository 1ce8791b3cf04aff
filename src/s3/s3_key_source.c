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

static int graphic(const char *text)
{
    while (apr_isgraph(*text)) {
        text++;
    }
    return !*text;
}

/* The secret is in no header. */
int oci_s3_keys_valid(const oci_s3_keys_t *keys)
{
    return keys->id && *keys->id && graphic(keys->id) && keys->secret
        && *keys->secret
        && (!keys->token || (*keys->token && graphic(keys->token)));
}

apr_status_t oci_s3_keys_of_environment(oci_s3_keys_t *keys,
                                        const oci_s3_key_query_t *query)
{
    const char *id = oci_s3_keys_variable("AWS_ACCESS_KEY_ID");
    const char *secret = oci_s3_keys_variable("AWS_SECRET_ACCESS_KEY");
    const char *token = oci_s3_keys_variable("AWS_SESSION_TOKEN");

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
    return oci_s3_keys_valid(keys)
        ? APR_SUCCESS
        : oci_s3_keys_refuse(
            query, APR_EACCES,
            "AWS_ACCESS_KEY_ID or AWS_SESSION_TOKEN has blanks or control "
            "characters in it");
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

apr_status_t oci_s3_keys_read_file(char **text, const char *path,
                                   apr_pool_t *pool)
{
    apr_size_t size = 0;
    apr_file_t *file;
    apr_status_t rv;
    char *data;

    rv = apr_file_open(&file, path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    data = apr_palloc(pool, FILE_MAX + 1);
    rv = apr_file_read_full(file, data, FILE_MAX, &size);
    apr_file_close(file);
    if (rv == APR_SUCCESS) {
        return APR_EINVAL;
    }
    if (!APR_STATUS_IS_EOF(rv)) {
        return rv;
    }
    while (size && apr_isspace(data[size - 1])) {
        size--;
    }
    data[size] = '\0';
    *text = data;
    return APR_SUCCESS;
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
        if (!strcasecmp(line, "aws_access_key_id")) {
            keys->id = value;
        }
        else if (!strcasecmp(line, "aws_secret_access_key")) {
            keys->secret = value;
        }
        else if (!strcasecmp(line, "aws_session_token")) {
            keys->token = value;
        }
    }
    return found;
}

/* Say why a credentials file cannot be read.  Without a file that somebody has
 * named, the next source is asked. */
static apr_status_t refuse_unreadable(const oci_s3_key_query_t *query,
                                      const char *path, apr_status_t rv)
{
    int absent = APR_STATUS_IS_ENOENT(rv)
        || (is_in_home(query->settings) && APR_STATUS_IS_EACCES(rv));
    char buffer[256];

    return oci_s3_keys_refuse(
        query, absent ? APR_ENOENT : APR_EACCES,
        APR_STATUS_IS_ENOENT(rv)
            ? apr_psprintf(query->pool,
                           "the credentials file %s does not exist: create it, "
                           "or name another one",
                           path)
            : apr_psprintf(query->pool,
                           "the credentials file %s cannot be read: %s", path,
                           apr_strerror(rv, buffer, sizeof(buffer))));
}

/* Read a credentials file.  Another kind of file could block the reader. */
static apr_status_t read_regular(char **text, const char *path,
                                 const oci_s3_key_query_t *query)
{
    apr_finfo_t finfo;
    apr_status_t rv = apr_stat(&finfo, path, APR_FINFO_TYPE | APR_FINFO_SIZE,
                               query->pool);

    if (rv == APR_SUCCESS
        && (finfo.filetype != APR_REG || finfo.size >= FILE_MAX)) {
        return oci_s3_keys_refuse(
            query, APR_EACCES,
            apr_psprintf(query->pool,
                         "the credentials file %s is not a regular file of "
                         "less than %d bytes",
                         path, FILE_MAX));
    }
    if (rv == APR_SUCCESS) {
        rv = oci_s3_keys_read_file(text, path, query->pool);
    }
    return rv == APR_SUCCESS ? rv : refuse_unreadable(query, path, rv);
}

apr_status_t oci_s3_keys_of_file(oci_s3_keys_t *keys,
                                 const oci_s3_key_query_t *query)
{
    const char *path = oci_s3_keys_file(query->settings, query->pool);
    const char *profile = query->settings->profile;
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
    return oci_s3_keys_valid(keys)
        ? APR_SUCCESS
        : oci_s3_keys_refuse(
            query, APR_EACCES,
            apr_psprintf(query->pool,
                         "the profile '%s' in the credentials file %s is "
                         "not complete: expected aws_access_key_id and "
                         "aws_secret_access_key",
                         profile, path));
}
