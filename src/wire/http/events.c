/* events.c: see events.h. */
#include "wire/http/events.h"

void sse_parser_init(struct sse_parser *p, size_t message_max, struct bytes id)
{
    *p = (struct sse_parser){.message_max = message_max, .retry_ms = -1};
    buf_init(&p->line, message_max);
    buf_init(&p->data, message_max);
    buf_init(&p->type, message_max);
    buf_init(&p->id, message_max);
    buf_bytes(&p->id, id);
}

void sse_parser_deinit(struct sse_parser *p)
{
    buf_deinit(&p->line);
    buf_deinit(&p->data);
    buf_deinit(&p->type);
    buf_deinit(&p->id);
}

static void take_retry(struct sse_parser *p, struct bytes value)
{
    int64_t ms;

    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return;
    if (bytes_to_i64(value, &ms))
        p->retry_ms = ms;
}

/* line -> ':' comment | name (':' ' '? value)? ; names that are not known are passed over */
static void take_line(struct sse_parser *p, struct bytes line)
{
    size_t colon = bytes_find(line, ':', 0);
    struct bytes name = bytes_head(line, colon), value = bytes_skip(line, colon + (colon < line.len));

    if (value.len && value.ptr[0] == ' ')
        value = bytes_skip(value, 1);
    if (bytes_is(name, "data")) {
        buf_bytes(&p->data, value);
        buf_u8(&p->data, '\n');
    } else if (bytes_is(name, "event")) {
        buf_clear(&p->type);
        buf_bytes(&p->type, value);
    } else if (bytes_is(name, "id") && bytes_find(value, 0, 0) == value.len) {
        buf_clear(&p->id);
        buf_bytes(&p->id, value);
    } else if (bytes_is(name, "retry")) {
        take_retry(p, value);
    }
}

/* True: the line ended an event. */
static bool end_line(struct sse_parser *p)
{
    struct bytes line = buf_view(&p->line);

    if (!p->begun && line.len >= 3 && memcmp(line.ptr, "\xef\xbb\xbf", 3) == 0)
        line = bytes_skip(line, 3);
    p->begun = true;
    bool blank = line.len == 0;
    if (!blank)
        take_line(p, line);
    buf_clear(&p->line);
    if (blank && !p->data.len)
        buf_clear(&p->type);
    return blank && p->data.len > 0;
}

static void begin_event(struct sse_parser *p)
{
    if (!p->given)
        return;
    p->given = false;
    buf_clear(&p->data);
    buf_clear(&p->type);
}

enum sse sse_parser_feed(struct sse_parser *p, struct bytes in, size_t *used, struct sse_message *event)
{
    begin_event(p);
    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.ptr[i];
        bool second = c == '\n' && p->after_cr; /* of a CRLF */
        p->after_cr = c == '\r';
        if (second)
            continue;
        if (c != '\r' && c != '\n') {
            size_t end = i;
            while (end < in.len && in.ptr[end] != '\r' && in.ptr[end] != '\n')
                end++;
            buf_append(&p->line, in.ptr + i, end - i);
            i = end - 1;
        } else if (end_line(p)) {
            *used = i + 1;
            p->given = true;
            *event = (struct sse_message){.data = bytes_head(buf_view(&p->data), p->data.len - 1),
                                          .type = p->type.len ? buf_view(&p->type) : BYTES_LITERAL("message"),
                                          .id = buf_view(&p->id)};
            return p->data.failed || p->type.failed || p->id.failed ? SSE_BAD : SSE_EVENT;
        }
        if (p->line.failed || p->data.failed)
            return SSE_BAD;
    }
    *used = in.len;
    return SSE_MORE;
}
