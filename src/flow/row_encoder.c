/* row_encoder.c: see row_encoder.h. */
#include "flow/row_encoder.h"

#include "base/check.h"
#include "flow/sinks.h"

/* A column of NULLs, long enough for any chunk and any physical kind. */
static const uint64_t null_valid[CHUNK_ROWS / 64 + 1];
static const uint64_t null_data[CHUNK_ROWS * 2];
static const uint32_t null_offsets[CHUNK_ROWS + 1];

/* The topic's: TOPIC-value, TOPIC-key. */
static struct bytes subject_of(struct row_encoder *e, const struct with *with, const char *part)
{
    struct bytes topic = with_get(with, "topic", "");

    return bytes_str(arena_printf(&e->arena, "%.*s-%s", BYTES_FMT(topic), part));
}

/* raw: the column whose bytes the part is, if it is one's; else -1. */
static enum status open_part(struct row_encoder *e, const struct with *with, const char *part,
                             const bool *in_part, struct format_encoder **out, int32_t *raw, struct diag *diag)
{
    const struct table *table = with->table;
    struct format_spec spec;
    struct type_field *fields = ARENA_ARRAY(&e->arena, struct type_field, e->columns_count + 1);
    struct type_field *record = ARENA_ARRAY(&e->arena, struct type_field, e->columns_count + 1);
    uint16_t *columns = ARENA_ARRAY(&e->arena, uint16_t, e->columns_count + 1);
    bool is_key = strcmp(part, "key") == 0;
    uint16_t n = 0;
    *raw = -1;
    for (uint16_t c = 0; c < e->columns_count; c++) {
        if (!in_part[c])
            continue;
        fields[n].name = is_key ? with_key_name(with, table->columns[c].name)
                                : table->columns[c].name;
        fields[n].type = e->inputs[c] >= 0
                             ? e->node->inputs[0].node->columns[e->inputs[c]].type
                             : table->columns[c].type;
        record[n] = (struct type_field){.name = fields[n].name, .type = table->columns[c].type};
        columns[n++] = c;
    }
    if (is_key && !n)
        return ST_OK;
    with_format(with, part, &e->arena, &spec);
    struct schema *schema = ARENA_NEW(&e->arena, struct schema);
    *schema = (struct schema){n, fields};
    spec.schema = schema;
    struct schema *whole = ARENA_NEW(&e->arena, struct schema);
    *whole = (struct schema){n, record};
    spec.record = whole;
    spec.columns = columns;
    spec.registry = e->registry;
    spec.table = table->name;
    spec.subject = subject_of(e, with, part);
    TRY(with_format_fits(with, part, &spec, diag));
    if (bytes_is_nocase(spec.name, "raw"))
        *raw = columns[0];
    return format_encoder_open(&spec, out, diag);
}

/* The time and the headers are written. */
static enum status check_metadata(struct row_encoder *e, const struct table *table,
                                  struct diag *diag)
{
    e->timestamp = e->headers = -1;
    for (uint16_t c = 0; c < table->columns_count; c++) {
        const struct table_column *column = &table->columns[c];
        if (column->kind != COLUMN_METADATA || column->is_virtual || e->inputs[c] < 0)
            continue;
        struct bytes key = column->metadata_key.len ? column->metadata_key : column->name;
        bool time = bytes_is(key, "timestamp"), headers = bytes_is(key, "headers");
        if (!time && !headers) {
            diag_hint(diag, "a column that is only read is METADATA … VIRTUAL");
            return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                            "writing metadata '%.*s': of a record, timestamp and headers are written",
                            BYTES_FMT(key));
        }
        if (time ? !type_is_time_point(column->type->kind) : !with_headers_type(column->type)) {
            diag_hint(diag, "it is %s", time ? "TIMESTAMP_LTZ(3)" : "MAP<STRING, BYTES>");
            return diag_set(diag, ST_INVALID, DIAG_TYPE, "metadata '%.*s' does not fit the type of `%.*s`",
                            BYTES_FMT(key), BYTES_FMT(column->name));
        }
        *(time ? &e->timestamp : &e->headers) = c;
    }
    return ST_OK;
}

enum status row_encoder_open(struct row_encoder *e, const struct plan_node *node, struct format_registry *registry,
                             struct diag *diag)
{
    const struct table *table = node->sink.table;
    struct with with = with_table(table);
    bool *in_key, *in_value;
    *e = (struct row_encoder){.node = node, .columns_count = table->columns_count, .registry = registry};
    arena_init(&e->arena, ARENA_BUDGET_NONE);
    e->inputs = ARENA_ARRAY(&e->arena, int32_t, e->columns_count + 1);
    e->cols = ARENA_ARRAY(&e->arena, struct column, e->columns_count + 1);
    for (uint16_t c = 0; c < e->columns_count; c++)
        e->inputs[c] = sink_input_of(node, c);
    enum status st = with_key_fields(&with, &e->arena, &in_key, &in_value, diag);
    if (st == ST_OK)
        st = check_metadata(e, table, diag);
    if (st == ST_OK)
        st = open_part(e, &with, "value", in_value, &e->value, &e->raw_value, diag);
    if (st == ST_OK)
        st = open_part(e, &with, "key", in_key, &e->key, &e->raw_key, diag);
    if (st != ST_OK)
        row_encoder_close(e);
    return st;
}

void row_encoder_close(struct row_encoder *e)
{
    format_encoder_close(e->value);
    format_encoder_close(e->key);
    arena_deinit(&e->arena);
    *e = (struct row_encoder){0};
}

void row_encoder_chunk(struct row_encoder *e, const struct chunk *in)
{
    CHECK(in->rows <= CHUNK_ROWS);
    for (uint16_t c = 0; c < e->columns_count; c++)
        e->cols[c] = e->inputs[c] >= 0 ? in->cols[e->inputs[c]]
                                       : (struct column){.data = null_data, .valid = null_valid,
                                                         .offsets = null_offsets};
    e->chunk = *in;
    e->chunk.cols = e->cols;
    e->chunk.col_count = e->columns_count;
}

bool row_has_key(const struct row_encoder *e, uint16_t row)
{
    return e->key && (e->raw_key < 0 || column_valid(&e->cols[e->raw_key], row));
}

bool row_has_value(const struct row_encoder *e, uint16_t row)
{
    return e->raw_value < 0 || column_valid(&e->cols[e->raw_value], row);
}

void row_encode_value(struct row_encoder *e, uint16_t row, struct buf *to)
{
    format_encode(e->value, &e->chunk, row, to);
}

void row_encode_key(struct row_encoder *e, uint16_t row, struct buf *to)
{
    format_encode(e->key, &e->chunk, row, to);
}

int64_t row_timestamp_ms(const struct row_encoder *e, uint16_t row, int64_t otherwise)
{
    if (e->timestamp < 0 || !column_valid(&e->cols[e->timestamp], row))
        return otherwise;
    return ((const int64_t *)e->cols[e->timestamp].data)[row] / 1000;
}

static struct bytes text_at(const struct column *col, uint32_t row)
{
    const struct str *s = &((const struct str *)col->data)[row];
    return bytes_of(s->len ? s->ptr : "", s->len);
}

uint32_t row_headers(const struct row_encoder *e, uint16_t row, struct buf *to)
{
    uint32_t count = 0;

    if (e->headers < 0 || !column_valid(&e->cols[e->headers], row))
        return 0;
    const struct column *map = &e->cols[e->headers], *names = &map->children[0], *values = &map->children[1];
    for (uint32_t i = map->offsets[row]; i < map->offsets[row + 1]; i++) {
        if (!column_valid(names, i) || !column_valid(values, i))
            continue;
        const struct record_header header = {text_at(names, i), text_at(values, i)};
        record_header_put(to, &header);
        count++;
    }
    return count;
}
