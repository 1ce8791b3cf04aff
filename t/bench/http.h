/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file http.h
 * @brief A client's connection that costs as little as may be
 *
 * Whatever goes wrong ends the program with a sentence.
 */

#ifndef BENCH_HTTP_H
#define BENCH_HTTP_H

#include <stddef.h>

#define HTTP_BUFFER 262144

typedef struct http_t {
    const char *host; /* "127.0.0.1:5000" */
    int fd;
    char location[2048]; /* of the last answer, without the host */
    long long length;    /* bytes of the last answer's body */
    char buffer[HTTP_BUFFER];
} http_t;

/** Connect to host, which must outlive the connection. */
http_t *http_open(const char *host);

void http_close(http_t *http);

/** Send some bytes of a request. */
void http_send(http_t *http, const void *bytes, size_t size);

/** Send a request's head: a format of request line and header fields, each
 * ended by CR and LF; Host and the empty line are added. */
void http_head(http_t *http, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/**
 * Read an answer and drop its body.
 * @param status What it has to be
 */
void http_answer(http_t *http, int status);

/** Seconds since some moment. */
double http_clock(void);

/** End the program with a sentence. */
void http_fail(const char *format, ...)
    __attribute__((noreturn, format(printf, 1, 2)));

#endif /* BENCH_HTTP_H */
