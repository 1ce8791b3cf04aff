/* SPDX-License-Identifier: Apache-2.0 */

/* The authentication provider "robot": users whose passwords expire.
 *
 *     AuthBasicProvider robot
 *     AuthRobotFile     FILE
 *
 * Each line of FILE contains the last day, in UTC, on which a password is
 * valid, the user's name, and the password's hash, as htpasswd prints them:
 *
 *     2027-01-31:ci:$2y$05$...
 *
 * A user may have several lines, so that a new password can be used before the
 * old one expires.  The file is read at each login.
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_log.h"
#include "http_request.h"
#include "ap_provider.h"
#include "mod_auth.h"
#include "apr_fnmatch.h"
#include "apr_md5.h"
#include "apr_strings.h"
#include "apr_time.h"

#define DAY_PATTERN "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"

APLOG_USE_MODULE(authn_robot);

typedef struct robot_config_t {
    const char *file;
} robot_config_t;

static void *create_dir(apr_pool_t *pool, char *path)
{
    (void)path;
    return apr_pcalloc(pool, sizeof(robot_config_t));
}

static void *merge_dir(apr_pool_t *pool, void *base_, void *over_)
{
    const robot_config_t *base = base_, *over = over_;

    return apr_pmemdup(pool, over->file ? over : base, sizeof(*over));
}

static const char *set_file(cmd_parms *cmd, void *config, const char *path)
{
    ((robot_config_t *)config)->file = ap_server_root_relative(cmd->pool, path);
    return NULL;
}

/* Days in this format sort as text.  A day in any other format counts as
 * expired, so that a typing error cannot create a password that never
 * expires. */
static int is_expired(const char *day)
{
    char today[sizeof("2027-01-31")];
    apr_time_exp_t now;
    apr_size_t length;

    apr_time_exp_gmt(&now, apr_time_now());
    apr_strftime(today, &length, sizeof(today), "%Y-%m-%d", &now);
    return apr_fnmatch(DAY_PATTERN, day, 0) != APR_SUCCESS
        || strcmp(day, today) < 0;
}

/* End the first field of a line at its colon, and return the text after it, or
 * NULL if there is no colon. */
static char *split_at_colon(char *line)
{
    char *colon = line ? strchr(line, ':') : NULL;

    if (!colon) {
        return NULL;
    }
    *colon = '\0';
    return colon + 1;
}

/* Check a name and a password against one line. */
static authn_status check_line(request_rec *r, char *day, const char *user,
                               const char *password)
{
    char *name = split_at_colon(day);
    const char *hash = split_at_colon(name);

    if (!hash || strcmp(name, user)) {
        return AUTH_USER_NOT_FOUND;
    }
    if (apr_password_validate(password, hash) != APR_SUCCESS) {
        return AUTH_DENIED;
    }
    if (is_expired(day)) {
        ap_log_rerror(
            APLOG_MARK, APLOG_INFO, 0, r,
            "robot: the password of %s expired after '%s': add a line "
            "with a new password to AuthRobotFile",
            name, day);
        return AUTH_DENIED;
    }
    return AUTH_GRANTED;
}

static authn_status check_password(request_rec *r, const char *user,
                                   const char *password)
{
    const robot_config_t *config = ap_get_module_config(r->per_dir_config,
                                                        &authn_robot_module);
    authn_status status = AUTH_USER_NOT_FOUND;
    ap_configfile_t *file;
    char line[MAX_STRING_LEN];
    apr_status_t rv;

    if (!config->file) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "robot: AuthRobotFile is not set here: set it to the "
                      "file with the passwords");
        return AUTH_GENERAL_ERROR;
    }
    rv = ap_pcfg_openfile(&file, r->pool, config->file);
    if (rv != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, rv, r, "robot: cannot read %s",
                      config->file);
        return AUTH_GENERAL_ERROR;
    }
    while (status != AUTH_GRANTED
           && !ap_cfg_getline(line, sizeof(line), file)) {
        authn_status result = check_line(r, line, user, password);

        if (result != AUTH_USER_NOT_FOUND) {
            status = result;
        }
    }
    ap_cfg_closefile(file);
    return status;
}

/* The second function would be for AuthType Digest, whose hashes are not those
 * of htpasswd. */
static const authn_provider provider = {
    check_password,
    NULL,
};

static const command_rec directives[] = {
    AP_INIT_TAKE1("AuthRobotFile", set_file, NULL, OR_AUTHCFG,
                  "a file of lines DAY:NAME:HASH, in which DAY is the last "
                  "day of the password"),
    { .name = NULL },
};

static void register_hooks(apr_pool_t *pool)
{
    ap_register_auth_provider(pool, AUTHN_PROVIDER_GROUP, "robot",
                              AUTHN_PROVIDER_VERSION, &provider,
                              AP_AUTH_INTERNAL_PER_CONF);
}

module AP_MODULE_DECLARE_DATA authn_robot_module = {
    STANDARD20_MODULE_STUFF, create_dir, merge_dir, NULL, NULL, directives,
    register_hooks,          0,
};
