/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file tap.h
 * @brief Printing the results of a test program: the Test Anything Protocol
 */

#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/** The results of a test program so far; zero at the start. */
typedef struct tap_t {
    int run;
    int failed;
} tap_t;

/** Print the result of a test; its name is formatted as by printf. */
__attribute__((format(printf, 3, 4))) static inline int tap_ok(
    tap_t *tap, int passed, const char *format, ...)
{
    va_list args;

    printf("%sok %d - ", passed ? "" : "not ", ++tap->run);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    if (!passed) {
        tap->failed++;
    }
    return passed;
}

/** Test whether two strings are the same; both may be NULL. */
static inline int tap_is(tap_t *tap, const char *got, const char *expected,
                         const char *name)
{
    int same = got && expected ? !strcmp(got, expected) : got == expected;

    tap_ok(tap, same, "%s", name);
    if (!same) {
        printf("#      got: %s\n# expected: %s\n", got ? got : "(null)",
               expected ? expected : "(null)");
    }
    return same;
}

/** Print the plan, and return the exit status for main. */
static inline int tap_done(const tap_t *tap)
{
    printf("1..%d\n", tap->run);
    return tap->failed != 0;
}

#endif /* TAP_H */
