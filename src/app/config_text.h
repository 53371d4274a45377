/* config_text.h: the text of a configuration file, entry by entry.
 *
 * A part of TOML 1.0, so that editors know it and its rules are written down elsewhere: `[section]`,
 * `key = value`, `# comment`; a value is a "string" (with \" \\ \b \t \n \f \r \uXXXX \UXXXXXXXX), a
 * 'literal string', a decimal integer (1_000) or true / false. The rest of TOML (arrays, tables in
 * tables, dotted keys, dates, reals, texts of several lines) no setting needs: refused by name.
 *
 * Owns:    nothing; entries point into the text or into the arena, and live as long as both.
 * Errors:  ST_INVALID with a diag: line, column, the token, what would be right.
 * Limits:  CONFIG_TEXT_MAX bytes.       Layer: app.
 */
#ifndef QW_APP_CONFIG_TEXT_H
#define QW_APP_CONFIG_TEXT_H

#include "base/arena.h"
#include "base/diag.h"

enum { CONFIG_TEXT_MAX = 1 << 20 };

enum config_type { CONFIG_STRING, CONFIG_INTEGER, CONFIG_BOOLEAN };

struct config_value {
    enum config_type type;
    struct bytes text; /* of a string, its content; of others as written */
    int64_t number;    /* 0 or 1 of a boolean */
    unsigned line, column;
};

struct config_entry {
    struct bytes section, key; /* no key: the section's own line */
    unsigned line, column;     /* of the key, or of the section's name */
    struct config_value value;
};

struct config_reader {
    struct arena *arena; /* for strings with escapes */
    struct bytes text;
    size_t pos, line_pos; /* where the line under way begins */
    unsigned line;
    struct bytes section;
};

/* ST_INVALID: longer than the limit, or not UTF-8. */
enum status config_reader_init(struct config_reader *r, struct bytes text, struct arena *arena,
                               struct diag *diag) MUST_CHECK;
/* The next section or key; ST_NOTFOUND at the end. */
enum status config_next(struct config_reader *r, struct config_entry *out, struct diag *diag) MUST_CHECK;

#endif
