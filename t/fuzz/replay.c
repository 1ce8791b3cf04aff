/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file replay.c
 * @brief Run a fuzz target on files, without a fuzzer
 *
 * Each argument is a file.  The program prints TAP; if a check of the target
 * fails, the program aborts before it prints the plan.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Read an entire file of at most 1 MiB; NULL on failure. */
static uint8_t *read_file(const char *path, size_t *size)
{
    const size_t limit = 1024 * 1024;
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;

    if (file && (data = malloc(limit)) != NULL) {
        *size = fread(data, 1, limit, file);
        if (ferror(file)) {
            free(data);
            data = NULL;
        }
    }
    if (file) {
        fclose(file);
    }
    return data;
}

/* Run the target on a block of exactly the file's size, so that a sanitizer
 * detects an overrun. */
static int replay(const char *path)
{
    size_t size;
    uint8_t *data = read_file(path, &size), *exact;

    if (!data) {
        return 0;
    }
    exact = realloc(data, size ? size : 1);
    data = exact ? exact : data;
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 1;
}

int main(int argc, char **argv)
{
    int i, failed = 0;

    for (i = 1; i < argc; i++) {
        int passed = replay(argv[i]);

        printf("%sok %d - %s\n", passed ? "" : "not ", i, argv[i]);
        failed += !passed;
    }
    printf("1..%d\n", argc - 1);
    return failed || argc < 2;
}
