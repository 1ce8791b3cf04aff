/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file http.h
 * @brief A client's HTTP connection that uses as little CPU time as possible
 *
 * Every failure ends the program with a message.
 */

#ifndef BENCH_HTTP_H
#define BENCH_HTTP_H

#include <stddef.h>

#define HTTP_BUFFER 262144

typedef struct http_t {
    const char *host; /* "127.0.0.1:5000" */
    int fd;
    char location[2048]; /* of the last response, without the host */
    long long length;    /* of the last response's body, in bytes */
    char buffer[HTTP_BUFFER];
} http_t;

/** Connect to host, which must outlive the connection. */
http_t *http_open(const char *host);

void http_close(http_t *http);

/** Send bytes of a request. */
void http_send(http_t *http, const void *bytes, size_t size);

/** Send a request's head: a format of the request line and header fields, each
 * followed by CR LF.  The field Host and the empty line are added. */
void http_head(http_t *http, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/**
 * Read a response and discard its body.
 * @param status The expected status
 */
void http_answer(http_t *http, int status);

/** Return the seconds of a monotonic clock. */
double http_clock(void);

/** End the program with a message. */
void http_fail(const char *format, ...)
    __attribute__((noreturn, format(printf, 1, 2)));

#endif /* BENCH_HTTP_H */
