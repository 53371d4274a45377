/* Why not http-parser 2.9 (Debian's libhttp-parser-dev)? It was considered. It has had no release
 * since 2020 and its repository says that it is not maintained (nodejs/http-parser: README.md); it
 * accepts by default what others read differently (bare LF line ends, folded headers, a
 * Transfer-Encoding beside a Content-Length), which is how requests are smuggled past a proxy; it
 * bounds only the sum of a head, by a number set for the whole process; and since it hands out
 * fragments byte run by byte run, its caller collects head and body in buffers anyway. What is left
 * is the grammar of a request line and of a header line: that is below, in one screen each.
 *
 * How: the head is collected until its blank line is seen, then cut into views at once. Bodies are
 * collected as they come; a chunked one loses its framing on the way. Every byte is looked at a
 * fixed number of times, whatever the sizes of the pieces. */
#include "wire/http/request.h"

#include "base/check.h"

enum {
    CHUNK_LINE_MAX = 256,  /* size and extensions, which are ignored */
    TRAILER_MAX = 8192,    /* dropped unread */
    BODY_KEPT_BYTES = 16 << 10, /* a larger body's memory is given back after its request */
};

void http_parser_init(struct http_parser *p, const struct http_limits *limits)
{
    *p = (struct http_parser){.limits = *limits};
    if (!p->limits.line_max)
        p->limits.line_max = HTTP_LINE_MAX;
    if (!p->limits.head_max)
        p->limits.head_max = HTTP_HEAD_MAX;
    buf_init(&p->head, 0);
    buf_init(&p->body, 0);
}

void http_parser_deinit(struct http_parser *p)
{
    buf_deinit(&p->head);
    buf_deinit(&p->body);
}

void http_parser_reset(struct http_parser *p)
{
    p->state = HTTP_IN_HEAD;
    p->in_headers = false;
    p->strays = 0;
    p->line_len = p->trailer_len = 0;
    p->left = 0;
    buf_clear(&p->head);
    if (p->body.cap > BODY_KEPT_BYTES)
        buf_deinit(&p->body), buf_init(&p->body, 0);
    buf_clear(&p->body);
    p->request.headers_count = 0;
}

bool http_parser_idle(const struct http_parser *p)
{
    return p->state == HTTP_IN_HEAD && p->head.len == 0;
}

size_t http_parser_bytes(const struct http_parser *p)
{
    return p->head.cap + p->body.cap;
}

bool http_parser_wants_continue(const struct http_parser *p)
{
    return p->state > HTTP_IN_HEAD && p->state < HTTP_IN_DONE && p->request.expect_continue &&
           p->body.len == 0;
}

static enum http_parse bad(struct http_parser *p, unsigned status, const char *reason)
{
    p->state = HTTP_IN_BAD;
    p->bad_status = status;
    p->bad_reason = reason;
    return HTTP_BAD;
}

/* ---- characters ---- */

/* tchar of RFC 9110: what method and header names are made of. */
static bool is_token_char(uint8_t c)
{
    if ((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'))
        return true;
    return c && strchr("!#$%&'*+-.^_`|~", c);
}

static bool is_token(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++)
        if (!is_token_char(b.ptr[i]))
            return false;
    return b.len > 0;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct bytes trim(struct bytes b)
{
    while (b.len && is_blank(b.ptr[0]))
        b.ptr++, b.len--;
    while (b.len && is_blank(b.ptr[b.len - 1]))
        b.len--;
    return b;
}

static bool is_field_value(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++)
        if ((b.ptr[i] < 0x20 && b.ptr[i] != '\t') || b.ptr[i] == 0x7F)
            return false;
    return true;
}

/* ---- the head ---- */

static enum http_method method_of(struct bytes text)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (bytes_is(text, names[i]))
            return (enum http_method)i;
    return HTTP_OTHER;
}

/* target -> '/' path ['?' query] | '*' | "http://" authority path ['?' query] */
static bool parse_target(struct http_request *r, struct bytes target)
{
    static const char scheme[] = "http://";

    for (size_t i = 0; i < target.len; i++)
        if (target.ptr[i] <= 0x20 || target.ptr[i] >= 0x7F || target.ptr[i] == '#')
            return false;
    if (target.len > sizeof scheme && bytes_is_nocase(bytes_head(target, sizeof scheme - 1), scheme)) {
        size_t slash = bytes_find(target, '/', sizeof scheme - 1);
        if (slash == target.len)
            return false;
        target = bytes_skip(target, slash);
    }
    if (!target.len || (target.ptr[0] != '/' && !bytes_is(target, "*")))
        return false;
    size_t mark = bytes_find(target, '?', 0);
    r->path = bytes_head(target, mark);
    r->query = mark < target.len ? bytes_skip(target, mark + 1) : BYTES_NONE;
    return true;
}

/* request-line -> method SP target SP "HTTP/1." ('0' | '1') */
static enum http_parse parse_request_line(struct http_parser *p, struct bytes line)
{
    struct http_request *r = &p->request;
    size_t one = bytes_find(line, ' ', 0);
    size_t two = bytes_find(line, ' ', one + 1);

    if (one >= line.len || two >= line.len)
        return bad(p, 400, "the request line is not 'METHOD target HTTP/1.1'");
    struct bytes version = bytes_skip(line, two + 1);
    r->method_text = bytes_head(line, one);
    r->method = method_of(r->method_text);
    if (!is_token(r->method_text))
        return bad(p, 400, "the method is not a token");
    if (!parse_target(r, bytes_of(line.ptr + one + 1, two - one - 1)))
        return bad(p, 400, "the request's target is not a path");
    if (version.len != 8 || memcmp(version.ptr, "HTTP/", 5))
        return bad(p, 400, "the request line is not 'METHOD target HTTP/1.1'");
    if (!bytes_is(version, "HTTP/1.1") && !bytes_is(version, "HTTP/1.0"))
        return bad(p, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    r->minor = version.ptr[7] == '1';
    return HTTP_DONE;
}

static enum http_parse parse_header_line(struct http_parser *p, struct bytes line)
{
    struct http_request *r = &p->request;
    size_t colon = bytes_find(line, ':', 0);

    if (r->headers_count == HTTP_HEADERS_MAX)
        return bad(p, 431, "more than 100 headers");
    if (colon == line.len || !is_token(bytes_head(line, colon)))
        return bad(p, 400, "a header line is not 'Name: value'");
    struct http_header h = {bytes_head(line, colon), trim(bytes_skip(line, colon + 1))};
    if (!is_field_value(h.value))
        return bad(p, 400, "a header has a control character");
    r->headers[r->headers_count++] = h;
    return HTTP_DONE;
}

struct bytes http_header_get(const struct http_request *request, const char *name)
{
    for (unsigned i = 0; i < request->headers_count; i++)
        if (bytes_is_nocase(request->headers[i].name, name))
            return request->headers[i].value;
    return BYTES_NONE;
}

bool http_header_has(const struct http_request *request, const char *name, const char *token)
{
    for (unsigned i = 0; i < request->headers_count; i++) {
        if (!bytes_is_nocase(request->headers[i].name, name))
            continue;
        struct bytes rest = request->headers[i].value;
        while (rest.len) {
            size_t comma = bytes_find(rest, ',', 0);
            if (bytes_is_nocase(trim(bytes_head(rest, comma)), token))
                return true;
            rest = comma < rest.len ? bytes_skip(rest, comma + 1) : BYTES_NONE;
        }
    }
    return false;
}

static unsigned header_count(const struct http_request *r, const char *name)
{
    unsigned n = 0;
    for (unsigned i = 0; i < r->headers_count; i++)
        n += bytes_is_nocase(r->headers[i].name, name);
    return n;
}

/* Digits alone, at most 18 of them: fits 64 bits. */
static bool parse_length(struct bytes text, uint64_t *out)
{
    *out = 0;
    if (!text.len || text.len > 18)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        *out = *out * 10 + (text.ptr[i] - '0');
    }
    return true;
}

/* How the body is framed: RFC 9112, section 6. */
static enum http_parse parse_framing(struct http_parser *p)
{
    struct http_request *r = &p->request;
    unsigned lengths = header_count(r, "content-length");

    r->chunked = false;
    r->content_length = 0;
    if (header_count(r, "transfer-encoding")) {
        if (lengths || !r->minor || header_count(r, "transfer-encoding") > 1)
            return bad(p, 400, "Transfer-Encoding stands beside Content-Length, twice, or in HTTP/1.0");
        if (!bytes_is_nocase(http_header_get(r, "transfer-encoding"), "chunked"))
            return bad(p, 501, "the only transfer coding understood is 'chunked'");
        r->chunked = true;
    } else if (lengths) {
        if (lengths > 1 || !parse_length(http_header_get(r, "content-length"), &r->content_length))
            return bad(p, 400, "Content-Length is not one number");
        if (r->content_length > p->limits.body_max)
            return bad(p, 413, "the body is larger than this server accepts");
    }
    return HTTP_DONE;
}

static enum http_parse parse_connection(struct http_parser *p)
{
    struct http_request *r = &p->request;
    unsigned hosts = header_count(r, "host");

    if (hosts > 1 || (r->minor && !hosts))
        return bad(p, 400, "there must be one Host header");
    r->host = http_header_get(r, "host");
    r->keep_alive = r->minor ? !http_header_has(r, "connection", "close")
                             : http_header_has(r, "connection", "keep-alive");
    r->upgrade = http_header_has(r, "connection", "upgrade");
    r->expect_continue = r->minor && header_count(r, "expect");
    if (r->expect_continue && !bytes_is_nocase(http_header_get(r, "expect"), "100-continue"))
        return bad(p, 417, "the only expectation met is '100-continue'");
    return HTTP_DONE;
}

/* Lines of the head up to its blank one, each ended by CRLF. */
static enum http_parse parse_head(struct http_parser *p)
{
    struct bytes rest = buf_view(&p->head);
    bool first = true;

    p->request = (struct http_request){.headers_count = 0};
    for (;;) {
        size_t lf = bytes_find(rest, '\n', 0);
        CHECK(lf > 0 && lf < rest.len);
        struct bytes line = bytes_head(rest, lf - 1);
        rest = bytes_skip(rest, lf + 1);
        if (!first && !line.len)
            break;
        enum http_parse step = first ? parse_request_line(p, line) : parse_header_line(p, line);
        if (step == HTTP_BAD)
            return step;
        first = false;
    }
    if (parse_framing(p) == HTTP_BAD)
        return HTTP_BAD;
    return parse_connection(p);
}

/* Takes bytes up to the blank line, which may have begun in an earlier piece. A client may send a
 * stray CRLF after a body (RFC 9112, 2.2): it is dropped ahead of a request. */
static enum http_parse feed_head(struct http_parser *p, struct bytes in, size_t *used)
{
    while (*used < in.len) {
        uint8_t c = in.ptr[*used];
        if (p->head.len == 0 && (c == '\r' || c == '\n') && p->strays++ < 2) {
            ++*used;
            continue;
        }
        size_t lf = bytes_find(in, '\n', *used);
        size_t take = lf < in.len ? lf + 1 - *used : in.len - *used;
        if (!p->in_headers && p->head.len + take > p->limits.line_max + 2)
            return bad(p, 414, "the request line is too long");
        if (p->head.len + take > p->limits.head_max)
            return bad(p, 431, "the headers are too large");
        buf_append(&p->head, in.ptr + *used, take);
        *used += take;
        if (lf == in.len)
            break;
        const uint8_t *end = p->head.ptr + p->head.len;
        if (p->head.len < 2 || end[-2] != '\r')
            return bad(p, 400, "a line does not end in CRLF");
        p->in_headers = true;
        if (p->head.len >= 4 && end[-3] == '\n')
            return parse_head(p);
    }
    return HTTP_MORE;
}

/* ---- bodies ---- */

static void begin_body(struct http_parser *p)
{
    p->line_len = 0;
    p->chunk_digits = p->chunk_extension = false;
    p->left = p->request.content_length;
    p->state = p->request.chunked      ? HTTP_IN_CHUNK_SIZE
               : p->left               ? HTTP_IN_SIZED
                                       : HTTP_IN_DONE;
}

static bool feed_data(struct http_parser *p, struct bytes in, size_t *used)
{
    size_t take = in.len - *used;
    if (take > p->left)
        take = (size_t)p->left;
    buf_append(&p->body, in.ptr + *used, take);
    *used += take;
    p->left -= take;
    return p->left == 0;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* chunk-size -> hex+ [';' anything] CRLF, byte by byte: its lines are short. */
static enum http_parse feed_chunk_size(struct http_parser *p, uint8_t c)
{
    int digit = hex_digit(c);

    if (++p->line_len > CHUNK_LINE_MAX)
        return bad(p, 400, "a chunk's size line is too long");
    if (c == '\n') {
        if (!p->chunk_digits || p->trailer_len != 1)
            return bad(p, 400, "a chunk's size is not a line of hexadecimal digits");
        p->state = p->left ? HTTP_IN_CHUNK_DATA : HTTP_IN_TRAILER;
        p->line_len = p->trailer_len = 0;
        return HTTP_MORE;
    }
    if (p->trailer_len) /* here: a CR was seen, and something else than LF follows */
        return bad(p, 400, "a chunk's size is not a line of hexadecimal digits");
    if (c == '\r') {
        p->trailer_len = 1;
    } else if (p->chunk_extension || ((c == ';' || is_blank(c)) && p->chunk_digits)) {
        p->chunk_extension = true;
    } else if (digit < 0) {
        return bad(p, 400, "a chunk's size is not a line of hexadecimal digits");
    } else {
        p->chunk_digits = true;
        p->left = p->left << 4 | (unsigned)digit;
        if (p->left + p->body.len > p->limits.body_max)
            return bad(p, 413, "the body is larger than this server accepts");
    }
    return HTTP_MORE;
}

static enum http_parse feed_chunk_end(struct http_parser *p, uint8_t c)
{
    if (c != (p->line_len ? '\n' : '\r'))
        return bad(p, 400, "a chunk is longer than its size says");
    if (p->line_len++) {
        p->line_len = p->trailer_len = 0;
        p->left = 0;
        p->chunk_digits = p->chunk_extension = false;
        p->state = HTTP_IN_CHUNK_SIZE;
    }
    return HTTP_MORE;
}

/* Trailers are dropped; an empty line ends them. */
static enum http_parse feed_trailer(struct http_parser *p, uint8_t c)
{
    if (++p->trailer_len > TRAILER_MAX)
        return bad(p, 431, "the trailers are too large");
    if (c != '\n') {
        p->line_len += c != '\r';
        return HTTP_MORE;
    }
    if (p->line_len == 0)
        p->state = HTTP_IN_DONE;
    p->line_len = 0;
    return HTTP_MORE;
}

static enum http_parse feed_body(struct http_parser *p, struct bytes in, size_t *used)
{
    while (*used < in.len && p->state < HTTP_IN_DONE) {
        switch (p->state) {
        case HTTP_IN_SIZED:
            if (feed_data(p, in, used))
                p->state = HTTP_IN_DONE;
            break;
        case HTTP_IN_CHUNK_DATA:
            if (feed_data(p, in, used))
                p->state = HTTP_IN_CHUNK_END;
            break;
        case HTTP_IN_CHUNK_SIZE: feed_chunk_size(p, in.ptr[(*used)++]); break;
        case HTTP_IN_CHUNK_END: feed_chunk_end(p, in.ptr[(*used)++]); break;
        case HTTP_IN_TRAILER: feed_trailer(p, in.ptr[(*used)++]); break;
        default: UNREACHABLE();
        }
    }
    return p->state == HTTP_IN_BAD ? HTTP_BAD : p->state == HTTP_IN_DONE ? HTTP_DONE : HTTP_MORE;
}

enum http_parse http_parser_feed(struct http_parser *p, struct bytes in, size_t *used)
{
    *used = 0;
    CHECK(p->state != HTTP_IN_DONE); /* http_parser_reset comes first */
    if (p->state == HTTP_IN_BAD)
        return HTTP_BAD;
    if (p->state == HTTP_IN_HEAD) {
        enum http_parse step = feed_head(p, in, used);
        if (step != HTTP_DONE)
            return step;
        begin_body(p);
    }
    enum http_parse step = feed_body(p, in, used);
    if (step == HTTP_DONE)
        p->request.body = buf_view(&p->body);
    return step;
}
