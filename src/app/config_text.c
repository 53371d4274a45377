/* How: a line is a comment, a section or a key; one function each, which leaves the cursor at the end of
 * what it took. A carriage return before the line's end is white space, as TOML has it. */
#include "app/config_text.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

enum { END = -1 };

static int peek(const struct config_reader *r)
{
    return r->pos < r->text.len ? r->text.ptr[r->pos] : END;
}

static unsigned column_at(const struct config_reader *r, size_t pos)
{
    return (unsigned)(pos - r->line_pos) + 1;
}

/* What stands at pos, for the message. */
static struct bytes token_at(const struct config_reader *r, size_t pos)
{
    size_t end = pos;

    while (end < r->text.len && !strchr(" \t\r\n=#]", r->text.ptr[end]) && end - pos < 40)
        end++;
    if (end == pos && end < r->text.len && r->text.ptr[end] != '\n' && r->text.ptr[end] != '\r')
        end++;
    return bytes_of(r->text.ptr + pos, end - pos);
}

/* "unexpected 'x'", with the place; want says what would be right. */
static enum status wrong(const struct config_reader *r, size_t pos, struct diag *diag, const char *want)
{
    struct bytes token = token_at(r, pos);

    if (token.len == 0)
        diag_set(diag, ST_INVALID, DIAG_SYNTAX, "the %s ends too early", pos < r->text.len ? "line" : "file");
    else
        diag_set(diag, ST_INVALID, DIAG_SYNTAX, "'%.*s' is not expected here", BYTES_FMT(token));
    diag_hint(diag, "%s", want);
    diag->line = r->line;
    diag->column = column_at(r, pos);
    snprintf(diag->near, sizeof(diag->near), "%.*s", BYTES_FMT(token));
    return ST_INVALID;
}

static void skip_blank(struct config_reader *r)
{
    while (peek(r) == ' ' || peek(r) == '\t')
        r->pos++;
}

/* White space and a comment up to the line's end, which is taken. */
static enum status end_of_line(struct config_reader *r, struct diag *diag)
{
    skip_blank(r);
    if (peek(r) == '#')
        while (peek(r) != END && peek(r) != '\n')
            r->pos++;
    if (peek(r) == '\r' && r->pos + 1 < r->text.len && r->text.ptr[r->pos + 1] == '\n')
        r->pos++;
    if (peek(r) == END)
        return ST_OK;
    if (peek(r) != '\n')
        return wrong(r, r->pos, diag, "an entry ends with its line; a comment begins with '#'");
    r->pos++;
    r->line++;
    r->line_pos = r->pos;
    return ST_OK;
}

static bool is_name(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static struct bytes take_name(struct config_reader *r)
{
    size_t from = r->pos;

    while (is_name(peek(r)))
        r->pos++;
    return bytes_of(r->text.ptr + from, r->pos - from);
}

static void put_utf8(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_u8(out, (uint8_t)c);
    } else if (c < 0x800) {
        buf_u8(out, (uint8_t)(0xC0 | c >> 6));
        buf_u8(out, (uint8_t)(0x80 | (c & 0x3F)));
    } else if (c < 0x10000) {
        buf_u8(out, (uint8_t)(0xE0 | c >> 12));
        buf_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3F)));
        buf_u8(out, (uint8_t)(0x80 | (c & 0x3F)));
    } else {
        buf_u8(out, (uint8_t)(0xF0 | c >> 18));
        buf_u8(out, (uint8_t)(0x80 | (c >> 12 & 0x3F)));
        buf_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3F)));
        buf_u8(out, (uint8_t)(0x80 | (c & 0x3F)));
    }
}

static int hex_digit(int c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool take_code_point(struct config_reader *r, int digits, struct buf *out)
{
    uint32_t c = 0;

    for (int i = 0; i < digits; i++, r->pos++) {
        int d = hex_digit(peek(r));
        if (d < 0)
            return false;
        c = c << 4 | (uint32_t)d;
    }
    if (c == 0 || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
        return false;
    put_utf8(out, c);
    return true;
}

/* Behind the backslash. */
static bool take_escape(struct config_reader *r, struct buf *out)
{
    static const char letters[] = "btnfr\"\\", means[] = "\b\t\n\f\r\"\\";
    int c = peek(r);
    const char *at = c > 0 ? strchr(letters, c) : NULL;

    if (c == END)
        return false;
    r->pos++;
    if (c == 'u' || c == 'U')
        return take_code_point(r, c == 'u' ? 4 : 8, out);
    if (!at)
        return false;
    buf_u8(out, (uint8_t)means[at - letters]);
    return true;
}

/* string -> '"' (char | escape)* '"' | "'" char* "'"          on one line */
static enum status take_string(struct config_reader *r, struct config_value *value, struct diag *diag)
{
    size_t from = r->pos;
    int quote = peek(r), c;
    struct buf content;
    enum status st = ST_OK;

    buf_init(&content, 0);
    r->pos++;
    while (st == ST_OK && (c = peek(r)) != quote) {
        size_t escape = r->pos;
        if (c == END || c == '\n' || c == '\r') {
            st = wrong(r, from, diag, quote == '"' ? "a string ends on its line with '\"'" : "a string ends on its line with \"'\"");
        } else if (c < 0x20 && c != '\t') {
            st = wrong(r, r->pos, diag, "a control character stands in a string as \\u00XX");
        } else if (c == '\\' && quote == '"') {
            r->pos++;
            if (!take_escape(r, &content))
                st = wrong(r, escape, diag, "behind a backslash: \" \\ b t n f r, uXXXX or UXXXXXXXX; a 'literal' string has none");
        } else {
            buf_u8(&content, (uint8_t)c);
            r->pos++;
        }
    }
    r->pos++;
    value->type = CONFIG_STRING;
    value->text = arena_copy(r->arena, buf_view(&content));
    buf_deinit(&content);
    if (st == ST_OK && value->text.len == 0 && peek(r) == quote)
        st = wrong(r, from, diag, "texts of several lines are not read here: \"one line\"");
    return st;
}

/* integer -> ('+' | '-')? digit ('_'? digit)*       no zero in front of others, as TOML has it */
static bool integer_of(struct bytes word, int64_t *out)
{
    char digits[32];
    size_t n = 0, first = word.len && (word.ptr[0] == '-' || word.ptr[0] == '+');

    if (word.len - first > 1 && word.ptr[first] == '0')
        return false;
    for (size_t i = 0; i < word.len; i++) {
        uint8_t c = word.ptr[i];
        bool between = i > first && i + 1 < word.len && word.ptr[i - 1] != '_';
        if (c == '_' && between)
            continue;
        if (i == 0 && c == '+')
            continue;
        if (c == '_' || n == sizeof(digits))
            return false;
        digits[n++] = (char)c;
    }
    return bytes_to_i64(bytes_of(digits, n), out);
}

/* value -> string | integer | 'true' | 'false' */
static enum status take_value(struct config_reader *r, struct config_value *value, struct diag *diag)
{
    static const char want[] = "a value is \"text\", a whole number, true or false";
    size_t from = r->pos;

    value->line = r->line;
    value->column = column_at(r, from);
    if (peek(r) == '"' || peek(r) == '\'')
        return take_string(r, value, diag);
    while (is_name(peek(r)) || peek(r) == '+')
        r->pos++;
    value->text = bytes_of(r->text.ptr + from, r->pos - from);
    value->type = CONFIG_BOOLEAN;
    value->number = bytes_is(value->text, "true");
    if (value->number || bytes_is(value->text, "false"))
        return ST_OK;
    value->type = CONFIG_INTEGER;
    if (integer_of(value->text, &value->number))
        return ST_OK;
    r->pos = from;
    return wrong(r, from, diag, want);
}

/* section -> '[' name ']' */
static enum status take_section(struct config_reader *r, struct config_entry *out, struct diag *diag)
{
    size_t from = r->pos++;

    if (peek(r) == '[')
        return wrong(r, from, diag, "a section is [name]; lists of tables are not read here");
    skip_blank(r);
    out->line = r->line;
    out->column = column_at(r, r->pos);
    out->section = take_name(r);
    skip_blank(r);
    if (out->section.len == 0 || peek(r) != ']')
        return wrong(r, r->pos, diag, "a section is [name]");
    r->pos++;
    r->section = out->section;
    return end_of_line(r, diag);
}

/* entry -> name '=' value */
static enum status take_key(struct config_reader *r, struct config_entry *out, struct diag *diag)
{
    out->line = r->line;
    out->column = column_at(r, r->pos);
    out->section = r->section;
    out->key = take_name(r);
    if (out->key.len == 0)
        return wrong(r, r->pos, diag, "a line is [section], key = value or # comment");
    if (peek(r) == '.')
        return wrong(r, r->pos, diag, "a key has no dots; its section stands above it: [section]");
    skip_blank(r);
    if (peek(r) != '=')
        return wrong(r, r->pos, diag, "key = value");
    r->pos++;
    skip_blank(r);
    TRY(take_value(r, &out->value, diag));
    return end_of_line(r, diag);
}

enum status config_reader_init(struct config_reader *r, struct bytes text, struct arena *arena,
                               struct diag *diag)
{
    *r = (struct config_reader){.arena = arena, .text = text, .line = 1};
    if (text.len > CONFIG_TEXT_MAX)
        return diag_set(diag, ST_INVALID, DIAG_LIMIT, "the file is longer than %d bytes", CONFIG_TEXT_MAX);
    if (!bytes_is_utf8(text))
        return diag_set(diag, ST_INVALID, DIAG_SYNTAX, "the file is not UTF-8");
    return ST_OK;
}

enum status config_next(struct config_reader *r, struct config_entry *out, struct diag *diag)
{
    *out = (struct config_entry){0};
    for (;;) {
        skip_blank(r);
        int c = peek(r);
        if (c == END)
            return ST_NOTFOUND;
        if (c == '[')
            return take_section(r, out, diag);
        if (c != '#' && c != '\n' && c != '\r')
            return take_key(r, out, diag);
        TRY(end_of_line(r, diag));
    }
}
