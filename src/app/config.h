/* config.h: every setting of a server, in one table: what the command line and a file may say, with
 * its kind, bounds and default. `--help`, docs/config.md, parsing and errors all come from it.
 *
 * A later word wins: config_init gives the defaults, config_read a file's, config_word the command
 * line's.
 *
 * Owns:    texts of values, until config_deinit; `options` points to them.
 * Errors:  ST_INVALID with a diag; line and column are those of the file, 0 for the command line.
 * Layer:   app.
 */
#ifndef QW_APP_CONFIG_H
#define QW_APP_CONFIG_H

#include "app/config_text.h"
#include "app/server.h"
#include "base/buf.h"

enum config_kind {
    CONFIG_TEXT,    /* any */
    CONFIG_ADDRESS, /* host:port; where it may be left out, "off" */
    CONFIG_COUNT,   /* a whole number */
    CONFIG_BYTES,   /* a number of bytes, or "64MiB" */
    CONFIG_TIME,    /* "30s" */
    CONFIG_FLAG,    /* true or false */
    CONFIG_WORD,    /* one of those in `shows`, "a|b|c"; kept as its place among them, an enum */
};

struct config_key {
    const char *section, *name;
    const char *option; /* of the command line, "--data"; NULL: only in a file */
    const char *shows;  /* "DIR": how help shows the value; NULL for a flag */
    enum config_kind kind;
    const char *usual;    /* the default as it would be written; NULL: none */
    const char *no_bound; /* the word for -1, "forever"; NULL: there is none */
    int64_t least, most;  /* of counts, bytes and milliseconds */
    const char *help;     /* one line */
    size_t at, width;     /* where in struct server_options, and how wide */
    int64_t unit;         /* the field is the value times this; of a flag, -1: its contrary */
};

enum { CONFIG_KEYS = 59 };
extern const struct config_key config_keys[CONFIG_KEYS];

struct config {
    struct server_options options;
    unsigned seen[CONFIG_KEYS]; /* the line of the file that set it */
    struct arena arena;
};

void config_init(struct config *c);
void config_deinit(struct config *c);

/* A file's text. */
enum status config_read(struct config *c, struct bytes text, struct diag *diag) MUST_CHECK;
/* A word of the command line behind key->option ("true" for a flag). */
enum status config_word(struct config *c, const struct config_key *key, const char *word,
                        struct diag *diag) MUST_CHECK;

/* What a value may be: "a size: bytes, or \"64MiB\" (KiB, MiB, GiB, TiB), from 1MiB on". */
void config_want(const struct config_key *key, struct buf *out);
/* The tables of docs/config.md, in Markdown. */
void config_tables(struct buf *out);

#endif
