#include "lib/test.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SECONDS_MAX_DEFAULT = 120 };

static struct test *tests_head;
static uint64_t seed = 1;
static char *dir;
static const char *program;

void test_register(struct test *test)
{
    test->next = tests_head;
    tests_head = test;
}

const char *test_dir(void)
{
    if (!dir) {
        const char *base = getenv("TMPDIR");
        if (asprintf(&dir, "%s/quickwater-test-XXXXXX", base ? base : "/tmp") < 0 || !mkdtemp(dir))
            test_fail(__FILE__, __LINE__, "cannot make a directory: %s", strerror(errno));
    }
    return dir;
}

uint64_t test_seed(void)
{
    return seed;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void run_child(const struct test *test)
{
    alarm((unsigned)(test->seconds_max ? test->seconds_max : SECONDS_MAX_DEFAULT));
    test->run();
    if (dir)
        nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    exit(0);
}

static bool run_test(const struct test *test)
{
    struct timespec from, to;
    int code;

    fflush(NULL);
    clock_gettime(CLOCK_MONOTONIC, &from);
    pid_t child = fork();
    if (child == 0)
        run_child(test);
    while (waitpid(child, &code, 0) < 0 && errno == EINTR)
        ;
    clock_gettime(CLOCK_MONOTONIC, &to);
    bool ok = WIFEXITED(code) && WEXITSTATUS(code) == 0;
    double ms = (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
    if (!ok && WIFSIGNALED(code))
        fprintf(stderr, "  killed by signal %d%s\n", WTERMSIG(code),
                WTERMSIG(code) == SIGALRM ? " (its time was up)" : "");
    if (!ok)
        printf("FAIL %s (%s)\n  repeat: %s --seed %" PRIu64 " %s\n", test->name, test->file,
               program, seed, test->name);
    else if (ms > 2000)
        printf("slow %s: %.1f s\n", test->name, ms / 1e3);
    fflush(stdout);
    return ok;
}

static bool wanted(const struct test *test, char **names, int count)
{
    for (int i = 0; i < count; i++)
        if (strstr(test->file, names[i]) || strstr(test->name, names[i]))
            return true;
    return count == 0;
}

int main(int argc, char **argv)
{
    int passed = 0, failed = 0, at = 1;
    bool list = false;

    program = argv[0];
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (!strcmp(argv[at], "--seed") && at + 1 < argc)
            seed = strtoull(argv[++at], NULL, 0);
        else if (!strcmp(argv[at], "--list"))
            list = true;
        else
            return fprintf(stderr, "usage: %s [--list] [--seed N] [NAME…]\n", program), 2;
    }
    for (struct test *t = tests_head; t; t = t->next) {
        if (!wanted(t, argv + at, argc - at))
            continue;
        if (list)
            printf("%s (%s)\n", t->name, t->file);
        else if (run_test(t))
            passed++;
        else
            failed++;
    }
    if (!list)
        printf("%d passed, %d failed\n", passed, failed);
    return failed || (!list && passed == 0);
}
