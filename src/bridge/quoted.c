/* quoted.c: see quoted.h. */
#include "bridge/quoted.h"

static void quoted(struct buf *out, struct bytes text, uint8_t quote)
{
    buf_u8(out, quote);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == quote)
            buf_u8(out, quote);
        buf_u8(out, text.ptr[i]);
    }
    buf_u8(out, quote);
}

void quoted_name(struct buf *out, struct bytes name)
{
    quoted(out, name, '"');
}

void quoted_text(struct buf *out, struct bytes text)
{
    quoted(out, text, '\'');
}
