/* http_stream.c: see http_stream.h. */
#include "bridge/http_stream.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "bridge/halve.h"
#include "bridge/http_handle.h"

struct http_stream {
    CURLM *multi;
    CURL *curl;
    struct curl_slist *headers;
    struct buf in;
    bool paused, begun, headed; /* headed: the head is whole */
    int64_t timeout_ms, idle_ms;
    int64_t heard_ms;       /* when something came, or it was begun */
    enum http_streamed end; /* how it ended; MORE: not yet */
    char why[CURL_ERROR_SIZE];
};

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct http_stream *s = context;

    s->headed = true;
    s->heard_ms = halve_now_ms();
    if (s->in.len >= HTTP_STREAM_BYTES) {
        s->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    buf_append(&s->in, data, size * count);
    return size * count;
}

static size_t take_header(char *data, size_t size, size_t count, void *context)
{
    struct http_stream *s = context;

    s->heard_ms = halve_now_ms();
    s->headed = size * count <= 2 && (*data == '\r' || *data == '\n');
    return size * count;
}

struct http_stream *http_stream_open(const struct http_call_options *options, const char *const *headers,
                                     int64_t idle_ms)
{
    struct http_stream *s = xcalloc(1, sizeof(*s));

    s->timeout_ms = options->timeout_ms;
    s->idle_ms = idle_ms;
    buf_init(&s->in, 0);
    s->multi = curl_multi_init();
    s->curl = http_handle(options);
    CHECK(s->multi && s->curl);
    for (; *headers; headers++)
        s->headers = curl_slist_append(s->headers, *headers);
    curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, s->headers);
    curl_easy_setopt(s->curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(s->curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(s->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)s->timeout_ms);
    curl_easy_setopt(s->curl, CURLOPT_ERRORBUFFER, s->why);
    curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(s->curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(s->curl, CURLOPT_HEADERDATA, s);
    CHECK(curl_multi_add_handle(s->multi, s->curl) == CURLM_OK);
    return s;
}

void http_stream_close(struct http_stream *s)
{
    if (!s)
        return;
    curl_multi_remove_handle(s->multi, s->curl);
    curl_easy_cleanup(s->curl);
    curl_multi_cleanup(s->multi);
    curl_slist_free_all(s->headers);
    buf_deinit(&s->in);
    free(s);
}

/* What the library says of the end, which it does once. */
static void look_for_end(struct http_stream *s)
{
    int left;
    const CURLMsg *message = curl_multi_info_read(s->multi, &left);

    if (!message || message->msg != CURLMSG_DONE)
        return;
    s->end = message->data.result == CURLE_OK ? HTTP_STREAM_ENDED : HTTP_STREAM_TROUBLE;
    if (s->end == HTTP_STREAM_TROUBLE && !s->why[0])
        snprintf(s->why, sizeof(s->why), "%s", curl_easy_strerror(message->data.result));
}

static void look_for_silence(struct http_stream *s)
{
    int64_t most = s->headed ? s->idle_ms : s->timeout_ms;

    if (s->end != HTTP_STREAM_MORE || s->paused || halve_now_ms() - s->heard_ms < most)
        return;
    s->end = HTTP_STREAM_TROUBLE;
    snprintf(s->why, sizeof(s->why), "nothing came for %lld ms", (long long)most);
}

static void write_reply(struct http_stream *s, struct http_reply *reply)
{
    *reply = (struct http_reply){0};
    if (s->headed)
        http_handle_reply(s->curl, reply);
    for (size_t i = 0; i < s->in.len && i < HTTP_ANSWER_KEPT && reply->status / 100 != 2; i++)
        reply->text[i] = isprint(s->in.ptr[i]) ? (char)s->in.ptr[i] : ' ';
    if (s->end == HTTP_STREAM_TROUBLE)
        snprintf(reply->trouble, sizeof(reply->trouble), "%.190s", s->why);
}

static void go_on(struct http_stream *s)
{
    if (!s->begun)
        s->heard_ms = halve_now_ms();
    s->begun = true;
    if (s->paused && s->in.len < HTTP_STREAM_BYTES) {
        s->paused = false;
        s->heard_ms = halve_now_ms();
        curl_easy_pause(s->curl, CURLPAUSE_CONT);
    }
}

enum http_streamed http_stream_read(struct http_stream *s, int64_t wait_ms, struct bytes *in,
                                    struct http_reply *reply)
{
    int64_t until_ms = halve_now_ms() + wait_ms, left = wait_ms;
    size_t before = s->in.len;
    int running;

    go_on(s);
    for (;;) {
        curl_multi_perform(s->multi, &running);
        look_for_end(s);
        look_for_silence(s);
        if (s->end != HTTP_STREAM_MORE || s->in.len > before || left <= 0)
            break;
        curl_multi_poll(s->multi, NULL, 0, (int)(left < 1000 ? left : 1000), NULL);
        left = until_ms - halve_now_ms();
    }
    write_reply(s, reply);
    *in = buf_view(&s->in);
    return s->end;
}

void http_stream_used(struct http_stream *s, size_t bytes)
{
    buf_consume(&s->in, bytes);
}

const char *http_stream_type(const struct http_stream *s)
{
    char *type = NULL;

    if (!s->headed || curl_easy_getinfo(s->curl, CURLINFO_CONTENT_TYPE, &type) != CURLE_OK)
        return NULL;
    return type;
}
