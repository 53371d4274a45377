#include "app/cli/serving.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "app/lib.h"
#include "base/check.h"
#include "base/diag.h"
#include "sql/sql.h"

enum { FILES_BESIDE = 512 }; /* open files that are no connections, with some to spare */

/* ---- settings ---- */

static void add_args(struct serving *s, const char *data_usual)
{
    struct arg *arg = s->args;

    for (int i = 0; i < CONFIG_KEYS; i++) {
        const struct config_key *key = &config_keys[i];
        const char *usual = key->at == offsetof(struct server_options, data_dir)
                                ? data_usual ? data_usual : "in memory"
                                : key->usual;
        if (!key->option)
            continue;
        if (key->kind == CONFIG_FLAG)
            *arg++ = (struct arg){key->option, NULL, key->help, ARG_FLAG, &s->flags[i]};
        else
            *arg++ = (struct arg){
                key->option, key->shows,
                usual ? arena_printf(&s->config.arena, "%s (default %s)", key->help, usual)
                      : key->help,
                ARG_TEXT, &s->words[i]};
    }
    *arg++ = (struct arg){"--config", "FILE", "settings; what the command line says wins", ARG_TEXT,
                          &s->file};
    *arg = (struct arg){0};
}

static char *read_text(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    char *text;

    if (!file)
        return NULL;
    text = xcalloc(1, CONFIG_TEXT_MAX + 2);
    *len = fread(text, 1, CONFIG_TEXT_MAX + 1, file);
    bool bad = ferror(file);
    fclose(file);
    if (bad) {
        free(text);
        return NULL;
    }
    return text;
}

/* `quickwater: FILE: line L, column C: …`, the line and a caret */
static void print_place(const char *path, struct bytes text, const struct diag *diag)
{
    struct arena arena;

    arena_init(&arena, ARENA_BUDGET_NONE);
    fprintf(stderr, "quickwater: %s: %s", path, sql_error_text(&arena, text, diag));
    arena_deinit(&arena);
}

static bool read_config(struct serving *s)
{
    struct diag diag = {0};
    size_t len;
    char *text = read_text(s->file, &len);

    if (!text) {
        fail_user("--config: the file '%s' cannot be read: %s", s->file, strerror(errno));
        return false;
    }
    enum status st = config_read(&s->config, bytes_of(text, len), &diag);
    if (st != ST_OK)
        print_place(s->file, bytes_of(text, len), &diag);
    free(text);
    return st == ST_OK;
}

static bool apply_words(struct serving *s)
{
    struct diag diag = {0};

    for (int i = 0; i < CONFIG_KEYS; i++) {
        const char *word = s->flags[i] ? "true" : s->words[i];
        if (!word || config_word(&s->config, &config_keys[i], word, &diag) == ST_OK)
            continue;
        fail_user("option %s: '%s' is not what it takes\n  %s", config_keys[i].option, word,
                  diag.hint);
        return false;
    }
    return true;
}

int serving_init(struct serving *s, const struct command *command, const char *data_usual, int argc,
                 char **argv)
{
    int count;

    *s = (struct serving){0};
    config_init(&s->config);
    s->config.options.data_dir = data_usual;
    add_args(s, data_usual);
    count = args_parse(command, s->args, argc, argv);
    if (count < 0)
        return count;
    return (s->file && !read_config(s)) || !apply_words(s) ? -2 : count;
}

void serving_deinit(struct serving *s)
{
    config_deinit(&s->config);
}

void serving_help(void)
{
    const char *section = "";

    printf(
        "\nsettings of --config FILE, lines 'key = value' below '[section]' (docs/config.md):\n");
    for (int i = 0; i < CONFIG_KEYS; i++) {
        const struct config_key *key = &config_keys[i];
        if (strcmp(section, key->section) != 0)
            printf("  [%s]\n", key->section);
        section = key->section;
        printf("    %-20s %s%s%s%s\n", key->name, key->help, key->usual ? " (default " : "",
               key->usual ? key->usual : "", key->usual ? ")" : "");
    }
}

/* ---- serving ---- */

static void print(void *context, const char *text, size_t len)
{
    (void)context;
    fwrite(text, 1, len, stdout);
    fflush(stdout);
}

/* A connection is an open file, and the usual limit of 1,024 is for programs that use select(). */
static void raise_files(const struct server_options *o)
{
    struct rlimit limit;
    uint64_t wanted = FILES_BESIDE;

    if (o->listen[FACE_KAFKA])
        wanted += o->kafka.conns_max;
    if (o->listen[FACE_HTTP])
        wanted += o->http.conns_max;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < wanted)
        fprintf(stderr,
                "quickwater: the process may open %llu files (ulimit -Hn), and as many connections as are "
                "set would need %llu: further ones will wait\n",
                (unsigned long long)limit.rlim_cur, (unsigned long long)wanted);
}

/* A program that cannot trust itself ends: the next start goes on from what is on the disk. */
static void on_failure(void *context, const char *what, const char *file, int line)
{
    (void)context;
    check_failed(what, file, line);
}

int serving_open(const struct serving *s, qw **out)
{
    qw_error error;

    raise_files(&s->config.options);
    if (lib_open(&s->config.options, &(struct lib_host){.on_failure = on_failure, .on_print = print}, out, &error) != QW_OK)
        return serving_fail(&error, NULL, NULL);
    fputs("ready", stdout);
    for (int i = 0; i < FACE_COUNT; i++) {
        const char *name = face_name((enum face)i), *address = qw_address(*out, name);
        if (address)
            printf(" %s=%s", name, address);
    }
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
        fprintf(stderr, "quickwater: %s%s%s", file ? file : "", file ? ": " : "",
                sql_error_text(&arena, bytes_str(text), &diag));
        arena_deinit(&arena);
        return code;
    }
    fprintf(stderr, "quickwater: %s\n", error->message);
    if (error->hint[0])
        fprintf(stderr, "  %s\n", error->hint);
    return code;
}
