#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/commands.h"
#include "app/cli/serving.h"
#include "app/cli/table.h"

static char *read_file(const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    char *text = NULL;
    size_t len = 0, size = 0;
    ssize_t got;

    if (!file)
        return NULL;
    got = getdelim(&text, &size, 0, file);
    len = got > 0 ? (size_t)got : 0;
    if (file != stdin)
        fclose(file);
    if (!text)
        text = calloc(1, 1);
    text[len] = 0;
    return text;
}

static int show(void *context, qw_result *result)
{
    struct table_view table;

    (void)context;
    table_from_result(&table, result);
    table_print(&table, TABLE_FORMAT_TABLE, stdout);
    table_deinit(&table);
    fflush(stdout);
    return 0;
}

/* Until the jobs are at their end, one fails, or a signal comes. */
static int wait_for_jobs(qw *q, qw_error *error)
{
    for (;;) {
        int code = qw_wait_finished(q, 100, error);
        if (code != QW_E_LIMIT)
            return code;
        if (serving_wait_signal(0))
            return QW_OK;
    }
}

static int run(const struct command *self, int argc, char **argv)
{
    struct serving serving = {
        .listen = {"127.0.0.1:9092", "127.0.0.1:8088"}};
    const struct arg args[] = {SERVING_ARGS(serving), {0}};
    int count = args_parse(self, args, argc, argv), code;
    qw_error error;
    qw *q;

    if (count < 0)
        return count == -1 ? 0 : EXIT_USER;
    if (count != 1)
        return fail_user("run needs one file: quickwater run %s", self->usage);
    char *text = read_file(argv[1]);
    if (!text)
        return fail_user("the file '%s' cannot be read", argv[1]);
    serving_block_signals();
    code = serving_open(&serving, &q);
    if (code) {
        free(text);
        return code;
    }
    if (qw_sql_each(q, text, strlen(text), show, NULL, &error) != QW_OK)
        code = serving_fail(&error, argv[1], text);
    else if (wait_for_jobs(q, &error) != QW_OK)
        code = serving_fail(&error, NULL, NULL);
    qw_close(q);
    free(text);
    return code;
}

const struct command command_run = {
    .name = "run",
    .usage = "FILE.sql [--data DIR]",
    .help = "server and this job in the foreground; ends when all sources are at their end",
    .more = "Without --data everything is in memory. FILE may be '-' for standard input.",
    .run = run,
};
