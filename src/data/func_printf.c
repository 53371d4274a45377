/* PRINTF: a text by a pattern with conversions, as java.util.Formatter writes them in the locale US.
 *
 *   conversion -> '%' [ index '$' | '<' ] flags [ width ] [ '.' precision ] letter
 *
 * What does not fit (a letter that is none, a value of another kind, flags that contradict each other) makes the result
 * NULL, as in Flink; a pattern that is a literal is looked at when the call is bound. Widths and precisions of texts count characters. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <utf8proc.h>

#include "base/buf.h"
#include "data/call.h"
#include "data/number.h"
#include "data/text.h"
#include "data/utf8.h"

enum { PRINTF_RESULT_MAX = 16 << 20, PRINTF_WIDTH_MAX = 1 << 20, PRINTF_PRECISION_MAX = 400 };

enum flag { F_LEFT = 1, F_ALT = 2, F_PLUS = 4, F_SPACE = 8, F_ZERO = 16, F_GROUP = 32, F_PAREN = 64 };

struct directive {
    int index;             /* of the argument, from 1; 0: the next; -1: the one before */
    unsigned flags;
    int width, precision;  /* -1: not said */
    char letter;           /* in lower case */
    bool upper;
};

struct printer {
    struct call *call;
    uint32_t row;
    struct buf *out;
    int ordinary, last;    /* arguments taken by order; the one taken last; 0: none */
    const char *why;
};

static bool is_bad(struct printer *p, const char *why)
{
    p->why = why;
    return false;
}

/* ---- conversions ---- */

/* Digits at the front of the text; -1: none. */
static int take_number(struct bytes *s, int most)
{
    int n = -1;

    while (s->len && *s->ptr >= '0' && *s->ptr <= '9') {
        n = (n < 0 ? 0 : n) * 10 + (*s->ptr - '0');
        if (n > most)
            n = most + 1;
        *s = bytes_skip(*s, 1);
    }
    return n;
}

static bool take_flags(struct printer *p, struct bytes *s, struct directive *d)
{
    static const char signs[] = "-#+ 0,(";

    for (; s->len; *s = bytes_skip(*s, 1)) {
        const char *sign = *s->ptr ? strchr(signs, *s->ptr) : NULL;
        if (!sign)
            break;
        if (d->flags >> (sign - signs) & 1)
            return is_bad(p, "a flag is there twice");
        d->flags |= 1u << (sign - signs);
    }
    return true;
}

/* Digits that are an index when a $ follows, else the width, whose zero in front is a flag. */
static bool take_directive(struct printer *p, struct bytes *s, struct directive *d)
{
    struct bytes after = *s;
    int index = s->len && *s->ptr != '0' ? take_number(&after, PRINTF_WIDTH_MAX) : -1;

    *d = (struct directive){.width = -1, .precision = -1};
    if (index > 0 && after.len && *after.ptr == '$') {
        d->index = index;
        *s = bytes_skip(after, 1);
    } else if (s->len && *s->ptr == '<') {
        d->index = -1;
        *s = bytes_skip(*s, 1);
    }
    if (!take_flags(p, s, d))
        return false;
    d->width = take_number(s, PRINTF_WIDTH_MAX);
    if (d->width > PRINTF_WIDTH_MAX)
        return is_bad(p, "a width above 1048576");
    if (s->len && *s->ptr == '.') {
        *s = bytes_skip(*s, 1);
        d->precision = take_number(s, PRINTF_WIDTH_MAX);
        if (d->precision < 0)
            return is_bad(p, "a point without a precision behind it");
    }
    if (!s->len)
        return is_bad(p, "it ends within a conversion");
    d->upper = *s->ptr >= 'A' && *s->ptr <= 'Z';
    d->letter = (char)(d->upper ? *s->ptr | 32 : *s->ptr);
    *s = bytes_skip(*s, 1);
    return true;
}

static const struct {
    char letter;
    bool upper, precise; /* it may be a capital; it may have a precision */
    unsigned flags;      /* that it may have */
} letters[] = {
    {'b', true, true, F_LEFT},
    {'s', true, true, F_LEFT},
    {'c', true, false, F_LEFT},
    {'d', false, false, F_LEFT | F_PLUS | F_SPACE | F_ZERO | F_GROUP | F_PAREN},
    {'o', false, false, F_LEFT | F_ALT | F_ZERO},
    {'x', true, false, F_LEFT | F_ALT | F_ZERO},
    {'e', true, true, F_LEFT | F_ALT | F_PLUS | F_SPACE | F_ZERO | F_PAREN},
    {'f', false, true, F_LEFT | F_ALT | F_PLUS | F_SPACE | F_ZERO | F_GROUP | F_PAREN},
    {'g', true, true, F_LEFT | F_PLUS | F_SPACE | F_ZERO | F_GROUP | F_PAREN},
    {'%', false, false, F_LEFT},
    {'n', false, false, 0},
};

static bool check_directive(struct printer *p, const struct directive *d)
{
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
        if (letters[i].letter != d->letter || (d->upper && !letters[i].upper))
            continue;
        if (d->precision >= 0 && !letters[i].precise)
            return is_bad(p, "a precision with a conversion that takes none");
        if (d->flags & ~letters[i].flags)
            return is_bad(p, "a flag with a conversion that does not take it");
        if ((d->flags & (F_LEFT | F_ZERO)) && d->width < 0)
            return is_bad(p, "- or 0 without a width");
        if ((d->flags & F_LEFT && d->flags & F_ZERO) || (d->flags & F_PLUS && d->flags & F_SPACE))
            return is_bad(p, "flags that contradict each other");
        if (d->letter == 'n' && d->width >= 0)
            return is_bad(p, "a width with %n");
        return true;
    }
    return is_bad(p, "a conversion that is none of b, s, c, d, o, x, e, f, g, n and %");
}

/* ---- texts ---- */

static void put_blanks(struct buf *out, int count)
{
    for (int i = 0; i < count; i++)
        buf_u8(out, ' ');
}

static void put_padded(struct buf *out, const struct directive *d, struct bytes text)
{
    int blanks = d->width - (int)utf8_chars(text);

    if (!(d->flags & F_LEFT))
        put_blanks(out, blanks);
    buf_append(out, text.ptr, text.len);
    if (d->flags & F_LEFT)
        put_blanks(out, blanks);
}

static void upper_of(struct buf *out, struct bytes text)
{
    while (text.len) {
        utf8proc_int32_t code;
        utf8proc_uint8_t bytes[4];
        size_t size = utf8_size(text);
        if (utf8proc_iterate(text.ptr, (utf8proc_ssize_t)size, &code) != (utf8proc_ssize_t)size)
            buf_append(out, text.ptr, size);
        else
            buf_append(out, bytes, (size_t)utf8proc_encode_char(utf8proc_toupper(code), bytes));
        text = bytes_skip(text, size);
    }
}

/* No longer than the precision. */
static void put_text(struct printer *p, const struct directive *d, struct bytes text)
{
    struct buf upper;

    if (d->precision >= 0)
        text = bytes_head(text, utf8_pos(text, (size_t)d->precision));
    if (!d->upper) {
        put_padded(p->out, d, text);
        return;
    }
    buf_init(&upper, 0);
    upper_of(&upper, text);
    put_padded(p->out, d, buf_view(&upper));
    buf_deinit(&upper);
}

static void put_value(struct printer *p, const struct directive *d, unsigned arg)
{
    const struct expr *e = p->call->expr->args[arg];
    struct buf text;

    if (type_is_text(e->type->kind)) {
        put_text(p, d, arg_bytes(p->call, arg, p->row));
        return;
    }
    if (e->type->kind == TYPE_BOOLEAN) {
        put_text(p, d, ARG(p->call, arg, uint8_t, p->row) ? BYTES_LITERAL("true") : BYTES_LITERAL("false"));
        return;
    }
    buf_init(&text, 0);
    value_text(&text, e->type, &p->call->args[arg].col, ARG_ROW(p->call, arg, p->row), NULL);
    put_text(p, d, buf_view(&text));
    buf_deinit(&text);
}

/* ---- numbers: their digits without a sign, then flags ---- */

static void put_grouped(struct buf *to, struct bytes digits)
{
    size_t whole = bytes_find(digits, '.', 0);

    for (size_t i = 0; i < digits.len; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0)
            buf_u8(to, ',');
        buf_u8(to, digits.ptr[i]);
    }
}

/* digits: not padded with zeros where they are no number. */
static void put_signed(struct printer *p, const struct directive *d, struct bytes digits, bool negative, bool number)
{
    const char *sign = negative ? (d->flags & F_PAREN ? "(" : "-") : d->flags & F_PLUS ? "+" : d->flags & F_SPACE ? " " : "";
    bool close = negative && d->flags & F_PAREN;
    struct buf text, all;

    buf_init(&text, 0);
    buf_init(&all, 0);
    if (d->flags & F_GROUP && number)
        put_grouped(&text, digits);
    else
        buf_append(&text, digits.ptr, digits.len);
    int zeros = d->width - (int)(text.len + strlen(sign) + close);
    buf_str(&all, sign);
    for (int i = 0; d->flags & F_ZERO && number && i < zeros; i++)
        buf_u8(&all, '0');
    buf_append(&all, text.ptr, text.len);
    if (close)
        buf_u8(&all, ')');
    struct directive plain = {.flags = d->flags, .width = d->width, .precision = -1, .upper = d->upper};
    put_text(p, &plain, buf_view(&all));
    buf_deinit(&text);
    buf_deinit(&all);
}

static int64_t integer_of(const struct printer *p, unsigned arg)
{
    return arg_phys(p->call, arg) == PHYS_I64 ? ARG(p->call, arg, int64_t, p->row) : ARG(p->call, arg, int32_t, p->row);
}

static unsigned integer_bits(enum type_kind kind)
{
    return kind == TYPE_TINYINT ? 8 : kind == TYPE_SMALLINT ? 16 : kind == TYPE_INT ? 32 : 64;
}

/* In base 8 and 16 a negative number is that of its bits. */
static bool put_integer(struct printer *p, const struct directive *d, unsigned arg)
{
    enum type_kind kind = p->call->expr->args[arg]->type->kind;
    char text[32];

    if (!type_is_integer(kind))
        return is_bad(p, "d, o and x take an integer");
    int64_t v = integer_of(p, arg);
    uint64_t bits = (uint64_t)v;
    if (d->letter == 'd') {
        int len = snprintf(text, sizeof(text), "%" PRIu64, v < 0 ? -bits : bits);
        put_signed(p, d, bytes_of(text, (size_t)len), v < 0, true);
        return true;
    }
    if (integer_bits(kind) < 64)
        bits &= (1ull << integer_bits(kind)) - 1;
    const char *prefix = !(d->flags & F_ALT) ? "" : d->letter == 'x' ? "0x" : "0";
    int len = d->letter == 'x' ? snprintf(text, sizeof(text), "%" PRIx64, bits) : snprintf(text, sizeof(text), "%" PRIo64, bits);
    int zeros = d->flags & F_ZERO ? d->width - len - (int)strlen(prefix) : 0;
    struct buf all;
    buf_init(&all, 0);
    buf_str(&all, prefix);
    for (int i = 0; i < zeros; i++)
        buf_u8(&all, '0');
    buf_append(&all, text, (size_t)len);
    put_text(p, d, buf_view(&all));
    buf_deinit(&all);
    return true;
}

/* 0.d1d2d3… times ten to the power of `point`; the shortest digits that are the value. */
struct digits {
    char at[NUMBER_TEXT_MAX];
    int count, point;
};

static struct digits digits_of(double v)
{
    char text[NUMBER_TEXT_MAX];
    size_t len = f64_text(v, text), i = 0;
    struct digits d = {.count = 0};
    int whole = 0, exponent = 0;
    bool fraction = false;

    for (; i < len && text[i] != 'E'; i++) {
        if (text[i] == '.') {
            fraction = true;
            continue;
        }
        d.at[d.count++] = text[i];
        whole += !fraction;
    }
    if (i < len) {
        bool negative = text[i + 1] == '-';
        for (i += 1 + negative; i < len; i++)
            exponent = exponent * 10 + (text[i] - '0');
        exponent = negative ? -exponent : exponent;
    }
    d.point = whole + exponent;
    int zeros = 0;
    while (zeros < d.count - 1 && d.at[zeros] == '0')
        zeros++;
    memmove(d.at, d.at + zeros, (size_t)(d.count -= zeros));
    d.point -= zeros;
    return d;
}

/* Only so many digits, half up. */
static void digits_round(struct digits *d, int keep)
{
    if (keep >= d->count)
        return;
    bool up = keep >= 0 && d->at[keep] >= '5';
    d->count = keep < 0 ? 0 : keep;
    int i = d->count;
    while (up && i > 0 && d->at[i - 1] == '9')
        i--;
    d->count = up ? i : d->count;
    if (up && i > 0) {
        d->at[i - 1]++;
    } else if (up) {
        d->at[0] = '1';
        d->count = 1;
        d->point++;
    }
}

static char digit_at(const struct digits *d, int i)
{
    return i >= 0 && i < d->count ? d->at[i] : '0';
}

static void put_decimal(struct buf *out, struct digits d, int precision, bool point)
{
    digits_round(&d, d.point + precision);
    for (int i = 0; i < d.point; i++)
        buf_u8(out, (uint8_t)digit_at(&d, i));
    if (d.point <= 0)
        buf_u8(out, '0');
    if (precision > 0 || point)
        buf_u8(out, '.');
    for (int i = 0; i < precision; i++)
        buf_u8(out, (uint8_t)digit_at(&d, d.point + i));
}

static void put_scientific(struct buf *out, struct digits d, int precision, bool point)
{
    digits_round(&d, precision + 1);
    bool zero = d.count == 0 || d.at[0] == '0';
    int exponent = zero ? 0 : d.point - 1;
    buf_u8(out, (uint8_t)digit_at(&d, 0));
    if (precision > 0 || point)
        buf_u8(out, '.');
    for (int i = 1; i <= precision; i++)
        buf_u8(out, (uint8_t)digit_at(&d, i));
    buf_printf(out, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
}

/* g: as f while the rounded value is from 0.0001 to below ten to the power of the precision, else as e. */
static void put_general(struct buf *out, struct digits d, int precision)
{
    struct digits rounded = d;

    precision = precision == 0 ? 1 : precision;
    digits_round(&rounded, precision);
    bool zero = d.at[0] == '0';
    int exponent = zero ? 0 : rounded.point - 1;
    if (exponent < -4 || exponent >= precision)
        put_scientific(out, d, precision - 1, false);
    else
        put_decimal(out, d, precision - exponent - 1, false);
}

static bool put_float(struct printer *p, const struct directive *d, unsigned arg)
{
    enum phys phys = arg_phys(p->call, arg);
    int precision = d->precision < 0 ? 6 : d->precision;
    struct buf text;

    if (phys != PHYS_F32 && phys != PHYS_F64)
        return is_bad(p, "e, f and g take a FLOAT or DOUBLE");
    if (precision > PRINTF_PRECISION_MAX)
        return is_bad(p, "a precision above 400");
    double v = phys == PHYS_F32 ? (double)ARG(p->call, arg, float, p->row) : ARG(p->call, arg, double, p->row);
    bool negative = signbit(v) && !isnan(v);
    if (!isfinite(v)) {
        put_signed(p, d, isnan(v) ? BYTES_LITERAL("NaN") : BYTES_LITERAL("Infinity"), negative, false);
        return true;
    }
    buf_init(&text, 0);
    struct digits digits = digits_of(fabs(v));
    if (d->letter == 'f')
        put_decimal(&text, digits, precision, d->flags & F_ALT);
    else if (d->letter == 'e')
        put_scientific(&text, digits, precision, d->flags & F_ALT);
    else
        put_general(&text, digits, precision);
    put_signed(p, d, buf_view(&text), negative, true);
    buf_deinit(&text);
    return true;
}

static bool put_character(struct printer *p, const struct directive *d, unsigned arg)
{
    enum type_kind kind = p->call->expr->args[arg]->type->kind;
    utf8proc_uint8_t bytes[4];

    if (kind != TYPE_TINYINT && kind != TYPE_SMALLINT && kind != TYPE_INT)
        return is_bad(p, "c takes the number of a character, of type INT");
    int64_t code = integer_of(p, arg);
    if (code < 0 || !utf8proc_codepoint_valid((utf8proc_int32_t)code))
        return is_bad(p, "c takes the number of a character");
    put_text(p, d, bytes_of(bytes, (size_t)utf8proc_encode_char((utf8proc_int32_t)code, bytes)));
    return true;
}

/* ---- a row ---- */

/* The column of the argument that is meant; 0: there is none. */
static unsigned take_argument(struct printer *p, const struct directive *d)
{
    int n = d->index > 0 ? d->index : d->index < 0 ? p->last : ++p->ordinary;

    if (n < 1 || n >= p->call->expr->args_count) {
        p->why = "there is no argument for a conversion";
        return 0;
    }
    p->last = n;
    return (unsigned)n;
}

static bool put_null(struct printer *p, const struct directive *d)
{
    struct directive plain = *d;

    put_text(p, &plain, d->letter == 'b' ? BYTES_LITERAL("false") : BYTES_LITERAL("null"));
    return true;
}

static bool put_argument(struct printer *p, const struct directive *d)
{
    unsigned arg = take_argument(p, d);

    if (!arg)
        return false;
    if (!arg_valid(p->call, arg, p->row))
        return put_null(p, d);
    switch (d->letter) {
    case 'd':
    case 'o':
    case 'x': return put_integer(p, d, arg);
    case 'e':
    case 'f':
    case 'g': return put_float(p, d, arg);
    case 'c': return put_character(p, d, arg);
    case 'b':
        if (p->call->expr->args[arg]->type->kind != TYPE_BOOLEAN) {
            put_text(p, d, BYTES_LITERAL("true"));
            return true;
        }
        break;
    default: break;
    }
    put_value(p, d, arg);
    return true;
}

static bool put_all(struct printer *p, struct bytes pattern)
{
    struct directive d;

    while (pattern.len && !p->out->failed) {
        size_t plain = bytes_find(pattern, '%', 0);
        buf_append(p->out, pattern.ptr, plain);
        pattern = bytes_skip(pattern, plain);
        if (!pattern.len)
            break;
        pattern = bytes_skip(pattern, 1);
        if (!take_directive(p, &pattern, &d) || !check_directive(p, &d))
            return false;
        if (d.letter == 'n')
            buf_u8(p->out, '\n');
        else if (d.letter == '%')
            put_padded(p->out, &d, BYTES_LITERAL("%"));
        else if (!put_argument(p, &d))
            return false;
    }
    return true;
}

/* What can be said of a pattern without its arguments. */
static bool check_pattern(struct bind *b, struct bytes pattern)
{
    struct printer p = {.why = NULL};
    struct directive d;

    for (;;) {
        pattern = bytes_skip(pattern, bytes_find(pattern, '%', 0));
        if (!pattern.len)
            return true;
        pattern = bytes_skip(pattern, 1);
        if (!take_directive(&p, &pattern, &d) || !check_directive(&p, &d))
            return bind_fail(b, "the pattern is wrong: %s", p.why);
    }
}

static bool bind_printf(struct bind *b)
{
    struct bytes pattern;

    b->type = type_simple(TYPE_VARCHAR);
    if (!bind_cast(b, 0, b->type) || (bind_literal(b, 0, &pattern) && !check_pattern(b, pattern)))
        return false;
    for (unsigned i = 1; i < b->args_count; i++) {
        enum type_kind kind = bind_type(b, i)->kind;
        if (!type_is_text(kind) && !type_is_numeric(kind) && kind != TYPE_BOOLEAN && kind != TYPE_NULL)
            return bind_fail(b, "takes texts, numbers and BOOLEANs, not %s: CAST it to STRING",
                             type_text(b->arena, type_not_null(b->arena, bind_type(b, i), false)));
    }
    return true;
}

static enum status print_rows(struct call *call)
{
    enum status st = ST_OK;
    struct buf out;

    buf_init(&out, PRINTF_RESULT_MAX);
    FOR_ROWS(call, row) {
        struct printer p = {.call = call, .row = row, .out = &out};
        if (!arg_valid(call, 0, row)) {
            call_null(call, row);
            continue;
        }
        buf_clear(&out);
        if (!put_all(&p, arg_bytes(call, 0, row))) {
            call_null(call, row);
            continue;
        }
        if (out.failed) {
            st = call_fail(call, row, "PRINTF: a result of more than 16 MiB");
            break;
        }
        call_copy(call, row, buf_view(&out));
    }
    buf_deinit(&out);
    return st;
}

const struct func func_printf_table[] = {
    {.name = "PRINTF", .bind = bind_printf, .kernel = print_rows, .args_min = 1, .args_max = -1, .flags = FUNC_NULLS,
     .signature = "PRINTF(pattern, x, ...)",
     .help = "The pattern with its conversions such as %s, %5d, %.2f, %,d replaced by the arguments, as Java's Formatter does; "
             "NULLs are null; NULL where one does not fit its argument."},
    {0},
};
