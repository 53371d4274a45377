/* test.h: a test is registered by writing it.
 *
 *     TEST(segment_append_reads_back) { EXPECT(...); EXPECT_INT(got, 3); }
 *
 * Each test runs in a process of its own with a time limit, so a crash is one failure. A failed
 * expectation ends its test. `unit NAME…` runs those whose file or name contains a NAME.
 */
#ifndef QW_TESTS_TEST_H
#define QW_TESTS_TEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct test {
    const char *name;
    const char *file;
    void (*run)(void);
    struct test *next;
    int seconds_max; /* 0: the default */
};

void test_register(struct test *test);

#define TEST_SECONDS(id, limit)                                                                    \
    static void test_##id(void);                                                                   \
    static struct test node_##id = {#id, __FILE__, test_##id, NULL, limit};                        \
    __attribute__((constructor)) static void add_##id(void)                                        \
    {                                                                                              \
        test_register(&node_##id);                                                                 \
    }                                                                                              \
    static void test_##id(void)
#define TEST(id) TEST_SECONDS(id, 0)

_Noreturn void test_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define EXPECT(x) ((x) ? (void)0 : test_fail(__FILE__, __LINE__, "expected %s", #x))
#define EXPECT_INT(got, want)                                                                      \
    test_expect_int(__FILE__, __LINE__, #got, (int64_t)(got), (int64_t)(want))
#define EXPECT_OK(call)          test_expect_status(__FILE__, __LINE__, #call, (int)(call), 0)
#define EXPECT_STATUS(call, st)  test_expect_status(__FILE__, __LINE__, #call, (int)(call), (int)(st))
#define EXPECT_STR(got, want)    test_expect_str(__FILE__, __LINE__, #got, (got), (want))
#define EXPECT_BYTES(got, want)  test_expect_bytes(__FILE__, __LINE__, #got, (got), (want))

void test_expect_int(const char *file, int line, const char *what, int64_t got, int64_t want);
void test_expect_status(const char *file, int line, const char *what, int got, int want);
void test_expect_str(const char *file, int line, const char *what, const char *got,
                     const char *want);
void test_expect_bytes(const char *file, int line, const char *what, struct bytes got,
                       struct bytes want);

/* A fresh directory that is removed when the test's process ends well. */
const char *test_dir(void);

/* The seed of this run: --seed N, or 1. Print it in a failure that depends on it. */
uint64_t test_seed(void);

#endif
