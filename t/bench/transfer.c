/* SPDX-License-Identifier: Apache-2.0 */

/* transfer.c: large bodies.
 *
 *   transfer get  HOST:PORT PATH MIB
 *   transfer put  HOST:PORT PATH MIB
 *   transfer push HOST:PORT PATH MIB [UPLOADS]
 *   transfer whole HOST:PORT PATH MIB
 *   transfer patches HOST:PORT PATH MIB
 *
 * "put" is one PUT.  "push" sends the requests of docker to PATH, for example
 * /v2/NAME/blobs/uploads/: POST, PATCH with a chunked body, PUT without a body;
 * UPLOADS of them at the same time, each with other content.  "whole" is POST
 * and PUT with the body; "patches" is POST, PATCHes of 64 KiB, and PUT without
 * a body.  The program prints the seconds from the first request to the last
 * response, the last digest, and for "push" the median and the 99th percentile
 * of the seconds that a push took.
 *
 * A body repeats the same random MiB with a count written into it.  It fits
 * into the processor's cache, so that the measured time is that of the server.
 * Digests are computed before.
 */

#define _GNU_SOURCE
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"

#define PIECE  32768 /* bytes; Go's client sends chunks of this size */
#define PATCH  65536 /* bytes of one of several PATCHes */
#define PIECES 32    /* in a block, which is a MiB */
#define LEAD   6     /* bytes before a chunk: "8000" CR LF */
#define TAIL   2     /* bytes after a chunk: CR LF */

typedef struct body_t {
    int blocks;
    int chunked; /* whether it is sent with chunked encoding */
    char *block;
    char digest[65];
} body_t;

typedef struct transfer_t {
    const char *host;
    const char *path;
    body_t body;
    pthread_t thread;
    pthread_barrier_t *start;
    double seconds;
} transfer_t;

static size_t stride(const body_t *body)
{
    return body->chunked ? LEAD + PIECE + TAIL : PIECE;
}

static char *piece(const body_t *body, int n)
{
    return body->block + n * stride(body) + (body->chunked ? LEAD : 0);
}

static void set_count(body_t *body, int count)
{
    memcpy(piece(body, 0), &count, sizeof(count));
}

static void make_body(body_t *body)
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    unsigned char digest[EVP_MAX_MD_SIZE];
    int i, k;

    body->block = malloc(PIECES * stride(body));
    RAND_bytes((unsigned char *)body->block, PIECES * stride(body));
    for (i = 0; body->chunked && i < PIECES; i++) {
        memcpy(piece(body, i) - LEAD, "8000\r\n", LEAD);
        memcpy(piece(body, i) + PIECE, "\r\n", TAIL);
    }
    EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
    for (i = 0; i < body->blocks; i++) {
        set_count(body, i);
        for (k = 0; k < PIECES; k++) {
            EVP_DigestUpdate(hash, piece(body, k), PIECE);
        }
    }
    EVP_DigestFinal_ex(hash, digest, NULL);
    EVP_MD_CTX_free(hash);
    for (i = 0; i < 32; i++) {
        snprintf(body->digest + 2 * i, 3, "%02x", digest[i]);
    }
}

static void send_body(http_t *http, body_t *body)
{
    int i;

    for (i = 0; i < body->blocks; i++) {
        set_count(body, i);
        http_send(http, body->block, PIECES * stride(body));
    }
    if (body->chunked) {
        http_send(http, "0\r\n\r\n", 5);
    }
}

static void put(http_t *http, const char *path, body_t *body)
{
    http_head(http, "PUT %s HTTP/1.1\r\nContent-Length: %lld\r\n", path,
              (long long)body->blocks << 20);
    send_body(http, body);
    http_answer(http, 201);
}

static void begin_upload(http_t *http, const char *path)
{
    http_head(http, "POST %s HTTP/1.1\r\nContent-Length: 0\r\n", path);
    http_answer(http, 202);
}

/* Send the head of the final PUT. */
static void send_final_head(http_t *http, const body_t *body, long long length)
{
    http_head(http,
              "PUT %s%cdigest=sha256:%s HTTP/1.1\r\n"
              "Content-Length: %lld\r\n",
              http->location, strchr(http->location, '?') ? '&' : '?',
              body->digest, length);
}

static void push(http_t *http, const char *path, body_t *body)
{
    begin_upload(http, path);
    http_head(http,
              "PATCH %s HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
              "Content-Type: application/octet-stream\r\n",
              http->location);
    send_body(http, body);
    http_answer(http, 202);
    send_final_head(http, body, 0);
    http_answer(http, 201);
}

static void whole(http_t *http, const char *path, body_t *body)
{
    begin_upload(http, path);
    send_final_head(http, body, (long long)body->blocks << 20);
    send_body(http, body);
    http_answer(http, 201);
}

static void patches(http_t *http, const char *path, body_t *body)
{
    size_t offset;
    int i;

    begin_upload(http, path);
    for (i = 0; i < body->blocks; i++) {
        set_count(body, i);
        for (offset = 0; offset < PIECES * PIECE; offset += PATCH) {
            http_head(http, "PATCH %s HTTP/1.1\r\nContent-Length: %d\r\n",
                      http->location, PATCH);
            http_send(http, body->block + offset, PATCH);
            http_answer(http, 202);
        }
    }
    send_final_head(http, body, 0);
    http_answer(http, 201);
}

static void get(http_t *http, const char *path, const body_t *body)
{
    http_head(http, "GET %s HTTP/1.1\r\n", path);
    http_answer(http, 200);
    if (http->length != (long long)body->blocks << 20) {
        http_fail("%s has %lld bytes", path, http->length);
    }
}

static void *push_one(void *baton)
{
    transfer_t *transfer = baton;
    http_t *http = http_open(transfer->host);

    pthread_barrier_wait(transfer->start);
    transfer->seconds = http_clock();
    push(http, transfer->path, &transfer->body);
    transfer->seconds = http_clock() - transfer->seconds;
    http_close(http);
    return NULL;
}

static int compare_seconds(const void *a, const void *b)
{
    double left = ((const transfer_t *)a)->seconds;
    double right = ((const transfer_t *)b)->seconds;

    return (left > right) - (left < right);
}

/* Return the seconds that n concurrent pushes take. */
static double push_many(transfer_t *transfers, int n)
{
    pthread_barrier_t start;
    double begun;
    int i;

    pthread_barrier_init(&start, NULL, n + 1);
    for (i = 0; i < n; i++) {
        transfers[i].start = &start;
        pthread_create(&transfers[i].thread, NULL, push_one, &transfers[i]);
    }
    pthread_barrier_wait(&start);
    begun = http_clock();
    for (i = 0; i < n; i++) {
        pthread_join(transfers[i].thread, NULL);
    }
    return http_clock() - begun;
}

static double transfer_one(const char *verb, transfer_t *transfer)
{
    double begun = http_clock();
    http_t *http = http_open(transfer->host);

    if (!strcmp(verb, "get")) {
        get(http, transfer->path, &transfer->body);
    }
    else if (!strcmp(verb, "whole")) {
        whole(http, transfer->path, &transfer->body);
    }
    else if (!strcmp(verb, "patches")) {
        patches(http, transfer->path, &transfer->body);
    }
    else {
        put(http, transfer->path, &transfer->body);
    }
    http_close(http);
    return http_clock() - begun;
}

int main(int argc, char **argv)
{
    int n = argc > 5 ? atoi(argv[5]) : 1;
    transfer_t *transfers = calloc(n, sizeof(*transfers));
    double seconds;
    int i;

    if (argc < 5) {
        http_fail("transfer: too few arguments");
    }
    for (i = 0; i < n; i++) {
        transfers[i].host = argv[2];
        transfers[i].path = argv[3];
        transfers[i].body.blocks = atoi(argv[4]);
        transfers[i].body.chunked = !strcmp(argv[1], "push");
        if (strcmp(argv[1], "get")) {
            make_body(&transfers[i].body);
        }
    }
    seconds = strcmp(argv[1], "push") ? transfer_one(argv[1], transfers)
                                      : push_many(transfers, n);
    printf("%.6f sha256:%s", seconds, transfers[n - 1].body.digest);
    qsort(transfers, n, sizeof(*transfers), compare_seconds);
    printf(" %.6f %.6f\n", transfers[n / 2].seconds,
           transfers[n - 1 - n / 100].seconds);
    return 0;
}
