#include "data/chunk.h"

#include "base/check.h"

const char *row_kind_text(uint8_t kind)
{
    static const char *const text[] = {"+I", "-U", "+U", "-D"};

    CHECK(kind < 4);
    return text[kind];
}
