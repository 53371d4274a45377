#include "serve/http/http.h"

#include <stdlib.h>

#include "base/check.h"
#include "serve/http/face.h"
#include "serve/http/sample.h"

static void fill_defaults(struct http_options *o)
{
    if (!o->version)
        o->version = "";
    if (!o->body_bytes_max)
        o->body_bytes_max = HTTP_BODY_BYTES;
    if (!o->answer_bytes_max)
        o->answer_bytes_max = HTTP_ANSWER_BYTES;
    if (!o->conns_max)
        o->conns_max = HTTP_CONNS;
    if (!o->in_bytes_sum)
        o->in_bytes_sum = HTTP_IN_BYTES_SUM;
    if (!o->out_bytes_sum)
        o->out_bytes_sum = HTTP_OUT_BYTES_SUM;
    if (o->in_bytes_sum < 2 * o->body_bytes_max) /* one always comes through */
        o->in_bytes_sum = 2 * o->body_bytes_max;
    if (!o->partitions_default)
        o->partitions_default = HTTP_PARTITIONS;
    if (!o->statement_ms_max)
        o->statement_ms_max = HTTP_STATEMENT_MS;
    if (!o->idle_ms_max)
        o->idle_ms_max = HTTP_IDLE_MS;
}

enum status http_face_open(struct loop *loop, struct log *log, struct engine *engine,
                           const char *address, const struct http_options *options,
                           struct http_face **out)
{
    struct http_face *face = xcalloc(1, sizeof *face);
    enum status st;

    *out = NULL;
    CHECK(options && options->kafka);
    face->options = *options;
    fill_defaults(&face->options);
    face->loop = loop;
    face->log = log;
    face->engine = engine;
    face->started_ns = loop_mono_ns(loop);
    buf_init(&face->scratch, 64 << 20);
    struct conn_limits limits = {
        .in_bytes_max = 128 << 10, /* the parser takes what there is; it never waits for more */
        .out_bytes_pause = 256 << 10,
        .out_bytes_max = face->options.answer_bytes_max + (8 << 20),
        .idle_ns_max = face->options.idle_ms_max * 1000000,
        .in_bytes_sum = face->options.in_bytes_sum,
        .out_bytes_sum = face->options.out_bytes_sum,
        .conns_max = face->options.conns_max,
        .conns_ip_max = face->options.conns_ip_max > 0 ? (uint32_t)face->options.conns_ip_max : 0,
    };
    st = listener_open(loop, address, &session_handler, face, &limits, &face->listener);
    if (st != ST_OK) {
        buf_deinit(&face->scratch);
        free(face);
        return st;
    }
    if (face->options.tls)
        listener_secure(face->listener, face->options.tls);
    face->sample_timer = loop_timer_create(loop, streams_sample, face);
    face->beat_timer = loop_timer_create(loop, streams_beat, face);
    loop_hook_add(loop, streams_pass, face);
    *out = face;
    return ST_OK;
}

void http_face_close(struct http_face *face)
{
    if (!face)
        return;
    listener_close(face->listener);
    CHECK(!face->streams);
    loop_hook_remove(face->loop, streams_pass, face);
    loop_timer_destroy(face->sample_timer);
    loop_timer_destroy(face->beat_timer);
    sample_free(face->sample);
    buf_deinit(&face->scratch);
    free(face);
}

const char *http_face_address(const struct http_face *face)
{
    return listener_address(face->listener);
}
