/* Server-sent events, by the examples of the HTML standard. */
#include "wire/http/events.h"

#include "lib/test.h"

/* Each event as "type|id|data;", and "!" at one that is too large. */
static void expect_of(struct bytes in, const char *want)
{
    struct sse_parser p;
    struct sse_message e;
    struct buf got;
    size_t used;
    enum sse step;

    sse_parser_init(&p, 40, BYTES_NONE);
    buf_init(&got, 0);
    while ((step = sse_parser_feed(&p, in, &used, &e)) == SSE_EVENT) {
        buf_printf(&got, "%.*s|%.*s|%.*s;", BYTES_FMT(e.type), BYTES_FMT(e.id), BYTES_FMT(e.data));
        in = bytes_skip(in, used);
    }
    if (step == SSE_BAD)
        buf_u8(&got, '!');
    if (p.retry_ms >= 0)
        buf_printf(&got, "retry %lld", (long long)p.retry_ms);
    EXPECT_BYTES(buf_view(&got), bytes_str(want));
    buf_deinit(&got);
    sse_parser_deinit(&p);
}

static void expect(const char *in, const char *want)
{
    expect_of(bytes_str(in), want);
}

TEST(sse_events_are_lines_up_to_a_blank_one)
{
    expect("data: YHOO\ndata: +2\ndata: 10\n\n", "message||YHOO\n+2\n10;");
    expect(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
           "message|1|first event;message||second event;message|| third event;");
    expect("data\n\ndata\ndata\n\ndata:", "message||;message||\n;"); /* the last is not whole */
    expect("event: add\r\ndata: 73857293\r\n\r\nevent: remove\rdata: 2153\r\rdata: x\n\n",
           "add||73857293;remove||2153;message||x;");
    expect("\xef\xbb\xbf"
           "data: a\n\n\xef\xbb\xbf"
           "data: b\n\ndata: c\n\n",
           "message||a;message||c;");
    expect("event: lost\n\ndata: a\n\n", "message||a;");
    expect("id: 9\n\ndata: a\n\n", "message|9|a;"); /* an id counts without data */
    expect("retry: 250\nretry: soon\nretry: -1\nnothing: x\n\n", "retry 250");
    expect_of(bytes_of("id: a\0b\nid: \ndata: a\n\n", 22), "message||a;");
}

TEST(sse_events_are_bounded)
{
    expect("data: 0123456789012345678901234567890123456\n\n", "!");
    expect("data: 012345678901\ndata: 012345678901\ndata: 0123456789012\n\n",
           "message||012345678901\n012345678901\n0123456789012;");
    expect("data: 012345678901\ndata: 012345678901\ndata: 01234567890123\n\n", "!");
}
