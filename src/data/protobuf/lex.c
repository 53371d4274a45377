/* lex.c: see lex.h. */
#include "data/protobuf/lex.h"

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static uint8_t peek(const struct proto_lex *lex, size_t ahead)
{
    return lex->pos + ahead < lex->text.len ? lex->text.ptr[lex->pos + ahead] : 0;
}

static void step(struct proto_lex *lex)
{
    lex->line += lex->text.ptr[lex->pos++] == '\n';
}

/* Blanks and comments. False: a comment has no end. */
static bool pass_over(struct proto_lex *lex)
{
    while (lex->pos < lex->text.len) {
        uint8_t c = peek(lex, 0);
        if (c == '/' && peek(lex, 1) == '/') {
            while (lex->pos < lex->text.len && peek(lex, 0) != '\n')
                step(lex);
        } else if (c == '/' && peek(lex, 1) == '*') {
            size_t end = lex->pos + 2;
            while (end + 1 < lex->text.len && (lex->text.ptr[end] != '*' || lex->text.ptr[end + 1] != '/'))
                end++;
            if (end + 1 >= lex->text.len)
                return false;
            while (lex->pos < end + 2)
                step(lex);
        } else if (c == ' ' || (c >= '\t' && c <= '\r')) {
            step(lex);
        } else {
            return true;
        }
    }
    return true;
}

static bool quoted(struct proto_lex *lex)
{
    uint8_t quote = peek(lex, 0);

    for (lex->pos++; lex->pos < lex->text.len && peek(lex, 0) != '\n'; lex->pos++) {
        if (peek(lex, 0) == '\\')
            lex->pos++;
        else if (peek(lex, 0) == quote)
            return lex->pos++ < lex->text.len;
    }
    return false;
}

static enum proto_word word_of(struct proto_lex *lex)
{
    uint8_t c = peek(lex, 0);

    if (lex->pos == lex->text.len)
        return PROTO_END;
    if (c == '"' || c == '\'')
        return quoted(lex) ? PROTO_QUOTED : PROTO_WRONG;
    if (is_letter(c) || (c == '.' && is_letter(peek(lex, 1)))) {
        do
            lex->pos++;
        while (is_letter(peek(lex, 0)) || is_digit(peek(lex, 0)) || (peek(lex, 0) == '.' && is_letter(peek(lex, 1))));
        return PROTO_NAME;
    }
    if (is_digit(c) || (c == '.' && is_digit(peek(lex, 1)))) {
        do
            lex->pos++;
        while (is_letter(peek(lex, 0)) || is_digit(peek(lex, 0)) || peek(lex, 0) == '.' ||
               ((peek(lex, 0) == '-' || peek(lex, 0) == '+') && (lex->text.ptr[lex->pos - 1] | 0x20) == 'e'));
        return PROTO_NUMBER;
    }
    lex->pos++;
    return c > ' ' && c < 0x7f ? PROTO_SIGN : PROTO_WRONG;
}

void proto_lex_next(struct proto_lex *lex)
{
    if (!pass_over(lex)) {
        lex->word = PROTO_WRONG;
        lex->at = bytes_head(bytes_skip(lex->text, lex->pos), 10);
        return;
    }
    size_t begin = lex->pos;
    lex->word = word_of(lex);
    if (lex->pos > lex->text.len)
        lex->pos = lex->text.len;
    lex->at = bytes_of(lex->text.ptr + begin, lex->pos - begin);
}

struct proto_lex proto_lex_of(struct bytes text)
{
    struct proto_lex lex = {.text = text.ptr ? text : BYTES_LITERAL(""), .line = 1}; /* null + 0 is not allowed in C */

    proto_lex_next(&lex);
    return lex;
}
