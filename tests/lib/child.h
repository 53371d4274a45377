/* child.h: the real binary as a child process of a test: started, asked, killed. */
#ifndef QW_TESTS_CHILD_H
#define QW_TESTS_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct child {
    const char *binary, *dir;
    unsigned shards; /* 0: one */
    pid_t pid;
    char kafka[64], http[64];
};

/* Starts it on free ports and waits for its line `ready …`; exits the test when none comes. */
void child_start(struct child *child);
void child_kill(struct child *child); /* SIGKILL, and reaps it */
int child_stop(struct child *child);  /* SIGTERM; gives its exit code */
void child_forget(const struct child *child); /* removes its directory */
bool child_alive(const struct child *child);

/* Runs SQL by the command; gives its standard output (free it), or NULL when it failed. */
char *child_sql(const struct child *child, const char *format, const char *sql);

_Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
