/* protocol.c: see protocol.h. */
#include "wire/nats/protocol.h"

#include <stdio.h>

/* ---- lines ---- */

/* A line without its end; false: it has none yet. */
static bool read_line(struct bytes in, struct bytes *line, size_t *used)
{
    size_t end = bytes_find(in, '\n', 0);

    if (end == in.len)
        return false;
    *used = end + 1;
    *line = bytes_head(in, end && in.ptr[end - 1] == '\r' ? end - 1 : end);
    return true;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct bytes trimmed(struct bytes text)
{
    while (text.len && is_space(text.ptr[0]))
        text = bytes_skip(text, 1);
    while (text.len && is_space(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

/* Up to white space; *rest goes on behind it. */
static struct bytes next_word(struct bytes *rest)
{
    size_t end = 0;

    *rest = trimmed(*rest);
    while (end < rest->len && !is_space(rest->ptr[end]))
        end++;
    struct bytes word = bytes_head(*rest, end);
    *rest = trimmed(bytes_skip(*rest, end));
    return word;
}

/* Digits alone: "+1" is no number here. */
static bool read_count(struct bytes text, uint64_t *out)
{
    int64_t n;

    if (!text.len || text.ptr[0] < '0' || text.ptr[0] > '9' || !bytes_to_i64(text, &n))
        return false;
    *out = (uint64_t)n;
    return true;
}

/* ---- messages ---- */

/* The headers' first line has the status. */
static bool read_headers(struct nats_op *op, struct bytes all)
{
    struct bytes line = BYTES_NONE, rest;
    struct nats_header h;
    size_t used = 0;
    uint64_t status = 0;

    if (!read_line(all, &line, &used) || line.len < 8 || memcmp(line.ptr, "NATS/1.0", 8) != 0)
        return false;
    struct bytes words = bytes_skip(line, 8), number = next_word(&words);
    if (number.len && (!read_count(number, &status) || status > 999))
        return false;
    op->status = (uint32_t)status;
    op->status_text = words;
    op->headers = bytes_skip(all, used);
    if (op->headers.len < 2 || memcmp(op->headers.ptr + op->headers.len - 2, "\r\n", 2) != 0)
        return false;
    op->headers.len -= 2;
    for (rest = op->headers; nats_header_next(&rest, &h);)
        op->headers_count++;
    return !rest.len;
}

/* Of a line "subject sid [reply] [header-bytes] bytes": its words. */
static bool read_sizes(struct nats_op *op, struct bytes rest, bool has_headers, size_t *headers, size_t *all)
{
    struct bytes words[5];
    unsigned n = 0, least = has_headers ? 4 : 3;
    uint64_t head = 0, size;

    while (rest.len && n < 5)
        words[n++] = next_word(&rest);
    if (rest.len || n < least || n > least + 1 || !read_count(words[n - 1], &size) || size > INT32_MAX)
        return false;
    if (has_headers && (!read_count(words[n - 2], &head) || head > size))
        return false;
    op->subject = words[0];
    op->reply = n > least ? words[2] : BYTES_NONE;
    *headers = (size_t)head;
    *all = (size_t)size;
    return true;
}

static enum nats_next read_message(struct nats_op *op, struct bytes line, bool has_headers, struct bytes in,
                                   size_t whole_max, size_t *used)
{
    size_t headers, all;

    op->kind = NATS_MESSAGE;
    if (!read_sizes(op, line, has_headers, &headers, &all))
        return NATS_BAD;
    bool whole = all <= whole_max;
    size_t wanted = whole ? all + 2 : whole_max;
    if (headers > whole_max)
        return NATS_BAD;
    if (in.len - *used < wanted)
        return NATS_MORE;
    struct bytes body = bytes_head(bytes_skip(in, *used), wanted);
    if (whole && memcmp(body.ptr + all, "\r\n", 2) != 0)
        return NATS_BAD;
    if (has_headers && !read_headers(op, bytes_head(body, headers)))
        return NATS_BAD;
    op->payload = bytes_skip(bytes_head(body, whole ? all : whole_max), headers);
    op->cut = whole ? 0 : all + 2 - whole_max;
    *used += wanted;
    return NATS_OP;
}

enum nats_next nats_next(struct bytes in, size_t whole_max, struct nats_op *out, size_t *used)
{
    struct bytes line = BYTES_NONE;

    *out = (struct nats_op){0};
    if (!read_line(in, &line, used))
        return in.len > NATS_LINE_MAX ? NATS_BAD : NATS_MORE;
    struct bytes rest = line, word = next_word(&rest);
    if (line.len > NATS_LINE_MAX)
        return NATS_BAD;
    if (bytes_is_nocase(word, "MSG"))
        return read_message(out, rest, false, in, whole_max, used);
    if (bytes_is_nocase(word, "HMSG"))
        return read_message(out, rest, true, in, whole_max, used);
    out->text = rest;
    if (bytes_is_nocase(word, "PING"))
        out->kind = NATS_PING;
    else if (bytes_is_nocase(word, "PONG"))
        out->kind = NATS_PONG;
    else if (bytes_is_nocase(word, "INFO"))
        out->kind = NATS_INFO;
    else if (bytes_is_nocase(word, "-ERR"))
        out->kind = NATS_ERR;
    else if (bytes_is_nocase(word, "+OK"))
        out->kind = NATS_OK;
    else
        return NATS_BAD;
    return NATS_OP;
}

bool nats_header_next(struct bytes *rest, struct nats_header *out)
{
    struct bytes line = BYTES_NONE;
    size_t used = 0;

    if (!read_line(*rest, &line, &used))
        return false;
    size_t colon = bytes_find(line, ':', 0);
    if (!colon || colon == line.len)
        return false;
    struct bytes value = trimmed(bytes_skip(line, colon + 1));
    *out = (struct nats_header){bytes_head(line, colon), value.len ? value : BYTES_LITERAL("")};
    *rest = bytes_skip(*rest, used);
    return true;
}

bool nats_header_of(const struct nats_op *op, const char *name, struct bytes *value)
{
    struct bytes rest = op->headers;
    struct nats_header h;

    while (nats_header_next(&rest, &h))
        if (bytes_is_nocase(h.name, name)) {
            *value = h.value;
            return true;
        }
    return false;
}

bool nats_read_delivery(struct bytes reply, struct nats_delivery *out)
{
    struct bytes tokens[12] = {{0}};
    unsigned n = 0;
    uint64_t time;

    for (struct bytes rest = reply; rest.len && n < 12; n++) {
        size_t end = bytes_find(rest, '.', 0);
        tokens[n] = bytes_head(rest, end);
        rest = bytes_skip(rest, end + (end < rest.len));
    }
    if (n < 9 || n == 10 || !bytes_is(tokens[0], "$JS") || !bytes_is(tokens[1], "ACK"))
        return false;
    const struct bytes *from = tokens + (n == 9 ? 5 : 7);
    if (!read_count(from[0], &out->stream_seq) || !read_count(from[1], &out->consumer_seq) ||
        !read_count(from[2], &time) || !read_count(from[3], &out->pending))
        return false;
    out->time_ns = (int64_t)time;
    return true;
}

/* ---- what goes ---- */

void nats_put_publish(struct buf *buf, const struct nats_publish *p)
{
    size_t head = p->headers.len ? sizeof("NATS/1.0\r\n\r\n") - 1 + p->headers.len : 0;

    buf_printf(buf, "%s %.*s ", head ? "HPUB" : "PUB", BYTES_FMT(p->subject));
    if (p->reply.len)
        buf_printf(buf, "%.*s ", BYTES_FMT(p->reply));
    if (head) {
        buf_printf(buf, "%zu %zu\r\nNATS/1.0\r\n", head, head + p->payload.len);
        buf_bytes(buf, p->headers);
        buf_str(buf, "\r\n");
    } else
        buf_printf(buf, "%zu\r\n", p->payload.len);
    buf_bytes(buf, p->payload);
    buf_str(buf, "\r\n");
}

void nats_put_subscribe(struct buf *buf, struct bytes subject, unsigned sid)
{
    buf_printf(buf, "SUB %.*s %u\r\n", BYTES_FMT(subject), sid);
}

bool nats_put_header(struct buf *headers, struct bytes name, struct bytes value)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] <= ' ' || name.ptr[i] >= 0x7f || name.ptr[i] == ':')
            return false;
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] == '\r' || value.ptr[i] == '\n')
            return false;
    if (!name.len)
        return false;
    buf_printf(headers, "%.*s: ", BYTES_FMT(name));
    buf_bytes(headers, value);
    buf_str(headers, "\r\n");
    return true;
}

/* ---- names ---- */

static bool is_token(struct bytes token)
{
    for (size_t i = 0; i < token.len; i++)
        if (token.ptr[i] <= ' ' || token.ptr[i] == 0x7f)
            return false;
    return token.len > 0;
}

static bool is_dotted(struct bytes text, bool wildcards)
{
    if (!text.len || text.len > NATS_SUBJECT_MAX || text.ptr[text.len - 1] == '.' || !bytes_is_utf8(text))
        return false;
    while (text.len) {
        size_t end = bytes_find(text, '.', 0);
        struct bytes token = bytes_head(text, end);
        bool wild = bytes_is(token, "*") || (bytes_is(token, ">") && end == text.len);
        bool odd = bytes_find(token, '*', 0) < end || bytes_find(token, '>', 0) < end;
        if (!is_token(token) || (wild && !wildcards) || (odd && !wild))
            return false;
        text = bytes_skip(text, end + (end < text.len));
    }
    return true;
}

bool nats_is_subject(struct bytes subject)
{
    return is_dotted(subject, false);
}

bool nats_is_filter(struct bytes filter)
{
    return is_dotted(filter, true);
}

bool nats_is_name(struct bytes name)
{
    return is_dotted(name, false) && bytes_find(name, '.', 0) == name.len && bytes_find(name, '/', 0) == name.len &&
           bytes_find(name, '\\', 0) == name.len;
}
