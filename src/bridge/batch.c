/* batch.c: records out of the carrier's topic, and as rows of its table. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "bridge/carrier_inner.h"

/* ---- out of the log ---- */

bool lane_has_more(const struct carrier_lane *lane)
{
    struct log_offsets offsets;

    log_offsets(lane->partition, &offsets);
    return offsets.stable > lane->position;
}

struct load {
    struct carrier *c;
    int64_t from, until; /* the first that is loaded, and that is not */
    uint32_t left;
    size_t bytes_left;
};

/* A record as it was before it died. A letter that does not have it (a lookup's question) stays one, as it is. */
static void put_back(struct carrier *c, const struct record *letter, struct record *out, const char **never)
{
    *out = *letter;
    if (dead_open(letter, out, &c->places[c->batch.count]))
        return;
    c->places[c->batch.count] = (struct carrier_place){PLACE_OF_LETTER, letter->offset};
    *never = "it was kept without what it was made of";
}

/* While keys are held, a batch is either of records that wait behind a letter, or has no key twice: what comes behind a
 * record that dies in it would be delivered with it. False: the record is for the next batch. */
static bool fits_batch(struct carrier *c, struct bytes key)
{
    if (!c->hold)
        return true;
    bool waits = key.ptr && held_has(&c->held, key);
    if (!c->batch.count)
        c->waiting = waits;
    return c->waiting == waits && (waits || !key.ptr || held_add(&c->loaded, key));
}

/* False: it is for the next batch. */
static bool load_record(struct load *load, const struct record *given)
{
    struct carrier *c = load->c;
    struct arena *arena = &c->batch_arena;
    struct record as_it_was, *rec = &as_it_was;
    const char *never = NULL;

    if (given->offset >= load->until || !fits_batch(c, given->key))
        return false;
    if (c->places)
        put_back(c, given, &as_it_was, &never);
    else
        as_it_was = *given;
    if (!never && c->waiting)
        never = "an earlier record of its key is here";
    struct bridge_record *to = &c->batch.records[c->batch.count++];
    size_t bytes = rec->key.len + rec->value.len + rec->headers.len;
    *to = (struct bridge_record){
        .partition = c->batch.partition,
        .offset = rec->offset,
        .timestamp_ms = rec->timestamp_ms,
        .key = rec->key.ptr ? arena_copy(arena, rec->key) : BYTES_NONE,
        .value = rec->value.ptr ? arena_copy(arena, rec->value) : BYTES_NONE,
        .headers_count = rec->headers_count,
        .headers = arena_copy(arena, rec->headers),
        .never = never,
    };
    load->left--;
    load->bytes_left = bytes < load->bytes_left ? load->bytes_left - bytes : 0;
    c->batch.next_offset = rec->offset + 1;
    return true;
}

/* False: the batch of the log cannot be read. */
static bool load_batch(struct load *load, struct bytes bytes, const struct batch_header *h)
{
    struct carrier *c = load->c;
    struct batch_records it;
    struct record rec;
    enum status st = ST_OK;

    if (h->attributes & BATCH_CONTROL) {
        c->batch.next_offset = batch_last_offset(h) + 1;
        return true;
    }
    if (batch_records_open_buf(&it, bytes, &c->scratch) != ST_OK)
        return false;
    while (load->left && load->bytes_left && (st = batch_records_next(&it, &rec)) == ST_OK)
        if (rec.offset >= load->from && !load_record(load, &rec)) {
            load->left = 0;
            return true;
        }
    if (st == ST_END)
        c->batch.next_offset = batch_last_offset(h) + 1;
    return st == ST_OK || st == ST_END;
}

/* Retention or a deletion by hand has gone past the position, or a file is damaged. */
static bool cannot_read(struct carrier *c, struct carrier_lane *lane, enum status st, const struct diag *diag)
{
    struct log_offsets offsets;

    log_offsets(lane->partition, &offsets);
    if (st == ST_NOTFOUND && offsets.start > lane->position) {
        c->lost += (uint64_t)(offsets.start - lane->position);
        lane->position = offsets.start;
        return false;
    }
    snprintf(c->trouble, sizeof(c->trouble), "its topic cannot be read at offset %lld: %.150s",
             (long long)lane->position, diag->message[0] ? diag->message : status_text(st));
    c->not_before_ns = os_mono_ns(c->env.os) + 1000000000;
    return false;
}

bool batch_load(struct carrier *c, struct carrier_lane *lane, uint32_t records_max)
{
    bool replay = lane == &c->replay;
    struct load load = {c, lane->position, replay ? c->replayed.to : INT64_MAX, records_max, c->bytes_max};
    struct log_view view;
    struct diag diag = {0};
    uint32_t partition = c->batch.partition;

    held_clear(&c->loaded);
    c->waiting = false;
    arena_reset(&c->batch_arena);
    c->batch = (struct bridge_batch){.arena = &c->batch_arena, .partition = partition,
                                     .next_offset = lane->position};
    c->batch.records = ARENA_ARRAY(&c->batch_arena, struct bridge_record, records_max);
    c->places = replay ? ARENA_ARRAY(&c->batch_arena, struct carrier_place, records_max) : NULL;
    enum status st = log_read(c->env.log, lane->partition, lane->position, c->bytes_max, LOG_TO_STABLE, &view,
                              &diag);
    if (st != ST_OK)
        return cannot_read(c, lane, st, &diag);
    struct bytes rest = view.bytes, bytes;
    struct batch_header h;
    while (load.left && load.bytes_left && batch_next(&rest, &h, &bytes) == ST_OK && load_batch(&load, bytes, &h))
        ;
    log_view_release(&view);
    if (!c->batch.count) /* nothing but control batches */
        lane->position = c->batch.next_offset;
    return c->batch.count > 0;
}

/* ---- as rows ---- */

/* The format of the records' values is what the table says, or JSON. */
struct format_spec carrier_format(struct carrier *c)
{
    struct format_option *options = ARENA_ARRAY(&c->arena, struct format_option, c->options_count + 1);
    struct format_spec format = {.name = c->spec.format, .schema = &c->spec.schema, .options = options};

    for (unsigned i = 0; i < c->options_count; i++) {
        struct bytes key = c->options[i].key;
        if (key.len > 6 && memcmp(key.ptr, "value.", 6) == 0)
            key = bytes_skip(key, 6);
        if (!bytes_is_nocase(key, "format"))
            options[format.options_count++] = (struct format_option){key, c->options[i].value};
    }
    return format;
}

enum status rows_open(struct carrier *c, struct diag *diag)
{
    const struct bridge_spec *spec = &c->spec;
    struct format_spec value = carrier_format(c);

    TRY(format_decoder_open(&value, &c->rows, diag));
    if (!spec->key_count)
        return ST_OK;
    struct type_field *fields = ARENA_ARRAY(&c->arena, struct type_field, spec->key_count);
    struct schema *schema = ARENA_NEW(&c->arena, struct schema);
    for (uint16_t k = 0; k < spec->key_count; k++)
        fields[k] = spec->schema.fields[spec->key[k]];
    *schema = (struct schema){spec->key_count, fields};
    struct format_spec key = {.name = bytes_str("json"), .schema = schema, .columns = spec->key};
    return format_decoder_open(&key, &c->keys, diag);
}

void rows_close(struct carrier *c)
{
    if (c->rows)
        format_decoder_close(c->rows);
    if (c->keys)
        format_decoder_close(c->keys);
}

static bool is_key(const struct bridge_spec *spec, uint16_t column)
{
    for (uint16_t k = 0; k < spec->key_count; k++)
        if (spec->key[k] == column)
            return true;
    return false;
}

static void decode_one(struct carrier *c, struct chunk_builder *b, struct bridge_record *r)
{
    struct diag diag = {0};
    enum format_result result;

    r->row = b->rows;
    if (r->value.ptr)
        result = format_decode(c->rows, r->value, b->cols, &diag);
    else {
        result = c->keys ? format_decode(c->keys, r->key, b->cols, &diag) : FORMAT_BAD;
        for (uint16_t i = 0; i < b->cols_count && result == FORMAT_ROW; i++)
            if (!is_key(&c->spec, i))
                column_put_null(&b->cols[i]);
    }
    if (result != FORMAT_ROW) {
        chunk_builder_undo(b);
        for (uint16_t i = 0; i < b->cols_count; i++)
            column_put_null(&b->cols[i]);
        r->never = arena_printf(&c->batch_arena, "it is no row of the table: %s",
                                diag.message[0] ? diag.message : "a record without a value and a key");
    }
    chunk_builder_row(b, r->value.ptr ? ROW_INSERT : ROW_DELETE);
}

void rows_decode(struct carrier *c)
{
    struct chunk_builder b;

    if (!c->rows)
        return;
    chunk_builder_init_schema(&b, &c->batch_arena, &c->spec.schema, (uint16_t)c->batch.count);
    chunk_builder_own_text(&b, true);
    for (uint32_t i = 0; i < c->batch.count; i++)
        decode_one(c, &b, &c->batch.records[i]);
    c->batch.rows = chunk_builder_done(&b);
}
