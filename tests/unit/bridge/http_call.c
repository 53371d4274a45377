/* What may be written of a request; ./dev interop bridge_http makes them of a real server. */
#include "bridge/http_call.h"

#include "lib/test.h"

TEST(http_headers_are_a_name_a_colon_and_one_line)
{
    struct bytes bad = BYTES_NONE;

    EXPECT(http_headers_check(BYTES_LITERAL(""), &bad));
    EXPECT(http_headers_check(BYTES_LITERAL("X-A: b\n\nX-C:\n"), &bad));
    EXPECT(!http_headers_check(BYTES_LITERAL("X-A: b\nno header\nX-B: c"), &bad));
    EXPECT_BYTES(bad, BYTES_LITERAL("no header"));
    EXPECT(!http_headers_check(BYTES_LITERAL(": b"), &bad));
    EXPECT(!http_headers_check(BYTES_LITERAL("X A: b"), &bad));
    EXPECT(!http_headers_check(BYTES_LITERAL("X-A: b\r\nX-B: c"), &bad)); /* the carriage return would end it */
    EXPECT(!http_headers_check(bytes_of("X-A: \0", 6), &bad));
}

static void expect_url(const char *url, enum status st)
{
    struct diag diag = {0};
    EXPECT_STATUS(http_url_check(bytes_str(url), "http", &diag), st);
}

TEST(http_urls_are_of_http_and_hold_no_user)
{
    expect_url("http://a:1/b?c=d", ST_OK);
    expect_url("https://[::1]:8443/", ST_OK);
    expect_url("ftp://a/", ST_INVALID);
    expect_url("file:///etc/passwd", ST_INVALID);
    expect_url("a.example", ST_INVALID);
    expect_url("http://", ST_INVALID);
    expect_url("http://me:secret@a/", ST_INVALID);
    expect_url("http://me@a/", ST_INVALID);
    expect_url("", ST_INVALID);
}
