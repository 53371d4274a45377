/* http_call.c: see http_call.h. */
#include "bridge/http_call.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "bridge/http_handle.h"

/* Each call has a handle of its own, a copy of the one with the options, and they share their connections: a
 * handle that is used again keeps a pointer to the last header of the answer before (libcurl 7.88), which an answer
 * that begins with a folded line, as garbled ones may, has it read after it was freed. */
struct http_call {
    CURL *options;
    CURLSH *connections;
    char why[CURL_ERROR_SIZE];
    struct http_reply *reply; /* of the call that is being made */
    size_t kept;
    CURL *handle;       /* its own */
    struct buf *answer; /* or NULL */
};

/* ---- what is asked ---- */

enum status http_url_check(struct bytes url, const char *connector, struct diag *diag)
{
    CURLU *parts = curl_url();
    char *text = xcalloc(1, url.len + 1), *scheme = NULL, *user = NULL;

    memcpy(text, url.ptr, url.len);
    bool good = parts && curl_url_set(parts, CURLUPART_URL, text, 0) == CURLUE_OK &&
                curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    bool user_in_it = good && curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_OK;
    curl_free(scheme);
    curl_free(user);
    curl_url_cleanup(parts);
    free(text);
    if (user_in_it)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "the URL of connector '%s' has a user in it, and URLs are shown: "
                        "give '%s.user' and '%s.password'", connector, connector, connector);
    if (good)
        return ST_OK;
    diag_hint(diag, "such as https://host:8443/path");
    return diag_set(diag, ST_INVALID, DIAG_VALUE, "'%.*s' is no URL of http or https",
                    BYTES_FMT(bytes_head(url, 200)));
}

void http_percent(struct buf *url, struct bytes value)
{
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.ptr[i];
        if (isalnum(c) || (c && strchr("-._~", c)))
            buf_u8(url, c);
        else
            buf_printf(url, "%%%02X", c);
    }
}

void http_query_add(struct buf *url, const char *name, struct bytes value)
{
    buf_printf(url, "%c%s=", bytes_find(buf_view(url), '?', 0) < url->len ? '&' : '?', name);
    http_percent(url, value);
}

static bool is_header(struct bytes line)
{
    size_t colon = bytes_find(line, ':', 0);

    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] < ' ' && line.ptr[i] != '\t')
            return false;
    for (size_t i = 0; i < colon && i < line.len; i++)
        if (!isalnum(line.ptr[i]) && !strchr("!#$%&'*+-.^_`|~", line.ptr[i]))
            return false;
    return colon > 0 && colon < line.len;
}

bool http_headers_check(struct bytes lines, struct bytes *bad)
{
    while (lines.len) {
        size_t end = bytes_find(lines, '\n', 0);
        *bad = bytes_head(lines, end);
        if (bad->len && !is_header(*bad))
            return false;
        lines = bytes_skip(lines, end + (end < lines.len));
    }
    return true;
}

/* ---- the connection ---- */

static size_t take_answer(char *data, size_t size, size_t count, void *context)
{
    struct http_call *call = context;
    size_t len = size * count;
    long status = 0;

    for (size_t i = 0; i < len && call->kept < HTTP_ANSWER_KEPT; i++)
        call->reply->text[call->kept++] = isprint((unsigned char)data[i]) ? data[i] : ' ';
    curl_easy_getinfo(call->handle, CURLINFO_RESPONSE_CODE, &status);
    if (!call->answer || status / 100 != 2)
        return len;
    buf_append(call->answer, data, len);
    return call->answer->failed ? 0 : len; /* 0 ends the call */
}

static void set(CURL *curl, CURLoption option, const char *value)
{
    if (value)
        CHECK(curl_easy_setopt(curl, option, value) == CURLE_OK);
}

static void library_begins(void)
{
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

CURL *http_handle(const struct http_call_options *options)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, library_begins);
    CURL *curl = curl_easy_init();
    CHECK(curl);
    set(curl, CURLOPT_URL, options->url);
    set(curl, CURLOPT_USERNAME, options->user);
    set(curl, CURLOPT_PASSWORD, options->password);
    set(curl, CURLOPT_PROXY, options->proxy ? options->proxy : ""); /* "": none from the environment */
    set(curl, CURLOPT_CAINFO, options->ca_file);
    set(curl, CURLOPT_SSLCERT, options->cert_file);
    set(curl, CURLOPT_SSLKEY, options->key_file);
    set(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    return curl;
}

struct http_call *http_call_open(const struct http_call_options *options)
{
    struct http_call *call = xcalloc(1, sizeof(*call));

    call->options = http_handle(options);
    call->connections = curl_share_init();
    CHECK(call->connections);
    CHECK(curl_share_setopt(call->connections, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT) == CURLSHE_OK);
    curl_easy_setopt(call->options, CURLOPT_TIMEOUT_MS, (long)options->timeout_ms);
    curl_easy_setopt(call->options, CURLOPT_WRITEFUNCTION, take_answer);
    return call;
}

void http_call_close(struct http_call *call)
{
    if (!call)
        return;
    curl_easy_cleanup(call->options);
    CHECK(curl_share_cleanup(call->connections) == CURLSHE_OK);
    free(call);
}

static void set_method(CURL *curl, const struct http_request *request)
{
    if (strcmp(request->method, "GET") == 0) {
        curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
        curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, ""); /* whatever libcurl can undo */
        return;
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.len ? (const char *)request->body.ptr : "");
}

void http_handle_reply(CURL *curl, struct http_reply *reply)
{
    curl_off_t retry_after = 0;
    struct curl_header *etag;

    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply->status);
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after);
    reply->retry_after_ms = retry_after > 0 && retry_after < INT32_MAX ? retry_after * 1000 : 0;
    if (curl_easy_header(curl, "ETag", 0, CURLH_HEADER, -1, &etag) == CURLHE_OK &&
        strlen(etag->value) <= HTTP_ETAG_MAX)
        snprintf(reply->etag, sizeof(reply->etag), "%s", etag->value);
}

void http_call_make(struct http_call *call, const struct http_request *request, struct http_reply *reply)
{
    struct curl_slist *headers = NULL;
    CURL *curl = curl_easy_duphandle(call->options);

    *reply = (struct http_reply){0};
    call->reply = reply;
    call->kept = 0;
    call->why[0] = 0;
    call->handle = curl;
    call->answer = request->answer;
    for (const char *const *h = request->headers; *h; h++)
        headers = curl_slist_append(headers, *h);
    headers = curl_slist_append(headers, "Expect:"); /* else a body of 1 MiB waits a second for a "continue" */
    CHECK(curl && curl_easy_setopt(curl, CURLOPT_SHARE, call->connections) == CURLE_OK);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, call->why);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (request->url)
        curl_easy_setopt(curl, CURLOPT_URL, request->url);
    set_method(curl, request);
    CURLcode code = curl_easy_perform(curl);
    while (call->kept && reply->text[call->kept - 1] == ' ')
        reply->text[--call->kept] = 0;
    if (code == CURLE_OK)
        http_handle_reply(curl, reply);
    else if (call->answer && call->answer->failed)
        snprintf(reply->trouble, sizeof(reply->trouble), "the answer is larger than %zu bytes",
                 call->answer->limit);
    else
        snprintf(reply->trouble, sizeof(reply->trouble), "%.190s",
                 call->why[0] ? call->why : curl_easy_strerror(code));
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
}

void http_reply_text(const struct http_reply *reply, char *to, size_t size)
{
    if (!reply->status)
        snprintf(to, size, "%s", reply->trouble);
    else
        snprintf(to, size, "it answers %ld%s%s", reply->status, reply->text[0] ? ": " : "", reply->text);
}
