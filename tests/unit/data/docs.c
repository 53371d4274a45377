/* docs/sql/functions.md is made from the function table: this test fails when the two differ.
 * Rewrite it with: QW_WRITE_DOCS=1 build/asan/unit functions_page */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "data/func.h"
#include "lib/test.h"

#define PAGE "docs/sql/functions.md"

static void print_page(struct buf *buf)
{
    buf_str(buf, "# Functions and operators\n\n"
                 "Made from the function table (`src/data/func_*.c`); names are matched without regard "
                 "to case.\nMeanings are Flink's. Characters are code points. Unless said otherwise a "
                 "function of a NULL is NULL.\n\n| call | meaning |\n| --- | --- |\n");
    for (unsigned i = 0; func_info(i); i++) {
        const struct func_info *info = func_info(i);
        buf_str(buf, "| `");
        for (const char *c = info->signature; *c; c++)
            buf_printf(buf, *c == '|' ? "\\%c" : "%c", *c);
        buf_printf(buf, "` | %s |\n", info->help);
    }
}

TEST(data_functions_page_is_up_to_date)
{
    struct buf want;
    static char got[1 << 16];

    buf_init(&want, 0);
    print_page(&want);
    if (getenv("QW_WRITE_DOCS")) {
        FILE *f = fopen(PAGE, "w");
        EXPECT(f && fwrite(want.ptr, 1, want.len, f) == want.len && fclose(f) == 0);
    }
    FILE *f = fopen(PAGE, "r");
    if (f) { /* elsewhere than in the project's folder there is nothing to compare with */
        size_t len = fread(got, 1, sizeof(got), f);
        fclose(f);
        EXPECT_BYTES(bytes_of(got, len), buf_view(&want));
    }
    buf_deinit(&want);
}
