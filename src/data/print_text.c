/* How: text.c's forms where both agree; the rest by the rules of java.time (groups of three digits, no
 * seconds where all is zero) and of BigDecimal (an exponent below 1E-6). */
#include "data/print_text.h"

#include <stdio.h>

#include "data/datetime.h"
#include "data/decimal.h"
#include "data/text.h"

/* The fraction in three digits or six; nothing where it is zero. */
static void print_fraction(struct buf *buf, int64_t us)
{
    if (us % 1000)
        buf_printf(buf, ".%06d", (int)us);
    else if (us)
        buf_printf(buf, ".%03d", (int)(us / 1000));
}

static void print_time(struct buf *buf, int64_t us, bool seconds_always)
{
    int64_t s = us / US_PER_SECOND, fraction = us % US_PER_SECOND;

    buf_printf(buf, "%02d:%02d", (int)(s / 3600), (int)(s / 60 % 60));
    if (s % 60 || fraction || seconds_always)
        buf_printf(buf, ":%02d", (int)(s % 60));
    print_fraction(buf, fraction);
}

static void print_date(struct buf *buf, int64_t days)
{
    char text[DATETIME_TEXT_MAX];

    buf_append(buf, text, date_text((int32_t)days, text));
}

static void print_timestamp(struct buf *buf, int64_t us, bool moment)
{
    int64_t days = floor_div(us, US_PER_DAY);

    print_date(buf, days);
    buf_str(buf, "T");
    print_time(buf, us - days * US_PER_DAY, moment);
    if (moment)
        buf_str(buf, "Z");
}

/* Period: P1Y2M, P0D. */
static void print_months(struct buf *buf, int32_t months)
{
    buf_str(buf, "P");
    if (months / 12)
        buf_printf(buf, "%dY", (int)(months / 12));
    if (months % 12)
        buf_printf(buf, "%dM", (int)(months % 12));
    if (!months)
        buf_str(buf, "0D");
}

/* Duration: PT24H, PT1M0.5S, PT0S; each part has the sign. */
static void print_duration(struct buf *buf, int64_t us)
{
    int64_t s = us / US_PER_SECOND, fraction = us % US_PER_SECOND;

    buf_str(buf, "PT");
    if (s / 3600)
        buf_printf(buf, "%lldH", (long long)(s / 3600));
    if (s / 60 % 60)
        buf_printf(buf, "%dM", (int)(s / 60 % 60));
    if (!us)
        buf_str(buf, "0S");
    if (!(s % 60) && !fraction)
        return;
    if (us < 0)
        buf_str(buf, "-");
    buf_printf(buf, "%d", (int)(us < 0 ? -(s % 60) : s % 60));
    if (fraction) {
        char digits[8];
        int len = snprintf(digits, sizeof(digits), "%06d", (int)(us < 0 ? -fraction : fraction));
        while (digits[len - 1] == '0')
            len--;
        buf_printf(buf, ".%.*s", len, digits);
    }
    buf_str(buf, "S");
}

static void print_decimal(struct buf *buf, i128 v, int32_t scale)
{
    char digits[DECIMAL_TEXT_MAX];
    size_t len = decimal_text(v, 0, digits);
    const char *first = digits[0] == '-' ? digits + 1 : digits;
    int32_t count = (int32_t)(len - (size_t)(first - digits)), exponent = count - 1 - scale;

    if (exponent >= -6) {
        char text[DECIMAL_TEXT_MAX];
        buf_append(buf, text, decimal_text(v, scale, text));
        return;
    }
    buf_append(buf, digits, (size_t)(first - digits) + 1);
    if (count > 1) {
        buf_str(buf, ".");
        buf_append(buf, first + 1, (size_t)count - 1);
    }
    buf_printf(buf, "E%d", (int)exponent);
}

static void print_bytes(struct buf *buf, const struct column *col, uint32_t row)
{
    const struct str *s = &((const struct str *)col->data)[row];

    buf_str(buf, "[");
    for (uint32_t i = 0; i < s->len; i++)
        buf_printf(buf, i ? ", %d" : "%d", (int)(int8_t)s->ptr[i]);
    buf_str(buf, "]");
}

static void print_elements(struct buf *buf, const struct type *type, const struct column *col,
                           uint32_t row)
{
    bool map = type_is_map(type->kind);

    buf_str(buf, map ? "{" : "[");
    for (uint32_t e = col->offsets[row]; e < col->offsets[row + 1]; e++) {
        if (e > col->offsets[row])
            buf_str(buf, ", ");
        value_print(buf, type->fields[0].type, &col->children[0], e);
        if (map) {
            buf_str(buf, "=");
            value_print(buf, type->fields[1].type, &col->children[1], e);
        }
    }
    buf_str(buf, map ? "}" : "]");
}

static void print_row(struct buf *buf, const struct type *type, const struct column *col,
                      uint32_t row)
{
    buf_str(buf, "+I[");
    for (uint16_t i = 0; i < type->fields_count; i++) {
        if (i)
            buf_str(buf, ", ");
        value_print(buf, type->fields[i].type, &col->children[i], row);
    }
    buf_str(buf, "]");
}

void value_print(struct buf *buf, const struct type *type, const struct column *col, uint32_t row)
{
    static const struct text_style plain = {0};

    if (type->kind == TYPE_NULL || !column_valid(col, row)) {
        buf_str(buf, "null");
        return;
    }
    const int64_t *wide = col->data;
    switch (type->kind) {
    case TYPE_BOOLEAN: buf_str(buf, ((const uint8_t *)col->data)[row] ? "true" : "false"); break;
    case TYPE_DECIMAL: print_decimal(buf, ((const i128 *)col->data)[row], type->scale); break;
    case TYPE_TIME: print_time(buf, wide[row], false); break;
    case TYPE_TIMESTAMP: print_timestamp(buf, wide[row], false); break;
    case TYPE_TIMESTAMP_LTZ: print_timestamp(buf, wide[row], true); break;
    case TYPE_INTERVAL_MONTH: print_months(buf, ((const int32_t *)col->data)[row]); break;
    case TYPE_INTERVAL_SECOND: print_duration(buf, wide[row]); break;
    case TYPE_BINARY:
    case TYPE_VARBINARY: print_bytes(buf, col, row); break;
    case TYPE_ROW: print_row(buf, type, col, row); break;
    case TYPE_ARRAY:
    case TYPE_MAP:
    case TYPE_MULTISET: print_elements(buf, type, col, row); break;
    default: value_text(buf, type, col, row, &plain);
    }
}
