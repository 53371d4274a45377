/* One walk over a struct's table of fields for each of: defaults, reading, writing. Tagged fields
 * are written only where they differ from their default, in the order of their tags (which is the
 * table's); read, they come after all others. */
#include "wire/kafka/codec.h"

#include "base/check.h"
#include "base/endian.h"

const struct kafka_api *kafka_api_find(int16_t key)
{
    for (int i = 0; i < kafka_apis_count; i++) {
        if (kafka_apis[i].key == key)
            return &kafka_apis[i];
    }
    return NULL;
}

const char *kafka_error_name(enum kafka_error error)
{
    switch (error) {
#define KAFKA_ERROR_CASE(name, number)                                                             \
    case KAFKA_ERR_##name: return #name;
        KAFKA_ERROR_MAP(KAFKA_ERROR_CASE)
#undef KAFKA_ERROR_CASE
    }
    return "?";
}

static bool carried(const struct kafka_field *f, int version)
{
    return version >= f->first && version <= f->last;
}

static bool may_be_null(const struct kafka_field *f, int version)
{
    return version >= f->null_first && version <= f->null_last;
}

static size_t scalar_size(enum kafka_type type)
{
    switch (type) {
    case KAFKA_TYPE_BOOL:
    case KAFKA_TYPE_I8: return 1;
    case KAFKA_TYPE_I16:
    case KAFKA_TYPE_U16: return 2;
    case KAFKA_TYPE_I32: return 4;
    case KAFKA_TYPE_I64: return 8;
    case KAFKA_TYPE_UUID: return 16;
    default: return sizeof(struct bytes);
    }
}

/* A struct that may be null is a pointer; on the wire a byte stands before it, -1 for null. */
static bool is_pointer(const struct kafka_field *f)
{
    return f->type == KAFKA_TYPE_STRUCT && !f->array && f->null_first <= f->null_last;
}

static size_t item_size(const struct kafka_field *f)
{
    return f->type == KAFKA_TYPE_STRUCT ? f->of->size : scalar_size((enum kafka_type)f->type);
}

/* ---- defaults ---- */

static void put_number(enum kafka_type type, void *to, int64_t v)
{
    switch (type) {
    case KAFKA_TYPE_BOOL: *(bool *)to = v != 0; break;
    case KAFKA_TYPE_I8: *(int8_t *)to = (int8_t)v; break;
    case KAFKA_TYPE_I16:
    case KAFKA_TYPE_U16: *(int16_t *)to = (int16_t)v; break;
    case KAFKA_TYPE_I32: *(int32_t *)to = (int32_t)v; break;
    case KAFKA_TYPE_I64: *(int64_t *)to = v; break;
    default: break;
    }
}

static int64_t get_number(enum kafka_type type, const void *from)
{
    switch (type) {
    case KAFKA_TYPE_BOOL: return *(const bool *)from;
    case KAFKA_TYPE_I8: return *(const int8_t *)from;
    case KAFKA_TYPE_I16: return *(const int16_t *)from;
    case KAFKA_TYPE_U16: return *(const uint16_t *)from;
    case KAFKA_TYPE_I32: return *(const int32_t *)from;
    default: return *(const int64_t *)from;
    }
}

void kafka_init(const struct kafka_struct *type, void *message)
{
    memset(message, 0, type->size);
    for (uint16_t i = 0; i < type->fields_count; i++) {
        const struct kafka_field *f = &type->fields[i];
        void *at = (char *)message + f->at;
        if (f->array || is_pointer(f))
            continue;
        if (f->type == KAFKA_TYPE_STRUCT)
            kafka_init(f->of, at);
        else if (f->fallback)
            put_number((enum kafka_type)f->type, at, f->fallback);
    }
}

void *kafka_items(const struct kafka_struct *type, struct arena *arena, int32_t count)
{
    CHECK(count >= 0);
    char *items = arena_alloc(arena, (size_t)type->size * (size_t)count + 1);
    for (int32_t i = 0; i < count; i++)
        kafka_init(type, items + (size_t)i * type->size);
    return items;
}

/* ---- reading ---- */

struct decoder {
    struct reader *r;
    struct arena *arena;
    int version;
    bool full; /* the arena's budget is met */
};

static void read_struct(struct decoder *d, const struct kafka_struct *type, void *message);

/* The length of a string or bytes: -1 null, -2 bad. */
static int64_t read_length(struct decoder *d, const struct kafka_field *f, bool flexible)
{
    int64_t len;

    if (flexible)
        len = (int64_t)(reader_uvarint(d->r) & INT64_MAX) - 1;
    else if (f->type == KAFKA_TYPE_STRING && !f->array)
        len = (int16_t)reader_u16_be(d->r);
    else
        len = (int32_t)reader_u32_be(d->r);
    int64_t max = f->type == KAFKA_TYPE_STRING && !f->array ? INT16_MAX : INT32_MAX;
    if (len < -1 || (len == -1 && !may_be_null(f, d->version)) || len > max)
        d->r->bad = true; /* a string of any version must fit the oldest's two bytes of length */
    return d->r->bad ? -2 : len;
}

static struct bytes read_bytes(struct decoder *d, int64_t len)
{
    static const uint8_t empty;

    if (len < 0)
        return BYTES_NONE;
    struct bytes b = reader_bytes(d->r, (size_t)len);
    return len == 0 && !b.ptr ? bytes_of(&empty, 0) : b;
}

static void read_pointer(struct decoder *d, const struct kafka_field *f, void **at)
{
    if ((int8_t)reader_u8(d->r) < 0 || d->r->bad)
        return;
    *at = arena_try(d->arena, f->of->size);
    if (*at)
        read_struct(d, f->of, *at);
    else
        d->full = d->r->bad = true;
}

static void read_one(struct decoder *d, const struct kafka_field *f, bool flexible, void *at)
{
    struct reader *r = d->r;

    switch ((enum kafka_type)f->type) {
    case KAFKA_TYPE_BOOL: *(bool *)at = reader_u8(r) != 0; break;
    case KAFKA_TYPE_I8: *(int8_t *)at = (int8_t)reader_u8(r); break;
    case KAFKA_TYPE_I16:
    case KAFKA_TYPE_U16: *(uint16_t *)at = reader_u16_be(r); break;
    case KAFKA_TYPE_I32: *(int32_t *)at = (int32_t)reader_u32_be(r); break;
    case KAFKA_TYPE_I64: *(int64_t *)at = (int64_t)reader_u64_be(r); break;
    case KAFKA_TYPE_UUID: {
        struct bytes b = reader_bytes(r, 16);
        if (b.ptr)
            memcpy(at, b.ptr, 16);
        break;
    }
    case KAFKA_TYPE_STRING:
    case KAFKA_TYPE_BYTES:
    case KAFKA_TYPE_RECORDS: *(struct bytes *)at = read_bytes(d, read_length(d, f, flexible)); break;
    case KAFKA_TYPE_STRUCT:
        if (is_pointer(f))
            read_pointer(d, f, at);
        else
            read_struct(d, f->of, at);
        break;
    }
}

/* The fewest bytes that one item of the field takes on the wire. */
static size_t wire_bytes_min(const struct kafka_field *f, bool item, int version, bool flexible)
{
    size_t sum = flexible ? 1 : 0; /* of a struct: its tags */

    if (f->array && !item)
        return flexible ? 1 : 4;
    if (is_pointer(f))
        return 1;
    switch ((enum kafka_type)f->type) {
    case KAFKA_TYPE_STRING: return flexible ? 1 : 2;
    case KAFKA_TYPE_BYTES:
    case KAFKA_TYPE_RECORDS: return flexible ? 1 : 4;
    case KAFKA_TYPE_STRUCT: break;
    default: return scalar_size((enum kafka_type)f->type);
    }
    for (uint16_t i = 0; i < f->of->fields_count; i++) {
        const struct kafka_field *sub = &f->of->fields[i];
        if (carried(sub, version) && sub->tag < 0)
            sum += wire_bytes_min(sub, false, version, flexible);
    }
    return sum ? sum : 1;
}

static void read_array(struct decoder *d, const struct kafka_field *f, bool flexible, void *at)
{
    struct kafka_array *array = at;
    struct kafka_field item = *f;
    int64_t count = read_length(d, f, flexible);

    array->count = -1;
    if (count == -1)
        return;
    array->count = 0;
    if (count < 0 ||
        (uint64_t)count > reader_left(d->r) / wire_bytes_min(f, true, d->version, flexible)) {
        d->r->bad = true;
        return;
    }
    char *items = arena_try(d->arena, item_size(f) * (size_t)count + 1);
    if (!items) {
        d->full = d->r->bad = true;
        return;
    }
    item.array = false;
    item.null_first = 1; /* an item is never null */
    item.null_last = 0;
    array->at = items;
    for (int64_t i = 0; i < count && !d->r->bad; i++)
        read_one(d, &item, flexible, items + (size_t)i * item_size(f));
    array->count = d->r->bad ? 0 : (int32_t)count;
}

static void read_field(struct decoder *d, const struct kafka_field *f, bool flexible, void *at)
{
    if (f->array)
        read_array(d, f, flexible, at);
    else
        read_one(d, f, flexible, at);
}

static const struct kafka_field *tagged(const struct kafka_struct *type, int version, uint64_t tag)
{
    for (uint16_t i = 0; i < type->fields_count; i++) {
        const struct kafka_field *f = &type->fields[i];
        if (f->tag >= 0 && (uint64_t)f->tag == tag && carried(f, version))
            return f;
    }
    return NULL;
}

static void read_tags(struct decoder *d, const struct kafka_struct *type, void *message)
{
    uint64_t count = reader_uvarint(d->r);

    for (uint64_t i = 0; i < count && !d->r->bad; i++) {
        const struct kafka_field *f = tagged(type, d->version, reader_uvarint(d->r));
        struct bytes body = reader_sized(d->r);
        if (!f || d->r->bad)
            continue;
        struct reader inner = reader_of(body), *outer = d->r;
        d->r = &inner;
        read_field(d, f, true, (char *)message + f->at);
        d->r = outer;
        outer->bad |= inner.bad || reader_left(&inner) != 0;
    }
}

static void read_struct(struct decoder *d, const struct kafka_struct *type, void *message)
{
    bool flexible = d->version >= type->flexible;

    kafka_init(type, message);
    for (uint16_t i = 0; i < type->fields_count; i++) {
        const struct kafka_field *f = &type->fields[i];
        if (carried(f, d->version) && f->tag < 0)
            read_field(d, f, flexible, (char *)message + f->at);
    }
    if (flexible)
        read_tags(d, type, message);
}

enum status kafka_decode(const struct kafka_struct *type, int16_t version, struct reader *r,
                         struct arena *arena, void *message)
{
    struct decoder d = {.r = r, .arena = arena, .version = version};

    read_struct(&d, type, message);
    if (d.full)
        return ST_NOSPACE;
    return r->bad ? ST_INVALID : ST_OK;
}

/* ---- writing ---- */

struct encoder {
    struct buf *out;
    struct kafka_splices *splices;
    int version;
};

static void write_struct(struct encoder *e, const struct kafka_struct *type, const void *message);

static void write_length(struct encoder *e, const struct kafka_field *f, bool flexible, int64_t len)
{
    CHECK(len >= -1 && len <= INT32_MAX);
    if (flexible) {
        buf_uvarint(e->out, (uint64_t)(len + 1));
    } else if (f->type == KAFKA_TYPE_STRING && !f->array) {
        CHECK(len <= INT16_MAX);
        buf_u16_be(e->out, (uint16_t)len);
    } else {
        buf_u32_be(e->out, (uint32_t)len);
    }
}

static void write_view(struct encoder *e, const struct kafka_field *f, bool flexible,
                       struct bytes b)
{
    bool null = !b.ptr && may_be_null(f, e->version);

    write_length(e, f, flexible, null ? -1 : (int64_t)b.len);
    if (f->type != KAFKA_TYPE_RECORDS || !e->splices || !b.len) {
        buf_bytes(e->out, b);
        return;
    }
    CHECK(e->splices->count < e->splices->cap);
    e->splices->at[e->splices->count++] = (struct kafka_splice){e->out->len, b};
    e->splices->bytes += b.len;
}

static void write_one(struct encoder *e, const struct kafka_field *f, bool flexible, const void *at)
{
    switch ((enum kafka_type)f->type) {
    case KAFKA_TYPE_BOOL: buf_u8(e->out, *(const bool *)at); break;
    case KAFKA_TYPE_I8: buf_u8(e->out, *(const uint8_t *)at); break;
    case KAFKA_TYPE_I16:
    case KAFKA_TYPE_U16: buf_u16_be(e->out, *(const uint16_t *)at); break;
    case KAFKA_TYPE_I32: buf_u32_be(e->out, *(const uint32_t *)at); break;
    case KAFKA_TYPE_I64: buf_u64_be(e->out, *(const uint64_t *)at); break;
    case KAFKA_TYPE_UUID: buf_append(e->out, at, 16); break;
    case KAFKA_TYPE_STRING:
    case KAFKA_TYPE_BYTES:
    case KAFKA_TYPE_RECORDS: write_view(e, f, flexible, *(const struct bytes *)at); break;
    case KAFKA_TYPE_STRUCT:
        if (is_pointer(f)) {
            const void *message = *(void *const *)at;
            buf_u8(e->out, message ? 1 : UINT8_MAX);
            if (message)
                write_struct(e, f->of, message);
        } else {
            write_struct(e, f->of, at);
        }
        break;
    }
}

static void write_field(struct encoder *e, const struct kafka_field *f, bool flexible,
                        const void *at)
{
    const struct kafka_array *array = at;
    struct kafka_field item = *f;

    if (!f->array) {
        write_one(e, f, flexible, at);
        return;
    }
    bool null = array->count < 0 && may_be_null(f, e->version);
    int32_t count = array->count < 0 ? 0 : array->count;
    write_length(e, f, flexible, null ? -1 : count);
    item.array = false;
    item.null_first = 1;
    item.null_last = 0;
    for (int32_t i = 0; i < count; i++)
        write_one(e, &item, flexible, (const char *)array->at + (size_t)i * item_size(f));
}

static bool is_default(const struct kafka_field *f, const void *at)
{
    switch (f->array ? KAFKA_TYPE_UUID : (enum kafka_type)f->type) {
    case KAFKA_TYPE_UUID: break;
    case KAFKA_TYPE_STRING:
    case KAFKA_TYPE_BYTES:
    case KAFKA_TYPE_RECORDS: return ((const struct bytes *)at)->len == 0;
    case KAFKA_TYPE_STRUCT:
        if (is_pointer(f))
            return !*(void *const *)at;
        for (uint16_t i = 0; i < f->of->fields_count; i++) {
            const struct kafka_field *sub = &f->of->fields[i];
            if (!is_default(sub, (const char *)at + sub->at))
                return false;
        }
        return true;
    default: return get_number((enum kafka_type)f->type, at) == f->fallback;
    }
    static const uint8_t zeros[16];
    return f->array ? ((const struct kafka_array *)at)->count <= 0 : memcmp(at, zeros, 16) == 0;
}

static bool tag_is_due(const struct encoder *e, const struct kafka_field *f, const void *message)
{
    return f->tag >= 0 && carried(f, e->version) &&
           !is_default(f, (const char *)message + f->at);
}

static void write_tags(struct encoder *e, const struct kafka_struct *type, const void *message)
{
    struct buf body, *out = e->out;
    uint64_t count = 0;

    for (uint16_t i = 0; i < type->fields_count; i++)
        count += tag_is_due(e, &type->fields[i], message);
    buf_uvarint(out, count);
    if (!count)
        return;
    buf_init(&body, 0);
    for (uint16_t i = 0; i < type->fields_count; i++) {
        const struct kafka_field *f = &type->fields[i];
        if (!tag_is_due(e, f, message))
            continue;
        buf_clear(&body);
        e->out = &body;
        write_field(e, f, true, (const char *)message + f->at);
        e->out = out;
        buf_uvarint(out, (uint64_t)f->tag);
        buf_sized(out, buf_view(&body));
    }
    buf_deinit(&body);
}

static void write_struct(struct encoder *e, const struct kafka_struct *type, const void *message)
{
    bool flexible = e->version >= type->flexible;

    for (uint16_t i = 0; i < type->fields_count; i++) {
        const struct kafka_field *f = &type->fields[i];
        if (carried(f, e->version) && f->tag < 0)
            write_field(e, f, flexible, (const char *)message + f->at);
    }
    if (flexible)
        write_tags(e, type, message);
}

void kafka_encode(const struct kafka_struct *type, int16_t version, const void *message,
                  struct buf *out, struct kafka_splices *splices)
{
    struct encoder e = {.out = out, .splices = splices, .version = version};

    write_struct(&e, type, message);
}

/* ---- frames ---- */

static void skip_tags(struct reader *r)
{
    uint64_t count = reader_uvarint(r);

    for (uint64_t i = 0; i < count && !r->bad; i++) {
        (void)reader_uvarint(r);
        (void)reader_sized(r);
    }
}

bool kafka_request_header_read(struct reader *r, struct kafka_request_header *out)
{
    out->api_key = (int16_t)reader_u16_be(r);
    out->api_version = (int16_t)reader_u16_be(r);
    out->correlation_id = (int32_t)reader_u32_be(r);
    out->client_id = BYTES_NONE;
    const struct kafka_api *api = kafka_api_find(out->api_key);
    if (!api || out->api_version < api->first || out->api_version > api->last)
        return !r->bad;
    int16_t len = (int16_t)reader_u16_be(r);
    if (len >= 0)
        out->client_id = reader_bytes(r, (size_t)len);
    if (out->api_version >= api->flexible)
        skip_tags(r);
    return !r->bad;
}

void kafka_request_header_write(struct buf *out, const struct kafka_request_header *header)
{
    const struct kafka_api *api = kafka_api_find(header->api_key);

    buf_u16_be(out, (uint16_t)header->api_key);
    buf_u16_be(out, (uint16_t)header->api_version);
    buf_u32_be(out, (uint32_t)header->correlation_id);
    buf_u16_be(out, header->client_id.ptr ? (uint16_t)header->client_id.len : UINT16_MAX);
    buf_bytes(out, header->client_id);
    if (api && header->api_version >= api->flexible)
        buf_u8(out, 0);
}

void kafka_response_header_write(struct buf *out, const struct kafka_api *api, int16_t version,
                                 int32_t correlation_id)
{
    enum { API_VERSIONS_KEY = 18 }; /* read before its version is agreed: never tagged */

    buf_u32_be(out, (uint32_t)correlation_id);
    if (api->key != API_VERSIONS_KEY && version >= api->flexible)
        buf_u8(out, 0);
}
