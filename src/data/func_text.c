/* Functions of text. Positions and lengths count characters (code points, utf8.h) from 1. */
#include "base/check.h"
#include "data/kernel.h"
#include "data/number.h"
#include "data/utf8.h"

#include <utf8proc.h>

static size_t find_bytes(struct bytes in, struct bytes what, size_t from)
{
    if (from > in.len)
        return SIZE_MAX;
    if (what.len == 0)
        return from;
    const uint8_t *at = memmem(in.ptr + from, in.len - from, what.ptr, what.len);
    return at ? (size_t)(at - in.ptr) : SIZE_MAX;
}

/* ---- joining ---- */

static void join(struct call *call, uint32_t row, const struct bytes *parts, unsigned count)
{
    size_t len = 0;
    char *to, *at;

    for (unsigned i = 0; i < count; i++)
        len += parts[i].len;
    to = at = call_text(call, len);
    if (!to)
        return;
    for (unsigned i = 0; i < count; i++) {
        if (parts[i].len)
            memcpy(at, parts[i].ptr, parts[i].len);
        at += parts[i].len;
    }
    call_view(call, row, bytes_of(to, len));
}

static bool bind_concat(struct bind *b)
{
    for (unsigned i = 0; i < b->args_count; i++)
        if (!bind_cast(b, i, type_simple(TYPE_VARCHAR)))
            return false;
    b->type = type_not_null(b->arena, type_simple(TYPE_VARCHAR), !bind_any_null(b));
    return true;
}

static enum status concat(struct call *call)
{
    unsigned count = call->expr->args_count;
    struct bytes *parts = ARENA_ARRAY(call->ctx->arena, struct bytes, count);

    FOR_ROWS(call, row) {
        for (unsigned i = 0; i < count; i++)
            parts[i] = arg_bytes(call, i, row);
        join(call, row, parts, count);
    }
    return ST_OK;
}

static enum status concat_ws(struct call *call)
{
    unsigned count = call->expr->args_count;
    struct bytes *parts = ARENA_ARRAY(call->ctx->arena, struct bytes, 2 * count);

    FOR_ROWS(call, row) {
        unsigned used = 0;
        if (!arg_valid(call, 0, row)) {
            call_null(call, row);
            continue;
        }
        for (unsigned i = 1; i < count; i++) {
            if (!arg_valid(call, i, row))
                continue;
            if (used)
                parts[used++] = arg_bytes(call, 0, row);
            parts[used++] = arg_bytes(call, i, row);
        }
        join(call, row, parts, used);
    }
    return ST_OK;
}

static enum status repeat(struct call *call)
{
    FOR_ROWS(call, row) {
        struct bytes s = arg_bytes(call, 0, row);
        int32_t times = ARG(call, 1, int32_t, row);
        size_t len = times > 0 ? s.len * (size_t)times : 0;
        char *to = len > (64u << 20) ? NULL : call_text(call, len);
        if (!to)
            return call_fail(call, row, "REPEAT: a result of %zu bytes is too long", len);
        for (size_t at = 0; at < len; at += s.len)
            memcpy(to + at, s.ptr, s.len);
        call_view(call, row, bytes_of(to, len));
    }
    return ST_OK;
}

/* ---- case ---- */

static bool ascii_case(struct call *call, uint32_t row, struct bytes s, bool upper)
{
    char first = upper ? 'a' : 'A';
    uint8_t any = 0;

    for (size_t i = 0; i < s.len; i++)
        any |= s.ptr[i];
    if (any & 0x80)
        return false;
    char *to = call_text(call, s.len);
    if (!to)
        return true;
    for (size_t i = 0; i < s.len; i++)
        to[i] = (char)(s.ptr[i] ^ ((uint8_t)(s.ptr[i] - first) < 26 ? 32 : 0));
    call_view(call, row, bytes_of(to, s.len));
    return true;
}

/* One code point in another case, at `to` (room for 4 bytes); what is not UTF-8 goes through. */
static size_t map_char(struct bytes s, size_t size, utf8proc_int32_t (*map)(utf8proc_int32_t), char *to)
{
    utf8proc_int32_t c;

    if (utf8proc_iterate(s.ptr, (utf8proc_ssize_t)size, &c) != (utf8proc_ssize_t)size) {
        memcpy(to, s.ptr, size);
        return size;
    }
    return (size_t)utf8proc_encode_char(map(c), (utf8proc_uint8_t *)to);
}

static void unicode_case(struct call *call, uint32_t row, struct bytes s, bool upper)
{
    char *to = call_text(call, s.len * 4); /* a code point may need more bytes in the other case */
    size_t len = 0;

    while (to && s.len) {
        size_t size = utf8_size(s);
        len += map_char(s, size, upper ? utf8proc_toupper : utf8proc_tolower, to + len);
        s = bytes_skip(s, size);
    }
    call_view(call, row, bytes_of(to, len));
}

static enum status change_case(struct call *call)
{
    bool upper = call->expr->func->variant;

    FOR_ROWS(call, row) {
        struct bytes s = arg_bytes(call, 0, row);
        if (!ascii_case(call, row, s, upper))
            unicode_case(call, row, s, upper);
    }
    return ST_OK;
}

/* Letters and digits of ASCII alone, as Flink has it: the rest is between words. */
static enum status initcap(struct call *call)
{
    FOR_ROWS(call, row) {
        struct bytes s = arg_bytes(call, 0, row);
        char *to = call_text(call, s.len);
        bool inside = false;
        for (size_t i = 0; to && i < s.len; i++) {
            uint8_t c = s.ptr[i];
            bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
            to[i] = (char)((lower && !inside) || (upper && inside) ? c ^ 0x20 : c);
            inside = upper || lower || (c >= '0' && c <= '9');
        }
        call_view(call, row, bytes_of(to, to ? s.len : 0));
    }
    return ST_OK;
}

/* ---- lengths, codes ---- */

static enum status char_length(struct call *call)
{
    FOR_ROWS(call, row)
        OUT(call, int32_t)[row] = (int32_t)utf8_chars(arg_bytes(call, 0, row));
    return ST_OK;
}

static enum status octet_length(struct call *call)
{
    FOR_ROWS(call, row)
        OUT(call, int32_t)[row] = (int32_t)arg_bytes(call, 0, row).len;
    return ST_OK;
}

static bool bind_length(struct bind *b)
{
    if (type_phys(bind_type(b, 0)->kind) != PHYS_STR && !bind_cast(b, 0, type_simple(TYPE_VARCHAR)))
        return false;
    b->type = type_not_null(b->arena, type_simple(TYPE_INT), !bind_any_null(b));
    return true;
}

static enum status ascii(struct call *call)
{
    FOR_ROWS(call, row) {
        struct bytes s = arg_bytes(call, 0, row);
        OUT(call, int32_t)[row] = s.len ? (int8_t)s.ptr[0] : 0;
    }
    return ST_OK;
}

/* CHR: below 0 nothing, above 255 modulo 256, as Latin-1 */
static enum status chr(struct call *call)
{
    FOR_ROWS(call, row) {
        int64_t code = ARG(call, 0, int64_t, row);
        char text[4];
        utf8proc_ssize_t len =
            code < 0 ? 0 : utf8proc_encode_char((utf8proc_int32_t)(code & 255), (uint8_t *)text);
        call_copy(call, row, bytes_of(text, (size_t)len));
    }
    return ST_OK;
}

/* ---- parts ---- */

static struct bytes chars_between(struct bytes s, size_t from, size_t count)
{
    s = bytes_skip(s, utf8_pos(s, from));
    return bytes_head(s, utf8_pos(s, count));
}

/* BinaryStringDataUtil.substringSQL: from the end when negative, 0 is 1 */
static struct bytes substring_sql(struct bytes s, int64_t pos, int64_t len)
{
    int64_t chars = pos < 0 ? (int64_t)utf8_chars(s) : 0;

    if (pos < 0 && chars + pos < 0)
        return BYTES_LITERAL("");
    int64_t start = pos > 0 ? pos - 1 : pos < 0 ? chars + pos : 0;
    return chars_between(s, (size_t)start, (size_t)len);
}

static enum status substring(struct call *call)
{
    bool has_len = call->expr->args_count == 3;

    FOR_ROWS(call, row) {
        int32_t len = has_len ? ARG(call, 2, int32_t, row) : INT32_MAX;
        if (len < 0)
            call_null(call, row);
        else
            call_view(call, row, substring_sql(arg_bytes(call, 0, row), ARG(call, 1, int32_t, row), len));
    }
    return ST_OK;
}

static enum status left_right(struct call *call)
{
    bool right = call->expr->func->variant;

    FOR_ROWS(call, row) {
        struct bytes s = arg_bytes(call, 0, row);
        int32_t n = ARG(call, 1, int32_t, row);
        size_t chars = right ? utf8_chars(s) : 0, want = n > 0 ? (size_t)n : 0;
        if (!right)
            s = bytes_head(s, utf8_pos(s, want));
        else if (want < chars)
            s = bytes_skip(s, utf8_pos(s, chars - want));
        call_view(call, row, s);
    }
    return ST_OK;
}

/* Whether the code point of `size` bytes at the start of s is one of set. */
static bool in_set(struct bytes s, size_t size, struct bytes set)
{
    while (set.len) {
        size_t n = utf8_size(set);
        if (n == size && memcmp(set.ptr, s.ptr, n) == 0)
            return true;
        set = bytes_skip(set, n);
    }
    return false;
}

static struct bytes trim_left(struct bytes s, struct bytes set)
{
    while (s.len && in_set(s, utf8_size(s), set))
        s = bytes_skip(s, utf8_size(s));
    return s;
}

static struct bytes trim_right(struct bytes s, struct bytes set)
{
    while (s.len) {
        size_t at = s.len - 1;
        while (at && (s.ptr[at] & 0xc0) == 0x80 && s.len - at < 4)
            at--;
        if (utf8_size(bytes_skip(s, at)) != s.len - at)
            at = s.len - 1;
        if (!in_set(bytes_skip(s, at), s.len - at, set))
            break;
        s.len = at;
    }
    return s;
}

enum { TRIM_LEFT = 1, TRIM_RIGHT = 2 };

static enum status trim(struct call *call)
{
    int sides = call->expr->func->variant;

    FOR_ROWS(call, row) {
        struct bytes s = arg_bytes(call, 0, row);
        struct bytes set = call->expr->args_count == 2 ? arg_bytes(call, 1, row) : BYTES_LITERAL(" ");
        if (sides & TRIM_LEFT)
            s = trim_left(s, set);
        if (sides & TRIM_RIGHT)
            s = trim_right(s, set);
        call_view(call, row, s);
    }
    return ST_OK;
}

/* TRIM(s), TRIM(s, characters), or as the parser writes TRIM(side characters FROM s): side, characters, s */
static bool bind_trim(struct bind *b)
{
    static const char *const names[] = {"LTRIM", "RTRIM", "BTRIM"};
    static const char *const sides[] = {"LEADING", "TRAILING", "BOTH"};
    struct bytes side;

    if (b->args_count == 3) {
        const struct expr *swapped[2] = {b->args[2], b->args[1]};
        for (int i = 0; bind_literal(b, 0, &side) && i < 3; i++)
            if (bytes_is_nocase(side, sides[i]))
                b->instead = func_bind(b->arena, bytes_str(names[i]), swapped, 2, b->diag);
        return b->instead ? true : bind_fail(b, "takes BOTH, LEADING or TRAILING");
    }
    for (unsigned i = 0; i < b->args_count; i++)
        if (!bind_cast(b, i, type_simple(TYPE_VARCHAR)))
            return false;
    b->type = type_not_null(b->arena, type_simple(TYPE_VARCHAR), !bind_any_null(b));
    return true;
}

/* LPAD, RPAD: cut when longer; NULL for a negative length or an empty pad */
static enum status pad(struct call *call)
{
    bool right = call->expr->func->variant;

    FOR_ROWS(call, row) {
        struct bytes s = arg_bytes(call, 0, row), with = arg_bytes(call, 2, row);
        int32_t n = ARG(call, 1, int32_t, row);
        if (n < 0 || with.len == 0) {
            call_null(call, row);
            continue;
        }
        size_t want = (size_t)n, chars = utf8_chars(s), with_chars = utf8_chars(with);
        if (chars >= want) {
            call_view(call, row, bytes_head(s, utf8_pos(s, want)));
            continue;
        }
        if (want > (64u << 20))
            return call_fail(call, row, "a length of %d is too long", n);
        size_t times = (want - chars) / with_chars;
        size_t rest = utf8_pos(with, (want - chars) % with_chars), fill = times * with.len + rest;
        char *to = call_text(call, s.len + fill), *at = to + (right ? s.len : 0);
        if (!to)
            return ST_OK;
        if (s.len)
            memcpy(to + (right ? 0 : fill), s.ptr, s.len);
        for (size_t i = 0; i < times; i++, at += with.len)
            memcpy(at, with.ptr, with.len);
        memcpy(at, with.ptr, rest);
        call_view(call, row, bytes_of(to, s.len + fill));
    }
    return ST_OK;
}

static enum status reverse(struct call *call)
{
    FOR_ROWS(call, row) {
        struct bytes s = arg_bytes(call, 0, row);
        char *to = call_text(call, s.len);
        size_t at = s.len;
        while (to && at) {
            size_t size = utf8_size(bytes_skip(s, s.len - at));
            memcpy(to + at - size, s.ptr + s.len - at, size);
            at -= size;
        }
        call_view(call, row, bytes_of(to, to ? s.len : 0));
    }
    return ST_OK;
}

/* OVERLAY(s PLACING with FROM start [FOR len]): s itself when start is outside */
static enum status overlay(struct call *call)
{
    FOR_ROWS(call, row) {
        struct bytes s = arg_bytes(call, 0, row), with = arg_bytes(call, 1, row), parts[3];
        int64_t start = ARG(call, 2, int32_t, row), chars = (int64_t)utf8_chars(s);
        int64_t len = call->expr->args_count == 4 ? ARG(call, 3, int32_t, row)
                                                  : (int64_t)utf8_chars(with);
        if (start <= 0 || start > chars || len < 0) {
            call_view(call, row, s);
            continue;
        }
        parts[0] = chars_between(s, 0, (size_t)start - 1);
        parts[1] = with;
        parts[2] = bytes_skip(s, utf8_pos(s, (size_t)(start - 1 + len)));
        join(call, row, parts, 3);
    }
    return ST_OK;
}

/* ---- choosing, asking ---- */

static bool bind_elt(struct bind *b)
{
    for (unsigned i = 1; i < b->args_count; i++)
        if (!bind_cast(b, i, type_simple(TYPE_VARCHAR)))
            return false;
    b->type = type_simple(TYPE_VARCHAR);
    return bind_cast(b, 0, type_simple(TYPE_BIGINT));
}

static enum status elt(struct call *call)
{
    FOR_ROWS(call, row)
    {
        int64_t n = arg_valid(call, 0, row) ? ARG(call, 0, int64_t, row) : 0;
        if (n >= 1 && n < call->expr->args_count && arg_valid(call, (unsigned)n, row))
            call_view(call, row, arg_bytes(call, (unsigned)n, row));
        else
            call_null(call, row);
    }
    return ST_OK;
}

enum { ARE_LETTERS, ARE_DIGITS };

static bool char_is(utf8proc_int32_t c, int what)
{
    utf8proc_category_t category = utf8proc_category(c);

    if (what == ARE_DIGITS)
        return category == UTF8PROC_CATEGORY_ND;
    return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

/* Whether there are characters, and all are such. */
static enum status all_are(struct call *call)
{
    FOR_ROWS(call, row)
    {
        struct bytes s = arg_valid(call, 0, row) ? arg_bytes(call, 0, row) : BYTES_NONE;
        bool are = s.len > 0;
        while (are && s.len) {
            utf8proc_int32_t c;
            size_t size = utf8_size(s);
            are = utf8proc_iterate(s.ptr, (utf8proc_ssize_t)size, &c) == (utf8proc_ssize_t)size &&
                  char_is(c, call->expr->func->variant);
            s = bytes_skip(s, size);
        }
        OUT(call, uint8_t)[row] = are;
    }
    return ST_OK;
}

/* ---- searching ---- */

/* The position of what in s from a character on, 1-based; 0: not there. */
/* Java's indexOf: what is empty is at the start, a start before the text is the text's. */
static int32_t position_of(struct bytes s, struct bytes what, int64_t from)
{
    if (!what.len)
        return 1;
    size_t at = find_bytes(s, what, from < 1 ? 0 : utf8_pos(s, (size_t)from - 1));
    return at == SIZE_MAX ? 0 : (int32_t)utf8_chars(bytes_head(s, at)) + 1;
}

/* variant: which argument is the text searched in */
static enum status position(struct call *call)
{
    unsigned in = (unsigned)call->expr->func->variant;

    FOR_ROWS(call, row) {
        int64_t from = call->expr->args_count > 2 ? ARG(call, 2, int32_t, row) : 1;
        OUT(call, int32_t)[row] =
            position_of(arg_bytes(call, in, row), arg_bytes(call, 1 - in, row), from);
    }
    return ST_OK;
}

static size_t count_of(struct bytes s, struct bytes what)
{
    size_t n = 0;

    for (size_t at = 0; what.len && (at = find_bytes(s, what, at)) != SIZE_MAX; at += what.len)
        n++;
    return n;
}

/* An empty text is found before each character and at the end. */
static void replace_between(struct call *call, uint32_t row, struct bytes s, struct bytes with)
{
    char *to = call_text(call, s.len + (utf8_chars(s) + 1) * with.len), *end = to;

    if (!to)
        return;
    for (;;) {
        if (with.len)
            memcpy(end, with.ptr, with.len);
        end += with.len;
        if (!s.len)
            break;
        size_t size = utf8_size(s);
        memcpy(end, s.ptr, size);
        end += size;
        s = bytes_skip(s, size);
    }
    call_view(call, row, bytes_of(to, (size_t)(end - to)));
}

static enum status replace(struct call *call)
{
    FOR_ROWS(call, row) {
        struct bytes s = arg_bytes(call, 0, row), what = arg_bytes(call, 1, row);
        struct bytes with = arg_bytes(call, 2, row);
        if (!what.len) {
            replace_between(call, row, s, with);
            continue;
        }
        size_t n = count_of(s, what), at = 0, next;
        if (n == 0) {
            call_view(call, row, s);
            continue;
        }
        size_t len = s.len - n * what.len + n * with.len;
        char *to = call_text(call, len), *end = to;
        if (!to)
            return ST_OK;
        for (; (next = find_bytes(s, what, at)) != SIZE_MAX; at = next + what.len) {
            memcpy(end, s.ptr + at, next - at);
            end += next - at;
            if (with.len)
                memcpy(end, with.ptr, with.len);
            end += with.len;
        }
        memcpy(end, s.ptr + at, s.len - at);
        call_view(call, row, bytes_of(to, len));
    }
    return ST_OK;
}

static enum status starts_ends(struct call *call)
{
    bool ends = call->expr->func->variant;

    FOR_ROWS(call, row) {
        struct bytes s = arg_bytes(call, 0, row), what = arg_bytes(call, 1, row);
        struct bytes part = what.len > s.len ? s : ends ? bytes_skip(s, s.len - what.len)
                                                        : bytes_head(s, what.len);
        OUT(call, uint8_t)[row] = bytes_equal(part, what);
    }
    return ST_OK;
}

/* SPLIT_INDEX(s, separator, i): part i from 0, NULL when there is none; the separator may be the code
 * of a character */
static bool bind_split_index(struct bind *b)
{
    if (!bind_cast(b, 0, type_simple(TYPE_VARCHAR)) || !bind_force(b, 2, type_simple(TYPE_INT)))
        return false;
    if (type_is_integer(bind_type(b, 1)->kind)) {
        const struct expr *code = b->args[1];
        b->args[1] = func_bind(b->arena, BYTES_LITERAL("CHR"), &code, 1, b->diag);
        if (!b->args[1])
            return false;
    } else if (!bind_cast(b, 1, type_simple(TYPE_VARCHAR))) {
        return false;
    }
    b->type = type_simple(TYPE_VARCHAR);
    return true;
}

static enum status split_index(struct call *call)
{
    FOR_ROWS(call, row) {
        struct bytes s = arg_bytes(call, 0, row), by = arg_bytes(call, 1, row);
        int32_t index = ARG(call, 2, int32_t, row);
        size_t at = 0, next;
        if (by.len == 0)
            by = BYTES_LITERAL(" ");
        bool found = index >= 0 && s.len > 0;
        while (found && index > 0) {
            next = find_bytes(s, by, at);
            found = next != SIZE_MAX;
            at = next + by.len;
            index--;
        }
        if (!found) {
            call_null(call, row);
            continue;
        }
        next = find_bytes(s, by, at);
        call_view(call, row, bytes_of(s.ptr + at, (next == SIZE_MAX ? s.len : next) - at));
    }
    return ST_OK;
}

/* COUNT_CHAR(s, c): how many times the character c is in s (Nexmark's function of query 14) */
static enum status count_char(struct call *call)
{
    FOR_ROWS(call, row) {
        struct bytes what = arg_bytes(call, 1, row);
        what = bytes_head(what, utf8_size(what));
        OUT(call, int64_t)[row] = (int64_t)count_of(arg_bytes(call, 0, row), what);
    }
    return ST_OK;
}

static enum status translate(struct call *call)
{
    FOR_ROWS(call, row) {
        struct bytes s = arg_bytes(call, 0, row);
        struct bytes from = arg_bytes(call, 1, row), to_set = arg_bytes(call, 2, row);
        char *to = call_text(call, s.len * 4);
        size_t len = 0;
        while (to && s.len) {
            size_t size = utf8_size(s), index = 0, n;
            struct bytes rest = from, with = bytes_head(s, size);
            for (; rest.len; rest = bytes_skip(rest, n), index++) {
                n = utf8_size(rest);
                if (n == size && memcmp(rest.ptr, s.ptr, n) == 0) {
                    with = chars_between(to_set, index, 1);
                    break;
                }
            }
            if (with.len)
                memcpy(to + len, with.ptr, with.len);
            len += with.len;
            s = bytes_skip(s, size);
        }
        call_view(call, row, bytes_of(to, len));
    }
    return ST_OK;
}

static bool bind_is_decimal(struct bind *b)
{
    enum type_kind kind = bind_type(b, 0)->kind;

    b->type = type_not_null(b->arena, type_simple(TYPE_BOOLEAN), true);
    return type_is_text(kind) || type_is_numeric(kind) || kind == TYPE_NULL ||
           bind_fail(b, "cannot be applied to %s", type_text(b->arena, type_not_null(b->arena, bind_type(b, 0), false)));
}

/* As Java reads a double, with a letter of its type at the end: 1.5e3, .5, NaN, 1d. */
static bool says_number(struct bytes text)
{
    double value;

    if (f64_parse(text, &value))
        return true;
    if (text.len < 2 || !text.ptr || !strchr("dDfF", text.ptr[text.len - 1]))
        return false;
    uint8_t before = text.ptr[text.len - 2];
    return (before == '.' || (before >= '0' && before <= '9')) && f64_parse(bytes_head(text, text.len - 1), &value);
}

static enum status is_decimal(struct call *call)
{
    bool text = arg_phys(call, 0) == PHYS_STR;

    FOR_ROWS(call, row)
        OUT(call, uint8_t)[row] = arg_valid(call, 0, row) && (!text || says_number(arg_bytes(call, 0, row)));
    return ST_OK;
}

#define TEXT(sql, letters, k, v, sig, text)                                                        \
    {.name = sql, .types = letters, .kernel = k, .variant = v, .flags = FUNC_CAREFUL,              \
     .signature = sig, .help = text}

const struct func func_text_table[] = {
    {.name = "||",
     .bind = bind_concat,
     .kernel = concat,
     .args_min = 2,
     .args_max = 2,
     .flags = FUNC_CAREFUL | FUNC_INFIX,
     .signature = "a || b",
     .help = "Both strings joined."},
    {.name = "CONCAT",
     .bind = bind_concat,
     .kernel = concat,
     .args_min = 1,
     .args_max = -1,
     .flags = FUNC_CAREFUL,
     .signature = "CONCAT(a, ...)",
     .help = "All strings joined; NULL when one is NULL."},
    {.name = "CONCAT_WS",
     .types = "ss*>s",
     .kernel = concat_ws,
     .flags = FUNC_NULLS,
     .signature = "CONCAT_WS(separator, a, ...)",
     .help = "Strings joined with a separator between; those that are NULL are left out."},
    TEXT("UPPER", "s>s", change_case, 1, "UPPER(s)", "In upper case (Unicode, simple mapping)."),
    TEXT("LOWER", "s>s", change_case, 0, "LOWER(s)", "In lower case (Unicode, simple mapping)."),
    TEXT("INITCAP", "s>s", initcap, 0, "INITCAP(s)",
         "Each word of ASCII with its first letter in upper case and the rest in lower."),
    {.name = "CHAR_LENGTH",
     .bind = bind_length,
     .kernel = char_length,
     .args_min = 1,
     .args_max = 1,
     .flags = FUNC_CAREFUL,
     .signature = "CHAR_LENGTH(s)",
     .help = "Number of characters."},
    {.name = "CHARACTER_LENGTH",
     .bind = bind_length,
     .kernel = char_length,
     .args_min = 1,
     .args_max = 1,
     .flags = FUNC_CAREFUL,
     .signature = "CHARACTER_LENGTH(s)",
     .help = "Number of characters."},
    {.name = "OCTET_LENGTH",
     .bind = bind_length,
     .kernel = octet_length,
     .args_min = 1,
     .args_max = 1,
     .flags = FUNC_CAREFUL,
     .signature = "OCTET_LENGTH(s)",
     .help = "Number of bytes."},
    TEXT("SUBSTRING", "si?i>s", substring, 0, "SUBSTRING(s, from [, length])",
         "From a position, counted from the end when negative."),
    TEXT("SUBSTR", "si?i>s", substring, 0, "SUBSTR(s, from [, length])", "As SUBSTRING."),
    TEXT("LEFT", "si>s", left_right, 0, "LEFT(s, n)", "The first n characters."),
    TEXT("RIGHT", "si>s", left_right, 1, "RIGHT(s, n)", "The last n characters."),
    {.name = "TRIM",
     .bind = bind_trim,
     .kernel = trim,
     .variant = TRIM_LEFT | TRIM_RIGHT,
     .args_min = 1,
     .args_max = 3,
     .flags = FUNC_CAREFUL,
     .signature = "TRIM([BOTH | LEADING | TRAILING] [characters] FROM s), TRIM(s [, characters])",
     .help = "Without blanks, or the characters given, at the ends."},
    TEXT("BTRIM", "s?s>s", trim, TRIM_LEFT | TRIM_RIGHT, "BTRIM(s [, characters])", "As TRIM."),
    TEXT("LTRIM", "s?s>s", trim, TRIM_LEFT, "LTRIM(s [, characters])", "As TRIM, at the start."),
    TEXT("RTRIM", "s?s>s", trim, TRIM_RIGHT, "RTRIM(s [, characters])", "As TRIM, at the end."),
    TEXT("REPLACE", "sss>s", replace, 0, "REPLACE(s, what, with)", "Every occurrence replaced."),
    TEXT("REPEAT", "si>s", repeat, 0, "REPEAT(s, n)", "s n times."),
    TEXT("REVERSE", "s>s", reverse, 0, "REVERSE(s)", "The characters in reverse order."),
    TEXT("LPAD", "sis>s", pad, 0, "LPAD(s, length, pad)", "Padded at the start, or cut."),
    TEXT("RPAD", "sis>s", pad, 1, "RPAD(s, length, pad)", "Padded at the end, or cut."),
    TEXT("POSITION", "ss>i", position, 1, "POSITION(what IN s)", "Where what begins in s; 0: nowhere."),
    TEXT("LOCATE", "ss?i>i", position, 1, "LOCATE(what, s [, from])", "Where what begins in s; 0: nowhere."),
    TEXT("INSTR", "ss>i", position, 0, "INSTR(s, what)", "Where what begins in s; 0: nowhere."),
    TEXT("OVERLAY", "ssi?i>s", overlay, 0, "OVERLAY(s PLACING with FROM start [FOR length])",
         "s with a part replaced."),
    TEXT("ASCII", "s>i", ascii, 0, "ASCII(s)", "The code of the first byte; 0 for ''."),
    {.name = "CHR",
     .types = "l>s",
     .kernel = chr,
     .flags = FUNC_CAREFUL,
     .signature = "CHR(n)",
     .help = "The character with code n modulo 256."},
    TEXT("STARTSWITH", "ss>b", starts_ends, 0, "STARTSWITH(s, start)", "Whether s starts so."),
    TEXT("ENDSWITH", "ss>b", starts_ends, 1, "ENDSWITH(s, end)", "Whether s ends so."),
    TEXT("TRANSLATE", "sss>s", translate, 0, "TRANSLATE(s, from, to)",
         "Each character of from replaced by that at its place in to, or dropped."),
    {.name = "SPLIT_INDEX",
     .bind = bind_split_index,
     .kernel = split_index,
     .args_min = 3,
     .args_max = 3,
     .flags = FUNC_CAREFUL,
     .signature = "SPLIT_INDEX(s, separator, index)",
     .help = "Part number index, from 0, of s cut at each separator; NULL when there is none."},
    {.name = "ELT",
     .bind = bind_elt,
     .kernel = elt,
     .args_min = 2,
     .args_max = -1,
     .flags = FUNC_NULLS,
     .signature = "ELT(n, a, b, ...)",
     .help = "The nth of the texts, from 1; NULL when there is none."},
    {.name = "IS_DECIMAL",
     .bind = bind_is_decimal,
     .kernel = is_decimal,
     .args_min = 1,
     .args_max = 1,
     .flags = FUNC_NULLS | FUNC_NEVER_NULL,
     .signature = "IS_DECIMAL(x)",
     .help = "Whether x is a number, or a text that says one; FALSE for NULL."},
    {.name = "IS_ALPHA",
     .types = "s>b",
     .kernel = all_are,
     .flags = FUNC_NULLS | FUNC_NEVER_NULL,
     .variant = ARE_LETTERS,
     .signature = "IS_ALPHA(s)",
     .help = "Whether s has characters and all are letters; FALSE for NULL."},
    {.name = "IS_DIGIT",
     .types = "s>b",
     .kernel = all_are,
     .flags = FUNC_NULLS | FUNC_NEVER_NULL,
     .variant = ARE_DIGITS,
     .signature = "IS_DIGIT(s)",
     .help = "Whether s has characters and all are digits; FALSE for NULL."},
    TEXT("COUNT_CHAR", "ss>l", count_char, 0, "COUNT_CHAR(s, c)", "How many times the character c is in s."),
    {0},
};
