/* quickwater job: what a server's jobs do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/client.h"
#include "app/cli/commands.h"
#include "base/check.h"

enum { DEPTH_MAX = 200 };

static int request(const char *url, const char *method, const char *name, const char *action)
{
    struct client_answer answer;
    char *escaped = name ? client_escape(name) : NULL, *path = NULL, *text;
    int code = 0;

    CHECK(asprintf(&path, "/v1/jobs%s%s%s%s", name ? "/" : "", name ? escaped : "",
                   action ? "/" : "", action ? action : "") >= 0);
    client_request(url, method, path, "application/json", action ? "" : NULL, 0, &answer);
    if (answer.status < 200 || answer.status > 299) {
        code = client_fail(&answer, url, NULL);
    } else if (answer.json) {
        text = json_dumps(answer.json, JSON_INDENT(2) | JSON_ENCODE_ANY);
        puts(text);
        free(text);
    }
    client_free(&answer);
    free(path);
    free(escaped);
    return code;
}

/* An operator's line, then those that feed it, each deeper: as EXPLAIN draws a plan. */
static void print_op(const json_t *ops, json_int_t id, int depth)
{
    const json_t *op = NULL, *input;
    size_t i;

    json_array_foreach((json_t *)ops, i, input)
        if (json_integer_value(json_object_get(input, "id")) == id)
            op = input;
    if (!op || depth > DEPTH_MAX)
        return;
    printf("%*s%s%s(%s)\n", depth ? (depth - 1) * 3 : 0, "", depth ? "+- " : "",
           json_string_value(json_object_get(op, "name")), json_string_value(json_object_get(op, "detail")));
    json_array_foreach(json_object_get(op, "inputs"), i, input)
        print_op(ops, json_integer_value(input), depth + 1);
}

static bool is_input(const json_t *ops, json_int_t id)
{
    size_t i, k;
    json_t *op, *input;

    json_array_foreach((json_t *)ops, i, op)
        json_array_foreach(json_object_get(op, "inputs"), k, input)
            if (json_integer_value(input) == id)
                return true;
    return false;
}

/* The plan that runs, from what feeds nothing on. */
static int explain(const char *url, const char *name)
{
    struct client_answer answer;
    char *escaped = client_escape(name), *path = NULL;
    size_t i;
    json_t *op;
    int code = 0;

    CHECK(asprintf(&path, "/v1/jobs/%s", escaped) >= 0);
    client_request(url, "GET", path, NULL, NULL, 0, &answer);
    if (answer.status != 200) {
        code = client_fail(&answer, url, NULL);
    } else {
        const json_t *ops = json_object_get(answer.json, "ops");
        puts(json_string_value(json_object_get(answer.json, "sql")));
        putchar('\n');
        json_array_foreach((json_t *)ops, i, op)
            if (!is_input(ops, json_integer_value(json_object_get(op, "id"))))
                print_op(ops, json_integer_value(json_object_get(op, "id")), 0);
    }
    client_free(&answer);
    free(path);
    free(escaped);
    return code;
}

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "-";
}

static long long memory_kib(const json_t *row)
{
    const json_t *memory = json_object_get(row, "memory_bytes");
    return ((long long)json_integer_value(json_object_get(memory, "all")) + 1023) / 1024;
}

static int list(const char *url)
{
    struct client_answer answer;
    size_t i;
    json_t *row;
    int code = 0;

    client_request(url, "GET", "/v1/jobs", NULL, NULL, 0, &answer);
    if (answer.status != 200) {
        code = client_fail(&answer, url, NULL);
    } else {
        printf("%-32s %-10s %14s %14s %10s %10s  %s\n", "NAME", "STATE", "ROWS IN", "ROWS OUT", "TICK",
               "MEMORY", "WATERMARK");
        json_array_foreach(answer.json, i, row)
            printf("%-32s %-10s %14lld %14lld %10lld %6lld KiB  %s\n", text_of(row, "name"),
                   text_of(row, "state"),
                   (long long)json_integer_value(json_object_get(row, "rows_in")),
                   (long long)json_integer_value(json_object_get(row, "rows_out")),
                   (long long)json_integer_value(json_object_get(row, "tick")),
                   memory_kib(row),
                   text_of(row, "watermark"));
    }
    client_free(&answer);
    return code;
}

static int run(const struct command *self, int argc, char **argv)
{
    static const char *const actions[] = {"pause", "resume", "savepoint"};
    const char *url = CLIENT_URL_DEFAULT;
    const struct arg args[] = {
        {"--url", "URL", "the server (default " CLIENT_URL_DEFAULT ")", ARG_TEXT, &url}, {0}};
    int count = args_parse(self, args, argc, argv);

    if (count < 0)
        return count == -1 ? 0 : EXIT_USER;
    if (count == 0 || (count == 1 && strcmp(argv[1], "list") == 0))
        return list(url);
    if (strcmp(argv[1], "list") == 0)
        return fail_user("job list takes no argument '%s'", argv[2]);
    if (count != 2)
        return fail_user("job: usage: quickwater job %s", self->usage);
    if (strcmp(argv[1], "show") == 0)
        return request(url, "GET", argv[2], NULL);
    if (strcmp(argv[1], "explain") == 0)
        return explain(url, argv[2]);
    if (strcmp(argv[1], "drop") == 0)
        return request(url, "DELETE", argv[2], NULL);
    for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
        if (strcmp(argv[1], actions[i]) == 0)
            return request(url, "POST", argv[2], actions[i]);
    return fail_user("job: there is no '%s'; one of list, show, pause, resume, drop, savepoint, explain",
                     argv[1]);
}

const struct command command_job = {
    .name = "job",
    .usage = "list | show NAME | pause NAME | resume NAME | drop NAME | savepoint NAME | explain NAME",
    .help = "list, show, pause, resume and drop jobs",
    .more = "show gives all figures as JSON; explain the statement and the plan that runs; savepoint writes a\n"
            "checkpoint now.",
    .actions = "list show pause resume drop savepoint explain",
    .listed = "/v1/jobs name",
    .run = run,
};
