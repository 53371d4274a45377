/* HTTP requests, percent-encoding, responses, server-sent events, WebSocket frames. */
#include "lib/test.h"
#include "wire/http/request.h"
#include "wire/http/response.h"
#include "wire/http/uri.h"
#include "wire/ws/frame.h"

static const struct http_limits limits = {.body_max = 1000};

/* Feeds text in pieces of that size; gives the last step. */
static enum http_parse feed(struct http_parser *p, const char *text, size_t piece, size_t *used)
{
    struct bytes in = bytes_str(text);
    enum http_parse step = HTTP_MORE;
    *used = 0;
    while (step == HTTP_MORE && *used < in.len) {
        size_t n;
        step = http_parser_feed(p, bytes_head(bytes_skip(in, *used), piece), &n);
        *used += n;
    }
    return step;
}

TEST(http_request_reads_whatever_the_pieces)
{
    static const char text[] = "\r\nPOST /v1/topics/a%20b?key=id&x HTTP/1.1\r\nHost: h:1\r\n"
                               "content-LENGTH:  5 \r\nConnection: keep-alive, Upgrade\r\n\r\nhelloGET";
    for (size_t piece = 1; piece < sizeof text; piece++) {
        struct http_parser p;
        size_t used;
        http_parser_init(&p, &limits);
        EXPECT_INT(feed(&p, text, piece, &used), HTTP_DONE);
        EXPECT_INT(used, sizeof text - 1 - 3);
        EXPECT_INT(p.request.method, HTTP_POST);
        EXPECT_BYTES(p.request.path, BYTES_LITERAL("/v1/topics/a%20b"));
        EXPECT_BYTES(p.request.query, BYTES_LITERAL("key=id&x"));
        EXPECT_BYTES(p.request.body, BYTES_LITERAL("hello"));
        EXPECT_BYTES(p.request.host, BYTES_LITERAL("h:1"));
        EXPECT(p.request.keep_alive && p.request.upgrade);
        http_parser_deinit(&p);
    }
}

TEST(http_request_reads_chunks_and_drops_trailers)
{
    static const char text[] = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "5;a=b\r\nhello\r\n00a\r\n 123456789\r\n0\r\nX: y\r\n\r\n";
    for (size_t piece = 1; piece < sizeof text; piece++) {
        struct http_parser p;
        size_t used;
        http_parser_init(&p, &limits);
        EXPECT_INT(feed(&p, text, piece, &used), HTTP_DONE);
        EXPECT_INT(used, sizeof text - 1);
        EXPECT_BYTES(p.request.body, BYTES_LITERAL("hello 123456789"));
        http_parser_deinit(&p);
    }
}

TEST(http_request_goes_on_with_the_next)
{
    static const char text[] = "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.0\r\n\r\n";
    struct http_parser p;
    size_t one, two;

    http_parser_init(&p, &limits);
    EXPECT_INT(feed(&p, text, sizeof text, &one), HTTP_DONE);
    EXPECT_BYTES(p.request.path, BYTES_LITERAL("/a"));
    http_parser_reset(&p);
    EXPECT(http_parser_idle(&p));
    EXPECT_INT(feed(&p, text + one, sizeof text, &two), HTTP_DONE);
    EXPECT_BYTES(p.request.path, BYTES_LITERAL("/b"));
    EXPECT(!p.request.keep_alive);
    EXPECT_INT(one + two, sizeof text - 1);
    http_parser_deinit(&p);
}

TEST(http_request_refuses_by_status)
{
    static const struct {
        const char *text;
        unsigned status;
    } cases[] = {
        {"GET /\r\n\r\n", 400},
        {"GET / HTTP/1.1\n\n", 400},
        {"GET / HTTP/1.1\r\nHost: h\n\r\n", 400},
        {"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: h\r\n x: y\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: h\r\nA: \x01\r\n\r\n", 400},
        {"GET example.org HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"GET /#x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"G(T / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n", 413},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", 413},
        {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n", 413},
        {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\nab", 400},
        {"POST / HTTP/1.1\r\nHost: h\r\nExpect: wonders\r\n\r\n", 417},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t piece = 1; piece < 200; piece += 99) {
            struct http_parser p;
            size_t used;
            http_parser_init(&p, &limits);
            if (feed(&p, cases[i].text, piece, &used) != HTTP_BAD || p.bad_status != cases[i].status)
                test_fail(__FILE__, __LINE__, "case %zu, pieces of %zu: %u", i, piece, p.bad_status);
            http_parser_deinit(&p);
        }
}

TEST(http_request_bounds_line_headers_and_count)
{
    struct buf text;
    struct http_parser p;
    size_t used;

    buf_init(&text, 0);
    buf_str(&text, "GET /");
    buf_fill(&text, 'a', HTTP_LINE_MAX);
    http_parser_init(&p, &limits);
    EXPECT_INT(http_parser_feed(&p, buf_view(&text), &used), HTTP_BAD);
    EXPECT_INT(p.bad_status, 414);
    http_parser_deinit(&p);

    buf_clear(&text);
    buf_str(&text, "GET / HTTP/1.1\r\nHost: h\r\nX: ");
    buf_fill(&text, 'a', HTTP_HEAD_MAX);
    http_parser_init(&p, &limits);
    EXPECT_INT(http_parser_feed(&p, buf_view(&text), &used), HTTP_BAD);
    EXPECT_INT(p.bad_status, 431);
    http_parser_deinit(&p);

    buf_clear(&text);
    buf_str(&text, "GET / HTTP/1.1\r\nHost: h\r\n");
    for (int i = 0; i < HTTP_HEADERS_MAX; i++)
        buf_str(&text, "A: b\r\n");
    buf_str(&text, "\r\n");
    http_parser_init(&p, &limits);
    EXPECT_INT(http_parser_feed(&p, buf_view(&text), &used), HTTP_BAD);
    EXPECT_INT(p.bad_status, 431);
    http_parser_deinit(&p);
    buf_deinit(&text);
}

TEST(http_request_asks_for_continue)
{
    struct http_parser p;
    size_t used;

    http_parser_init(&p, &limits);
    EXPECT_INT(feed(&p, "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
                    1000, &used), HTTP_MORE);
    EXPECT(http_parser_wants_continue(&p));
    EXPECT_INT(feed(&p, "ab", 10, &used), HTTP_DONE);
    EXPECT(!http_parser_wants_continue(&p));
    http_parser_deinit(&p);
}

TEST(http_uri_decodes)
{
    struct buf out;
    struct bytes path = BYTES_LITERAL("/v1/a%2Fb/"), segment;

    buf_init(&out, 0);
    EXPECT(query_get(BYTES_LITERAL("x=1&key=a+b%C3%A9&key=2"), "key", &out));
    EXPECT_BYTES(buf_view(&out), BYTES_LITERAL("a b\xC3\xA9"));
    EXPECT(!query_get(BYTES_LITERAL("key=%4"), "key", &out));
    EXPECT(!query_get(BYTES_LITERAL("keys=1"), "key", &out));
    EXPECT(query_has(BYTES_LITERAL("a&b"), "b"));
    buf_clear(&out);
    EXPECT(uri_decode(BYTES_LITERAL("a%2bb+"), URI_PLUS_LITERAL, &out));
    EXPECT_BYTES(buf_view(&out), BYTES_LITERAL("a+b+"));
    EXPECT(path_next(&path, &segment));
    EXPECT_BYTES(segment, BYTES_LITERAL("v1"));
    EXPECT(path_next(&path, &segment));
    EXPECT_BYTES(segment, BYTES_LITERAL("a%2Fb"));
    EXPECT(!path_next(&path, &segment));
    buf_deinit(&out);
}

TEST(http_response_and_events_are_framed)
{
    struct buf out;

    buf_init(&out, 0);
    http_response_head(&out, &(struct http_response){.status = 404, .content_type = "text/plain",
                                                     .extra = "X: y\r\n", .length = 3,
                                                     .keep_alive = true});
    EXPECT_BYTES(buf_view(&out), BYTES_LITERAL("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n"
                                               "X: y\r\nContent-Length: 3\r\n\r\n"));
    buf_clear(&out);
    sse_event(&out, "change", BYTES_LITERAL("7"), BYTES_LITERAL("{\r\n}"));
    sse_event(&out, NULL, BYTES_NONE, BYTES_NONE);
    sse_comment(&out, "hi");
    EXPECT_BYTES(buf_view(&out),
                 BYTES_LITERAL("event: change\nid: 7\ndata: {\ndata: }\n\ndata: \n\n: hi\n\n"));
    buf_deinit(&out);
}

/* A client's frame, masked. */
static void client_frame(struct buf *out, uint8_t first, const char *payload)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    size_t len = strlen(payload);

    buf_u8(out, first);
    buf_u8(out, (uint8_t)(0x80 | len));
    buf_append(out, mask, 4);
    for (size_t i = 0; i < len; i++)
        buf_u8(out, (uint8_t)payload[i] ^ mask[i & 3]);
}

TEST(ws_accept_is_that_of_the_rfc)
{
    char out[WS_ACCEPT_LEN + 1];
    EXPECT(ws_accept(BYTES_LITERAL("dGhlIHNhbXBsZSBub25jZQ=="), out)); /* RFC 6455, section 1.3 */
    EXPECT_STR(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    EXPECT(!ws_accept(BYTES_LITERAL("short"), out));
}

TEST(ws_frames_join_around_a_ping)
{
    struct buf in;
    buf_init(&in, 0);
    client_frame(&in, 0x01, "hel");
    client_frame(&in, 0x89, "p");
    client_frame(&in, 0x80, "lo");
    client_frame(&in, 0x88, "\x03\xe8" "bye");
    for (size_t piece = 1; piece <= in.len; piece++) {
        struct ws_parser p;
        enum ws_opcode opcode;
        struct bytes payload;
        size_t at = 0, n, seen = 0;
        ws_parser_init(&p, 5);
        while (at < in.len) {
            enum ws_event e = ws_parser_feed(&p, bytes_head(bytes_skip(buf_view(&in), at), piece), &n,
                                             &opcode, &payload);
            at += n;
            if (e == WS_MORE)
                continue;
            EXPECT_INT(e, seen == 1 ? WS_MESSAGE : WS_CONTROL);
            EXPECT_BYTES(payload, seen == 0   ? BYTES_LITERAL("p")
                                  : seen == 1 ? BYTES_LITERAL("hello")
                                              : BYTES_LITERAL("\x03\xe8" "bye"));
            seen++;
        }
        EXPECT_INT(seen, 3);
        ws_parser_deinit(&p);
    }
    buf_deinit(&in);
}

TEST(ws_frames_refused_by_code)
{
    static const struct {
        const char *frame;
        size_t len;
        unsigned code;
    } cases[] = {
        {"\x81\x01" "a", 3, 1002},                        /* not masked */
        {"\xC1\x80\0\0\0\0", 6, 1002},                    /* a reserved bit */
        {"\x83\x80\0\0\0\0", 6, 1002},                    /* an unknown opcode */
        {"\x09\x80\0\0\0\0", 6, 1002},                    /* a fragmented ping */
        {"\x80\x80\0\0\0\0", 6, 1002},                    /* continues nothing */
        {"\x89\xFE\x00\x7E\0\0\0\0", 8, 1002},            /* a long ping */
        {"\x81\xFE\x00\x05\0\0\0\0", 8, 1002},            /* not the shortest length */
        {"\x82\xFF\x7F\0\0\0\0\0\0\0\0\0\0\0", 14, 1009}, /* too large */
        {"\x81\x81\0\0\0\0\xFF", 7, 1007},                /* not UTF-8 */
        {"\x88\x82\0\0\0\0\x03\xEC", 8, 1002},            /* close 1004 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ws_parser p;
        enum ws_opcode opcode;
        struct bytes payload;
        size_t n;
        ws_parser_init(&p, 1000);
        enum ws_event e = ws_parser_feed(&p, bytes_of(cases[i].frame, cases[i].len), &n, &opcode, &payload);
        if (e != WS_BAD || p.bad_code != cases[i].code)
            test_fail(__FILE__, __LINE__, "case %zu: event %d, code %u", i, (int)e, p.bad_code);
        ws_parser_deinit(&p);
    }
}

TEST(ws_frame_lengths)
{
    struct buf out, payload;
    buf_init(&out, 0);
    buf_init(&payload, 0);
    buf_fill(&payload, 'x', 70000);
    ws_frame(&out, WS_TEXT, bytes_head(buf_view(&payload), 200));
    EXPECT_BYTES(bytes_head(buf_view(&out), 4), BYTES_LITERAL("\x81\x7E\x00\xC8"));
    buf_clear(&out);
    ws_frame(&out, WS_BINARY, buf_view(&payload));
    EXPECT_BYTES(bytes_head(buf_view(&out), 10), BYTES_LITERAL("\x82\x7F\0\0\0\0\0\x01\x11\x70"));
    buf_clear(&out);
    ws_close_frame(&out, 1001, "bye");
    EXPECT_BYTES(buf_view(&out), BYTES_LITERAL("\x88\x05\x03\xE9" "bye"));
    buf_deinit(&out);
    buf_deinit(&payload);
}
