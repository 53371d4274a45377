#include "data/text.h"
#include "serve/http/face.h"

void write_columns(struct json_writer *w, const struct schema *schema)
{
    struct arena text;

    arena_init(&text, ARENA_BUDGET_NONE);
    json_array_begin(w);
    for (uint16_t i = 0; i < schema->count; i++) {
        json_object_begin(w);
        json_key_text(w, "name", schema->fields[i].name);
        json_key_str(w, "type", type_text(&text, schema->fields[i].type));
        json_object_end(w);
    }
    json_array_end(w);
    arena_deinit(&text);
}

static void write_value(struct json_writer *w, const struct schema *schema, const struct chunk *chunk,
                        uint16_t col, uint16_t row)
{
    json_raw(w, BYTES_NONE); /* its comma; the value follows */
    value_json(w->out, schema->fields[col].type, &chunk->cols[col], row, NULL);
}

void write_rows_arrays(struct json_writer *w, const struct engine_result *r)
{
    json_array_begin(w);
    for (uint32_t c = 0; c < r->chunks_count && !w->out->failed; c++)
        for (uint16_t i = 0; i < r->chunks[c].count; i++) {
            uint16_t row = chunk_row(&r->chunks[c], i);
            json_array_begin(w);
            for (uint16_t col = 0; col < r->schema.count; col++)
                write_value(w, &r->schema, &r->chunks[c], col, row);
            json_array_end(w);
        }
    json_array_end(w);
}

static void write_object(struct json_writer *w, const struct schema *schema, const struct chunk *chunk,
                         uint16_t row)
{
    json_object_begin(w);
    for (uint16_t col = 0; col < schema->count; col++) {
        json_key_bytes(w, schema->fields[col].name);
        write_value(w, schema, chunk, col, row);
    }
    json_object_end(w);
}

void write_rows_objects(struct json_writer *w, const struct engine_result *r)
{
    json_array_begin(w);
    for (uint32_t c = 0; c < r->chunks_count && !w->out->failed; c++)
        for (uint16_t i = 0; i < r->chunks[c].count; i++)
            write_object(w, &r->schema, &r->chunks[c], chunk_row(&r->chunks[c], i));
    json_array_end(w);
}

void write_time(struct json_writer *w, int64_t time_us)
{
    static const struct type type = {.kind = TYPE_TIMESTAMP, .precision = 3};
    struct column col = {.data = &time_us};

    if (time_us == INT64_MIN || time_us == INT64_MAX) {
        json_put_null(w);
        return;
    }
    json_raw(w, BYTES_NONE);
    value_json(w->out, &type, &col, 0, NULL);
}

void write_view_info(struct json_writer *w, struct view *view)
{
    const struct schema *schema = view_schema(view);
    const uint16_t *key;
    uint16_t key_count = view_key(view, &key);

    json_object_begin(w);
    json_key_text(w, "name", view_name(view));
    json_key_u64(w, "rows", view_rows(view));
    json_key(w, "key");
    json_array_begin(w);
    for (uint16_t i = 0; i < key_count; i++)
        json_bytes(w, schema->fields[key[i]].name);
    json_array_end(w);
    json_key(w, "columns");
    write_columns(w, schema);
    json_object_end(w);
}

static bool contains(struct bytes text, const char *part)
{
    size_t len = strlen(part);
    for (size_t i = 0; i + len <= text.len; i++)
        if (!memcmp(text.ptr + i, part, len))
            return true;
    return false;
}

int view_window_column(struct view *view)
{
    const struct schema *schema = view_schema(view);

    for (uint16_t i = 0; i < schema->count; i++)
        if (type_is_time_point(schema->fields[i].type->kind) && contains(schema->fields[i].name, "window"))
            return i;
    return -1;
}
