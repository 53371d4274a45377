/* Names and texts as SQL and CQL quote them. */
#include "bridge/quoted.h"

#include "lib/test.h"

TEST(quoted_doubles_quotes)
{
    struct buf buf;

    buf_init(&buf, 0);
    quoted_name(&buf, BYTES_LITERAL("a\"; DROP TABLE t; --"));
    EXPECT_BYTES(buf_view(&buf), BYTES_LITERAL("\"a\"\"; DROP TABLE t; --\""));
    buf_clear(&buf);
    quoted_text(&buf, BYTES_LITERAL("it's \"x\""));
    EXPECT_BYTES(buf_view(&buf), BYTES_LITERAL("'it''s \"x\"'"));
    buf_deinit(&buf);
}
