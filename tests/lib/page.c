#include "lib/page.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/test.h"

static struct bytes page_read(const char *path)
{
    static char got[1 << 16];
    FILE *f = fopen(path, "r");

    if (!f)
        test_fail(__FILE__, __LINE__, "%s is not there: run this in the project's folder", path);
    size_t len = fread(got, 1, sizeof(got), f);
    fclose(f);
    return bytes_of(got, len);
}

static void page_write(const char *path, struct bytes head, struct bytes rest)
{
    FILE *f = fopen(path, "w");

    EXPECT(f && fwrite(head.ptr, 1, head.len, f) == head.len && fwrite(rest.ptr, 1, rest.len, f) == rest.len);
    EXPECT(fclose(f) == 0);
}

void page_expect(const char *path, struct bytes want)
{
    if (getenv("QW_GOLDEN_WRITE"))
        page_write(path, bytes_of("", 0), want);
    EXPECT_BYTES(page_read(path), want);
}

void page_expect_behind(const char *path, const char *line, struct bytes want)
{
    struct bytes got = page_read(path), text = bytes_str(line);
    size_t at = 0;

    while (at + text.len <= got.len && memcmp(got.ptr + at, text.ptr, text.len) != 0)
        at++;
    if (at + text.len > got.len)
        test_fail(__FILE__, __LINE__, "%s has no line '%s'", path, line);
    at += text.len;
    if (getenv("QW_GOLDEN_WRITE")) {
        page_write(path, bytes_head(got, at), want);
        got = page_read(path);
    }
    EXPECT_BYTES(bytes_skip(got, at), want);
}
