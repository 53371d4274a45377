/* frame.c: see frame.h. */
#include "wire/cql/frame.h"

enum { HEADER = 9, FLAG_COMPRESSED = 1, FLAG_TRACE = 2, FLAG_CUSTOM = 4, FLAG_WARNING = 8 };
enum { ROWS_GLOBAL = 1, ROWS_MORE = 2, ROWS_NO_METADATA = 4 };

static const struct {
    uint16_t id;
    const char *name;
} type_names[] = {
    {CQL_CUSTOM, "custom"}, {CQL_ASCII, "ascii"}, {CQL_BIGINT, "bigint"}, {CQL_BLOB, "blob"}, {CQL_BOOLEAN, "boolean"},
    {CQL_COUNTER, "counter"}, {CQL_DECIMAL, "decimal"}, {CQL_DOUBLE, "double"}, {CQL_FLOAT, "float"}, {CQL_INT, "int"},
    {CQL_TIMESTAMP, "timestamp"}, {CQL_UUID, "uuid"}, {CQL_VARCHAR, "text"}, {CQL_VARINT, "varint"},
    {CQL_TIMEUUID, "timeuuid"}, {CQL_INET, "inet"}, {CQL_DATE, "date"}, {CQL_TIME, "time"}, {CQL_SMALLINT, "smallint"},
    {CQL_TINYINT, "tinyint"}, {CQL_LIST, "list"}, {CQL_MAP, "map"}, {CQL_SET, "set"}, {CQL_UDT, "a type of its own"},
    {CQL_TUPLE, "tuple"},
};

const char *cql_type_name(uint16_t id)
{
    for (unsigned i = 0; i < sizeof(type_names) / sizeof(*type_names); i++)
        if (type_names[i].id == id)
            return type_names[i].name;
    return "a type that we do not know";
}

/* ---- parts ---- */

static struct bytes read_string(struct reader *r)
{
    return reader_bytes(r, reader_u16_be(r));
}

static int32_t read_i32(struct reader *r)
{
    return (int32_t)reader_u32_be(r);
}

struct bytes cql_value(struct reader *r)
{
    int32_t len = read_i32(r);

    if (len < 0 || r->bad)
        return BYTES_NONE;
    struct bytes value = reader_bytes(r, (size_t)len);
    return r->bad || value.len ? value : BYTES_LITERAL("");
}

static void skip_strings(struct reader *r)
{
    for (uint32_t n = reader_u16_be(r); n && !r->bad; n--)
        read_string(r);
}

static void skip_custom(struct reader *r)
{
    for (uint32_t n = reader_u16_be(r); n && !r->bad; n--) {
        read_string(r);
        cql_value(r);
    }
}

/* ---- frames ---- */

static bool read_body(struct cql_frame *f, struct bytes whole)
{
    struct reader r = reader_of(whole);

    if (f->flags & FLAG_COMPRESSED)
        return false;
    if (f->flags & FLAG_TRACE)
        reader_skip(&r, 16);
    if (f->flags & FLAG_WARNING)
        skip_strings(&r);
    if (f->flags & FLAG_CUSTOM)
        skip_custom(&r);
    f->body = reader_rest(&r);
    return !r.bad;
}

enum cql_next cql_next(struct bytes in, size_t body_max, struct cql_frame *out, size_t *used)
{
    struct reader r = reader_of(in);

    *out = (struct cql_frame){0};
    if (in.len < HEADER)
        return in.len && !(in.ptr[0] & 0x80) ? CQL_BAD : CQL_MORE;
    uint8_t version = reader_u8(&r);
    out->flags = reader_u8(&r);
    out->stream = (int16_t)reader_u16_be(&r);
    out->opcode = reader_u8(&r);
    uint32_t len = reader_u32_be(&r);
    bool ours = version == (0x80 | CQL_VERSION);
    if (!(version & 0x80) || (!ours && out->opcode != CQL_ERROR) || len > body_max) /* "I have no version 4" has another */
        return CQL_BAD;
    if (in.len - HEADER < len)
        return CQL_MORE;
    *used = HEADER + len;
    return read_body(out, reader_bytes(&r, len)) ? CQL_FRAME : CQL_BAD;
}

bool cql_read_error(const struct cql_frame *f, struct cql_error *out)
{
    struct reader r = reader_of(f->body);

    *out = (struct cql_error){.code = read_i32(&r)};
    out->message = read_string(&r);
    return f->opcode == CQL_ERROR && !r.bad;
}

/* ---- columns ---- */

static uint16_t read_type(struct reader *r, unsigned depth);

static void skip_types(struct reader *r, unsigned count, unsigned depth)
{
    for (; count && !r->bad; count--)
        read_type(r, depth);
}

static uint16_t read_type(struct reader *r, unsigned depth)
{
    uint16_t id = reader_u16_be(r);

    if (depth >= CQL_TYPE_DEPTH)
        r->bad = true;
    if (r->bad)
        return 0;
    if (id == CQL_CUSTOM)
        read_string(r);
    if (id == CQL_LIST || id == CQL_SET || id == CQL_MAP)
        skip_types(r, id == CQL_MAP ? 2 : 1, depth + 1);
    if (id == CQL_TUPLE)
        skip_types(r, reader_u16_be(r), depth + 1);
    if (id == CQL_UDT) {
        read_string(r);
        read_string(r);
        for (uint32_t n = reader_u16_be(r); n && !r->bad; n--) {
            read_string(r);
            read_type(r, depth + 1);
        }
    }
    return id;
}

bool cql_column_next(struct cql_columns *c, struct cql_column *out)
{
    if (!c->left || c->at.bad)
        return false;
    c->left--;
    if (!c->global) {
        read_string(&c->at);
        read_string(&c->at);
    }
    out->name = read_string(&c->at);
    out->type = read_type(&c->at, 0);
    return !c->at.bad;
}

/* *r goes on behind them. */
static struct cql_columns read_columns(struct reader *r, int32_t flags, uint32_t count)
{
    struct cql_column ignored;

    if (flags & ROWS_GLOBAL) {
        read_string(r);
        read_string(r);
    }
    struct cql_columns columns = {.at = *r, .left = count, .global = flags & ROWS_GLOBAL}, walk = columns;
    while (cql_column_next(&walk, &ignored))
        ;
    *r = walk.at;
    return columns;
}

/* ---- results ---- */

bool cql_result_is(const struct cql_frame *f, enum cql_result kind)
{
    struct reader r = reader_of(f->body);

    return f->opcode == CQL_RESULT && read_i32(&r) == (int32_t)kind && !r.bad;
}

bool cql_read_prepared(const struct cql_frame *f, struct cql_prepared *out)
{
    struct reader r = reader_of(f->body);

    reader_skip(&r, 4);
    out->id = read_string(&r);
    int32_t flags = read_i32(&r);
    uint32_t count = reader_u32_be(&r), keys = reader_u32_be(&r);
    out->partition_key = keys <= UINT16_MAX ? reader_bytes(&r, keys * 2) : BYTES_NONE;
    if (r.bad || keys > UINT16_MAX || count > UINT16_MAX || (count && flags & ROWS_NO_METADATA))
        return false;
    out->values = read_columns(&r, flags, count);
    return cql_result_is(f, CQL_PREPARED) && !r.bad;
}

bool cql_read_rows(const struct cql_frame *f, struct cql_rows *out)
{
    struct reader r = reader_of(f->body);

    *out = (struct cql_rows){0};
    reader_skip(&r, 4);
    int32_t flags = read_i32(&r);
    out->columns_count = reader_u32_be(&r);
    if (flags & ROWS_MORE)
        out->paging_state = cql_value(&r);
    if (r.bad || out->columns_count > UINT16_MAX)
        return false;
    if (!(flags & ROWS_NO_METADATA))
        out->columns = read_columns(&r, flags, out->columns_count);
    out->rows_count = reader_u32_be(&r);
    out->values = r;
    /* each value has at least its length: a count that cannot be is none */
    bool can_be = out->rows_count <= INT32_MAX && (uint64_t)out->rows_count * out->columns_count * 4 <= reader_left(&r);
    return cql_result_is(f, CQL_ROWS) && !r.bad && can_be && (out->columns_count || !out->rows_count);
}

/* ---- what goes ---- */

size_t cql_begin(struct buf *buf, int16_t stream, enum cql_opcode opcode)
{
    size_t begun = buf->len;

    buf_u8(buf, CQL_VERSION);
    buf_u8(buf, 0);
    buf_u16_be(buf, (uint16_t)stream);
    buf_u8(buf, (uint8_t)opcode);
    buf_u32_be(buf, 0);
    return begun;
}

void cql_end(struct buf *buf, size_t begun)
{
    buf_patch_u32_be(buf, begun + 5, (uint32_t)(buf->len - begun - HEADER));
}

void cql_put_string(struct buf *buf, struct bytes text)
{
    buf_u16_be(buf, (uint16_t)text.len);
    buf_bytes(buf, text);
}

void cql_put_long_string(struct buf *buf, struct bytes text)
{
    buf_u32_be(buf, (uint32_t)text.len);
    buf_bytes(buf, text);
}

void cql_put_bytes(struct buf *buf, struct bytes value)
{
    buf_u32_be(buf, value.ptr ? (uint32_t)value.len : UINT32_MAX);
    buf_bytes(buf, value);
}

void cql_put_short_bytes(struct buf *buf, struct bytes value)
{
    cql_put_string(buf, value);
}
