/* SPDX-License-Identifier: Apache-2.0 */

/* A client's HTTP connection that uses as little CPU time as possible. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http.h"

void http_fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

double http_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

http_t *http_open(const char *host)
{
    http_t *http = malloc(sizeof(*http));
    struct sockaddr_in peer = { .sin_family = AF_INET };
    struct timeval timeout = { .tv_sec = 60 };
    char address[64];
    char *colon;
    int on = 1;

    snprintf(address, sizeof(address), "%s", host);
    colon = strchr(address, ':');
    if (!http || !colon) {
        http_fail("%s is not host:port", host);
    }
    *colon = '\0';
    peer.sin_addr.s_addr = inet_addr(address);
    peer.sin_port = htons(atoi(colon + 1));
    http->host = host;
    http->location[0] = '\0';
    http->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(http->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(http->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(http->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    if (connect(http->fd, (struct sockaddr *)&peer, sizeof(peer))) {
        http_fail("%s: %s", host, strerror(errno));
    }
    return http;
}

void http_close(http_t *http)
{
    close(http->fd);
    free(http);
}

void http_send(http_t *http, const void *bytes, size_t size)
{
    const char *next = bytes;

    while (size) {
        ssize_t n = send(http->fd, next, size, MSG_NOSIGNAL);

        if (n < 0) {
            http_fail("sending to %s: %s", http->host, strerror(errno));
        }
        next += n;
        size -= n;
    }
}

void http_head(http_t *http, const char *format, ...)
{
    char head[4096];
    va_list args;
    size_t used;

    va_start(args, format);
    used = vsnprintf(head, sizeof(head), format, args);
    va_end(args);
    used += snprintf(head + used, sizeof(head) - used, "Host: %s\r\n\r\n",
                     http->host);
    http_send(http, head, used);
}

static size_t receive(http_t *http, size_t offset, size_t limit)
{
    ssize_t n = recv(http->fd, http->buffer + offset, limit, 0);

    if (n <= 0) {
        http_fail("reading from %s: %s", http->host,
                  n ? strerror(errno) : "closed");
    }
    return n;
}

/* Return the value of a header field, or NULL.  The head is one string. */
static const char *field(const char *head, const char *name)
{
    const char *found = strcasestr(head, name);

    return found ? found + strlen(name) : NULL;
}

static void read_location(http_t *http, const char *head)
{
    const char *value = field(head, "\r\nLocation: ");

    if (!value) {
        return;
    }
    if (!strncmp(value, "http://", 7)) {
        value = strchr(value + 7, '/');
    }
    snprintf(http->location, sizeof(http->location), "%.*s",
             (int)strcspn(value, "\r"), value);
}

void http_answer(http_t *http, int status)
{
    const char *length;
    char *end;
    size_t used = 0;
    long long left;

    do {
        used += receive(http, used, sizeof(http->buffer) - 1 - used);
        http->buffer[used] = '\0';
    } while (!(end = strstr(http->buffer, "\r\n\r\n")));

    length = field(http->buffer, "\r\nContent-Length: ");
    if (strncmp(http->buffer, "HTTP/1.1 ", 9)
        || atoi(http->buffer + 9) != status) {
        http_fail("%s answered: %.600s", http->host, http->buffer);
    }
    if (status != 204 && (!length || length > end)) {
        http_fail("%s sent no Content-Length: %.600s", http->host,
                  http->buffer);
    }
    *end = '\0';
    read_location(http, http->buffer);
    http->length = length ? atoll(length) : 0;
    left = http->length - (http->buffer + used - (end + 4));
    while (left > 0) {
        left -= receive(http, 0, left < HTTP_BUFFER ? left : HTTP_BUFFER);
    }
}
