/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of what a crash can leave of a "dbm" index, and of how it is handled:
 * torn and damaged logs, and merges that ended at any point. */

#include "dbm_test.h"

#include "apr_time.h"

#include "store/dbm/dbm_merge.h"

#define LOG        "a/f.log-1"
#define RECORD     (16 + 8 + 3 + 3 + 4 + 3) /* bytes that set "a/1" to "new" */
#define KILLS      12 /* writers that are killed, for each type */
#define MOST_KILLS 60
#define STARTS     40

/* Return whether the index has these values of a/1, a/2 and a/3; NULL stands
 * for a missing key. */
static int has_three(test_t *t, const char *one, const char *two,
                     const char *three)
{
    const char *texts[] = { one, two, three };
    char key[8] = "a/1";
    int i, good = 1;

    for (i = 0; i < 3; i++, key[2]++) {
        good &= texts[i] ? holds(t, key, texts[i])
                         : get_status(t, key) == APR_NOTFOUND;
    }
    return good;
}

/* Make a log of three records, synced or not.  Returns its bytes, and the
 * offset of the third record. */
static oci_value_t make_log(test_t *t, const char *type, int durable,
                            size_t *third)
{
    oci_change_t list[] = { { OCI_CHANGE_PUT, "a/1", { "one", 3 } },
                            { OCI_CHANGE_PUT, "a/2", { "two", 3 } },
                            { OCI_CHANGE_PUT, "a/3", { "three", 5 } },
                            { OCI_CHANGE_DELETE, "a/1", { NULL, 0 } } };
    apr_pool_t *pool = t->run->pool;

    mkdir(at(t->run, "a"), 0755);
    tap_is(&t->run->tap, open_as(t, type, "a/f", getuid()), NULL,
           "an index is created");
    provider_of(t->index)->apply(t->index, list, 1, durable, pool);
    provider_of(t->index)->apply(t->index, list + 1, 1, durable, pool);
    *third = read_file(t, LOG).size;
    provider_of(t->index)->apply(t->index, list + 2, 2, durable, pool);
    return read_file(t, LOG);
}

/* Cut the third record at each of its bytes. */
static void check_torn(test_t *t, const char *type)
{
    size_t third, size, after;
    oci_value_t log = make_log(t, type, 0, &third);
    int bad = 0;

    for (size = third; size < log.size; size++) {
        write_file(t, LOG, log.data, size);
        bad += open_as(t, type, "a/f", getuid()) != NULL;
        bad += !has_three(t, "one", "two", NULL);
        bad += put(t->index, "a/3", "new")
            || !has_three(t, "one", "two", "new");
        after = read_file(t, LOG).size;
        bad += after != third + RECORD;
        bad += open_as(t, type, "a/f", getuid()) != NULL;
        bad += !has_three(t, "one", "two", "new")
            || read_file(t, LOG).size != after;
    }
    tap_ok(&t->run->tap, !bad,
           "a record that is cut at any of its %d bytes is ignored",
           (int)(log.size - third));
    write_file(t, LOG, log.data, log.size);
    tap_ok(&t->run->tap,
           !open_as(t, type, "a/f", getuid())
               && has_three(t, NULL, "two", "three"),
           "a complete record counts");
}

/* Uses the index of check_torn, which another reader has open.  The reader
 * keeps what it knows, and reads the record that replaces the torn one. */
static void check_followers(test_t *t, const char *type)
{
    oci_value_t log = read_file(t, LOG);
    oci_index_t *follower = t->index, *writer;
    int good, fd = open(at(t->run, LOG), O_WRONLY | O_APPEND);

    open_as(t, type, "a/f", getuid());
    writer = t->index;
    t->index = follower;
    good = has_three(t, NULL, "two", "three");
    /* as large as the next record: only its bytes differ */
    good &= write(fd, log.data, RECORD) == RECORD;
    close(fd);
    good &= has_three(t, NULL, "two", "three");
    put(writer, "a/1", "new");
    good &= read_file(t, LOG).size == log.size + RECORD;
    tap_ok(&t->run->tap, good && has_three(t, "new", "two", "three"),
           "a reader sees that a torn record is replaced");
    write_file(t, LOG, log.data, log.size);
}

/* A power cut may leave bytes that no process wrote. */
static void check_rubbish(test_t *t, const char *type)
{
    oci_value_t log = read_file(t, LOG);
    char *bytes = apr_palloc(t->run->pool, log.size + 4096);
    int i, bad = 0;

    for (i = 0; i < 300; i++) {
        int size = 1 + rand() % (i % 3 ? 40 : 4096), k;

        memcpy(bytes, log.data, log.size);
        for (k = 0; k < size; k++) {
            bytes[log.size + k] = i % 4 ? rand() : 0;
        }
        if (i % 2 && size > 8) {
            memset(bytes + log.size, 0, 7);
            bytes[log.size + 7] = rand();
        }
        write_file(t, LOG, bytes, log.size + size);
        bad += open_as(t, type, "a/f", getuid()) != NULL;
        bad += !has_three(t, NULL, "two", "three");
        bad += put(t->index, "a/1", "new")
            || !has_three(t, "new", "two", "three");
    }
    tap_ok(&t->run->tap, !bad,
           "bytes at the end that are not a record are cut off");
    write_file(t, LOG, log.data, log.size);
}

/* Change a byte of the first two records.  They were synced when the third was
 * written, so this is not a torn end. */
static void check_damage(test_t *t, const char *type)
{
    size_t third, i;
    oci_value_t log;
    char *bytes;
    int bad = 0;

    remove_tree(at(t->run, "a"));
    log = make_log(t, type, 1, &third);
    bytes = apr_pmemdup(t->run->pool, log.data, log.size);
    for (i = strlen("mod_oci index log 1 1\n"); i < third; i++) {
        oci_index_t *index = t->index;
        const char *error;

        bytes[i] ^= 1 << i % 8;
        write_file(t, LOG, bytes, log.size);
        error = open_as(t, type, "a/f", getuid());
        bad += !error || !strstr(error, LOG " is damaged at byte");
        bad += get_status(t, "a/2") != EIO || get_status(t, "a/none") != EIO
            || put(t->index, "a/1", "new") != EIO;
        bad += read_file(t, LOG).size != log.size;
        t->index = index;
        bytes[i] ^= 1 << i % 8;
    }
    tap_ok(&t->run->tap, !bad, "damage in the middle of a log is reported");
    write_file(t, LOG, log.data, log.size);
    tap_ok(&t->run->tap,
           !open_as(t, type, "a/f", getuid())
               && has_three(t, NULL, "two", "three"),
           "the repaired log has lost nothing");
    if (truncate(at(t->run, LOG), third)) {
        abort();
    }
    is_status(t->run, get_status(t, "a/2"), EIO,
              "a log that became smaller is reported");
    remove_tree(at(t->run, "a"));
}

/* After a power cut, the second record is missing and the third exists; neither
 * was synced. */
static void check_hole(test_t *t, const char *type)
{
    size_t third;
    oci_value_t log = make_log(t, type, 0, &third);
    size_t second = third - RECORD;
    char *bytes = apr_pmemdup(t->run->pool, log.data, log.size);

    memset(bytes + second, 0, RECORD);
    write_file(t, LOG, bytes, log.size);
    tap_ok(&t->run->tap,
           !open_as(t, type, "a/f", getuid())
               && has_three(t, "one", NULL, NULL),
           "records that were not synced may be lost");
    tap_ok(&t->run->tap,
           !put(t->index, "a/1", "new") && has_three(t, "new", NULL, NULL)
               && read_file(t, LOG).size == third,
           "records behind a lost one are cut off");
    remove_tree(at(t->run, "a"));
}

/* Put values until killed. */
static int put_on(void *data, int number)
{
    test_t *t = data;
    char *value = apr_palloc(t->run->pool, 3000);
    char key[32];
    int i;

    memset(value, 'p', 3000);
    for (i = 0;; i++) {
        apr_snprintf(key, sizeof(key), "put/%d/%d", number, i % 300);
        value[0] = 'a' + i % 26;
        if (change(t->index, OCI_CHANGE_PUT, key, value, 3000)) {
            return 1;
        }
        if (i < 300) {
            signal_gate(t->ready);
        }
    }
}

/* Kill a writer a number of microseconds after it began to merge. */
static int kill_merge(test_t *t, int wait, int number)
{
    apr_time_t end = apr_time_now() + apr_time_from_sec(120);
    pid_t pid = start_process(put_on, t, number);
    int i;

    for (i = 0; i < 300; i++) {
        wait_at_gate(t->ready);
    }
    while (!exists(t, "m/f.new") && apr_time_now() < end) {
        usleep(50);
    }
    usleep(wait);
    kill(pid, SIGKILL);
    return end_process(pid) == -1;
}

static void check_killed_merges(test_t *t, const char *type)
{
    oci_scan_t range = { "", NULL, 0, 1, 0 };
    apr_array_header_t *entries;
    int i, k, left = 0, bad = 0;

    open_gate(t->ready);
    mkdir(at(t->run, "m"), 0755);
    open_as(t, type, "m/f", getuid());
    /* On a busy machine a merge may end before it is killed. */
    for (i = 0; i < KILLS || (left <= KILLS / 4 && i < MOST_KILLS); i++) {
        apr_pool_t *pool = make_pool();

        bad += !kill_merge(t, 100 << i % KILLS, i);
        left += exists(t, "m/f.new");
        if (i % 2) {
            bad += open_as(t, type, "m/f", getuid()) != NULL;
            bad += exists(t, "m/f.new");
        }
        bad += provider_of(t->index)->scan(&entries, t->index, &range, pool)
                != APR_SUCCESS
            || entries->nelts != 300 * (i + 1);
        for (k = 0; k < 300 * (i + 1) && !bad; k++) {
            oci_value_t value;

            bad += provider_of(t->index)->get(&value, t->index,
                                              apr_psprintf(pool, "put/%d/%d",
                                                           k / 300, k % 300),
                                              pool)
                || value.size != 3000 || value.data[2999] != 'p';
        }
        apr_pool_destroy(pool);
    }
    tap_ok(&t->run->tap, !bad && left > KILLS / 4,
           "%d writers were killed, %d of them in a merge: nothing is lost", i,
           left);
    tap_ok(&t->run->tap, !exists(t, "m/f.log-1"), "the log was merged");
    close_gate(t->ready);
    remove_tree(at(t->run, "m"));
}

/* A failed merge does not affect writers, and is made up for later, with all
 * logs since. */
static void check_failed_merges(test_t *t, const char *type)
{
    int i, good, count;

    mkdir(at(t->run, "m"), 0755);
    open_as(t, type, "m/f", getuid());
    put(t->index, "first", "v");
    good = mkdir(at(t->run, "m/f.new"), 0755) == 0;
    for (i = 0; i < 200; i++) {
        char key[16], text[10001];

        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        apr_snprintf(key, sizeof(key), "more/%d", i);
        good &= put(t->index, key, text) == APR_SUCCESS;
    }
    tap_ok(&t->run->tap, good && !exists(t, "m/f.log-2"),
           "a merge that cannot create a file is not begun");
    /* The merge would end the log and begin the next one, and fails there. */
    rmdir(at(t->run, "m/f.new"));
    mkdir(at(t->run, "m/f.log-2"), 0755);
    good &= put(t->index, "second", "v") == APR_SUCCESS
        && !exists(t, "m/f.new");
    tap_ok(&t->run->tap, good && holds(t, "second", "v"),
           "a merge that cannot create a log is not begun");
    rmdir(at(t->run, "m/f.log-2"));
    good &= put(t->index, "third", "v") == APR_SUCCESS;
    tap_ok(&t->run->tap,
           good && exists(t, "m/f.log-2") && !exists(t, "m/f.log-1"),
           "the next change merges");
    count = fill_log(t, "m/f.log-3", 70000);
    tap_ok(&t->run->tap,
           count && !exists(t, "m/f.log-2")
               && !open_as(t, type, "m/f", getuid()) && holds(t, "first", "v")
               && holds(t, "second", "v") && holds(t, "third", "v"),
           "nothing is lost");
    remove_tree(at(t->run, "m"));
}

/* A crash after the log was ended and before FILE was replaced: both logs are
 * read, and the next merge merges both. */
static void check_two_logs(test_t *t, const char *type)
{
    oci_value_t file;

    mkdir(at(t->run, "m"), 0755);
    open_as(t, type, "m/f", getuid());
    put(t->index, "first", "v");
    file = read_file(t, "m/f");
    if (link(at(t->run, "m/f.log-1"), at(t->run, "m/log-1"))) {
        abort();
    }
    fill_log(t, "m/f.log-2", 100000);
    put(t->index, "second", "v");
    erase(t->index, "fill/0");
    unlink(at(t->run, "m/f"));
    write_file(t, "m/f", file.data, file.size);
    rename(at(t->run, "m/log-1"), at(t->run, "m/f.log-1"));
    tap_ok(&t->run->tap,
           holds(t, "first", "v") && holds(t, "second", "v")
               && get_status(t, "fill/0") == APR_NOTFOUND
               && get_status(t, "fill/1") == 0,
           "two logs are read in order");
    tap_is(&t->run->tap, open_as(t, type, "m/f", getuid()), NULL,
           "an index with two logs is started");
    tap_ok(&t->run->tap,
           holds(t, "first", "v") && holds(t, "second", "v")
               && exists(t, "m/f.log-1"),
           "a start does not change the logs");
    tap_ok(&t->run->tap,
           fill_log(t, "m/f.log-3", 100000) && !exists(t, "m/f.log-1")
               && !exists(t, "m/f.log-2") && holds(t, "first", "v")
               && holds(t, "second", "v")
               && get_status(t, "fill/0") == APR_SUCCESS,
           "both are merged");
    rename(at(t->run, "m/f.log-3"), at(t->run, "m/away"));
    is_status(t->run, get_status(t, "first"), ENOENT, "a lost log is reported");
    remove_tree(at(t->run, "m"));
}

/* A crash while the index was created, before FILE had its name. */
static void check_unfinished(test_t *t, const char *type)
{
    mkdir(at(t->run, "m"), 0755);
    write_file(t, "m/f.new", "x", 1);
    write_file(t, "m/__db.f.new", "x", 1);
    alarm(300); /* a start that waits for ever fails */
    tap_is(&t->run->tap, open_as(t, type, "m/f", getuid()), NULL,
           "an index that was not finished is created");
    alarm(0);
    tap_ok(&t->run->tap, !exists(t, "m/f.new") && !exists(t, "m/__db.f.new"),
           "what was left of it is removed");
    remove_tree(at(t->run, "m"));
}

/* A server reloads while its children write. */
static void check_starts(test_t *t, const char *type)
{
    pid_t pids[2];
    int i, bad = 0;

    open_gate(t->ready);
    mkdir(at(t->run, "m"), 0755);
    open_as(t, type, "m/f", getuid());
    for (i = 0; i < 2; i++) {
        pids[i] = start_process(put_on, t, i);
    }
    for (i = 0; i < STARTS; i++) {
        usleep(5000);
        bad += open_as(t, type, "m/f", getuid()) != NULL;
    }
    for (i = 0; i < 600; i++) {
        wait_at_gate(t->ready);
    }
    for (i = 0; i < 2; i++) {
        kill(pids[i], SIGKILL);
        bad += end_process(pids[i]) != -1;
    }
    tap_ok(&t->run->tap, !bad, "starts do not disturb writers");
    close_gate(t->ready);
    remove_tree(at(t->run, "m"));
}

static void check_type(test_t *t, const char *type)
{
    check_torn(t, type);
    check_followers(t, type);
    check_rubbish(t, type);
    check_damage(t, type);
    check_hole(t, type);
    check_killed_merges(t, type);
    check_failed_merges(t, type);
    check_two_logs(t, type);
    check_unfinished(t, type);
    check_starts(t, type);
}

int main(void)
{
    run_t run;
    test_t t = { .run = &run };

    begin(&run);
    srand(1);
    with_each_type(&t, check_type);
    return finish(&run);
}
