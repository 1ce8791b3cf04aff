/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of the fs providers only: the layout on the disk, versions, owners, and
 * the messages of refused stores. */

#include "contract_blob.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "store/fs/fs_blobs.h"
#include "store/file_lock.h"
#include "store/fs/fs_index.h"

/* Open both stores at a location; return the first one's error, or NULL. */
static const char *open_both(test_t *t, oci_index_t **index,
                             const char *location, apr_uid_t uid)
{
    oci_store_config_t config = { .location = location, .base = t->run->dir };
    apr_pool_t *pool = t->run->pool;
    const char *error = oci_blob_fs.create(&t->store, &config, pool);

    if (!error) {
        error = oci_blob_fs.start(t->store, uid, uid, pool);
    }
    if (!error) {
        error = oci_index_fs.create(index, &config, pool);
    }
    return error ? error : oci_index_fs.start(*index, uid, uid, pool);
}

static void write_file(test_t *t, const char *path, const char *text)
{
    int fd = open(at(t->run, path), O_WRONLY | O_CREAT | O_TRUNC, 0644);

    if (fd == -1 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
        abort();
    }
    close(fd);
}

static apr_status_t change(oci_index_t *index, oci_change_e kind,
                           const char *key, const char *text)
{
    oci_change_t one = { kind, key, { text, strlen(text) } };
    apr_pool_t *pool = make_pool();
    apr_status_t rv = oci_index_fs.apply(index, &one, 1, 1, pool);

    apr_pool_destroy(pool);
    return rv;
}

static void check_refusals(test_t *t)
{
    static const char *const versions[] = { "blobs", "index" };
    oci_index_t *index;
    int i;

    says(t->run, open_both(t, &index, NULL, 0), "fs DIR", "directory");
    says(t->run, open_both(t, &index, "no/where", 0), "/no/where",
         "does not exist");
    write_file(t, "file", "");
    says(t->run, open_both(t, &index, "file", 0), "/file",
         "is not a directory");
    tap_is(&t->run->tap,
           open_both(t, &index, at(t->run, "a//./b/.././"), getuid()), NULL,
           "a path with dots and slashes");
    tap_is(&t->run->tap, t->store->where, at(t->run, "a"), "is normalized");
    for (i = 0; i < 2; i++) {
        const char *name = apr_pstrcat(t->run->pool, "a/", versions[i],
                                       "/.version", NULL);
        const char *words = i ? "mod_oci index" : "mod_oci blob store";

        write_file(t, name, apr_pstrcat(t->run->pool, words, " 3\n", NULL));
        says(t->run, open_both(t, &index, "a", 0), name, "newer");
        write_file(t, name, apr_pstrcat(t->run->pool, words, " 1x\n", NULL));
        says(t->run, open_both(t, &index, "a", 0), name, "something else");
        write_file(t, name, "");
        says(t->run, open_both(t, &index, "a", 0), name, "something else");
        write_file(t, name, apr_pstrcat(t->run->pool, words, " 1\n", NULL));
        tap_is(&t->run->tap, open_both(t, &index, "a", getuid()), NULL,
               "a store with the right version");
    }
    remove_tree(at(t->run, "a"));
}

static void check_layout(test_t *t)
{
    oci_index_t *index;
    apr_pool_t *pool = make_pool();
    oci_blob_writer_t *writer;
    const char *locator;
    struct stat st;
    char target[64] = "";

    umask(0);
    tap_is(&t->run->tap, open_both(t, &index, "b", getuid()), NULL,
           "both stores in one directory");
    change(index, OCI_CHANGE_PUT, "x/y/link", "sha256:ab");
    change(index, OCI_CHANGE_PUT, "x/y/none", "");
    change(index, OCI_CHANGE_PUT, "x/y/file", "two words");
    tap_ok(&t->run->tap,
           !(oci_io_traits(at(t->run, "b")) & OCI_IO_LINKS)
               || (readlink(at(t->run, "b/index/x/y/link"), target, 63) > 0
                   && !strcmp(target, "sha256:ab")),
           "a short value is a link");
    tap_ok(&t->run->tap,
           !lstat(at(t->run, "b/index/x/y/none"), &st)
               && st.st_mode == (S_IFREG | 0640) && !st.st_size,
           "no value is an empty file");
    tap_ok(&t->run->tap,
           !lstat(at(t->run, "b/index/x/y/file"), &st)
               && st.st_mode == (S_IFREG | 0640) && st.st_size == 9,
           "any other value is a file");
    tap_ok(&t->run->tap,
           !stat(at(t->run, "b/index/x/y"), &st)
               && st.st_mode == (S_IFDIR | 0750),
           "the mode of a directory");
    tap_is(&t->run->tap, push(t, "up", DIGEST("abcd"), "text", pool),
           "blobs/sha256/ab/"
           "abcdabcdabcdabcdabcdabcdabcdabcd"
           "abcdabcdabcdabcdabcdabcdabcdabcd",
           "a locator");
    request(&writer, t, "up", 0, "text", pool);
    oci_blob_fs.upload_commit(&locator, writer, DIGEST("abcd"), 1, pool);
    oci_blob_fs.upload_commit(&locator, writer, DIGEST("abcd"), 1, pool);
    oci_blob_fs.upload_abort(writer);
    tap_ok(&t->run->tap,
           !rmdir(at(t->run, "b/index/.tmp"))
               && !rmdir(at(t->run, "b/uploads")),
           "no temporary files are left");
    umask(022);
    apr_pool_destroy(pool);
}

/* Uses the stores of check_form. */
static void check_dirs(test_t *t)
{
    oci_index_t *index;
    apr_pool_t *pool = make_pool();

    tap_is(&t->run->tap, open_both(t, &index, "b", getuid()), NULL,
           "missing directories are created again");
    change(index, OCI_CHANGE_DELETE, "x/y/link", "");
    change(index, OCI_CHANGE_DELETE, "x/y/none", "");
    change(index, OCI_CHANGE_DELETE, "x/y/file", "");
    tap_ok(&t->run->tap,
           !access(at(t->run, "b/index/x"), F_OK)
               && access(at(t->run, "b/index/x/y"), F_OK),
           "empty directories are removed, except at the top");
    mkdir(at(t->run, "b/index/x/y"), 0750);
    mkdir(at(t->run, "b/index/x/z"), 0750);
    is_status(t->run, change(index, OCI_CHANGE_ADD, "x/y", "v"), APR_SUCCESS,
              "an added key replaces an empty directory");
    is_status(t->run, change(index, OCI_CHANGE_PUT, "x/z", "two words"),
              APR_SUCCESS, "so does one that is put");
    is_status(t->run, oci_index_fs.get(NULL, index, "x/z", pool), APR_SUCCESS,
              "its value exists");
    write_file(t, "b/index/.tmp/young", "");
    tap_is(&t->run->tap, open_both(t, &index, "b", getuid()), NULL, "again");
    tap_ok(&t->run->tap, !access(at(t->run, "b/index/.tmp/young"), F_OK),
           "a start keeps temporaries that are in use");
    apr_pool_destroy(pool);
}

/* Uses the blob of check_form. */
static void check_damage(test_t *t)
{
    apr_pool_t *pool = t->run->pool;
    const char *locator = push(t, "up", DIGEST("abcd"), "text", pool);
    const char *path = apr_pstrcat(pool, "b/", locator, NULL);

    write_file(t, path, "te");
    tap_is(&t->run->tap, pull(t, locator, pool), "te",
           "the size of a truncated blob shows it");
    push(t, "up", DIGEST("abcd"), "text", pool);
    tap_is(&t->run->tap, pull(t, locator, pool), "text",
           "a push repairs a truncated blob");
    unlink(at(t->run, path));
    tap_is(&t->run->tap, pull(t, locator, pool), "(not found)",
           "a lost blob is not found");
    mkdir(at(t->run, path), 0755);
    tap_is(&t->run->tap, pull(t, locator, pool), "(not found)",
           "a directory is not a blob");
    rmdir(at(t->run, path));
    remove_tree(at(t->run, "b/blobs/sha256"));
    push(t, "up", DIGEST("abcd"), "text", pool);
    tap_is(&t->run->tap, pull(t, locator, pool), "text",
           "a push creates missing directories");
}

/* Return the names that are listed, each with a blank after it. */
static const char *list(test_t *t, oci_stored_e kind, const char *after)
{
    apr_array_header_t *entries;
    const char *names = "";
    int i;

    if (oci_blob_fs.list(&entries, t->store, kind, after, 100, t->run->pool)) {
        return "(failed)";
    }
    for (i = 0; i < entries->nelts; i++) {
        names = apr_pstrcat(t->run->pool, names,
                            APR_ARRAY_IDX(entries, i, oci_stored_t).name, " ",
                            NULL);
    }
    return names;
}

/* Symbolic links, and files that are not the store's, are not listed. */
static void check_list(test_t *t)
{
    static const char *const dirs[] = { "blobs/sha256/ab",  "blobs/sha256/AB",
                                        "blobs/sha256/abc", "blobs/sha384",
                                        "blobs/sha384/ab",  "linked",
                                        "uploads/directory" };
    apr_pool_t *pool = t->run->pool;
    const char *hex = strchr(DIGEST("abcd"), ':') + 1;
    const char *locator;
    oci_index_t *index;
    size_t i;

    open_both(t, &index, "list", getuid());
    locator = push(t, "up", DIGEST("abcd"), "text", pool);
    for (i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
        const char *dir = apr_pstrcat(pool, "list/", dirs[i], NULL);

        mkdir(at(t->run, dir), 0755);
        write_file(t, apr_pstrcat(pool, dir, "/README", NULL), "");
        if (strcmp(dirs[i], "blobs/sha256/ab")) {
            write_file(t, apr_pstrcat(pool, dir, "/", hex, NULL), "");
        }
    }
    write_file(t, apr_pstrcat(pool, "list/linked/ef", hex + 2, NULL), "");
    write_file(t, apr_pstrcat(pool, "list/blobs/sha256/ab/cd", hex + 2, NULL),
               "");
    mkdir(at(t->run,
             apr_pstrcat(pool, "list/blobs/sha256/ab/abab", hex + 4, NULL)),
          0755);
    tap_ok(&t->run->tap,
           !symlink("../../linked", at(t->run, "list/blobs/sha256/ef"))
               && !symlink(hex,
                           at(t->run,
                              apr_pstrcat(pool, "list/blobs/sha256/ab/abba",
                                          hex + 4, NULL)))
               && !symlink("../blobs/.id", at(t->run, "list/uploads/link")),
           "links are made");
    write_file(t, "list/uploads/README", "");
    write_file(t, "list/uploads/a_b", "");
    tap_is(&t->run->tap, list(t, OCI_STORED_BLOBS, NULL),
           apr_pstrcat(pool, locator, " ", NULL), "only the blob is listed");
    tap_is(&t->run->tap, list(t, OCI_STORED_BLOBS, "blobs/sha256/ab"),
           apr_pstrcat(pool, locator, " ", NULL), "a part of a name is less");
    tap_is(&t->run->tap, list(t, OCI_STORED_BLOBS, "blobs/sha256/ac"), "",
           "all blobs are before a greater name");
    tap_is(&t->run->tap, list(t, OCI_STORED_BLOBS, "d"), "",
           "or before a name of another form");
    tap_is(&t->run->tap, list(t, OCI_STORED_UPLOADS, NULL), "",
           "no upload is listed");
}

/* The temporaries of killed processes are listed as their uploads, and removed
 * with them.  Uses the store of check_list. */
static void check_temporaries(test_t *t)
{
    static const char *const ids[] = { "both", "left", "id-0123" };
    apr_pool_t *pool = make_pool();
    oci_blob_writer_t *writer;
    int i, bad = 0;

    request(&writer, t, "both", 0, "text", pool);
    tap_ok(&t->run->tap,
           !link(at(t->run, "list/uploads/both"),
                 at(t->run, "list/uploads/.both")),
           "a process is killed before its upload becomes a blob");
    apr_pool_clear(pool);
    write_file(t, "list/uploads/.left", "text");
    write_file(t, "list/uploads/.id-0123", "");
    tap_is(&t->run->tap, list(t, OCI_STORED_UPLOADS, NULL),
           "both id-0123 left ", "each is listed once");
    for (i = 0; i < 3; i++) {
        bad |= oci_blob_fs.upload_open(&writer, t->store, ids[i], pool)
            || oci_blob_fs.upload_abort(writer);
    }
    tap_ok(&t->run->tap,
           !bad && access(at(t->run, "list/uploads/.both"), F_OK)
               && access(at(t->run, "list/uploads/.left"), F_OK)
               && access(at(t->run, "list/uploads/.id-0123"), F_OK),
           "they are removed when the uploads are aborted");
    tap_is(&t->run->tap, list(t, OCI_STORED_UPLOADS, NULL), "",
           "nothing is left to list");
    apr_pool_destroy(pool);
}

static int works(apr_status_t rv)
{
    return rv == APR_SUCCESS || rv == APR_NOTFOUND || rv == APR_EEXIST;
}

/* Moves the store of check_form away, and puts an empty directory in its place
 * or none. */
static void check_absence(test_t *t, int empty)
{
    apr_pool_t *pool = t->run->pool;
    const char *locator = push(t, "up", DIGEST("abcd"), "text", pool);
    oci_scan_t range = { "x/", NULL, 0, 0, 0 };
    apr_array_header_t *entries;
    oci_blob_source_t source = { 0 };
    oci_blob_writer_t *writer;
    oci_index_t *index;
    oci_lock_t *lock;
    oci_value_t value;
    apr_off_t size;

    open_both(t, &index, "b", getuid());
    rename(at(t->run, "b"), at(t->run, "moved"));
    if (empty) {
        mkdir(at(t->run, "b"), 0750);
    }
    tap_ok(&t->run->tap,
           !works(oci_index_fs.get(&value, index, "x/y", pool))
               && !works(oci_index_fs.get(NULL, index, "x/y", pool))
               && !works(oci_index_fs.scan(&entries, index, &range, pool))
               && !works(
                   oci_index_fs.lock(&lock, index, "x", OCI_LOCK_SHARED, pool))
               && !works(change(index, OCI_CHANGE_PUT, "x/y", "v"))
               && !works(change(index, OCI_CHANGE_PUT, "n", "v"))
               && !works(change(index, OCI_CHANGE_ADD, "n/n/n", "two words"))
               && !works(change(index, OCI_CHANGE_DELETE, "x/y", "")),
           "an index that was moved away fails");
    tap_ok(&t->run->tap,
           !works(oci_blob_fs.blob_open(&source, t->store, locator, 0, pool))
               && !works(oci_blob_fs.blob_size(&size, t->store, locator, pool))
               && !works(oci_blob_fs.blob_delete(t->store, locator, NULL, pool))
               && !works(oci_blob_fs.list(&entries, t->store, OCI_STORED_BLOBS,
                                          NULL, 1, pool))
               && !works(oci_blob_fs.list(&entries, t->store,
                                          OCI_STORED_UPLOADS, NULL, 1, pool))
               && !works(
                   oci_blob_fs.upload_open(&writer, t->store, "id", pool)),
           "a blob store that was moved away fails");
    tap_ok(&t->run->tap,
           empty ? !rmdir(at(t->run, "b")) : access(at(t->run, "b"), F_OK),
           "nothing is created in its place");
    rename(at(t->run, "moved"), at(t->run, "b"));
    tap_ok(&t->run->tap,
           !oci_index_fs.get(&value, index, "x/y", pool)
               && !strcmp(pull(t, locator, pool), "text"),
           "both work when it is moved back");
}

/* A directory of the index leads to itself, as only an administrator can make
 * it. */
static void check_link_loop(test_t *t)
{
    apr_pool_t *pool = t->run->pool;
    oci_index_t *index;
    oci_value_t value;

    open_both(t, &index, "b", getuid());
    tap_ok(&t->run->tap, !symlink("loop", at(t->run, "b/index/loop")),
           "a link to itself is made");
    alarm(60); /* nothing here may wait */
    tap_ok(&t->run->tap,
           !works(oci_index_fs.get(&value, index, "loop/y", pool))
               && !works(oci_index_fs.get(NULL, index, "loop/y", pool))
               && !works(change(index, OCI_CHANGE_PUT, "loop/y", "v"))
               && !works(change(index, OCI_CHANGE_DELETE, "loop/y", "")),
           "a loop of links is an error");
    alarm(0);
    unlink(at(t->run, "b/index/loop"));
}

/* An index may name files outside of the store: locators have one form. */
static void check_locators(test_t *t)
{
    static const char *const locators[] = {
        "../outside",
        "blobs/../../outside",
        "blobs/.id",
        "outside",
        "",
        "/",
        "blobs/sha256/ab/../../../../outside",
        "blobs/sha256/ab/abcd"
    };
    apr_pool_t *pool = t->run->pool;
    const char *good = push(t, "up", DIGEST("abcd"), "text", pool);
    oci_blob_source_t source = { 0 };
    apr_off_t size;
    oci_index_t *index;
    size_t i, bad = 0;

    open_both(t, &index, "b", getuid());
    write_file(t, "outside", "root's");
    write_file(t, "b/outside", "root's");
    write_file(t, "b/blobs/sha256/ab/abcd", "no digest");
    for (i = 0; i < sizeof(locators) / sizeof(*locators); i++) {
        const char *each = locators[i];

        bad += oci_blob_fs.blob_open(&source, t->store, each, 0, pool)
                != APR_NOTFOUND
            || oci_blob_fs.blob_size(&size, t->store, each, pool)
                != APR_NOTFOUND
            || oci_blob_fs.blob_delete(t->store, each, NULL, pool)
                != APR_NOTFOUND;
    }
    tap_ok(&t->run->tap,
           !bad && !access(at(t->run, "outside"), F_OK)
               && !access(at(t->run, "b/outside"), F_OK)
               && !strcmp(pull(t, good, pool), "text"),
           "only the store's own locators lead to files");
}

/* Set a fact without a value, which others set and delete at the same time. */
static int set_empty(void *data, int number)
{
    oci_index_t *index = data;
    int i, bad = 0;

    for (i = 0; i < 1000; i++) {
        bad |= change(index, OCI_CHANGE_PUT, "many/a", "") != APR_SUCCESS;
        bad |= i % 8 == number
            && change(index, OCI_CHANGE_DELETE, "many/a", "");
    }
    return bad;
}

static void check_leftovers(test_t *t)
{
    oci_index_t *index;

    open_both(t, &index, "left", getuid());
    tap_ok(&t->run->tap,
           !run_threads(set_empty, index, 8)
               && !rmdir(at(t->run, "left/index/.tmp")),
           "concurrent changes of a fact leave no temporaries");
}

/* A file of locks without a complete key gets a new one. */
static void check_lock_file(test_t *t, const char *text)
{
    apr_pool_t *pool = make_pool();
    const char *path = at(t->run, "locks");
    oci_lock_t *lock;
    struct stat st;

    write_file(t, "locks", text);
    tap_ok(&t->run->tap,
           !oci_file_lock_take(&lock, path, "a", OCI_LOCK_EXCLUSIVE, pool)
               && oci_file_lock_try(&lock, path, "a", pool) == APR_EBUSY
               && !oci_file_lock_try(&lock, path, "b", pool) && !stat(path, &st)
               && st.st_size == 32,
           "locks in a file of %d bytes", (int)strlen(text));
    apr_pool_destroy(pool);
}

/* Check that a store is refused to a user without write access. */
static int refuse(void *data, int number)
{
    test_t *t = data;
    oci_index_t *index;

    t->run->tap.failed = number;
    if (setgid(NOBODY) || setuid(NOBODY)) {
        return 1;
    }
    says(t->run, open_both(t, &index, "r", NOBODY), "/r/blobs",
         "the owner root");
    says(t->run, open_both(t, &index, "new", NOBODY), "/new", "denied");
    return t->run->tap.failed;
}

static void check_owners(test_t *t)
{
    apr_array_header_t *entries;
    void *reason = NULL;
    oci_owner_caller_t caller;
    oci_index_t *index;
    oci_blob_writer_t *writer;
    pid_t pid;

    if (getuid()) {
        tap_ok(&t->run->tap, 1, "owners # SKIP needs root");
        return;
    }
    chmod(t->run->dir, 0755);
    caller = act_as(t->run, NOBODY);
    open_both(t, &index, "o", NOBODY);
    change(index, OCI_CHANGE_PUT, "x/y/link", "sha256:ab");
    change(index, OCI_CHANGE_ADD, "x/y/none", "");
    change(index, OCI_CHANGE_ADD, "x/y/file", "two words");
    push(t, "up", DIGEST("abcd"), "text", t->run->pool);
    request(&writer, t, "more", 0, "text", t->run->pool);
    chmod(at(t->run, "o/blobs/sha256/ab"), 0);
    is_status(t->run,
              oci_blob_fs.list(&entries, t->store, OCI_STORED_BLOBS, NULL, 1,
                               t->run->pool),
              EACCES, "a directory that cannot be read is not left out");
    apr_pool_userdata_get(&reason, OCI_REASON, t->run->pool);
    says(t->run, reason, "/o/blobs/sha256/ab", "denied");
    chmod(at(t->run, "o/blobs/sha256/ab"), 0750);
    tap_ok(&t->run->tap, !nftw(at(t->run, "o"), check_owner, 16, FTW_PHYS),
           "all files belong to httpd's User");
    oci_owner_leave(&caller);
    open_both(t, &index, "r", 0);
    chmod(at(t->run, "r"), 0755);
    pid = start_process(refuse, t, 0);
    t->run->tap.run += 2;
    tap_ok(&t->run->tap, !end_process(pid),
           "stores without write access are refused");
}

/* Use up all inodes; return the status of the last change. */
static apr_status_t fill_inodes(oci_index_t *index, apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; i < 100 && rv == APR_SUCCESS; i++) {
        rv = change(index, OCI_CHANGE_PUT, apr_psprintf(pool, "a/l%d", i),
                    "word");
    }
    return rv;
}

/* Mount a file system that only this process sees. */
static int mount_small(test_t *t, const char *dir, const char *options)
{
    return unshare(CLONE_NEWNS)
        || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)
        || mount("tmpfs", at(t->run, dir), "tmpfs", 0, options);
}

/* In a file system of 1 MiB: nothing is lost when it is full. */
static int use_full_disk(void *data, int number)
{
    test_t *t = data;
    apr_pool_t *pool = make_pool();
    char *big = apr_pcalloc(pool, 2 << 20);
    struct iovec vec = { big, 2 << 20 };
    oci_blob_writer_t *writer;
    oci_index_t *index;
    oci_value_t value;

    (void)number;
    memset(big, 'x', (2 << 20) - 1);
    if (mount_small(t, "full", "size=1m,nr_inodes=60")) {
        return 77;
    }
    if (open_both(t, &index, "full/store", getuid())
        || change(index, OCI_CHANGE_PUT, "a/b", "two words")) {
        return 1;
    }
    if (oci_blob_fs.upload_open(&writer, t->store, "up", pool)
        || oci_blob_fs.upload_resume(writer, 0, NULL)
        || oci_blob_fs.upload_write(writer, &vec, 1) != ENOSPC) {
        return 2;
    }
    if (change(index, OCI_CHANGE_PUT, "a/b", "other words") != ENOSPC
        || change(index, OCI_CHANGE_ADD, "a/c", "other words") != ENOSPC
        || oci_index_fs.get(&value, index, "a/b", pool)
        || strcmp(value.data, "two words")) {
        return 3;
    }
    if (oci_blob_fs.upload_abort(writer)) {
        return 4;
    }
    if (fill_inodes(index, pool) != ENOSPC
        || change(index, OCI_CHANGE_PUT, "new/dir", "word") != ENOSPC) {
        return 6;
    }
    apr_pool_destroy(pool);
    return rmdir(at(t->run, "full/store/index/.tmp"))
            || rmdir(at(t->run, "full/store/uploads"))
        ? 5
        : 0;
}

/* An index whose facts are listed while they change. */
typedef struct moves_t {
    oci_index_t *index;
    volatile int stop;
} moves_t;

#define FACTS 3000 /* more than the system reads in one call */

static apr_status_t move(oci_index_t *index, int i, const char *text)
{
    char key[32];

    apr_snprintf(key, sizeof(key), "moves/%04d", i);
    return change(index, OCI_CHANGE_PUT, key, text);
}

static void *keep_moving(void *data)
{
    moves_t *moves = data;
    int i;

    for (i = 0; !moves->stop; i = (i + 1009) % FACTS) {
        if (move(moves->index, i, i % 2 ? "one" : "other")
            || move(moves->index, i, "third")) {
            abort();
        }
    }
    return NULL;
}

/* Return how many listings did not have all facts, each once and in order. */
static int list_moves(oci_index_t *index)
{
    oci_scan_t range = { "moves/", NULL, 0, 0, 0 };
    int i, k, bad = 0;

    for (i = 0; i < 100; i++) {
        apr_pool_t *pool = make_pool();
        apr_array_header_t *entries;

        if (oci_index_fs.scan(&entries, index, &range, pool)
            || entries->nelts != FACTS) {
            bad++;
        }
        for (k = 0; k < entries->nelts && k < FACTS; k++) {
            if (atoi(APR_ARRAY_IDX(entries, k, oci_entry_t).key + 6) != k) {
                bad++;
                break;
            }
        }
        apr_pool_destroy(pool);
    }
    return bad;
}

/* In a file system that moves an entry when a file is renamed over it. */
static int list_while_moving(void *data, int number)
{
    test_t *t = data;
    moves_t moves = { NULL, 0 };
    pthread_t thread;
    int i, bad = 0;

    (void)number;
    if (mount_small(t, "moving", "size=64m")) {
        return 77;
    }
    if (open_both(t, &moves.index, "moving/store", getuid())) {
        return 1;
    }
    for (i = 0; i < FACTS; i++) {
        bad += move(moves.index, i, "first") != APR_SUCCESS;
    }
    if (bad || pthread_create(&thread, NULL, keep_moving, &moves)) {
        return 2;
    }
    bad = list_moves(moves.index);
    moves.stop = 1;
    pthread_join(thread, NULL);
    printf("# %d listings of 100 were wrong\n", bad);
    return bad ? 3 : 0;
}

/* Run a test in a separate file system, if it can be mounted. */
static void check_mounted(test_t *t, const char *dir, helper_t *helper,
                          const char *name)
{
    int result;

    mkdir(at(t->run, dir), 0755);
    result = end_process(start_process(helper, t, 0));
    if (result == 77) {
        tap_ok(&t->run->tap, 1, "%s # SKIP cannot mount a file system", name);
    }
    else if (!tap_ok(&t->run->tap, !result, "%s", name)) {
        printf("# step %d\n", result);
    }
}

int main(void)
{
    run_t run;
    test_t t = { .run = &run, .provider = &oci_blob_fs };

    begin(&run);
    check_refusals(&t);
    check_layout(&t);
    check_dirs(&t);
    check_damage(&t);
    check_list(&t);
    check_temporaries(&t);
    check_absence(&t, 0);
    check_absence(&t, 1);
    check_link_loop(&t);
    check_locators(&t);
    check_leftovers(&t);
    check_lock_file(&t, "");
    check_lock_file(&t, "0123456789");
    check_owners(&t);
    check_mounted(&t, "full", use_full_disk, "a full disk");
    check_mounted(&t, "moving", list_while_moving,
                  "a listing has all facts while their values change");
    return finish(&run);
}
