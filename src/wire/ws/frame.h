/* frame.h: WebSocket (RFC 6455), the server's side: the handshake's answer, frames both ways.
 *
 *      0                   1                   2                   3
 *     |F|R|R|R| opcode|M| len (7)  | 16 or 64 bits of length, if len is 126 or 127 |
 *     | masking key (32 bits, from clients always) | payload ...
 *
 * No extensions are offered, so the three R bits must be 0. Fragments are put together; control
 * frames between them are given at once. (libwslay would do the framing too, with queues and call
 * backs of its own; what it would spare is the one page below.)
 *
 * Owns:    the message so far; what ws_parser_feed gives is valid until the next call.
 * Errors:  WS_BAD with the close code to answer (1002 protocol, 1007 not UTF-8, 1009 too large).
 * Limits:  message_max of a whole message.   Threads: one at a time.   Layer: wire.
 */
#ifndef QW_WIRE_WS_FRAME_H
#define QW_WIRE_WS_FRAME_H

#include "base/buf.h"

enum ws_opcode { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };
enum { WS_CONTROL_MAX = 125, WS_HEADER_MAX = 14, WS_ACCEPT_LEN = 28 };

/* The Sec-WebSocket-Accept of a Sec-WebSocket-Key; false: the key is not 16 bytes of base64. */
bool ws_accept(struct bytes key, char out[WS_ACCEPT_LEN + 1]);

struct ws_parser {
    size_t message_max;
    uint8_t header[WS_HEADER_MAX];
    unsigned header_len, header_need;
    bool in_payload, fin;
    uint8_t opcode, message_opcode; /* message_opcode 0: no message has begun */
    uint8_t mask[4];
    uint64_t frame_len, frame_at;
    struct buf message;
    struct buf control;
    bool given;                     /* message was handed out: clear it at the next call */
    unsigned bad_code;
    const char *bad_reason;
};

enum ws_event { WS_MORE, WS_MESSAGE, WS_CONTROL, WS_BAD };

void ws_parser_init(struct ws_parser *p, size_t message_max);
void ws_parser_deinit(struct ws_parser *p);

/* Takes bytes up to the end of one message or control frame. *opcode says which; *payload is its
 * content. Of a close frame the content is checked. */
enum ws_event ws_parser_feed(struct ws_parser *p, struct bytes in, size_t *used,
                             enum ws_opcode *opcode, struct bytes *payload);

/* A whole unmasked frame. */
void ws_frame(struct buf *out, enum ws_opcode opcode, struct bytes payload);
void ws_close_frame(struct buf *out, unsigned code, const char *reason);

#endif
