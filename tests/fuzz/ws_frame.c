/* WebSocket frames from a client, in pieces: bounded, and the same whatever the cut. */
#include "base/check.h"
#include "wire/ws/frame.h"
#include "lib/fuzz.h"

struct outcome {
    unsigned events, bad_code;
    size_t bytes;
};

static struct outcome run(struct bytes in, size_t piece)
{
    struct ws_parser p;
    struct outcome o = {0};
    enum ws_opcode opcode;
    struct bytes payload;
    size_t used, at = 0;

    ws_parser_init(&p, 300);
    while (at < in.len && !o.bad_code) {
        struct bytes part = bytes_head(bytes_skip(in, at), piece);
        enum ws_event event = ws_parser_feed(&p, part, &used, &opcode, &payload);
        CHECK(used <= part.len);
        at += used;
        if (event == WS_BAD)
            o.bad_code = p.bad_code;
        if (event == WS_MESSAGE || event == WS_CONTROL) {
            CHECK(payload.len <= 300);
            o.events++;
            o.bytes += payload.len;
        }
        CHECK(event != WS_MORE || used == part.len);
    }
    ws_parser_deinit(&p);
    return o;
}

FUZZ(ws_frame, data, size)
{
    char accept[WS_ACCEPT_LEN + 1];

    if (size < 1)
        return;
    struct bytes in = bytes_of(data + 1, size - 1);
    (void)ws_accept(bytes_head(in, 24), accept);
    struct outcome whole = run(in, in.len + 1), cut = run(in, 1 + data[0] % 5);
    CHECK(whole.events == cut.events && whole.bytes == cut.bytes && whole.bad_code == cut.bad_code);
}
