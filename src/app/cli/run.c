#include <errno.h>
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

static int run_text(const struct serving *serving, const char *path, const char *text)
{
    qw_error error;
    qw *q;

    serving_block_signals();
    int code = serving_open(serving, &q);
    if (code)
        return code;
    if (qw_sql_each(q, text, strlen(text), show, NULL, &error) != QW_OK)
        code = serving_fail(&error, path, text);
    else if (wait_for_jobs(q, &error) != QW_OK)
        code = serving_fail(&error, NULL, NULL);
    qw_close(q);
    return code;
}

static int run_file(const struct serving *serving, const char *path)
{
    char *text = read_file(path);

    if (!text)
        return fail_user("the file '%s' cannot be read: %s", path, strerror(errno));
    int code = run_text(serving, path, text);
    free(text);
    return code;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct serving serving;
    int count = serving_init(&serving, self, NULL, argc, argv), code;

    if (count < 0)
        code = count == -1 ? 0 : EXIT_USER;
    else if (count != 1)
        code = fail_user("run needs one file: quickwater run %s", self->usage);
    else
        code = run_file(&serving, argv[1]);
    serving_deinit(&serving);
    return code;
}

const struct command command_run = {
    .name = "run",
    .usage = "FILE.sql [--data DIR] [--config FILE]",
    .help = "server and this job in the foreground; ends when all sources are at their end",
    .more = "Without --data everything is in memory. FILE may be '-' for standard input.",
    .tail = serving_help,
    .run = run,
};
