#include "lib/page.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/test.h"

void page_expect(const char *path, struct bytes want)
{
    static char got[1 << 16];
    FILE *f;

    if (getenv("QW_GOLDEN_WRITE")) {
        f = fopen(path, "w");
        EXPECT(f && fwrite(want.ptr, 1, want.len, f) == want.len && fclose(f) == 0);
    }
    f = fopen(path, "r");
    if (!f)
        test_fail(__FILE__, __LINE__, "%s is not there: run this in the project's folder", path);
    size_t len = fread(got, 1, sizeof(got), f);
    fclose(f);
    EXPECT_BYTES(bytes_of(got, len), want);
}
