#include "app/cli/serving.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/diag.h"
#include "sql/sql.h"

static const char *const face_names[4] = {"kafka", "http", "pg", "redis"};

static const char *listener(const char *given)
{
    return given && strcmp(given, "off") == 0 ? NULL : given;
}

static void print(void *context, const char *text, size_t len)
{
    (void)context;
    fwrite(text, 1, len, stdout);
    fflush(stdout);
}

int serving_open(const struct serving *s, qw **out)
{
    qw_options options = {
        .size = sizeof(options),
        .data_dir = s->data,
        .kafka = listener(s->listen[0]),
        .http = listener(s->listen[1]),
        .pg = listener(s->listen[2]),
        .redis = listener(s->listen[3]),
        .shards = (unsigned)s->shards,
        .insecure = s->insecure,
        .on_print = print,
    };
    qw_error error;

    if (qw_open(&options, out, &error) != QW_OK)
        return serving_fail(&error, NULL, NULL);
    fputs("ready", stdout);
    for (int i = 0; i < 4; i++)
        if (qw_address(*out, face_names[i]))
            printf(" %s=%s", face_names[i], qw_address(*out, face_names[i]));
    putchar('\n');
    fflush(stdout);
    return 0;
}

static sigset_t stop_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

void serving_block_signals(void)
{
    sigset_t set = stop_signals();

    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

bool serving_wait_signal(int64_t timeout_ms)
{
    sigset_t set = stop_signals();
    struct timespec wait = {timeout_ms / 1000, timeout_ms % 1000 * 1000000};
    int got;

    do {
        got = timeout_ms < 0 ? sigwaitinfo(&set, NULL) : sigtimedwait(&set, NULL, &wait);
    } while (got < 0 && timeout_ms < 0);
    return got > 0;
}

int serving_fail(const qw_error *error, const char *file, const char *text)
{
    int code = error->code == QW_E_IO || error->code == QW_E_POISONED ? EXIT_OURS : EXIT_USER;

    if (text && error->line) {
        struct arena arena;
        struct diag diag = {.code = DIAG_SYNTAX, .line = error->line, .column = error->column};
        snprintf(diag.message, sizeof(diag.message), "%s", error->message);
        snprintf(diag.near, sizeof(diag.near), "%s", error->near_text);
        snprintf(diag.hint, sizeof(diag.hint), "%s", error->hint);
        arena_init(&arena, ARENA_BUDGET_NONE);
        fprintf(stderr, "quickwater: %s%s%s\n", file ? file : "", file ? ": " : "",
                sql_error_text(&arena, bytes_str(text), &diag));
        arena_deinit(&arena);
        return code;
    }
    fprintf(stderr, "quickwater: %s\n", error->message);
    if (error->hint[0])
        fprintf(stderr, "  %s\n", error->hint);
    return code;
}
