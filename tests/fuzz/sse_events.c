/* Server-sent events in pieces: bounded, and the same whatever the cut. */
#include "base/check.h"
#include "base/hash.h"
#include "lib/fuzz.h"
#include "wire/http/events.h"

enum { MAX = 300 };

struct outcome {
    unsigned events;
    uint64_t seen;
    bool bad;
};

static struct outcome run(struct bytes in, size_t piece)
{
    struct sse_parser p;
    struct outcome o = {0};
    struct sse_message e;
    size_t used, at = 0;

    sse_parser_init(&p, MAX, BYTES_LITERAL("7"));
    while (at < in.len && !o.bad) {
        struct bytes part = bytes_head(bytes_skip(in, at), piece);
        enum sse got = sse_parser_feed(&p, part, &used, &e);
        o.bad = got == SSE_BAD;
        if (o.bad)
            break;
        CHECK(used <= part.len && (got == SSE_EVENT || used == part.len));
        at += used;
        if (got == SSE_EVENT) {
            CHECK(e.data.len < MAX && e.type.len && e.type.len <= MAX && e.id.len <= MAX);
            o.events++;
            o.seen = o.seen * 31 + hash_bytes(e.data) * 7 + hash_bytes(e.type) * 3 + hash_bytes(e.id);
        }
    }
    sse_parser_deinit(&p);
    return o;
}

FUZZ(sse_events, data, size)
{
    if (size < 1)
        return;
    struct bytes in = bytes_of(data + 1, size - 1);
    struct outcome whole = run(in, in.len + 1), cut = run(in, 1 + data[0] % 5);
    CHECK(whole.events == cut.events && whole.seen == cut.seen && whole.bad == cut.bad);
}
