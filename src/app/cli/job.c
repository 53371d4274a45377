/* quickwater job: what a server's jobs do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/client.h"
#include "app/cli/commands.h"
#include "base/check.h"

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

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "-";
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
        printf("%-32s %-10s %14s %14s %10s  %s\n", "NAME", "STATE", "ROWS IN", "ROWS OUT", "TICK",
               "WATERMARK");
        json_array_foreach(answer.json, i, row)
            printf("%-32s %-10s %14lld %14lld %10lld  %s\n", text_of(row, "name"),
                   text_of(row, "state"),
                   (long long)json_integer_value(json_object_get(row, "rows_in")),
                   (long long)json_integer_value(json_object_get(row, "rows_out")),
                   (long long)json_integer_value(json_object_get(row, "tick")),
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
    if (count != 2)
        return fail_user("job: usage: quickwater job %s", self->usage);
    if (strcmp(argv[1], "show") == 0 || strcmp(argv[1], "explain") == 0)
        return request(url, "GET", argv[2], NULL);
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
    .run = run,
};
