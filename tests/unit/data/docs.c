/* docs/sql/functions.md is made from the function table: this test fails when the two differ.
 * Rewrite it with: QW_GOLDEN_WRITE=1 build/asan/unit functions_page */
#include "base/buf.h"
#include "data/func.h"
#include "lib/page.h"
#include "lib/test.h"

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
    buf_str(buf, "\nAggregates are in [statements.md](statements.md). Of the functions of Flink 2.2 these are refused by name:\n\n"
                 "| function | instead |\n| --- | --- |\n");
    for (unsigned i = 0; func_refused_info(i); i++)
        buf_printf(buf, "| `%s` | %s |\n", func_refused_info(i)->name, func_refused_info(i)->instead);
}

TEST(data_functions_page_is_up_to_date)
{
    struct buf want;

    buf_init(&want, 0);
    print_page(&want);
    page_expect("docs/sql/functions.md", buf_view(&want));
    buf_deinit(&want);
}
