#include "app/cli/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/args.h"
#include "base/check.h"
#include "sql/sql.h"

enum { CONNECT_SECONDS_MAX = 5 };

static size_t collect(char *data, size_t size, size_t count, void *context)
{
    struct client_answer *answer = context;
    size_t len = size * count;

    answer->body = xrealloc(answer->body, answer->len + len + 1);
    memcpy(answer->body + answer->len, data, len);
    answer->len += len;
    answer->body[answer->len] = 0;
    return len;
}

static void set_options(CURL *curl, const char *url, const char *method, struct client_answer *out)
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS_MAX);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*"); /* a server is named, not looked for */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (getenv("QUICKWATER_CA"))
        curl_easy_setopt(curl, CURLOPT_CAINFO, getenv("QUICKWATER_CA"));
}

void client_request(const char *url, const char *method, const char *path, const char *content_type,
                    const void *body, size_t body_len, struct client_answer *out)
{
    char *whole = NULL, *header = NULL;
    struct curl_slist *headers = NULL;
    CURL *curl = curl_easy_init();

    memset(out, 0, sizeof(*out));
    CHECK(curl != NULL && asprintf(&whole, "%s%s", url, path) >= 0);
    set_options(curl, whole, method, out);
    if (body) {
        CHECK(asprintf(&header, "Content-Type: %s", content_type) >= 0);
        headers = curl_slist_append(NULL, header);
        headers = curl_slist_append(headers, "Expect:");
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_len);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    CURLcode rc = curl_easy_perform(curl);
    if (rc == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &out->status);
    else
        snprintf(out->error, sizeof(out->error), "%s", curl_easy_strerror(rc));
    if (out->body)
        out->json = json_loadb(out->body, out->len, JSON_DECODE_ANY, NULL);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    free(header);
    free(whole);
}

void client_free(struct client_answer *answer)
{
    json_decref(answer->json);
    free(answer->body);
}

char *client_escape(const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, 0), *copy = xstrdup(escaped);

    curl_free(escaped);
    return copy;
}

static void copy_text(char *to, size_t size, const json_t *error, const char *key)
{
    const char *text = json_string_value(json_object_get(error, key));
    snprintf(to, size, "%s", text ? text : "");
}

const char *client_shown(const char *url)
{
    const char *at = strrchr(url, '@');
    return at ? at + 1 : url;
}

int client_fail(const struct client_answer *answer, const char *url, const char *sql)
{
    const json_t *error = json_object_get(answer->json, "error");
    struct diag diag = {.code = DIAG_SYNTAX};
    struct arena arena;

    if (answer->status == 0)
        return fail_user("no server answers at %s: %s\n  start one with 'quickwater serve', or name "
                         "another with --url",
                         client_shown(url), answer->error);
    if (!error)
        return fail_ours("the server answered %ld: %.200s", answer->status,
                         answer->body ? answer->body : "");
    copy_text(diag.message, sizeof(diag.message), error, "message");
    copy_text(diag.near, sizeof(diag.near), error, "near");
    copy_text(diag.hint, sizeof(diag.hint), error, "hint");
    diag.line = (unsigned)json_integer_value(json_object_get(error, "line"));
    diag.column = (unsigned)json_integer_value(json_object_get(error, "column"));
    arena_init(&arena, ARENA_BUDGET_NONE);
    if (sql && diag.line)
        fprintf(stderr, "quickwater: %s", sql_error_text(&arena, bytes_str(sql), &diag)); /* ends its line */
    else
        fprintf(stderr, "quickwater: %s%s%s\n", diag.message, diag.hint[0] ? "\n  " : "", diag.hint);
    arena_deinit(&arena);
    return answer->status >= 500 ? EXIT_OURS : EXIT_USER;
}
