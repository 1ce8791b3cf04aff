/* SPDX-License-Identifier: Apache-2.0 */

/* load.c: many small requests over several persistent connections.
 *
 *   load HOST:PORT CONNECTIONS FIRST COUNT METHOD PATH TYPE [FILE]
 *   load HOST:PORT CONNECTIONS FIRST COUNT blobs REPOSITORY SIZE
 *
 * The first form sends requests with FILE as their body.  Each has another
 * number of six digits, counted from FIRST, which replaces "@@@@@@" in PATH and
 * in FILE.  The second form pushes blobs of random bytes with POST and PUT.
 * Each request must get 201.  The program prints the seconds that the requests
 * took, and those of the longest one of the first form; everything that can be
 * prepared is prepared before.
 */

#define _GNU_SOURCE
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"

#define MARK   "@@@@@@"
#define DIGITS 6
#define HEX    64

typedef struct load_t {
    const char *host;
    int first;
    int count;
    atomic_int taken; /* numbers that threads have taken so far */
    char *request;    /* a complete request that contains marks */
    size_t size;      /* of the request, in bytes */
    const char *path; /* for blobs: the path for POST */
    char *blobs;      /* for blobs: each preceded by its digest */
    size_t blob_size;
    pthread_barrier_t start;
    pthread_mutex_t mutex;
    double longest; /* request, in seconds */
} load_t;

/* Return the next number for a thread, or -1 if all are taken. */
static int next_number(load_t *load)
{
    int n = atomic_fetch_add(&load->taken, 1);

    return n < load->count ? n : -1;
}

/* Replace the marks in a request by a number. */
static void set_number(char *request, size_t size, int n)
{
    char digits[16];
    char *mark = request;

    snprintf(digits, sizeof(digits), "%06d", n % 1000000);
    while ((mark = memmem(mark, size - (mark - request), MARK, DIGITS))) {
        memcpy(mark, digits, DIGITS);
        mark += DIGITS;
    }
}

/* Send a request; returns the seconds until its answer. */
static double send_request(http_t *http, const char *request, size_t size)
{
    double begun = http_clock();

    http_send(http, request, size);
    http_answer(http, 201);
    return http_clock() - begun;
}

static void note_longest(load_t *load, double seconds)
{
    pthread_mutex_lock(&load->mutex);
    if (seconds > load->longest) {
        load->longest = seconds;
    }
    pthread_mutex_unlock(&load->mutex);
}

static void *send_requests(void *baton)
{
    load_t *load = baton;
    http_t *http = http_open(load->host);
    char *request = malloc(load->size);
    double seconds, longest = 0;
    int n;

    pthread_barrier_wait(&load->start);
    while ((n = next_number(load)) >= 0) {
        memcpy(request, load->request, load->size);
        set_number(request, load->size, load->first + n);
        seconds = send_request(http, request, load->size);
        longest = seconds > longest ? seconds : longest;
    }
    note_longest(load, longest);
    free(request);
    http_close(http);
    return NULL;
}

static void *push_blobs(void *baton)
{
    load_t *load = baton;
    http_t *http = http_open(load->host);
    char *request = malloc(4096 + load->blob_size);
    int n;

    pthread_barrier_wait(&load->start);
    while ((n = next_number(load)) >= 0) {
        const char *blob = load->blobs + n * (HEX + load->blob_size);
        int head;

        http_head(http, "POST %s HTTP/1.1\r\nContent-Length: 0\r\n",
                  load->path);
        http_answer(http, 202);
        head = snprintf(request, 4096,
                        "PUT %s%cdigest=sha256:%.*s "
                        "HTTP/1.1\r\nHost: %s\r\nContent-Type: "
                        "application/octet-stream\r\nContent-Length: "
                        "%zu\r\n\r\n",
                        http->location, strchr(http->location, '?') ? '&' : '?',
                        HEX, blob, load->host, load->blob_size);
        memcpy(request + head, blob + HEX, load->blob_size);
        http_send(http, request, head + load->blob_size);
        http_answer(http, 201);
    }
    free(request);
    http_close(http);
    return NULL;
}

static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *bytes = malloc(1 << 20);

    if (!file || !bytes) {
        http_fail("cannot read %s", path);
    }
    *size = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

static void prepare_request(load_t *load, char **words)
{
    size_t size = 0;
    char *body = words[3] ? read_file(words[3], &size) : NULL;
    char *head;
    int length = asprintf(&head,
                          "%s %s HTTP/1.1\r\nHost: %s\r\n"
                          "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                          words[0], words[1], load->host, words[2], size);

    load->size = length + size;
    load->request = realloc(head, load->size + 1);
    if (body) {
        memcpy(load->request + length, body, size);
    }
    free(body);
}

static void prepare_blobs(load_t *load, char **words)
{
    char *path;
    int i;

    if (asprintf(&path, "/v2/%s/blobs/uploads/", words[1]) < 0) {
        http_fail("no memory");
    }
    load->path = path;
    load->blob_size = atol(words[2]);
    load->blobs = malloc(load->count * (HEX + load->blob_size));
    for (i = 0; i < load->count; i++) {
        char *blob = load->blobs + i * (HEX + load->blob_size);
        unsigned char digest[EVP_MAX_MD_SIZE];
        char hex[HEX + 1];
        int k;

        RAND_bytes((unsigned char *)blob + HEX, load->blob_size);
        EVP_Digest(blob + HEX, load->blob_size, digest, NULL, EVP_sha256(),
                   NULL);
        for (k = 0; k < HEX / 2; k++) {
            snprintf(hex + 2 * k, 3, "%02x", digest[k]);
        }
        memcpy(blob, hex, HEX);
    }
}

int main(int argc, char **argv)
{
    load_t load = { 0 };
    pthread_t *threads;
    void *(*work)(void *);
    double begun;
    int connections;
    int i;

    if (argc < 8) {
        http_fail("load: too few arguments");
    }
    load.host = argv[1];
    connections = atoi(argv[2]);
    load.first = atoi(argv[3]);
    load.count = atoi(argv[4]);
    if (!strcmp(argv[5], "blobs")) {
        prepare_blobs(&load, argv + 5);
        work = push_blobs;
    }
    else {
        prepare_request(&load, argv + 5);
        work = send_requests;
    }
    pthread_mutex_init(&load.mutex, NULL);
    pthread_barrier_init(&load.start, NULL, connections + 1);
    threads = calloc(connections, sizeof(*threads));
    for (i = 0; i < connections; i++) {
        pthread_create(&threads[i], NULL, work, &load);
    }
    pthread_barrier_wait(&load.start);
    begun = http_clock();
    for (i = 0; i < connections; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("%.6f %.6f\n", http_clock() - begun, load.longest);
    return 0;
}
