/* HTTP requests from outside, fed in pieces whose sizes come from the input too: the outcome must
 * not depend on the cut, and what is accepted must be inside the bounds. */
#include "base/check.h"
#include "wire/http/request.h"
#include "wire/http/uri.h"
#include "lib/fuzz.h"

struct outcome {
    unsigned requests, bad_status;
    size_t body_bytes, head_bytes;
};

static void look_at(const struct http_request *r)
{
    struct buf out;
    struct bytes path = r->path, segment;

    buf_init(&out, 0);
    while (path_next(&path, &segment))
        (void)uri_decode(segment, URI_PLUS_LITERAL, &out);
    (void)query_get(r->query, "key", &out);
    CHECK(out.len <= r->path.len + r->query.len);
    CHECK(r->headers_count <= HTTP_HEADERS_MAX);
    (void)http_header_has(r, "connection", "upgrade");
    buf_deinit(&out);
}

static struct outcome run(struct bytes in, size_t piece)
{
    static const struct http_limits limits = {.line_max = 256, .head_max = 1024, .body_max = 512};
    struct http_parser p;
    struct outcome o = {0};
    size_t used, at = 0;

    http_parser_init(&p, &limits);
    while (at < in.len) {
        struct bytes part = bytes_head(bytes_skip(in, at), piece);
        enum http_parse step = http_parser_feed(&p, part, &used);
        CHECK(used <= part.len);
        at += used;
        if (step == HTTP_BAD) {
            o.bad_status = p.bad_status;
            CHECK(p.bad_reason && p.bad_status >= 400);
            break;
        }
        if (step == HTTP_MORE) {
            CHECK(used == part.len);
            continue;
        }
        CHECK(p.request.body.len <= 512);
        look_at(&p.request);
        o.requests++;
        o.body_bytes += p.request.body.len;
        o.head_bytes += p.head.len;
        http_parser_reset(&p);
    }
    http_parser_deinit(&p);
    return o;
}

FUZZ(http_request, data, size)
{
    if (size < 1)
        return;
    struct bytes in = bytes_of(data + 1, size - 1);
    struct outcome whole = run(in, in.len + 1), cut = run(in, 1 + data[0] % 7);
    /* which bound is met first may depend on the cut; what is accepted may not */
    CHECK(whole.requests == cut.requests && !whole.bad_status == !cut.bad_status);
    CHECK(whole.body_bytes == cut.body_bytes && whole.head_bytes == cut.head_bytes);
}
