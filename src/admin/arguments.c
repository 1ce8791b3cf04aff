/* SPDX-License-Identifier: Apache-2.0 */

/* The arguments of the commands that look at a registry, or delete from it. */

#include <stddef.h>

#include "apr_strings.h"

#include "admin/arguments.h"
#include "admin/terminal.h"

#define OPTIONS 10

/* All options: the option that is accepted with the flag sets the field. */
static const struct {
    const char *name;
    const char *argument; /* its name in messages, or NULL */
    int accepted;         /* the flag; 0: with every command */
    apr_size_t field; /* a const char * if there is an argument, or an int */
} options[OPTIONS] = {
    { "store", "BLOBS", 0, offsetof(oci_arguments_t, stores.blobs_name) },
    { "index", "INDEX", 0, offsetof(oci_arguments_t, stores.index_name) },
    { "config", "FILE", 0, offsetof(oci_arguments_t, stores.config) },
    { "httpd", "PROGRAM", 0, offsetof(oci_arguments_t, stores.httpd) },
    { "json", NULL, OCI_ACCEPTS_JSON, offsetof(oci_arguments_t, json) },
    { "untagged", NULL, OCI_ACCEPTS_UNTAGGED,
      offsetof(oci_arguments_t, untagged) },
    { "referrers", NULL, OCI_ACCEPTS_REFERRERS,
      offsetof(oci_arguments_t, referrers) },
    { "repository", "GLOB", OCI_ACCEPTS_REPOSITORY,
      offsetof(oci_arguments_t, glob) },
    { "recursive", NULL, OCI_ACCEPTS_RECURSIVE,
      offsetof(oci_arguments_t, recursive) },
    { "yes", NULL, OCI_ACCEPTS_YES, offsetof(oci_arguments_t, yes) },
};

/* The code of the first option, for apr_getopt_long. */
#define FIRST 256

static int is_accepted(const oci_arguments_t *self, int option)
{
    int flag = options[option].accepted;

    return !flag || (self->accepted & flag);
}

/* Make the table for apr_getopt_long.
 * @param table Has room for OPTIONS + 1 entries, and is zeroed */
static void make_table(apr_getopt_option_t *table, const oci_arguments_t *self)
{
    int i;

    for (i = 0; i < OPTIONS; i++) {
        if (is_accepted(self, i)) {
            table->name = options[i].name;
            table->optch = FIRST + i;
            table->has_arg = options[i].argument != NULL;
            table++;
        }
    }
}

static void set_option(oci_arguments_t *self, int option, const char *value)
{
    void *field = (char *)self + options[option].field;

    if (options[option].argument) {
        *(const char **)field = value;
    }
    else {
        *(int *)field = 1;
    }
}

static const char *refuse_option(const oci_arguments_t *self,
                                 const char *option)
{
    const char *list = "";
    int i;

    for (i = 0; i < OPTIONS; i++) {
        if (is_accepted(self, i)) {
            list = apr_pstrcat(self->pool, list, *list ? ", --" : "--",
                               options[i].name, options[i].argument ? " " : "",
                               options[i].argument, NULL);
        }
    }
    return apr_psprintf(self->pool, "cannot use the option '%s': %s has %s",
                        oci_terminal_text(option, self->pool), self->command,
                        list);
}

/* Take the arguments that are not options. */
static const char *take_name(oci_arguments_t *self, int count,
                             const char *const *last)
{
    int most = self->accepted & OCI_ACCEPTS_NAME ? 1 : 0;

    if (count > most) {
        return apr_psprintf(self->pool,
                            "%s does not expect the argument '%s'; write the "
                            "stores after --store and --index",
                            self->command,
                            oci_terminal_text(last[most], self->pool));
    }
    if (!count && self->accepted & OCI_NEEDS_NAME) {
        return apr_psprintf(self->pool, "%s needs a name, such as %s",
                            self->command, "team/app:v1");
    }
    self->name = count ? last[0] : NULL;
    return NULL;
}

const char *oci_arguments_parse(oci_arguments_t *self, apr_getopt_t *arguments)
{
    apr_getopt_option_t table[OPTIONS + 1] = { { 0 } };
    const char *value, *error;
    apr_status_t rv;
    int option;

    make_table(table, self);
    while ((rv = apr_getopt_long(arguments, table, &option, &value))
           == APR_SUCCESS) {
        set_option(self, option - FIRST, value);
    }
    if (rv != APR_EOF) {
        return refuse_option(self, arguments->argv[arguments->ind - 1]);
    }
    self->stores.pool = self->pool;
    error = take_name(self, arguments->argc - arguments->ind,
                      arguments->argv + arguments->ind);
    return error ? error
                 : oci_stores_parse(&self->stores, self->command, 0, NULL);
}
