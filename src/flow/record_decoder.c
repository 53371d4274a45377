/* record_decoder.c: see record_decoder.h. */
#include "flow/record_decoder.h"

static struct bytes field_name(const struct with *with, uint16_t c, bool is_key)
{
    struct bytes name = with->table->columns[c].name;
    return is_key ? with_key_name(with, name) : name;
}

/* A format's decoder for those scan columns whose table column is in `part`. */
static enum status open_part(struct record_decoder *d, const struct with *with,
                             const struct plan_scan *scan, uint16_t scan_count, const char *part,
                             const bool *in_part, struct format_decoder **out, struct diag *diag)
{
    struct format_spec spec;
    const struct table *table = with->table;
    struct type_field *fields = ARENA_ARRAY(&d->arena, struct type_field, scan_count + 1);
    uint16_t *columns = ARENA_ARRAY(&d->arena, uint16_t, scan_count + 1);
    uint16_t *positions = ARENA_ARRAY(&d->arena, uint16_t, scan_count + 1);
    uint16_t *place = ARENA_ARRAY(&d->arena, uint16_t, table->columns_count + 1);
    uint16_t n = 0, all = 0;
    bool is_key = strcmp(part, "key") == 0;
    struct type_field *record = ARENA_ARRAY(&d->arena, struct type_field, table->columns_count + 1);
    for (uint16_t c = 0; c < table->columns_count; c++) {
        if (!in_part[c])
            continue;
        record[all] = (struct type_field){.name = field_name(with, c, is_key), .type = table->columns[c].type};
        place[c] = all++;
    }
    for (uint16_t i = 0; i < scan_count; i++) {
        uint16_t c = scan->columns[i].table_column;
        if (!in_part[c])
            continue;
        fields[n].name = field_name(with, c, is_key);
        fields[n].type = scan->columns[i].type;
        positions[n] = place[c];
        columns[n++] = i;
    }
    with_format(with, part, &d->arena, &spec);
    struct schema *schema = ARENA_NEW(&d->arena, struct schema);
    *schema = (struct schema){n, fields};
    spec.schema = schema;
    spec.columns = columns;
    spec.positions = positions;
    spec.record_fields = all;
    struct schema *whole = ARENA_NEW(&d->arena, struct schema);
    *whole = (struct schema){all, record};
    spec.record = whole;
    spec.registry = d->registry;
    spec.table = table->name;
    if (is_key && !n)
        return ST_OK; /* nobody asks for the key */
    if (!is_key) {
        spec.metas = d->value_metas;
        spec.metas_count = d->value_metas_count;
    }
    TRY(with_format_fits(with, part, &spec, diag));
    return format_decoder_open(&spec, out, diag);
}

static struct bytes meta_key(const struct table_column *column)
{
    struct bytes key = column->metadata_key.len ? column->metadata_key : column->name;
    return key.len > 6 && memcmp(key.ptr, "value.", 6) == 0 ? bytes_skip(key, 6) : key;
}

/* What the value's format knows of a record; false: nothing by this name. */
static bool value_meta(struct record_decoder *d, struct bytes format, const struct table_column *column,
                       const struct type *type, uint16_t at, enum status *st, struct diag *diag)
{
    const struct type *has;
    struct bytes key = meta_key(column);
    if (!format_has_meta(format, key, &has))
        return false;
    if (type_phys(type->kind) != type_phys(has->kind) || type_is_time_point(type->kind) != type_is_time_point(has->kind) ||
        (type_phys(has->kind) == PHYS_LIST && !type_equal(type, has)))
        *st = diag_set(diag, ST_INVALID, DIAG_TYPE, "metadata '%.*s' does not fit the type of `%.*s`", BYTES_FMT(key),
                       BYTES_FMT(column->name));
    d->value_metas[d->value_metas_count++] = (struct format_meta){key, type, at};
    return true;
}

static enum status meta_of(const struct table_column *column, const struct type *type,
                           enum record_metadata *out, struct diag *diag)
{
    static const struct {
        const char *key;
        enum record_metadata kind;
        unsigned phys; /* bits of enum phys */
    } metas[] = {
        {"topic", META_TOPIC, 1u << PHYS_STR},
        {"partition", META_PARTITION, 1u << PHYS_I32 | 1u << PHYS_I64},
        {"offset", META_OFFSET, 1u << PHYS_I64},
        {"timestamp", META_TIMESTAMP, 1u << PHYS_I64},
        {"timestamp-type", META_TIMESTAMP_TYPE, 1u << PHYS_STR},
        {"leader-epoch", META_LEADER_EPOCH, 1u << PHYS_I32 | 1u << PHYS_I64},
        {"headers", META_HEADERS, 1u << PHYS_LIST},
    };
    struct bytes key = meta_key(column);
    for (size_t i = 0; i < sizeof(metas) / sizeof(*metas); i++) {
        if (!bytes_is(key, metas[i].key))
            continue;
        *out = metas[i].kind;
        bool map = metas[i].kind != META_HEADERS || with_headers_type(type);
        if ((metas[i].phys >> type_phys(type->kind) & 1) && map)
            return ST_OK;
        return diag_set(diag, ST_INVALID, DIAG_TYPE, "metadata '%s' does not fit the type of `%.*s`",
                        metas[i].key, BYTES_FMT(column->name));
    }
    diag_set(diag, ST_INVALID, DIAG_NAME, "there is no metadata '%.*s'", BYTES_FMT(key));
    diag_hint(diag, "there are topic, partition, offset, timestamp, timestamp-type, leader-epoch and "
                    "headers");
    return ST_INVALID;
}

enum status record_decoder_open(struct record_decoder *d, const struct plan_node *node, struct bytes topic,
                                struct format_registry *registry, struct diag *diag)
{
    const struct plan_scan *scan = &node->scan;
    struct with with = with_scan(scan);
    bool *in_key, *in_value;
    uint16_t count = node->columns_count;
    *d = (struct record_decoder){.columns_count = count, .registry = registry,
                                 .upserts = with_is(&with, "connector", "upsert-kafka")};
    arena_init(&d->arena, ARENA_BUDGET_NONE);
    d->topic = arena_copy(&d->arena, topic);
    d->metas = ARENA_ARRAY(&d->arena, struct record_meta, count + 1);
    d->value_metas = ARENA_ARRAY(&d->arena, struct format_meta, count + 1);
    d->changes = with_takes_changes(&with);
    enum status st = with_key_fields(&with, &d->arena, &in_key, &in_value, diag);
    if (st == ST_OK && d->upserts)
        st = open_part(d, &with, scan, count, "key", in_key, &d->deleted, diag);
    for (uint16_t c = 0; st == ST_OK && c < with.table->columns_count; c++)
        in_key[c] &= !in_value[c]; /* what is in both is read from the value */
    for (uint16_t i = 0; st == ST_OK && i < count; i++) {
        const struct table_column *column = &with.table->columns[scan->columns[i].table_column];
        if (column->kind != COLUMN_METADATA)
            continue;
        if (value_meta(d, with_value_format(&with), column, scan->columns[i].type, i, &st, diag))
            continue;
        struct record_meta *meta = &d->metas[d->metas_count++];
        *meta = (struct record_meta){.column = i, .type = scan->columns[i].type};
        st = meta_of(column, meta->type, &meta->kind, diag);
    }
    if (st == ST_OK)
        st = open_part(d, &with, scan, count, "value", in_value, &d->value, diag);
    if (st == ST_OK)
        st = open_part(d, &with, scan, count, "key", in_key, &d->key, diag);
    if (st != ST_OK)
        record_decoder_close(d);
    return st;
}

void record_decoder_close(struct record_decoder *d)
{
    format_decoder_close(d->value);
    format_decoder_close(d->key);
    format_decoder_close(d->deleted);
    arena_deinit(&d->arena);
    *d = (struct record_decoder){0};
}

/* ---- a record ---- */

static void put_integer(struct column_builder *b, int64_t v)
{
    if (b->phys == PHYS_I32)
        column_put_i32(b, (int32_t)v);
    else
        column_put_i64(b, v);
}

static void put_headers(struct column_builder *b, const struct record *rec)
{
    struct reader r = reader_of(rec->headers);
    struct record_header header;
    for (uint32_t i = 0; i < rec->headers_count && record_headers_next(&r, &header); i++) {
        column_put_text(&b->children[0], header.key);
        if (header.value.ptr)
            column_put_text(&b->children[1], header.value);
        else
            column_put_null(&b->children[1]);
    }
    column_put_list(b);
}

static void put_meta(const struct record_decoder *d, const struct record_meta *meta,
                     const struct batch_header *header, int32_t partition,
                     const struct record *rec, struct column_builder *b)
{
    switch (meta->kind) {
    case META_TOPIC:
        column_put_text(b, d->topic);
        break;
    case META_PARTITION:
        put_integer(b, partition);
        break;
    case META_OFFSET:
        put_integer(b, rec->offset);
        break;
    case META_TIMESTAMP:
        if (rec->timestamp_ms < 0)
            column_put_null(b);
        else
            column_put_i64(b, type_is_time_point(meta->type->kind) ? rec->timestamp_ms * 1000
                                                                   : rec->timestamp_ms);
        break;
    case META_TIMESTAMP_TYPE:
        column_put_text(b, header->attributes & BATCH_APPEND_TIME ? BYTES_LITERAL("LogAppendTime")
                                                                  : BYTES_LITERAL("CreateTime"));
        break;
    case META_LEADER_EPOCH:
        put_integer(b, header->leader_epoch);
        break;
    case META_HEADERS:
        put_headers(b, rec);
        break;
    }
}

/* A key without a value: NULLs where the key puts nothing. */
static enum format_result deleted_decode(struct record_decoder *d, const struct record *rec,
                                         struct column_builder *cols, struct diag *diag)
{
    uint32_t rows = cols[0].rows;
    enum format_result result = format_decode(d->deleted, rec->key, cols, diag);
    for (uint16_t c = 0; result == FORMAT_ROW && c < d->columns_count; c++) {
        bool meta = false;
        for (uint16_t i = 0; i < d->metas_count; i++)
            meta |= d->metas[i].column == c;
        if (!meta && cols[c].rows <= rows)
            column_put_null(&cols[c]);
    }
    return result;
}

/* The value's columns, of a format of changes the next row's. */
static enum format_result value_decode(struct record_decoder *d, const struct record *rec, struct column_builder *cols,
                                       uint8_t *kind, struct diag *diag)
{
    if (!d->changes)
        return format_decode(d->value, rec->value, cols, diag);
    if (!record_rows_left(d)) {
        enum format_result result = format_read(d->value, rec->value, &d->rows, diag);
        d->row = 0;
        if (result != FORMAT_ROW || !d->rows) {
            d->rows = 0;
            return result == FORMAT_ROW ? FORMAT_SKIP : result;
        }
    }
    *kind = format_put(d->value, d->row++, cols);
    return FORMAT_ROW;
}

enum format_result record_decode(struct record_decoder *d, const struct batch_header *header,
                                 int32_t partition, const struct record *rec,
                                 struct column_builder *cols, uint8_t *kind, struct diag *diag)
{
    enum format_result result;
    *kind = ROW_INSERT;
    if (!rec->value.ptr && !d->upserts)
        return FORMAT_SKIP; /* a tombstone is no row */
    if (d->upserts && !rec->key.ptr) {
        diag_set(diag, ST_INVALID, DIAG_VALUE, "the record has no key, which upserts need");
        return FORMAT_BAD;
    }
    if (rec->value.ptr) {
        result = value_decode(d, rec, cols, kind, diag);
        if (result == FORMAT_ROW && d->key)
            result = format_decode(d->key, rec->key, cols, diag);
    } else {
        *kind = ROW_DELETE;
        result = deleted_decode(d, rec, cols, diag);
    }
    if (result != FORMAT_ROW) {
        d->row = d->rows = 0;
        return result;
    }
    for (uint16_t i = 0; i < d->metas_count; i++)
        put_meta(d, &d->metas[i], header, partition, rec, &cols[d->metas[i].column]);
    return FORMAT_ROW;
}
