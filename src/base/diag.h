/* diag.h: what a person is told when their input is wrong.
 *
 * Filled beside an ST_INVALID or ST_UNSUPPORTED (and where useful beside others): what is wrong,
 * where (line and column of a text, from 1; 0 when there is no text), near which token, and what
 * would be right. The serving floors map `code` to SQLSTATE, a Kafka error or an HTTP status.
 *
 * Fixed buffers, so that an error can be reported when memory is the trouble.       Layer: base.
 */
#ifndef QW_BASE_DIAG_H
#define QW_BASE_DIAG_H

#include "base/status.h"

enum diag_code {
    DIAG_NONE,
    DIAG_SYNTAX,      /* the text does not parse */
    DIAG_NAME,        /* an unknown or ambiguous table, column, function, topic */
    DIAG_TYPE,        /* operands or columns do not fit */
    DIAG_VALUE,       /* a literal or option out of its range */
    DIAG_EXISTS,      /* CREATE of what exists */
    DIAG_UNSUPPORTED, /* known, and not built */
    DIAG_LIMIT,       /* a configured bound */
    DIAG_STATE,       /* not now: paused, closing, in use */
    DIAG_INTERNAL,
};

struct diag {
    enum diag_code code;
    unsigned line, column;
    char message[400];
    char near[80];
    char hint[240];
};

void diag_clear(struct diag *d);

/* Sets code and message unless one is set already (the first error is the cause); returns st, so
 * that `return diag_set(...)` reads well. d may be NULL. */
enum status diag_set(struct diag *d, enum status st, enum diag_code code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void diag_hint(struct diag *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

const char *diag_code_name(enum diag_code code); /* "syntax", "name", … */

#endif
