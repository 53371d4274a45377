#include "base/status.h"

#include "base/check.h"

const char *status_text(enum status st)
{
    static const char *const texts[] = {
#define STATUS_TEXT(name, text) [ST_##name] = text,
        STATUS_MAP(STATUS_TEXT)
#undef STATUS_TEXT
    };
    CHECK(st < ST_COUNT);
    return texts[st];
}
