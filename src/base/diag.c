#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void diag_clear(struct diag *d)
{
    memset(d, 0, sizeof(*d));
}

enum status diag_set(struct diag *d, enum status st, enum diag_code code, const char *format, ...)
{
    va_list args;

    if (!d || d->code != DIAG_NONE)
        return st;
    d->code = code;
    va_start(args, format);
    vsnprintf(d->message, sizeof(d->message), format, args);
    va_end(args);
    return st;
}

void diag_hint(struct diag *d, const char *format, ...)
{
    va_list args;

    if (!d || d->hint[0])
        return;
    va_start(args, format);
    vsnprintf(d->hint, sizeof(d->hint), format, args);
    va_end(args);
}

const char *diag_code_name(enum diag_code code)
{
    static const char *const names[] = {
        [DIAG_NONE] = "none",       [DIAG_SYNTAX] = "syntax",
        [DIAG_NAME] = "name",       [DIAG_TYPE] = "type",
        [DIAG_VALUE] = "value",     [DIAG_EXISTS] = "exists",
        [DIAG_LIMIT] = "limit",     [DIAG_UNSUPPORTED] = "unsupported",
        [DIAG_STATE] = "state",     [DIAG_INTERNAL] = "internal",
    };
    return names[code];
}
