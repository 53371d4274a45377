/* quickwater sql: a shell on a running server. Statements end in ';' and may span lines. */
#include <ctype.h>
#include <errno.h>
#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cli/client.h"
#include "app/cli/commands.h"
#include "app/cli/complete.h"
#include "app/cli/table.h"
#include "base/buf.h"

struct shell {
    const char *url;
    enum table_format format;
    EditLine *edit;
    History *history;
    struct buf statement; /* what is typed so far */
    struct completer completer;
};

/* Runs a script and prints its answers; gives an exit code. */
static int run_script(const char *url, enum table_format format, const char *sql)
{
    struct client_answer answer;
    size_t i;
    json_t *entry;

    client_request(url, "POST", "/v1/sql", "text/plain", sql, strlen(sql), &answer);
    const json_t *results = json_object_get(answer.json, "results");
    int code = answer.status == 200 && results ? 0 : client_fail(&answer, url, sql);
    json_array_foreach(results, i, entry)
    {
        struct table_view table;
        if (table_from_json(&table, entry)) {
            table_print(&table, format, stdout);
            table_deinit(&table);
        }
    }
    client_free(&answer);
    fflush(stdout);
    return code;
}

/* A ';' that is in no string, name or comment ends the text. */
static bool is_complete(const char *sql)
{
    bool ended = false;

    for (const char *p = sql; *p; p++) {
        if (*p == '\'' || *p == '`' || *p == '"') {
            char quote = *p;
            for (p++; *p && *p != quote; p++)
                ;
            if (!*p)
                return false;
            ended = false;
        } else if (p[0] == '-' && p[1] == '-') {
            while (p[1] && p[1] != '\n')
                p++;
        } else if (p[0] == '/' && p[1] == '*') {
            p = strstr(p + 2, "*/");
            if (!p)
                return false;
            p++;
        } else if (!isspace((unsigned char)*p)) {
            ended = *p == ';';
        }
    }
    return ended;
}

static char *prompt(EditLine *edit)
{
    static char first[] = "quickwater> ", more[] = "        ... ";
    struct shell *shell;

    el_get(edit, EL_CLIENTDATA, &shell);
    return shell->statement.len ? more : first;
}

static char *history_path(void)
{
    const char *home = getenv("HOME");
    char *path = NULL;

    if (!home || asprintf(&path, "%s/.quickwater_history", home) < 0)
        return NULL;
    return path;
}

static unsigned char on_tab(EditLine *edit, int key)
{
    struct shell *shell;

    (void)key;
    el_get(edit, EL_CLIENTDATA, &shell);
    return completer_complete(&shell->completer, edit) ? CC_REFRESH : CC_ERROR;
}

static void shell_open(struct shell *shell)
{
    HistEvent event;
    char *path = history_path();

    shell->edit = el_init("quickwater", stdin, stdout, stderr);
    shell->history = history_init();
    history(shell->history, &event, H_SETSIZE, 1000);
    if (path)
        history(shell->history, &event, H_LOAD, path);
    free(path);
    el_set(shell->edit, EL_CLIENTDATA, shell);
    el_set(shell->edit, EL_PROMPT, prompt);
    el_set(shell->edit, EL_EDITOR, "emacs");
    el_set(shell->edit, EL_HIST, history, shell->history);
    el_set(shell->edit, EL_SIGNAL, 1);
    el_set(shell->edit, EL_ADDFN, "complete", "complete the word", on_tab);
    el_set(shell->edit, EL_BIND, "^I", "complete", NULL);
    el_set(shell->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_source(shell->edit, NULL);
    buf_init(&shell->statement, 0);
    completer_init(&shell->completer, shell->url);
}

static void shell_close(struct shell *shell)
{
    HistEvent event;
    char *path = history_path();

    if (path)
        history(shell->history, &event, H_SAVE, path);
    free(path);
    history_end(shell->history);
    el_end(shell->edit);
    buf_deinit(&shell->statement);
    completer_deinit(&shell->completer);
}

static const char shell_help[] =
    "Statements end in ';'. Flink SQL, and:\n"
    "  \\h   this text            \\q   leave (also quit, exit, Ctrl-D)\n"
    "  \\t   tables               \\j   jobs\n"
    "  Tab completes keywords, tables and columns; Ctrl-R searches what was typed before.";

/* Backslash commands and the words to leave; false: not one of them. */
static bool shell_command(struct shell *shell, const char *line, bool *leave)
{
    size_t len = strcspn(line, "\r\n");

    *leave = (len == 2 && !strncmp(line, "\\q", 2)) || !strncmp(line, "quit", len > 4 ? len : 4) ||
             !strncmp(line, "exit", len > 4 ? len : 4);
    if (*leave)
        return true;
    if (line[0] != '\\')
        return false;
    if (line[1] == 't')
        run_script(shell->url, shell->format, "SHOW TABLES;");
    else if (line[1] == 'j')
        run_script(shell->url, shell->format, "SHOW JOBS;");
    else
        puts(shell_help);
    return true;
}

static void take_line(struct shell *shell, const char *line, int len, bool *leave)
{
    HistEvent event;

    if (shell->statement.len == 0 && shell_command(shell, line, leave))
        return;
    if (shell->statement.len == 0 && line[strspn(line, " \t\r\n")] == 0)
        return;
    buf_append(&shell->statement, line, (size_t)len);
    buf_u8(&shell->statement, 0);
    if (is_complete((const char *)shell->statement.ptr)) {
        history(shell->history, &event, H_ENTER, (const char *)shell->statement.ptr);
        run_script(shell->url, shell->format, (const char *)shell->statement.ptr);
        completer_refresh(&shell->completer);
        buf_clear(&shell->statement);
    } else {
        shell->statement.len--;
    }
}

static int interactive(const char *url, enum table_format format)
{
    struct shell shell = {.url = url, .format = format};
    bool leave = false;
    const char *line;
    int len;

    printf("Quickwater at %s. \\h for help.\n", client_shown(url));
    shell_open(&shell);
    while (!leave && (line = el_gets(shell.edit, &len)) != NULL && len > 0)
        take_line(&shell, line, len, &leave);
    if (!leave)
        putchar('\n');
    shell_close(&shell);
    return 0;
}

static char *read_all(FILE *file)
{
    char *text = NULL;
    size_t size = 0;

    if (getdelim(&text, &size, 0, file) < 0 && !text)
        text = calloc(1, 1);
    return text;
}

static int run_file(const char *url, enum table_format format, const char *path)
{
    FILE *file = path ? fopen(path, "r") : stdin;

    if (!file)
        return fail_user("the file '%s' cannot be read: %s", path, strerror(errno));
    char *text = read_all(file);
    int code = run_script(url, format, text);
    free(text);
    if (path)
        fclose(file);
    return code;
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *sql = NULL, *file = NULL, *format_name = NULL, *url = CLIENT_URL_DEFAULT;
    enum table_format format = TABLE_FORMAT_TABLE;
    const struct arg args[] = {
        {"-c", "\"SQL\"", "run this and leave", ARG_TEXT, &sql},
        {"-f", "FILE", "run this file and leave", ARG_TEXT, &file},
        {"--format", "NAME", "table (default), csv or json", ARG_TEXT, &format_name},
        {"--url", "URL", "the server (default " CLIENT_URL_DEFAULT ")", ARG_TEXT, &url},
        {0}};
    int count = args_parse(self, args, argc, argv);

    if (count < 0)
        return count == -1 ? 0 : EXIT_USER;
    if (count > 0)
        return fail_user("sql takes no argument '%s'; a statement goes behind -c", argv[1]);
    if (format_name && !table_format_of(format_name, &format))
        return fail_user("--format: '%s' is not one of table, csv, json", format_name);
    if (sql && file)
        return fail_user("sql takes -c or -f, not both");
    if (sql)
        return run_script(url, format, sql);
    if (file || !isatty(STDIN_FILENO))
        return run_file(url, format, file);
    return interactive(url, format);
}

const struct command command_sql = {
    .name = "sql",
    .usage = "[-c \"SQL\" | -f FILE] [--format table|csv|json] [--url URL]",
    .help = "a SQL shell on a running server",
    .run = run,
};
