/* lexer.h: SQL text to tokens.
 *
 * All of a script at once, ended by a TOKEN_END and LEXER_AHEAD more that are not counted, so that
 * the parser may look ahead freely. Comments
 * (-- and slash-star) are skipped; hints (slash-star-plus) come through between TOKEN_HINT and
 * TOKEN_HINT_END.
 *
 * Owns: the tokens live in the arena and point into the text.
 * Errors: ST_INVALID at a string or comment that does not end, or a byte that begins nothing.
 * Limits: LEXER_TEXT_MAX bytes of text.   Layer: sql.
 */
#ifndef QW_SQL_LEXER_H
#define QW_SQL_LEXER_H

#include "base/arena.h"
#include "base/diag.h"

enum { LEXER_TEXT_MAX = 16 << 20, LEXER_AHEAD = 4 };

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,     /* an identifier or keyword */
    TOKEN_QUOTED,   /* an identifier in back-ticks */
    TOKEN_STRING,   /* '…' */
    TOKEN_INTEGER,  /* 12 */
    TOKEN_DECIMAL,  /* 1.5 */
    TOKEN_APPROX,   /* 1.5e3 */
    TOKEN_SIGN,     /* one of + - * / % = <> != < <= > >= ( ) [ ] { } , . ; : || => ? | ^ */
    TOKEN_HINT,     /* opens a hint */
    TOKEN_HINT_END, /* closes it */
};

struct token {
    enum token_kind kind;
    struct bytes text;     /* as written */
    struct bytes value;    /* without quotes and doubled quotes */
    unsigned line, column; /* from 1; columns count characters */
};

enum status lexer_run(struct arena *arena, struct bytes text, struct token **tokens,
                      uint32_t *count, struct diag *diag) MUST_CHECK;

#endif
