#include "wire/ws/frame.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/check.h"
#include "base/endian.h"

enum { KEY_TEXT_LEN = 24, KEY_BYTES = 16 };

static bool is_base64(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '+' || c == '/';
}

bool ws_accept(struct bytes key, char out[WS_ACCEPT_LEN + 1])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455, section 1.3 */
    uint8_t joined[KEY_TEXT_LEN + sizeof guid - 1], digest[SHA_DIGEST_LENGTH];

    if (key.len != KEY_TEXT_LEN || key.ptr[22] != '=' || key.ptr[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++)
        if (!is_base64(key.ptr[i]))
            return false;
    memcpy(joined, key.ptr, KEY_TEXT_LEN);
    memcpy(joined + KEY_TEXT_LEN, guid, sizeof guid - 1);
    SHA1(joined, sizeof joined, digest);
    return EVP_EncodeBlock((unsigned char *)out, digest, sizeof digest) == WS_ACCEPT_LEN;
}

void ws_parser_init(struct ws_parser *p, size_t message_max)
{
    *p = (struct ws_parser){.message_max = message_max, .header_need = 2};
    buf_init(&p->message, 0);
    buf_init(&p->control, 0);
}

void ws_parser_deinit(struct ws_parser *p)
{
    buf_deinit(&p->message);
    buf_deinit(&p->control);
}

static enum ws_event bad(struct ws_parser *p, unsigned code, const char *reason)
{
    p->bad_code = code;
    p->bad_reason = reason;
    return WS_BAD;
}

static bool is_control(uint8_t opcode)
{
    return opcode >= WS_CLOSE;
}

/* The first two bytes: what kind of frame, and how long its header is. */
static enum ws_event begin_frame(struct ws_parser *p)
{
    uint8_t a = p->header[0], b = p->header[1], len = b & 0x7F;

    p->fin = a & 0x80;
    p->opcode = a & 0x0F;
    if (a & 0x70)
        return bad(p, 1002, "a reserved bit is set");
    if (p->opcode > WS_PONG || (p->opcode > WS_BINARY && p->opcode < WS_CLOSE))
        return bad(p, 1002, "an unknown opcode");
    if (!(b & 0x80))
        return bad(p, 1002, "a client's frame must be masked");
    if (is_control(p->opcode) && (!p->fin || len > WS_CONTROL_MAX))
        return bad(p, 1002, "a control frame is fragmented or too long");
    if (!is_control(p->opcode) && (p->opcode == WS_CONTINUATION) != (p->message_opcode != 0))
        return bad(p, 1002, "a fragment is out of order");
    p->header_need = 2 + 4 + (len == 126 ? 2 : len == 127 ? 8 : 0);
    return WS_MORE;
}

/* The whole header: length and mask. */
static enum ws_event begin_payload(struct ws_parser *p)
{
    uint8_t len = p->header[1] & 0x7F;

    p->frame_len = len;
    if (len == 126)
        p->frame_len = (uint64_t)p->header[2] << 8 | p->header[3];
    if (len == 127) {
        p->frame_len = 0;
        for (int i = 0; i < 8; i++)
            p->frame_len = p->frame_len << 8 | p->header[2 + i];
    }
    if ((len == 126 && p->frame_len < 126) || (len == 127 && p->frame_len <= 0xFFFF))
        return bad(p, 1002, "a length is not in its shortest form");
    if (!is_control(p->opcode) && p->frame_len > p->message_max - p->message.len)
        return bad(p, 1009, "the message is too large");
    memcpy(p->mask, p->header + p->header_need - 4, 4);
    if (p->opcode == WS_TEXT || p->opcode == WS_BINARY)
        p->message_opcode = p->opcode;
    if (is_control(p->opcode))
        buf_clear(&p->control);
    p->frame_at = 0;
    p->in_payload = true;
    return WS_MORE;
}

static enum ws_event feed_header(struct ws_parser *p, struct bytes in, size_t *used)
{
    while (*used < in.len && !p->in_payload) {
        p->header[p->header_len++] = in.ptr[(*used)++];
        if (p->header_len == 2 && begin_frame(p) == WS_BAD)
            return WS_BAD;
        if (p->header_len == p->header_need && begin_payload(p) == WS_BAD)
            return WS_BAD;
    }
    return WS_MORE;
}

static void feed_payload(struct ws_parser *p, struct bytes in, size_t *used)
{
    struct buf *to = is_control(p->opcode) ? &p->control : &p->message;
    size_t take = in.len - *used;

    if (take > p->frame_len - p->frame_at)
        take = (size_t)(p->frame_len - p->frame_at);
    if (!take)
        return;
    uint8_t *at = buf_reserve(to, take);
    for (size_t i = 0; i < take; i++)
        at[i] = in.ptr[*used + i] ^ p->mask[(p->frame_at + i) & 3];
    buf_advance(to, take);
    *used += take;
    p->frame_at += take;
}

/* Codes that may come over the wire: RFC 6455, section 7.4. */
static bool is_close_code(unsigned code)
{
    if (code >= 3000 && code <= 4999)
        return true;
    return code >= 1000 && code <= 1011 && code != 1004 && code != 1005 && code != 1006;
}

static enum ws_event check_close(struct ws_parser *p, struct bytes payload)
{
    if (payload.len == 0)
        return WS_CONTROL;
    if (payload.len == 1 || !is_close_code((unsigned)payload.ptr[0] << 8 | payload.ptr[1]))
        return bad(p, 1002, "a close frame without a valid code");
    if (!bytes_is_utf8(bytes_skip(payload, 2)))
        return bad(p, 1007, "a close frame's reason is not UTF-8");
    return WS_CONTROL;
}

/* A frame is whole: is there something to hand out? */
static enum ws_event end_frame(struct ws_parser *p, enum ws_opcode *opcode, struct bytes *payload)
{
    p->in_payload = false;
    p->header_len = 0;
    p->header_need = 2;
    if (is_control(p->opcode)) {
        *opcode = (enum ws_opcode)p->opcode;
        *payload = buf_view(&p->control);
        return p->opcode == WS_CLOSE ? check_close(p, *payload) : WS_CONTROL;
    }
    if (!p->fin)
        return WS_MORE;
    *opcode = (enum ws_opcode)p->message_opcode;
    *payload = buf_view(&p->message);
    p->message_opcode = 0;
    p->given = true;
    if (*opcode == WS_TEXT && !bytes_is_utf8(*payload))
        return bad(p, 1007, "a text message is not UTF-8");
    return WS_MESSAGE;
}

enum ws_event ws_parser_feed(struct ws_parser *p, struct bytes in, size_t *used,
                             enum ws_opcode *opcode, struct bytes *payload)
{
    *used = 0;
    if (p->bad_code)
        return WS_BAD;
    if (p->given) {
        buf_clear(&p->message);
        p->given = false;
    }
    for (;;) {
        if (feed_header(p, in, used) == WS_BAD)
            return WS_BAD;
        if (!p->in_payload)
            return WS_MORE;
        feed_payload(p, in, used);
        if (p->frame_at < p->frame_len)
            return WS_MORE;
        enum ws_event event = end_frame(p, opcode, payload);
        if (event != WS_MORE)
            return event;
    }
}

void ws_frame(struct buf *out, enum ws_opcode opcode, struct bytes payload)
{
    CHECK_IF(is_control((uint8_t)opcode), payload.len <= WS_CONTROL_MAX);
    buf_u8(out, (uint8_t)(0x80 | opcode));
    if (payload.len < 126) {
        buf_u8(out, (uint8_t)payload.len);
    } else if (payload.len <= 0xFFFF) {
        buf_u8(out, 126);
        buf_u16_be(out, (uint16_t)payload.len);
    } else {
        buf_u8(out, 127);
        buf_u64_be(out, payload.len);
    }
    buf_bytes(out, payload);
}

void ws_close_frame(struct buf *out, unsigned code, const char *reason)
{
    uint8_t payload[WS_CONTROL_MAX] = {(uint8_t)(code >> 8), (uint8_t)code};
    size_t len = strlen(reason);

    if (len > sizeof payload - 2)
        len = sizeof payload - 2;
    memcpy(payload + 2, reason, len);
    ws_frame(out, WS_CLOSE, bytes_of(payload, len + 2));
}
