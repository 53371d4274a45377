/* What a test expects; apart from the runner, so that a fuzz target can expect too. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "lib/test.h"

void test_fail(const char *file, int line, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "  %s:%d: ", file, line);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

void test_expect_int(const char *file, int line, const char *what, int64_t got, int64_t want)
{
    if (got != want)
        test_fail(file, line, "%s is %" PRId64 ", expected %" PRId64, what, got, want);
}

void test_expect_status(const char *file, int line, const char *what, int got, int want)
{
    if (got != want)
        test_fail(file, line, "%s gave \"%s\", expected \"%s\"", what,
                  status_text((enum status)got), status_text((enum status)want));
}

void test_expect_str(const char *file, int line, const char *what, const char *got,
                     const char *want)
{
    if (!got || strcmp(got, want))
        test_fail(file, line, "%s is\n    \"%s\", expected\n    \"%s\"", what,
                  got ? got : "(null)", want);
}

void test_expect_bytes(const char *file, int line, const char *what, struct bytes got,
                       struct bytes want)
{
    if (!bytes_equal(got, want))
        test_fail(file, line, "%s is %zu bytes \"%.*s\", expected %zu bytes \"%.*s\"", what,
                  got.len, BYTES_FMT(got), want.len, BYTES_FMT(want));
}
