/* SPDX-License-Identifier: Apache-2.0 */

/* OCIEventLog: opens the logs when httpd opens its own, and writes the events
 * of changes that were applied.
 *
 *   file     all lines of a change are one write(2) to a file that was opened
 *            for appending, so lines of several processes do not mix
 *   program  each line is one write(2) to a pipe, which takes it at once or not
 *            at all (OCI_EVENT_LINE_MAX).  A full pipe is waited for, but
 *            not for long, and not again until it takes a line
 *
 * What cannot be written goes to the error log, each event in a line. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_main.h"
#include "apr_atomic.h"
#include "apr_portable.h"
#include "apr_strings.h"

#include "httpd/config.h"
#include "httpd/event_check.h"
#include "httpd/event_line.h"
#include "httpd/event_log.h"
#include "httpd/metrics.h"

APLOG_USE_MODULE(oci);

/* How long the lines of a change wait for a full pipe. */
#define PIPE_WAIT apr_time_from_sec(1)

/* Under which the programs are kept in the pool of httpd's process. */
#define PROGRAMS "mod_oci event programs"

struct oci_event_log_t {
    const char *target; /* "|" and a command, or an absolute path */
    oci_event_format_e format;
    const ap_directive_t *line; /* its directive */
    apr_os_file_t fd;           /* -1 if it is not open */
    apr_uint32_t stuck; /* the pipe was full for PIPE_WAIT; in each process */
};

/* The listener of a registry. */
typedef struct logger_t {
    oci_listener_t listener;
    oci_event_log_t *log;
    request_rec *r;
    const server_rec *s;
    apr_pool_t *pool;
} logger_t;

static int is_program(const oci_event_log_t *log)
{
    return *log->target == '|';
}

oci_event_log_t *oci_event_log_make(const char *target,
                                    oci_event_format_e format,
                                    const ap_directive_t *line,
                                    apr_pool_t *pool)
{
    oci_event_log_t *log = apr_pcalloc(pool, sizeof(*log));

    log->target = *target == '|' ? target
                                 : ap_server_root_relative(pool, target);
    log->format = format;
    log->line = line;
    log->fd = -1;
    return log->target ? log : NULL;
}

/* A program that runs. */
typedef struct program_t {
    const char *target; /* as in oci_event_log_t */
    apr_os_file_t fd;   /* to write to it */
} program_t;

/* Return the programs that httpd's process has started, program_t. */
static apr_array_header_t *find_programs(const server_rec *s)
{
    apr_pool_t *pool = s->process->pool;
    void *programs;

    apr_pool_userdata_get(&programs, PROGRAMS, pool);
    if (!programs) {
        programs = apr_array_make(pool, 1, sizeof(program_t));
        /* this copies the key: httpd may load the module anew */
        apr_pool_userdata_set(programs, PROGRAMS, NULL, pool);
    }
    return programs;
}

/* Start a program, as CustomLog does: "||" is "|", and "|$" calls a shell.
 * @return NULL, or what is wrong */
static const char *start_program(program_t *program, apr_pool_t *pool)
{
    char second = program->target[1];
    const char *command = program->target
        + (second == '|' || second == '$' ? 2 : 1);
    piped_log *piped = ap_open_piped_log_ex(pool, command,
                                            second == '$' ? APR_SHELLCMD_ENV
                                                          : APR_PROGRAM_ENV);

    if (!piped
        || apr_os_file_get(&program->fd, ap_piped_log_write_fd(piped))
            != APR_SUCCESS) {
        return "the program cannot be started";
    }
    fcntl(program->fd, F_SETFL, fcntl(program->fd, F_GETFL) | O_NONBLOCK);
    return NULL;
}

/* Return where to write to a program that runs already; -1 if it does not. */
static apr_os_file_t find_program(const oci_event_log_t *log,
                                  const server_rec *s)
{
    const apr_array_header_t *programs = find_programs(s);
    int i;

    for (i = 0; i < programs->nelts; i++) {
        const program_t *known = &APR_ARRAY_IDX(programs, i, program_t);

        if (!strcmp(known->target, log->target)) {
            return known->fd;
        }
    }
    return -1;
}

/* Find the program, or start it.  httpd reads its configuration a first time
 * before it becomes a daemon: of a program that was started then it would not
 * learn that it ended. */
static const char *open_program(oci_event_log_t *log, const server_rec *s)
{
    apr_array_header_t *programs = find_programs(s);
    program_t program = { NULL, find_program(log, s) };
    const char *error = NULL;

    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return NULL;
    }
    if (program.fd < 0) {
        program.target = apr_pstrdup(programs->pool, log->target);
        error = start_program(&program, programs->pool);
        if (!error) {
            APR_ARRAY_PUSH(programs, program_t) = program;
        }
    }
    log->fd = program.fd;
    return error;
}

static const char *open_file(oci_event_log_t *log, apr_pool_t *pool)
{
    char text[128];
    apr_file_t *file;
    apr_finfo_t info;
    apr_status_t rv = apr_file_open(&file, log->target,
                                    APR_FOPEN_READ | APR_FOPEN_WRITE
                                        | APR_FOPEN_APPEND | APR_FOPEN_CREATE
                                        | APR_FOPEN_LARGEFILE,
                                    APR_FPROT_OS_DEFAULT, pool);

    if (rv == APR_SUCCESS) {
        rv = apr_file_info_get(&info, APR_FINFO_TYPE, file);
    }
    if (rv != APR_SUCCESS) {
        return apr_psprintf(pool, "cannot open it: %s",
                            apr_strerror(rv, text, sizeof(text)));
    }
    if (info.filetype != APR_REG) {
        apr_file_close(file);
        return OCI_EVENT_NOT_A_FILE;
    }
    apr_os_file_get(&log->fd, file);
    return NULL;
}

/* Open a log, unless the server is only tested.  A program that runs need not
 * be looked for. */
static const char *open_log(oci_event_log_t *log, server_rec *s,
                            server_rec *main_server, int tests,
                            apr_pool_t *pool)
{
    const char *error = NULL;

    if (!is_program(log) || find_program(log, s) < 0) {
        error = oci_event_check(log->target, main_server, pool);
    }
    if (error || tests) {
        return error;
    }
    return is_program(log) ? open_program(log, s) : open_file(log, pool);
}

static int open_all(apr_pool_t *pool, server_rec *main_server, int tests)
{
    int reloads = ap_state_query(AP_SQ_CONFIG_GEN) > 1;
    int status = OK;
    server_rec *s;
    int i;

    for (s = main_server; s; s = s->next) {
        const apr_array_header_t *logs = oci_config_of_server(s)->event_logs;

        for (i = 0; i < logs->nelts; i++) {
            oci_event_log_t *log = APR_ARRAY_IDX(logs, i, oci_event_log_t *);
            const char *error = open_log(log, s, main_server, tests, pool);

            if (error) {
                ap_log_error(APLOG_MARK, reloads ? APLOG_ERR : APLOG_EMERG, 0,
                             s, "oci: %s line %d: OCIEventLog %s: %s%s",
                             log->line->filename, log->line->line_num,
                             log->target, error,
                             reloads ? "; its events go to the error log" : "");
                status = reloads ? status : HTTP_INTERNAL_SERVER_ERROR;
            }
        }
    }
    return status;
}

int oci_event_logs_open(apr_pool_t *pool, server_rec *main_server)
{
    return open_all(pool, main_server, 0);
}

int oci_event_logs_test(apr_pool_t *pool, server_rec *main_server)
{
    return open_all(pool, main_server, 1);
}

/* Return the size of a file if it does not end with a whole line, otherwise
 * 0. */
static apr_off_t torn_size(const oci_event_log_t *log)
{
    struct stat file;
    char last;

    return !fstat(log->fd, &file) && file.st_size > 0
            && pread(log->fd, &last, 1, file.st_size - 1) == 1 && last != '\n'
        ? file.st_size
        : 0;
}

/* Whether a full disk has left a part of a line at the end of a file.  The file
 * also looks so while another process writes to it. */
static int is_torn(const oci_event_log_t *log)
{
    apr_off_t size = torn_size(log);

    if (!size) {
        return 0;
    }
    apr_sleep(apr_time_from_msec(10));
    return torn_size(log) == size;
}

/* Write bytes to a file; a signal must not lose any. */
static int write_file(const oci_event_log_t *log, const char *text,
                      apr_size_t size)
{
    ssize_t n = 0;

    if (is_torn(log) && write(log->fd, "\n", 1) != 1) {
        return 0;
    }
    while (size
           && ((n = write(log->fd, text, size)) > 0
               || (n < 0 && errno == EINTR))) {
        text += n > 0 ? n : 0;
        size -= n > 0 ? n : 0;
    }
    return !size;
}

/* Wait until a pipe takes a line, unless it did not take the last one.
 * @return Whether to try again */
static int wait_for_room(oci_event_log_t *log, apr_time_t deadline)
{
    struct pollfd room = { .fd = log->fd, .events = POLLOUT };
    apr_time_t left = deadline - apr_time_now();

    if (apr_atomic_read32(&log->stuck)) {
        return 0;
    }
    if (left > 0) {
        poll(&room, 1, (int)apr_time_as_msec(left) + 1);
        return 1;
    }
    apr_atomic_set32(&log->stuck, 1);
    return 0;
}

/* Write a line to a pipe. */
static int write_line(oci_event_log_t *log, const char *line,
                      apr_time_t deadline)
{
    apr_size_t size = strlen(line);
    ssize_t n;

    do {
        n = write(log->fd, line, size);
    } while (n < 0
             && (errno == EINTR
                 || (errno == EAGAIN && wait_for_room(log, deadline))));
    if (n == (ssize_t)size) {
        apr_atomic_set32(&log->stuck, 0);
    }
    return n == (ssize_t)size;
}

static void report_lost(const logger_t *self, const char *line)
{
    ap_log_error(APLOG_MARK, APLOG_ERR, errno, self->s,
                 "oci: OCIEventLog %s does not take this event: %.*s",
                 self->log->target, (int)strlen(line) - 1, line);
}

/* Write lines to a program.
 * @return The number of those that it did not take */
static int write_to_program(const logger_t *self,
                            const apr_array_header_t *lines)
{
    apr_time_t deadline = apr_time_now() + PIPE_WAIT;
    int lost = 0;
    int i;

    for (i = 0; i < lines->nelts; i++) {
        const char *line = APR_ARRAY_IDX(lines, i, const char *);

        if (!write_line(self->log, line, deadline)) {
            report_lost(self, line);
            lost++;
        }
    }
    return lost;
}

static int write_to_file(const logger_t *self, const apr_array_header_t *lines,
                         apr_pool_t *pool)
{
    const char *text = apr_array_pstrcat(pool, lines, '\0');
    int i;

    errno = 0;
    if (self->log->fd >= 0 && write_file(self->log, text, strlen(text))) {
        return 0;
    }
    for (i = 0; i < lines->nelts; i++) {
        report_lost(self, APR_ARRAY_IDX(lines, i, const char *));
    }
    return lines->nelts;
}

static void write_lines(const logger_t *self, const apr_array_header_t *lines,
                        apr_pool_t *pool)
{
    int lost = is_program(self->log) ? write_to_program(self, lines)
                                     : write_to_file(self, lines, pool);

    oci_metrics_add(OCI_METRIC_EVENTS_WRITTEN, lines->nelts - lost);
    oci_metrics_add(OCI_METRIC_EVENTS_FAILED, lost);
}

static void log_changes(void *baton, const apr_array_header_t *changes,
                        const char *created)
{
    const logger_t *self = baton;
    apr_array_header_t *events, *lines;
    apr_pool_t *pool;
    int i;

    if (apr_pool_create(&pool, self->pool) != APR_SUCCESS) {
        return;
    }
    events = oci_events_find(changes, created, pool);
    lines = apr_array_make(pool, events->nelts + 1, sizeof(const char *));
    for (i = 0; i < events->nelts; i++) {
        APR_ARRAY_PUSH(lines,
                       const char
                           *) = oci_event_line(&APR_ARRAY_IDX(events, i,
                                                              oci_event_t),
                                               self->log->format, self->r,
                                               self->s, pool);
    }
    if (lines->nelts) {
        write_lines(self, lines, pool);
    }
    apr_pool_destroy(pool);
}

void oci_event_log_attach(oci_registry_t *registry, oci_event_log_t *log,
                          request_rec *r, const server_rec *s, apr_pool_t *pool)
{
    logger_t *self;

    if (!log) {
        return;
    }
    self = apr_pcalloc(pool, sizeof(*self));
    self->listener.applied = log_changes;
    self->listener.baton = self;
    self->log = log;
    self->r = r;
    self->s = s;
    self->pool = pool;
    registry->listener = &self->listener;
}
