/* cassandra_value.c: see cassandra_value.h. Numbers are big-endian; a varint is two's complement of as many bytes as it
 * needs; a date counts days from 2^31 at 1970-01-01, a time nanoseconds, a timestamp milliseconds. */
#include "bridge/cassandra_value.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>

#include "base/base64.h"
#include "base/check.h"
#include "base/json_reader.h"
#include "data/datetime.h"
#include "data/decimal.h"
#include "data/text.h"

/* ---- what fits ---- */

static bool is_whole(uint16_t to)
{
    return to == CQL_TINYINT || to == CQL_SMALLINT || to == CQL_INT || to == CQL_BIGINT || to == CQL_VARINT;
}

bool cassandra_value_fits(const struct type *type, uint16_t to)
{
    switch (type->kind) {
    case TYPE_BOOLEAN: return to == CQL_BOOLEAN;
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT: return is_whole(to) || to == CQL_DECIMAL;
    case TYPE_FLOAT: return to == CQL_FLOAT || to == CQL_DOUBLE;
    case TYPE_DOUBLE: return to == CQL_DOUBLE;
    case TYPE_DECIMAL: return to == CQL_DECIMAL || (to == CQL_VARINT && type->scale == 0);
    case TYPE_CHAR:
    case TYPE_VARCHAR:
        return to == CQL_VARCHAR || to == CQL_ASCII || to == CQL_UUID || to == CQL_TIMEUUID || to == CQL_INET;
    case TYPE_BINARY:
    case TYPE_VARBINARY: return to == CQL_BLOB;
    case TYPE_DATE: return to == CQL_DATE;
    case TYPE_TIME: return to == CQL_TIME;
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_LTZ: return to == CQL_TIMESTAMP;
    case TYPE_ROW:
    case TYPE_ARRAY:
    case TYPE_MAP:
    case TYPE_MULTISET: return to == CQL_VARCHAR;
    default: return false;
    }
}

/* ---- to Cassandra ---- */

static void put_varint(struct buf *out, i128 v)
{
    unsigned bytes = 1;

    while (bytes < 16 && (v >> (8 * bytes - 1)) != 0 && (v >> (8 * bytes - 1)) != -1)
        bytes++;
    while (bytes--)
        buf_u8(out, (uint8_t)(v >> (8 * bytes)));
}

static const char *put_whole(struct buf *out, uint16_t to, int64_t v)
{
    unsigned bytes = to == CQL_TINYINT ? 1 : to == CQL_SMALLINT ? 2 : to == CQL_INT ? 4 : 8;

    if (to == CQL_DECIMAL)
        buf_u32_be(out, 0);
    if (to == CQL_VARINT || to == CQL_DECIMAL) {
        put_varint(out, v);
        return NULL;
    }
    if (bytes < 8 && (v < -(1ll << (8 * bytes - 1)) || v >= 1ll << (8 * bytes - 1)))
        return "the number is out of the type's range";
    while (bytes--)
        buf_u8(out, (uint8_t)((uint64_t)v >> (8 * bytes)));
    return NULL;
}

static int hex_of(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static const char *put_uuid(struct buf *out, uint16_t to, struct bytes text)
{
    if (text.len != 36)
        return "the text is no uuid";
    if (to == CQL_TIMEUUID && text.ptr[14] != '1')
        return "the text is no uuid of version 1";
    for (size_t i = 0; i < 36;) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text.ptr[i++] != '-')
                return "the text is no uuid";
            continue;
        }
        int high = hex_of(text.ptr[i]), low = hex_of(text.ptr[i + 1]);
        if (high < 0 || low < 0)
            return "the text is no uuid";
        buf_u8(out, (uint8_t)(high << 4 | low));
        i += 2;
    }
    return NULL;
}

static const char *put_inet(struct buf *out, struct bytes text)
{
    char z[INET6_ADDRSTRLEN];
    uint8_t address[16];

    snprintf(z, sizeof(z), "%.*s", BYTES_FMT(bytes_head(text, sizeof(z) - 1)));
    if (text.len < sizeof(z) && inet_pton(AF_INET, z, address) == 1)
        buf_append(out, address, 4);
    else if (text.len < sizeof(z) && inet_pton(AF_INET6, z, address) == 1)
        buf_append(out, address, 16);
    else
        return "the text is no address";
    return NULL;
}

static const char *put_text(struct buf *out, uint16_t to, struct bytes text)
{
    bool ascii = true;

    if (to == CQL_UUID || to == CQL_TIMEUUID)
        return put_uuid(out, to, text);
    if (to == CQL_INET)
        return put_inet(out, text);
    for (size_t i = 0; i < text.len; i++)
        ascii &= text.ptr[i] < 0x80;
    if (to == CQL_ASCII && !ascii)
        return "the text is not ASCII";
    if (!ascii && !bytes_is_utf8(text))
        return "the text is not UTF-8";
    buf_bytes(out, text);
    return NULL;
}

static void put_f64(struct buf *out, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof(bits));
    buf_u64_be(out, bits);
}

static void put_f32(struct buf *out, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof(bits));
    buf_u32_be(out, bits);
}

static struct bytes text_at(const struct column *col, uint32_t row)
{
    const struct str *s = &((const struct str *)col->data)[row];
    return bytes_of(s->len ? s->ptr : "", s->len);
}

static const char *put_value(struct buf *out, const struct type *type, uint16_t to, const struct column *col, uint32_t row)
{
    switch (type->kind) {
    case TYPE_BOOLEAN:
        buf_u8(out, ((const uint8_t *)col->data)[row] != 0);
        return NULL;
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT: return put_whole(out, to, ((const int32_t *)col->data)[row]);
    case TYPE_BIGINT: return put_whole(out, to, ((const int64_t *)col->data)[row]);
    case TYPE_FLOAT:
        if (to == CQL_FLOAT)
            put_f32(out, ((const float *)col->data)[row]);
        else
            put_f64(out, (double)((const float *)col->data)[row]);
        return NULL;
    case TYPE_DOUBLE: put_f64(out, ((const double *)col->data)[row]); return NULL;
    case TYPE_DECIMAL:
        if (to == CQL_DECIMAL)
            buf_u32_be(out, (uint32_t)type->scale);
        put_varint(out, ((const i128 *)col->data)[row]);
        return NULL;
    case TYPE_BINARY:
    case TYPE_VARBINARY: buf_bytes(out, text_at(col, row)); return NULL;
    case TYPE_DATE: buf_u32_be(out, (uint32_t)((const int32_t *)col->data)[row] + 0x80000000u); return NULL;
    case TYPE_TIME: buf_u64_be(out, (uint64_t)((const int64_t *)col->data)[row] * 1000); return NULL;
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_LTZ: buf_u64_be(out, (uint64_t)floor_div(((const int64_t *)col->data)[row], 1000)); return NULL;
    case TYPE_CHAR:
    case TYPE_VARCHAR: return put_text(out, to, text_at(col, row));
    default: value_json(out, type, col, row, NULL); return NULL;
    }
}

const char *cassandra_value_put(struct buf *out, const struct type *type, uint16_t to, const struct column *col, uint32_t row)
{
    size_t begun = out->len;

    if (!column_valid(col, row)) {
        cql_put_bytes(out, BYTES_NONE);
        return NULL;
    }
    buf_u32_be(out, 0);
    const char *why = put_value(out, type, to, col, row);
    buf_patch_u32_be(out, begun, (uint32_t)(out->len - begun - 4));
    return why;
}

/* ---- and back ---- */

static bool read_whole(struct bytes value, i128 *out)
{
    if (!value.len || value.len > 16)
        return false;
    *out = value.ptr[0] & 0x80 ? -1 : 0;
    for (size_t i = 0; i < value.len; i++)
        *out = (i128)((unsigned __int128)*out << 8 | value.ptr[i]);
    return true;
}

/* DECIMAL's bound of 38 digits is passed by what is larger: then it is no value of ours. */
static bool write_decimal(struct json_writer *w, i128 v, int32_t scale)
{
    char text[64];

    if (scale < 0 || scale > TYPE_DECIMAL_MAX || !decimal_fits(v, decimal_pow10(TYPE_DECIMAL_MAX)))
        return false;
    json_bytes(w, bytes_of(text, decimal_text(v, scale, text)));
    return true;
}

static bool write_number(struct json_writer *w, double v)
{
    if (isfinite(v))
        json_f64(w, v);
    else
        json_str(w, isnan(v) ? "NaN" : v > 0 ? "Infinity" : "-Infinity");
    return true;
}

static bool write_uuid(struct json_writer *w, struct bytes value)
{
    char text[40], *to = text;

    if (value.len != 16)
        return false;
    for (size_t i = 0; i < 16; i++)
        to += sprintf(to, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", value.ptr[i]);
    json_str(w, text);
    return true;
}

static bool write_inet(struct json_writer *w, struct bytes value)
{
    char text[INET6_ADDRSTRLEN];

    if (value.len != 4 && value.len != 16)
        return false;
    CHECK(inet_ntop(value.len == 4 ? AF_INET : AF_INET6, value.ptr, text, sizeof(text)));
    json_str(w, text);
    return true;
}

static bool write_blob(struct json_writer *w, struct bytes value)
{
    struct buf text;

    buf_init(&text, 0);
    base64_encode(&text, value);
    json_bytes(w, buf_view(&text));
    buf_deinit(&text);
    return true;
}

static bool write_date(struct json_writer *w, uint32_t days)
{
    char text[DATETIME_TEXT_MAX];

    json_bytes(w, bytes_of(text, date_text((int32_t)(days - 0x80000000u), text)));
    return true;
}

/* Of years that the text has no form for there is none. */
static bool write_timestamp(struct json_writer *w, const struct type *type, int64_t ms)
{
    char text[DATETIME_TEXT_MAX + 2];
    const int64_t first = -62135596800000, last = 253402300799999; /* years 1 to 9999 */

    if (ms < first || ms > last)
        return false;
    size_t n = timestamp_text(ms * 1000, 3, ' ', text);
    if (type->kind == TYPE_TIMESTAMP_LTZ)
        text[n++] = 'Z';
    json_bytes(w, bytes_of(text, n));
    return true;
}

static bool write_time(struct json_writer *w, uint64_t ns)
{
    char text[DATETIME_TEXT_MAX];

    if (ns >= (uint64_t)US_PER_DAY * 1000)
        return false;
    json_bytes(w, bytes_of(text, time_text((int64_t)(ns / 1000), 6, text)));
    return true;
}

static double f64_of(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof(v));
    return v;
}

static float f32_of(uint32_t bits)
{
    float v;
    memcpy(&v, &bits, sizeof(v));
    return v;
}

/* Of a value whose length is its type's: false otherwise. */
static bool write_fixed(struct json_writer *w, const struct type *type, uint16_t from, struct bytes value)
{
    struct reader r = reader_of(value);

    if (value.len == 1 && from == CQL_BOOLEAN) {
        json_bool(w, value.ptr[0]);
        return true;
    }
    if (value.len == 4 && from == CQL_FLOAT)
        return write_number(w, (double)f32_of(reader_u32_be(&r)));
    if (value.len == 8 && from == CQL_DOUBLE)
        return write_number(w, f64_of(reader_u64_be(&r)));
    if (value.len == 4 && from == CQL_DATE)
        return write_date(w, reader_u32_be(&r));
    if (value.len == 8 && from == CQL_TIME)
        return write_time(w, reader_u64_be(&r));
    return value.len == 8 && from == CQL_TIMESTAMP && write_timestamp(w, type, (int64_t)reader_u64_be(&r));
}

bool cassandra_value_json(struct json_writer *w, const struct type *type, uint16_t from, struct bytes value)
{
    i128 whole;
    struct reader r = reader_of(value);

    switch (from) {
    case CQL_VARCHAR:
    case CQL_ASCII:
        if (type->kind >= TYPE_ROW && !json_is_one(value, NULL))
            return false;
        if (type->kind >= TYPE_ROW)
            json_raw(w, value);
        else
            json_bytes(w, value);
        return true;
    case CQL_BLOB: return write_blob(w, value);
    case CQL_UUID:
    case CQL_TIMEUUID: return write_uuid(w, value);
    case CQL_INET: return write_inet(w, value);
    case CQL_TINYINT:
    case CQL_SMALLINT:
    case CQL_INT:
    case CQL_BIGINT:
    case CQL_COUNTER: return value.len <= 8 && read_whole(value, &whole) && write_decimal(w, whole, 0);
    case CQL_VARINT: return read_whole(value, &whole) && write_decimal(w, whole, 0);
    case CQL_DECIMAL: {
        int32_t scale = (int32_t)reader_u32_be(&r);
        return read_whole(reader_rest(&r), &whole) && write_decimal(w, whole, scale);
    }
    default: return write_fixed(w, type, from, value);
    }
}
