#include "wire/http/response.h"

#include <inttypes.h>

#include "base/check.h"

static const struct {
    unsigned status;
    const char *reason;
} reasons[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {202, "Accepted"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *http_reason(unsigned status)
{
    for (unsigned i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

void http_response_head(struct buf *out, const struct http_response *r)
{
    CHECK(r->status >= 100 && r->status <= 599);
    CHECK_IF(r->until_close, !r->keep_alive);
    buf_printf(out, "HTTP/1.1 %u %s\r\n", r->status, http_reason(r->status));
    if (r->content_type)
        buf_printf(out, "Content-Type: %s\r\n", r->content_type);
    if (r->extra)
        buf_str(out, r->extra);
    if (!r->until_close && r->status >= 200 && r->status != 204 && r->status != 304)
        buf_printf(out, "Content-Length: %" PRIu64 "\r\n", r->length);
    if (!r->keep_alive && r->status != 101)
        buf_str(out, "Connection: close\r\n");
    buf_str(out, "\r\n");
}

void sse_event(struct buf *out, const char *event, struct bytes id, struct bytes data)
{
    if (event && *event)
        buf_printf(out, "event: %s\n", event);
    if (id.len) {
        buf_str(out, "id: ");
        buf_bytes(out, id);
        buf_u8(out, '\n');
    }
    do {
        size_t line = bytes_find(data, '\n', 0);
        size_t len = line && line <= data.len && data.ptr[line - 1] == '\r' ? line - 1 : line;
        buf_str(out, "data: ");
        buf_append(out, data.ptr, len);
        buf_u8(out, '\n');
        data = line < data.len ? bytes_skip(data, line + 1) : BYTES_NONE;
    } while (data.len);
    buf_u8(out, '\n');
}

void sse_comment(struct buf *out, const char *text)
{
    buf_printf(out, ": %s\n\n", text);
}
