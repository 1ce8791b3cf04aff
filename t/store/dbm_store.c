/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of the dbm provider only: what it refuses and with which message, its
 * files and their owners, and how it behaves when some are missing. */

#include "dbm_test.h"

#include "apr_dbm.h"

#include "store/dbm/dbm_snapshot.h"

static void check_configuration(test_t *t)
{
    says(t->run, open_as(t, NULL, "f", 0), "dbm:gdbm FILE", "needs a type");
    says(t->run, open_as(t, "sdbm", "f", 0), "dbm:sdbm", "1 KiB");
    says(t->run, open_as(t, "ndbm", "f", 0), "dbm:ndbm", "1 KiB");
    says(t->run, open_as(t, "default", "f", 0), "dbm:default", "dbm:gdbm or");
    says(t->run, open_as(t, "gdbm", NULL, 0), "dbm:gdbm FILE", "needs a file");
    says(t->run, open_as(t, "db", "", 0), "dbm:db FILE", "needs a file");
    says(t->run, open_as(t, "gdbm", "no/where", 0), "/no",
         "does not exist; create it first");
    write_file(t, "file", "x", 1);
    says(t->run, open_as(t, "gdbm", "file/f", 0), "/file",
         "is not a directory");
    mkdir(at(t->run, "a"), 0755);
    tap_is(&t->run->tap,
           open_as(t, "gdbm", at(t->run, "a//./b/../f/"), getuid()), NULL,
           "a path with dots and slashes");
    tap_is(&t->run->tap, t->index->where, at(t->run, "a/f"), "is normalized");
}

/* Create a DBM that is not ours. */
static void make_foreign(test_t *t, const char *type, const char *path)
{
    apr_datum_t datum = { "key", 3 };
    apr_pool_t *pool = make_pool();
    apr_dbm_t *dbm;

    if (apr_dbm_open_ex(&dbm, type, at(t->run, path), APR_DBM_RWCREATE,
                        APR_FPROT_UREAD | APR_FPROT_UWRITE, pool)
        || apr_dbm_store(dbm, datum, datum)) {
        abort();
    }
    apr_dbm_close(dbm);
    apr_pool_destroy(pool);
}

/* Write a head with this text into a snapshot. */
static void write_head(test_t *t, const char *type, const char *path,
                       const char *text)
{
    oci_value_t value = { text, strlen(text) };
    apr_pool_t *pool = make_pool();
    oci_dbm_records_t *records;

    if (oci_dbm_records_open(&records, type, at(t->run, path),
                             APR_DBM_READWRITE, pool)
        || oci_dbm_records_put(records, 'h', "mod_oci index", &value)) {
        abort();
    }
    apr_pool_destroy(pool);
}

static void check_files(test_t *t, const char *type)
{
    const char *other = strcmp(type, "db") ? "db" : "gdbm";

    mkdir(at(t->run, "b"), 0755);
    write_file(t, "b/f", "mod_oci index\n", 14);
    says(t->run, open_as(t, type, "b/f", 0), "/b/f",
         "or another program has locked it");
    tap_is(&t->run->tap, read_file(t, "b/f").data, "mod_oci index\n",
           "and the file is not changed");
    unlink(at(t->run, "b/f"));
    make_foreign(t, type, "b/f");
    says(t->run, open_as(t, type, "b/f", 0), "/b/f", "something else");
    unlink(at(t->run, "b/f"));
    tap_is(&t->run->tap, open_as(t, type, "b/f", getuid()), NULL,
           "an index is created");
    says(t->run, open_as(t, other, "b/f", 0), "/b/f",
         "or another program has locked it");
    write_head(t, type, "b/f", "3 1 0 0 0");
    says(t->run, open_as(t, type, "b/f", 0), "/b/f", "newer");
    write_head(t, type, "b/f", "1 7 0 0");
    says(t->run, open_as(t, type, "b/f", 0), "/b/f.log-7", "No such file");
    write_head(t, type, "b/f", "1 1 0 0");
    tap_is(&t->run->tap, open_as(t, type, "b/f", getuid()), NULL,
           "the index with the right head");
}

/* Uses the index of check_files. */
static void check_logs(test_t *t, const char *type)
{
    static const char *const lines[] = { "", "mod_oci index log 1 1",
                                         "mod_oci index log 1 2\n",
                                         "mod_oci index log x 1\n",
                                         "something else\n\n\n\n\n\n\n" };
    int i;

    for (i = 0; i < 5; i++) {
        write_file(t, "b/f.log-1", lines[i], strlen(lines[i]));
        says(t->run, open_as(t, type, "b/f", 0), "/b/f.log-1",
             "is not the log that belongs to this index");
    }
    write_file(t, "b/f.log-1", "mod_oci index log 3 1\n", 22);
    says(t->run, open_as(t, type, "b/f", 0), "/b/f.log-1", "newer");
    unlink(at(t->run, "b/f.log-1"));
    says(t->run, open_as(t, type, "b/f", 0), "/b/f.log-1", "No such file");
    write_file(t, "b/f.log-1", "mod_oci index log 2 1\n", 22);
    tap_is(&t->run->tap, open_as(t, type, "b/f", getuid()), NULL,
           "the index with the right log");
    unlink(at(t->run, "b/f"));
    write_file(t, "b/f.log-1", "a log of something else's", 25);
    says(t->run, open_as(t, type, "b/f", getuid()), "/b/f.log-1", "exists");
    tap_is(&t->run->tap, read_file(t, "b/f.log-1").data,
           "a log of something else's", "and the file is not changed");
    write_file(t, "b/f.log-1", "mod_oci in", 10);
    tap_is(&t->run->tap, open_as(t, type, "b/f", getuid()), NULL,
           "an index whose creation was interrupted is created");
    put(t->index, "a", "1");
    rename(at(t->run, "b/f"), at(t->run, "b/away"));
    says(t->run, open_as(t, type, "b/f", getuid()), "/b/f.log-1", "is missing");
    rename(at(t->run, "b/away"), at(t->run, "b/f"));
    tap_is(&t->run->tap, open_as(t, type, "b/f", getuid()), NULL,
           "the index with its file back");
    tap_ok(&t->run->tap, holds(t, "a", "1"), "it has the facts from before");
    write_file(t, "b/f.log-0", "mod_oci index log 1 0\nrecords", 29);
    write_file(t, "b/f.new", "x", 1);
    write_file(t, "b/f.log-1x", "", 0);
    write_file(t, "b/f.log-2", "rubbish", 7);
    tap_is(&t->run->tap, open_as(t, type, "b/f", getuid()), NULL,
           "an index with what killed processes leave");
    tap_ok(&t->run->tap,
           !exists(t, "b/f.log-0") && !exists(t, "b/f.new")
               && exists(t, "b/f.log-1x"),
           "leftovers are removed, and nothing else");
    write_file(t, "b/f.log-0", "a log of something else's", 25);
    tap_ok(&t->run->tap,
           !open_as(t, type, "b/f", getuid()) && exists(t, "b/f.log-0"),
           "files that are not ours are kept");
    write_file(t, "b/f.log-2", "mod_oci index log 1 2\nrecords", 29);
    says(t->run, open_as(t, type, "b/f", getuid()), "/b/f.log-2",
         "is incomplete");
    write_file(t, "b/f.log-2", "rubbish", 7);
    open_as(t, type, "b/f", getuid());
    tap_ok(&t->run->tap,
           fill_log(t, "b/f.log-2", 1) == 0
               && (unlink(at(t->run, "b/f.log-2")),
                   fill_log(t, "b/f.log-3", 90000))
               && holds(t, "a", "1"),
           "a log that was never used is replaced");
    remove_tree(at(t->run, "b"));
}

static void check_layout(test_t *t, const char *type)
{
    static const char *const files[] = { "c/f", "c/f.log-3", "c/f.locks" };
    struct stat st;
    int i, good = 1;

    mkdir(at(t->run, "c"), 0755);
    umask(0);
    tap_is(&t->run->tap, open_as(t, type, "c/f", getuid()), NULL,
           "an index is created");
    tap_ok(&t->run->tap,
           fill_log(t, "c/f.log-2", 50000) && fill_log(t, "c/f.log-3", 60000),
           "it is merged twice");
    for (i = 0; i < 3; i++) {
        good &= !stat(at(t->run, files[i]), &st)
            && st.st_mode == (S_IFREG | 0640);
    }
    tap_ok(&t->run->tap, good, "files are for their owner and group");
    tap_ok(&t->run->tap,
           !exists(t, "c/f.log-1") && !exists(t, "c/f.log-2")
               && !exists(t, "c/f.new"),
           "merged logs are removed");
    umask(022);
}

/* Uses the index of check_form. */
static void check_verification(test_t *t, const char *type)
{
    const char *path = at(t->run, "c/f");
    apr_pool_t *pool = make_pool();
    oci_dbm_snapshot_t snapshot;
    apr_status_t rv;

    rv = oci_dbm_snapshot_open(&snapshot, type, path, APR_DBM_READWRITE, pool);
    is_status(t->run, rv ? rv : oci_dbm_snapshot_verify(&snapshot, pool),
              APR_SUCCESS, "a complete snapshot is verified");
    oci_dbm_snapshot_delete(&snapshot, "fill/3");
    is_status(t->run, oci_dbm_snapshot_verify(&snapshot, pool), EIO,
              "a snapshot that lacks a value is not");
    oci_dbm_records_close(snapshot.tree.records);
    is_status(t->run, get_status(t, "fill/3"), EIO,
              "a lost value is not absent");
    is_status(t->run, get_status(t, "fill/3x"), APR_NOTFOUND,
              "a missing key is absent");
    is_status(t->run, add(t->index, "fill/3", "new"), EIO,
              "an ADD of the lost value fails");
    tap_ok(&t->run->tap,
           !put(t->index, "fill/3", "new") && holds(t, "fill/3", "new"),
           "a PUT of the lost value succeeds");
    apr_pool_destroy(pool);
}

static int merge_on(void *data, int number)
{
    test_t *t = data;

    return !fill_log(t, number ? "c/f.log-5" : "c/f.log-4", 60000);
}

static int count_open(void)
{
    int fd, count = 0;

    for (fd = 0; fd < 256; fd++) {
        count += fcntl(fd, F_GETFD) != -1;
    }
    return count;
}

/* Uses the index of check_form: files that other processes merge, while this
 * one reads, are closed. */
static void check_release(test_t *t)
{
    int before, status, bad = get_status(t, "fill/1"), i;

    before = count_open();
    for (i = 0; i < 2; i++) {
        pid_t pid = start_process(merge_on, t, i);

        while (waitpid(pid, &status, WNOHANG) == 0) {
            bad |= get_status(t, "fill/1") != APR_SUCCESS;
        }
        bad |= status != 0 || get_status(t, "fill/1") != APR_SUCCESS;
    }
    tap_ok(&t->run->tap, !bad && count_open() == before,
           "a reader holds no more files open after merges");
}

static int works(apr_status_t rv)
{
    return rv == APR_SUCCESS || rv == APR_NOTFOUND || rv == APR_EEXIST;
}

/* Return whether all functions fail. */
static int all_fail(test_t *t)
{
    oci_scan_t range = { "x/", NULL, 0, 0, 0 };
    apr_pool_t *pool = make_pool();
    apr_array_header_t *entries;
    oci_lock_t *lock;
    int good = !works(get_status(t, "x/y")) && !works(get_status(t, "none"))
        && !works(oci_index_dbm.get(NULL, t->index, "x/y", pool))
        && !works(oci_index_dbm.scan(&entries, t->index, &range, pool))
        && !works(put(t->index, "x/y", "w"))
        && !works(add(t->index, "x/z", "v")) && !works(erase(t->index, "x/y"));

    good &= exists(t, "d/f.locks")
        || !works(oci_index_dbm.lock(&lock, t->index, "x", OCI_LOCK_SHARED,
                                     pool));
    apr_pool_destroy(pool);
    return good;
}

static void check_absence(test_t *t, const char *type)
{
    static const char *const files[] = { "d/f", "d/f.log-1" };
    oci_value_t older[2], newer[2];
    int i;

    mkdir(at(t->run, "d"), 0755);
    open_as(t, type, "d/f", getuid());
    put(t->index, "x/y", "v");
    rename(at(t->run, "d"), at(t->run, "moved"));
    tap_ok(&t->run->tap, all_fail(t), "an index that was moved away fails");
    mkdir(at(t->run, "d"), 0755);
    tap_ok(&t->run->tap, all_fail(t),
           "an index replaced by an empty directory fails");
    tap_ok(&t->run->tap, !rmdir(at(t->run, "d")),
           "nothing is created in its place");
    rename(at(t->run, "moved"), at(t->run, "d"));
    tap_ok(&t->run->tap, holds(t, "x/y", "v"), "it works when it is back");
    for (i = 0; i < 2; i++) {
        rename(at(t->run, files[i]), at(t->run, "away"));
        tap_ok(&t->run->tap, all_fail(t), "it fails without %s", files[i]);
        rename(at(t->run, "away"), at(t->run, files[i]));
        tap_ok(&t->run->tap, holds(t, "x/y", "v"), "it works when it is back");
        older[i] = read_file(t, files[i]);
    }
    put(t->index, "x/y", "w");
    for (i = 0; i < 2; i++) {
        newer[i] = read_file(t, files[i]);
        unlink(at(t->run, files[i]));
        write_file(t, files[i], older[i].data, older[i].size);
    }
    tap_ok(&t->run->tap, holds(t, "x/y", "v"), "a backup is restored");
    for (i = 0; i < 2; i++) {
        unlink(at(t->run, files[i]));
        write_file(t, files[i], newer[i].data, newer[i].size);
    }
    tap_ok(&t->run->tap, holds(t, "x/y", "w"), "and the newer files again");
}

/* Check that an index is refused to a user without access. */
static int refuse(void *data, int number)
{
    test_t *t = data;

    t->run->tap.failed = number;
    if (setgid(NOBODY) || setuid(NOBODY)) {
        return 1;
    }
    says(t->run, open_as(t, "gdbm", "r/f", NOBODY), "/r",
         "cannot read and change");
    return t->run->tap.failed;
}

static void check_owners(test_t *t, const char *type)
{
    oci_owner_caller_t caller;
    pid_t pid;

    if (getuid()) {
        tap_ok(&t->run->tap, 1, "owners # SKIP needs root");
        return;
    }
    chmod(t->run->dir, 0755);
    mkdir(at(t->run, "o"), 0755);
    says(t->run, open_as(t, type, "o/f", NOBODY), "/o",
         "cannot read and change");
    tap_ok(&t->run->tap, !exists(t, "o/f") && !exists(t, "o/f.locks"),
           "and nothing is created");
    if (chown(at(t->run, "o"), NOBODY, NOBODY)) {
        abort();
    }
    tap_is(&t->run->tap, open_as(t, type, "o/f", NOBODY), NULL,
           "a directory that belongs to httpd's User");
    caller = act_as(t->run, NOBODY);
    tap_ok(&t->run->tap,
           fill_log(t, "o/f.log-2", 50000)
               && !nftw(at(t->run, "o"), check_owner, 16, FTW_PHYS),
           "all files belong to httpd's User");
    oci_owner_leave(&caller);
    if (chown(at(t->run, "o/f.log-2"), 0, 0)) {
        abort();
    }
    says(t->run, open_as(t, type, "o/f", NOBODY), "/o/f.log-2",
         "the owner root");
    mkdir(at(t->run, "r"), 0755);
    pid = start_process(refuse, t, 0);
    t->run->tap.run++;
    tap_ok(&t->run->tap, !end_process(pid),
           "an index without write access is refused");
    remove_tree(at(t->run, "o"));
    remove_tree(at(t->run, "r"));
}

static void check_type(test_t *t, const char *type)
{
    check_files(t, type);
    check_logs(t, type);
    check_layout(t, type);
    check_verification(t, type);
    check_release(t);
    check_absence(t, type);
    check_owners(t, type);
    remove_tree(at(t->run, "c"));
    remove_tree(at(t->run, "d"));
}

int main(void)
{
    run_t run;
    test_t t = { .run = &run };

    begin(&run);
    check_configuration(&t);
    with_each_type(&t, check_type);
    return finish(&run);
}
