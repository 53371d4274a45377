/* quickwater bridge: what carries records to outside systems and from them, and its circuit breakers by hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/client.h"
#include "app/cli/commands.h"
#include "base/check.h"
#include "base/json_writer.h"

#define PATH   "/v1/bridges"
#define STATES "CLOSED OPEN HALF_OPEN FORCED_OPEN DISABLED METRICS_ONLY"

/* name NULL: all; part and body NULL: it is looked at. */
static int ask(const char *url, const char *name, const char *part, struct bytes body, struct client_answer *answer)
{
    char *escaped = name ? client_escape(name) : NULL, *path = NULL;

    CHECK(asprintf(&path, PATH "%s%s%s", name ? "/" : "", name ? escaped : "", part ? part : "") >= 0);
    client_request(url, body.ptr ? "POST" : "GET", path, "application/json", body.ptr, body.len, answer);
    free(path);
    free(escaped);
    return answer->status == 200 ? 0 : client_fail(answer, url, NULL);
}

static int show(const char *url, const char *name)
{
    struct client_answer answer;
    int code = ask(url, name, NULL, BYTES_NONE, &answer);

    if (code == 0) {
        char *text = json_dumps(answer.json, JSON_INDENT(2) | JSON_ENCODE_ANY);
        puts(text);
        free(text);
    }
    client_free(&answer);
    return code;
}

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text ? text : "";
}

static long long count_of(const json_t *row, const char *key)
{
    return (long long)json_integer_value(json_object_get(row, key));
}

/* What the outside said is not for the terminal to obey. */
static void print_row(const json_t *row)
{
    char *line = NULL;

    CHECK(asprintf(&line, "%-32s %-7s %-12s %-12s %12lld %14lld %10lld %8lld %8lld  %s\n", text_of(row, "table"),
                   text_of(row, "way"), text_of(row, "connector"), text_of(row, "breaker"), count_of(row, "lag"),
                   count_of(row, "delivered"), count_of(row, "calls"), count_of(row, "failures"),
                   count_of(row, "dead"), text_of(row, "trouble")) >= 0);
    print_safely(stdout, line);
    free(line);
}

static int list(const char *url)
{
    struct client_answer answer;
    int code = ask(url, NULL, NULL, BYTES_NONE, &answer);
    size_t i;
    json_t *row;

    if (code == 0) {
        printf("%-32s %-7s %-12s %-12s %12s %14s %10s %8s %8s  %s\n", "NAME", "WAY", "CONNECTOR", "STATE", "LAG",
               "RECORDS", "CALLS", "FAILED", "DEAD", "TROUBLE");
        json_array_foreach(answer.json, i, row)
            print_row(row);
    }
    client_free(&answer);
    return code;
}

static int force(const char *url, const char *name, const char *state)
{
    struct client_answer answer;
    struct json_writer w;
    struct buf body;

    buf_init(&body, 0);
    json_writer_init(&w, &body);
    json_object_begin(&w);
    json_key_str(&w, "state", state);
    json_object_end(&w);
    int code = ask(url, name, "/state", buf_view(&body), &answer);
    if (code == 0) {
        print_safely(stdout, name);
        printf(" is %s\n", text_of(answer.json, "breaker"));
    }
    buf_deinit(&body);
    client_free(&answer);
    return code;
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *url = CLIENT_URL_DEFAULT;
    const struct arg args[] = {
        {"--url", "URL", "the server (default " CLIENT_URL_DEFAULT ")", ARG_TEXT, &url}, {0}};
    int count = args_parse(self, args, argc, argv);

    if (count < 0)
        return count == -1 ? 0 : EXIT_USER;
    if (count == 0 || (count == 1 && strcmp(argv[1], "list") == 0))
        return list(url);
    if (count == 2 && strcmp(argv[1], "show") == 0)
        return show(url, argv[2]);
    if (count == 3 && strcmp(argv[1], "state") == 0)
        return force(url, argv[2], argv[3]);
    if (strcmp(argv[1], "list") && strcmp(argv[1], "show") && strcmp(argv[1], "state"))
        return fail_user("bridge: there is no '%s'; one of list, show, state", argv[1]);
    return fail_user("bridge: usage: quickwater bridge %s", self->usage);
}

const struct command command_bridge = {
    .name = "bridge",
    .usage = "list | show NAME | state NAME STATE",
    .help = "list, show and hold what is carried to and from outside systems",
    .more = "show gives all figures as JSON. state forces the circuit breaker:\n"
            "  FORCED_OPEN    nothing is carried, until it is told otherwise\n"
            "  CLOSED         by itself again, from the start: this ends the other three\n"
            "  OPEN           left alone for a while, then tried again by itself\n"
            "  HALF_OPEN      a few calls are tried now, and decide\n"
            "  DISABLED       carried whatever fails; failures are not judged\n"
            "  METRICS_ONLY   carried whatever fails; the shares of failures are still counted\n"
            "FORCED_OPEN, DISABLED and METRICS_ONLY are kept over restarts.",
    .actions = "list show state",
    .listed = PATH " table",
    .choices = STATES,
    .run = run,
};
