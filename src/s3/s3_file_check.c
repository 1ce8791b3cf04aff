/* SPDX-License-Identifier: Apache-2.0 */

/* A look at the files that directives name, when the server starts. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* setgroups */
#endif

#include <errno.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "apr_file_info.h"
#include "apr_strings.h"
#include "apr_user.h"

#include "mod_oci.h"
#include "s3/s3_file_check.h"
#include "s3/s3_key_source.h"

/* What a user lacks to read a file. */
typedef enum { LACKS_NOTHING, LACKS_FILE, LACKS_WAY } lack_e;

static lack_e find_own_lack(const char *path)
{
    struct stat st;

    if (stat(path, &st)) {
        return errno == EACCES ? LACKS_WAY : LACKS_NOTHING;
    }
    return access(path, R_OK) && errno == EACCES ? LACKS_FILE : LACKS_NOTHING;
}

/* Find out in a child process what another user lacks.
 * name: that of the user, or NULL */
static lack_e find_lack_of(const oci_s3_reader_t *reader, const char *name,
                           const char *path)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        int failed = name ? initgroups(name, reader->gid)
                          : setgroups(1, &reader->gid);

        _exit(failed || setgid(reader->gid) || setuid(reader->uid)
                  ? LACKS_NOTHING
                  : find_own_lack(path));
    }
    while (pid > 0 && waitpid(pid, &status, 0) == -1 && errno == EINTR) {
    }
    return pid > 0 && WIFEXITED(status) ? (lack_e)WEXITSTATUS(status)
                                        : LACKS_NOTHING;
}

/* Say what a user lacks; NULL for nothing.
 * secret: whether nobody else should be able to read the file */
static const char *explain(lack_e lack, const char *user, const char *path,
                           int secret, apr_pool_t *pool)
{
    switch (lack) {
    case LACKS_FILE:
        return apr_psprintf(pool,
                            "the user %s cannot read %s, so requests for blobs "
                            "fail: run %s",
                            user, path,
                            secret
                                ? apr_psprintf(pool,
                                               "\"chown %s %s\" and "
                                               "\"chmod 0400 %s\"",
                                               user, path, path)
                                : apr_psprintf(pool, "\"chmod a+r %s\"", path));
    case LACKS_WAY:
        return apr_psprintf(pool,
                            "the user %s may not search a directory on the way "
                            "to %s, so requests for blobs fail: allow that "
                            "with \"chmod a+x\", or name a file in another "
                            "directory",
                            user, path);
    default:
        return NULL;
    }
}

/* Find out whether the reader can read the file.
 * own: what the caller lacks */
static const char *check_reader(const oci_s3_reader_t *reader, lack_e own,
                                const char *path, int secret, apr_pool_t *pool)
{
    uid_t uid = getuid() ? getuid() : reader->uid;
    char *name = NULL;
    lack_e lack = own;

    if (apr_uid_name_get(&name, uid, pool) != APR_SUCCESS) {
        name = NULL;
    }
    if (!getuid()) {
        lack = find_lack_of(reader, name, path);
    }
    return explain(lack,
                   name ? name : apr_psprintf(pool, "#%lu", (unsigned long)uid),
                   path, secret, pool);
}

void oci_s3_file_check_keys(oci_s3_file_check_t *found,
                            const oci_s3_settings_t *settings,
                            const oci_s3_reader_t *reader, apr_pool_t *pool)
{
    const char *path = settings->credentials_file;
    oci_s3_key_query_t query = { settings, NULL, 0, pool };
    lack_e own = find_own_lack(path);
    oci_s3_keys_t keys;
    void *reason = NULL;

    found->problem = found->unreadable = NULL;
    if (own == LACKS_NOTHING
        && oci_s3_keys_of_file(&keys, &query) != APR_SUCCESS) {
        apr_pool_userdata_get(&reason, OCI_REASON, pool);
        found->problem = reason;
        return;
    }
    found->unreadable = check_reader(reader, own, path, 1, pool);
}

/* No password is asked for: a key in the file is of no interest. */
static int give_no_password(char *buffer, int size, int writing, void *baton)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)baton;
    return -1;
}

/* Find a byte order mark, which would hide the first certificate; NULL if there
 * is none. */
static const char *find_mark(const char *path, apr_pool_t *pool)
{
    BIO *bio = BIO_new_file(path, "r");
    char bytes[3];
    int size = bio ? BIO_read(bio, bytes, sizeof(bytes)) : 0;

    BIO_free(bio);
    return size > 0 ? oci_s3_text_fault(bytes, (apr_size_t)size, pool) : NULL;
}

/* Count the certificates in a file; -1 if a part of it cannot be read, for then
 * libcurl uses none of them. */
static int count_certificates(const char *path)
{
    BIO *bio = BIO_new_file(path, "r");
    STACK_OF(X509_INFO) *infos = NULL;
    int count = 0, i;

    if (bio) {
        infos = PEM_X509_INFO_read_bio(bio, NULL, give_no_password, NULL);
        BIO_free(bio);
    }
    if (!infos) {
        return -1;
    }
    for (i = 0; i < sk_X509_INFO_num(infos); i++) {
        count += sk_X509_INFO_value(infos, i)->x509 != NULL;
    }
    sk_X509_INFO_pop_free(infos, X509_INFO_free);
    return count;
}

/* Say what is wrong with the content of a file of certificates; NULL for
 * nothing. */
static const char *check_certificates(const char *path, apr_pool_t *pool)
{
    const char *why = find_mark(path, pool);
    int count;

    if (why) {
        return apr_psprintf(pool, "the file %s cannot be read: %s", path, why);
    }
    ERR_clear_error();
    count = count_certificates(path);
    why = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
    if (count < 0) {
        return apr_psprintf(pool,
                            "the file %s cannot be read as PEM: %s; expected "
                            "whole certificates, such as \"openssl x509\" "
                            "prints",
                            path, why ? why : "unknown error");
    }
    return count ? NULL
                 : apr_psprintf(pool,
                                "the file %s has no certificate in PEM: "
                                "expected a line \"-----BEGIN "
                                "CERTIFICATE-----\" and what follows it; "
                                "\"openssl x509 -inform DER -in %s\" prints "
                                "that of a file in DER",
                                path, path);
}

/* Say what is wrong with a file of certificates, whoever reads it; NULL for
 * nothing. */
static const char *check_ca(const char *path, apr_pool_t *pool)
{
    apr_finfo_t finfo;
    apr_status_t rv = apr_stat(&finfo, path, APR_FINFO_TYPE, pool);
    char buffer[256];

    if (APR_STATUS_IS_ENOENT(rv)) {
        return apr_psprintf(pool,
                            "the file %s does not exist: create it, or name "
                            "another one",
                            path);
    }
    if (rv != APR_SUCCESS) {
        return apr_psprintf(pool, "the file %s cannot be read: %s", path,
                            apr_strerror(rv, buffer, sizeof(buffer)));
    }
    return finfo.filetype == APR_REG
        ? check_certificates(path, pool)
        : apr_psprintf(pool,
                       "%s is not a regular file: expected a file of "
                       "certificates in PEM",
                       path);
}

void oci_s3_file_check_ca(oci_s3_file_check_t *found,
                          const oci_s3_settings_t *settings,
                          const oci_s3_reader_t *reader, apr_pool_t *pool)
{
    const char *path = settings->ca_file;
    lack_e own = find_own_lack(path);

    found->unreadable = NULL;
    found->problem = own == LACKS_NOTHING ? check_ca(path, pool) : NULL;
    if (!found->problem) {
        found->unreadable = check_reader(reader, own, path, 0, pool);
    }
}
