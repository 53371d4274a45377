/* options.h: what a bridge can be told in WITH (…): one table a bridge, from which parsing, checks and the
 * docs page come.
 *
 * Times: "500 ms", "10 s", "1 min", "2 h", "1 d". Bytes: "64 kb", "1 mb", a plain number.
 *
 * Owns:    values own nothing: texts are views of the table's options, or of the defaults.
 * Errors:  ST_INVALID with a diag that names the option, what it was and what would be right.   Layer: bridge.
 */
#ifndef QW_BRIDGE_OPTIONS_H
#define QW_BRIDGE_OPTIONS_H

#include "base/bytes.h"
#include "base/diag.h"

enum bridge_option_type {
    BRIDGE_TEXT,
    BRIDGE_SECRET, /* a text that is never shown */
    BRIDGE_COUNT,
    BRIDGE_TIME,   /* in ms */
    BRIDGE_BYTES,
    BRIDGE_WORD,   /* one of `words` */
};

struct bridge_option {
    const char *key;
    enum bridge_option_type type;
    const char *otherwise; /* the default, as it would be written; NULL: it must be given; "": none */
    const char *words;     /* "a|b|c"; the value's number is its place */
    int64_t min, max;      /* of numbers, times (ms) and bytes */
    const char *help;
};

struct bridge_given {
    struct bytes key, value;
};

struct bridge_value {
    struct bytes text;
    int64_t number;
    bool given;
};

/* values[i] for table[i]. name: the connector's, for what is said. */
enum status bridge_options_read(const char *name, const struct bridge_option *table, unsigned count,
                                const struct bridge_given *given, unsigned given_count,
                                struct bridge_value *values, struct diag *diag) MUST_CHECK;
bool bridge_option_given(const struct bridge_given *given, unsigned count, const char *key);
/* ST_INVALID for a key that is in neither table. Those in `passed` (NULL at its end), and those that begin with
 * one of them and a dot, are somebody else's. */
enum status bridge_options_known(const char *name, const struct bridge_option *a, unsigned a_count,
                                 const struct bridge_option *b, unsigned b_count,
                                 const char *const *passed, const struct bridge_given *given,
                                 unsigned given_count, struct diag *diag) MUST_CHECK;

#endif
