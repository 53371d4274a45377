/* One pass over the bytes. A token never spans the end of the text; positions are kept by counting
 * line ends and UTF-8 lead bytes. */
#include "sql/lexer.h"

struct lexer {
    struct arena *arena;
    struct bytes text;
    size_t at;
    unsigned line, column;
    struct token *tokens;
    uint32_t count, cap;
    struct diag *diag;
    bool in_hint;
};

static int peek_at(const struct lexer *lx, size_t ahead)
{
    return lx->at + ahead < lx->text.len ? lx->text.ptr[lx->at + ahead] : -1;
}

static void step(struct lexer *lx, size_t bytes)
{
    for (; bytes > 0 && lx->at < lx->text.len; bytes--) {
        uint8_t c = lx->text.ptr[lx->at++];
        if (c == '\n') {
            lx->line++;
            lx->column = 1;
        } else if ((c & 0xC0) != 0x80) {
            lx->column++;
        }
    }
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_start(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool is_word(int c)
{
    return is_word_start(c) || is_digit(c) || c == '$';
}

static enum status lexer_error(struct lexer *lx, const struct token *at, const char *message,
                               const char *hint)
{
    if (lx->diag && lx->diag->code == DIAG_NONE) {
        lx->diag->line = at->line;
        lx->diag->column = at->column;
        size_t len = at->text.len < sizeof(lx->diag->near) - 1 ? at->text.len
                                                               : sizeof(lx->diag->near) - 1;
        if (len > 0)
            memcpy(lx->diag->near, at->text.ptr, len);
        diag_set(lx->diag, ST_INVALID, DIAG_SYNTAX, "%s", message);
        diag_hint(lx->diag, "%s", hint);
    }
    return ST_INVALID;
}

static struct token *token_add(struct lexer *lx)
{
    if (lx->count == lx->cap) {
        uint32_t cap = lx->cap ? lx->cap * 2 : 64;
        struct token *grown = ARENA_ARRAY(lx->arena, struct token, cap);
        if (lx->count > 0)
            memcpy(grown, lx->tokens, lx->count * sizeof(*grown));
        lx->tokens = grown;
        lx->cap = cap;
    }
    struct token *t = &lx->tokens[lx->count++];
    memset(t, 0, sizeof(*t));
    t->line = lx->line;
    t->column = lx->column;
    t->text = bytes_of(lx->text.ptr + lx->at, 0);
    return t;
}

static void token_end(struct lexer *lx, struct token *t, enum token_kind kind)
{
    t->kind = kind;
    t->text.len = (size_t)(lx->text.ptr + lx->at - t->text.ptr);
    t->value = t->text;
}

/* Spaces and comments; false at a comment without an end, which it makes a token of. */
static bool skip_blank(struct lexer *lx)
{
    for (;;) {
        int c = peek_at(lx, 0);
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f') {
            step(lx, 1);
        } else if (c == 0xEF && peek_at(lx, 1) == 0xBB && peek_at(lx, 2) == 0xBF && lx->at == 0) {
            lx->at += 3; /* a byte order mark */
        } else if (c == '-' && peek_at(lx, 1) == '-') {
            while (peek_at(lx, 0) != -1 && peek_at(lx, 0) != '\n')
                step(lx, 1);
        } else if (c == '/' && peek_at(lx, 1) == '*' && peek_at(lx, 2) != '+') {
            struct lexer start = *lx;
            step(lx, 2);
            while (peek_at(lx, 0) != -1 && !(peek_at(lx, 0) == '*' && peek_at(lx, 1) == '/'))
                step(lx, 1);
            if (peek_at(lx, 0) == -1) {
                start.at++;
                struct token t = {.line = start.line, .column = start.column,
                                  .text = BYTES_LITERAL("/*")};
                (void)lexer_error(lx, &t, "this comment does not end", "end it with */");
                return false;
            }
            step(lx, 2);
        } else {
            return true;
        }
    }
}

/* '…' and `…`: the quote is doubled inside. */
static enum status lex_quoted(struct lexer *lx, struct token *t, uint8_t quote)
{
    size_t start = lx->at + 1, doubled = 0;

    step(lx, 1);
    for (;;) {
        int c = peek_at(lx, 0);
        if (c == -1) {
            t->text.len = 1;
            return lexer_error(lx, t,
                               quote == '\'' ? "this string does not end"
                                             : "this quoted name does not end",
                               quote == '\'' ? "end it with ', and write '' for a quote inside"
                                             : "end it with `");
        }
        if (c == quote) {
            if (peek_at(lx, 1) != quote)
                break;
            doubled++;
            step(lx, 2);
            continue;
        }
        step(lx, 1);
    }
    struct bytes raw = bytes_of(lx->text.ptr + start, lx->at - start);
    step(lx, 1);
    token_end(lx, t, quote == '\'' ? TOKEN_STRING : TOKEN_QUOTED);
    if (quote == '`' && raw.len == 0)
        return lexer_error(lx, t, "a name must not be empty", "");
    t->value = raw;
    if (doubled == 0)
        return ST_OK;
    uint8_t *out = arena_alloc(lx->arena, raw.len);
    size_t n = 0;
    for (size_t i = 0; i < raw.len; i++) {
        out[n++] = raw.ptr[i];
        if (raw.ptr[i] == quote)
            i++;
    }
    t->value = bytes_of(out, n);
    return ST_OK;
}

static enum status lex_number(struct lexer *lx, struct token *t)
{
    enum token_kind kind = TOKEN_INTEGER;

    while (is_digit(peek_at(lx, 0)))
        step(lx, 1);
    if (peek_at(lx, 0) == '.' && peek_at(lx, 1) != '.') {
        kind = TOKEN_DECIMAL;
        step(lx, 1);
        while (is_digit(peek_at(lx, 0)))
            step(lx, 1);
    }
    if (peek_at(lx, 0) == 'e' || peek_at(lx, 0) == 'E') {
        size_t sign = peek_at(lx, 1) == '+' || peek_at(lx, 1) == '-' ? 1 : 0;
        if (is_digit(peek_at(lx, 1 + sign))) {
            kind = TOKEN_APPROX;
            step(lx, 2 + sign);
            while (is_digit(peek_at(lx, 0)))
                step(lx, 1);
        }
    }
    if (is_word_start(peek_at(lx, 0))) {
        while (is_word(peek_at(lx, 0)))
            step(lx, 1);
        token_end(lx, t, kind);
        return lexer_error(lx, t, "this is neither a number nor a name",
                           "names that begin with a digit are written in back-ticks");
    }
    token_end(lx, t, kind);
    return ST_OK;
}

static enum status lex_sign(struct lexer *lx, struct token *t)
{
    static const char *const pairs[] = {"<>", "!=", "<=", ">=", "||", "=>", "*/"};
    int c = peek_at(lx, 0);

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (c != pairs[i][0] || peek_at(lx, 1) != pairs[i][1])
            continue;
        bool hint_end = c == '*' && pairs[i][1] == '/';
        if (hint_end && !lx->in_hint)
            break;
        step(lx, 2);
        token_end(lx, t, hint_end ? TOKEN_HINT_END : TOKEN_SIGN);
        if (hint_end)
            lx->in_hint = false;
        return ST_OK;
    }
    if (c == '/' && peek_at(lx, 1) == '*' && peek_at(lx, 2) == '+') {
        step(lx, 3);
        token_end(lx, t, TOKEN_HINT);
        lx->in_hint = true;
        return ST_OK;
    }
    step(lx, 1);
    token_end(lx, t, TOKEN_SIGN);
    if (c > 0 && c < 0x80 && strchr("+-*/%=<>()[]{},.;:?|^", c))
        return ST_OK;
    if (c == '"')
        return lexer_error(lx, t, "\" does not quote here",
                           "names are quoted with back-ticks, texts with single quotes");
    return lexer_error(lx, t, "this character begins nothing in SQL", "");
}

enum status lexer_run(struct arena *arena, struct bytes text, struct token **tokens,
                      uint32_t *count, struct diag *diag)
{
    struct lexer lx = {.arena = arena, .text = text, .line = 1, .column = 1, .diag = diag};

    if (text.len > LEXER_TEXT_MAX)
        return diag_set(diag, ST_INVALID, DIAG_LIMIT, "a script may have at most %d bytes",
                        (int)LEXER_TEXT_MAX);
    if (!bytes_is_utf8(text))
        return diag_set(diag, ST_INVALID, DIAG_SYNTAX, "the text is not valid UTF-8");
    for (;;) {
        if (!skip_blank(&lx))
            return ST_INVALID;
        struct token *t = token_add(&lx);
        int c = peek_at(&lx, 0);
        if (c == -1)
            break;
        if (c == '\'' || c == '`') {
            TRY(lex_quoted(&lx, t, (uint8_t)c));
        } else if (is_digit(c) || (c == '.' && is_digit(peek_at(&lx, 1)) &&
                                   !(lx.count > 1 && (t[-1].kind == TOKEN_WORD ||
                                                      t[-1].kind == TOKEN_QUOTED)))) {
            TRY(lex_number(&lx, t));
        } else if (is_word_start(c)) {
            while (is_word(peek_at(&lx, 0)))
                step(&lx, 1);
            token_end(&lx, t, TOKEN_WORD);
        } else {
            TRY(lex_sign(&lx, t));
        }
    }
    *count = lx.count;
    for (int i = 0; i < LEXER_AHEAD; i++) /* so that the parser may look past the end */
        token_add(&lx);
    *tokens = lx.tokens;
    return ST_OK;
}
