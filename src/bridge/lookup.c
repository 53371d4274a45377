/* lookup.c: a lookup's turns: questions of its topic to the outside, and the answers and the position after them as
 * one entry of the log.
 *
 *     question   key {"id":7}                  value {"id":7,"$asked":12}
 *     answer     key {"id":7}                  value {"id":7,"$asked":12,"$kind":0,"$rows":[{"id":7,"name":"ann"}]}
 *
 * Questions of one key in a batch are one key of the call. Each question has its answer, whatever happens: a row that
 * is no row of the table, a key that the system cannot have, are answered as if nothing were there, and are dead
 * letters too. Where the system does not answer, questions wait; or get what 'lookup.fallback' says.
 *
 * What is appended was read back with the schema that the engine reads it by: an answer that it could not read would
 * be waited for in vain. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "bridge/carrier_inner.h"

enum { ANSWER_BYTES_MAX = 16 << 20, ANSWERS_BATCH_BYTES = 512 << 10 };
enum { KIND_FOUND, KIND_INSTEAD, KIND_STALE }; /* as in sql/plan.h: enum lookup_kind */

/* ---- opening ---- */

static struct schema schema_of(struct carrier *c, const uint16_t *columns, uint16_t count)
{
    struct type_field *fields = ARENA_ARRAY(&c->arena, struct type_field, count + 1u);

    for (uint16_t i = 0; i < count; i++)
        fields[i] = c->spec.schema.fields[columns[i]];
    return (struct schema){count, fields};
}

/* Where each column that is asked for comes from: the key, or a column of what is decoded. */
static void place_columns(struct carrier *c, bool all_decoded)
{
    struct carrier_lookup *l = c->lookup;
    const struct bridge_asking *a = &c->spec.asking;

    l->row_from = ARENA_ARRAY(&c->arena, uint16_t, a->columns_count + 1u);
    l->row_key = ARENA_ARRAY(&c->arena, int32_t, a->columns_count + 1u);
    for (uint16_t i = 0; i < a->columns_count; i++) {
        l->row_from[i] = all_decoded ? a->columns[i] : i;
        l->row_key[i] = -1;
        for (uint16_t k = 0; k < a->keys_count; k++)
            if (a->keys[k] == a->columns[i])
                l->row_key[i] = k;
    }
}

/* The keys, then what the engine reads of an answer. */
static struct schema checked_schema(struct carrier *c)
{
    const struct carrier_lookup *l = c->lookup;
    struct type_field *fields = ARENA_ARRAY(&c->arena, struct type_field, l->keys.count + 1u);
    const struct type *row = type_row(&c->arena, l->row.fields, l->row.count);

    for (uint16_t k = 0; k < l->keys.count; k++)
        fields[k] = l->keys.fields[k];
    fields[l->keys.count] = (struct type_field){.name = BYTES_LITERAL("$rows"),
                                                .type = type_list(&c->arena, TYPE_ARRAY, row, NULL)};
    return (struct schema){(uint16_t)(l->keys.count + 1), fields};
}

static enum status json_decoder(const struct schema *schema, struct format_decoder **out, struct diag *diag)
{
    struct format_spec spec = {.name = BYTES_LITERAL("json"), .schema = schema};

    return format_decoder_open(&spec, out, diag);
}

static enum status open_formats(struct carrier *c, struct diag *diag)
{
    struct carrier_lookup *l = c->lookup;
    const struct bridge_asking *a = &c->spec.asking;
    bool values = c->class->answers_values && c->class->answers_values(&c->spec);
    struct format_spec value = values ? carrier_format(c) : (struct format_spec){.name = BYTES_LITERAL("json")};
    struct format_spec row = {.name = BYTES_LITERAL("json"), .schema = &l->row};

    l->keys = schema_of(c, a->keys, a->keys_count);
    l->row = schema_of(c, a->columns, a->columns_count);
    l->value_schema = values ? c->spec.schema : l->row;
    l->checked = checked_schema(c);
    value.schema = &l->value_schema;
    place_columns(c, values);
    TRY(json_decoder(&l->keys, &l->question, diag));
    TRY(json_decoder(&l->checked, &l->check, diag));
    TRY(format_decoder_open(&value, &l->value, diag));
    return format_encoder_open(&row, &l->encoder, diag);
}

enum status lookup_default(const struct bridge_spec *spec, struct bytes text, struct arena *arena, struct chunk *out,
                           struct diag *diag)
{
    struct format_decoder *decoder;
    struct chunk_builder b;
    struct diag why = {0};

    *out = (struct chunk){0};
    if (!text.len)
        return ST_OK;
    TRY(json_decoder(&spec->schema, &decoder, diag));
    chunk_builder_init_schema(&b, arena, &spec->schema, 1);
    chunk_builder_own_text(&b, true);
    bool good = format_decode(decoder, text, b.cols, &why) == FORMAT_ROW;
    if (good) {
        chunk_builder_row(&b, ROW_INSERT);
        *out = chunk_builder_done(&b);
    }
    format_decoder_close(decoder);
    if (good)
        return ST_OK;
    diag_hint(diag, "it is an object of JSON: {\"column\": value, …}");
    return diag_set(diag, ST_INVALID, DIAG_VALUE, "'lookup.default' is no row of `%.*s`: %s",
                    BYTES_FMT(bytes_head(spec->table, 60)), why.message);
}

enum status lookup_open(struct carrier *c, const struct carrier_spec *spec, enum fallback fallback, int64_t retries,
                        struct bytes otherwise, struct diag *diag)
{
    c->lookup = xcalloc(1, sizeof(*c->lookup));
    c->lookup->answers = spec->answers;
    c->lookup->fallback = fallback;
    c->lookup->retries = (uint32_t)retries;
    TRY(open_formats(c, diag));
    return lookup_default(&c->spec, otherwise, &c->arena, &c->lookup->default_row, diag);
}

void lookup_close(struct carrier *c)
{
    struct carrier_lookup *l = c->lookup;

    if (!l)
        return;
    format_decoder_close(l->question);
    format_decoder_close(l->check);
    format_decoder_close(l->value);
    format_encoder_close(l->encoder);
    free(l);
}

/* ---- what a bridge answers ---- */

void bridge_answer(struct bridge_lookup *lookup, struct bridge_asked *asked, struct bytes row)
{
    if (asked->count == asked->cap) {
        uint32_t cap = asked->cap ? asked->cap * 2 : 1;
        struct bytes *rows = ARENA_ARRAY(lookup->arena, struct bytes, cap);
        if (asked->count)
            memcpy(rows, asked->rows, asked->count * sizeof(*rows));
        asked->rows = rows;
        asked->cap = cap;
    }
    asked->rows[asked->count++] = arena_copy(lookup->arena, row);
}

/* ---- the keys of a batch; on the helper ---- */

/* A question that nobody can have asked: then what is answered for it meets nobody. */
static void add_key(struct carrier *c, struct chunk_builder *b, struct bridge_record *r)
{
    struct carrier_lookup *l = c->lookup;
    struct bridge_asked *asked = &l->call.asked[l->call.count];
    struct diag diag = {0};

    asked->row = b->rows;
    if (!r->value.ptr || format_decode(l->question, r->value, b->cols, &diag) != FORMAT_ROW) {
        chunk_builder_undo(b);
        r->never = arena_printf(&c->batch_arena, "it is no question: %s", diag.message);
        return;
    }
    chunk_builder_row(b, ROW_INSERT);
    l->call.count++;
}

static void collect_keys(struct carrier *c)
{
    struct carrier_lookup *l = c->lookup;
    uint32_t count = c->batch.count;
    struct chunk_builder b;
    struct map seen;

    l->call = (struct bridge_lookup){.arena = &c->batch_arena,
                                     .asked = ARENA_ARRAY(&c->batch_arena, struct bridge_asked, count + 1)};
    l->which = ARENA_ARRAY(&c->batch_arena, uint32_t, count + 1);
    chunk_builder_init_schema(&b, &c->batch_arena, &l->keys, (uint16_t)count);
    chunk_builder_own_text(&b, true);
    map_init(&seen);
    for (uint32_t i = 0; i < count; i++) {
        struct bridge_record *r = &c->batch.records[i];
        struct bridge_asked *asked = map_get(&seen, r->key);
        l->which[i] = asked ? (uint32_t)(asked - l->call.asked) : l->call.count;
        if (asked)
            continue;
        add_key(c, &b, r);
        if (!r->never)
            map_put(&seen, r->key, &l->call.asked[l->which[i]]);
    }
    map_deinit(&seen);
    l->call.keys = chunk_builder_done(&b);
}

/* ---- answers as they stand in the log; on the helper ---- */

/* A row with the columns that are asked for, as JSON. False: it is none; why. */
static bool write_row(struct carrier *c, const struct bridge_asked *asked, struct bytes row, struct buf *out,
                      struct diag *diag)
{
    struct carrier_lookup *l = c->lookup;
    struct chunk_builder from, to;

    chunk_builder_init_schema(&from, &c->batch_arena, &l->value_schema, 1);
    if (format_decode(l->value, row, from.cols, diag) != FORMAT_ROW)
        return false;
    chunk_builder_row(&from, ROW_INSERT);
    struct chunk decoded = chunk_builder_done(&from);
    chunk_builder_init_schema(&to, &c->batch_arena, &l->row, 1);
    for (uint16_t i = 0; i < l->row.count; i++) {
        bool key = l->row_key[i] >= 0;
        column_append(&to.cols[i], key ? &l->call.keys.cols[l->row_key[i]] : &decoded.cols[l->row_from[i]],
                      key ? asked->row : 0);
    }
    chunk_builder_row(&to, ROW_INSERT);
    struct chunk chunk = chunk_builder_done(&to);
    format_encode(l->encoder, &chunk, 0, out);
    return true;
}

/* All rows of a key; those that are none are left out, and the first of them is why. */
static const char *write_rows(struct carrier *c, const struct bridge_asked *asked, struct buf *out)
{
    const char *never = asked->never;
    struct diag diag = {0};

    buf_u8(out, '[');
    for (uint32_t i = 0; i < asked->count && !asked->never; i++) {
        size_t before = out->len;
        if (before > 1)
            buf_u8(out, ',');
        if (write_row(c, asked, asked->rows[i], out, &diag))
            continue;
        out->len = before;
        if (!never)
            never = arena_printf(&c->batch_arena, "what is there is no row of the table: %s",
                                 diag.message[0] ? diag.message : "it was left out");
    }
    buf_u8(out, ']');
    return never;
}

/* {"id":7,"$asked":12 and the rest */
static void write_answer(const struct bridge_record *r, int kind, struct bytes rows, struct buf *out)
{
    buf_append(out, r->value.ptr, r->value.len - 1);
    buf_printf(out, ",\"$kind\":%d,\"$rows\":%.*s}", kind, BYTES_FMT(rows));
}

static bool reads_back(struct carrier *c, struct bytes answer)
{
    struct chunk_builder b;
    struct diag diag = {0};

    chunk_builder_init_schema(&b, &c->batch_arena, &c->lookup->checked, 1);
    return answer.len <= ANSWER_BYTES_MAX && format_decode(c->lookup->check, answer, b.cols, &diag) == FORMAT_ROW;
}

static void answer_one(struct carrier *c, struct bridge_record *r, int kind, struct bytes rows, const char *never,
                       struct bytes *out)
{
    struct buf text;

    buf_init(&text, 0);
    write_answer(r, kind, rows, &text);
    if (never && !r->never)
        r->never = never;
    if (!reads_back(c, buf_view(&text))) {
        if (!r->never)
            r->never = arena_printf(&c->batch_arena, "its answer of %zu bytes cannot be kept", text.len);
        buf_clear(&text);
        write_answer(r, KIND_FOUND, BYTES_LITERAL("[]"), &text);
    }
    *out = arena_copy(&c->batch_arena, buf_view(&text));
    buf_deinit(&text);
}

static void write_answers(struct carrier *c)
{
    struct carrier_lookup *l = c->lookup;
    struct bytes *rows = ARENA_ARRAY(&c->batch_arena, struct bytes, l->call.count + 1);
    const char **never = ARENA_ARRAY(&c->batch_arena, const char *, l->call.count + 1);
    struct buf text;

    buf_init(&text, 0);
    for (uint32_t i = 0; i < l->call.count; i++) {
        buf_clear(&text);
        never[i] = write_rows(c, &l->call.asked[i], &text);
        rows[i] = arena_copy(&c->batch_arena, buf_view(&text));
    }
    buf_deinit(&text);
    l->texts = ARENA_ARRAY(&c->batch_arena, struct bytes, c->batch.count + 1);
    for (uint32_t i = 0; i < c->batch.count; i++) {
        struct bridge_record *r = &c->batch.records[i];
        if (!r->never)
            answer_one(c, r, KIND_FOUND, rows[l->which[i]], never[l->which[i]], &l->texts[i]);
    }
}

static bool lookup_step(struct os_work *work)
{
    struct carrier *c = (struct carrier *)work;
    struct bridge_lookup *call = &c->lookup->call;
    int64_t began_ns = os_mono_ns(c->env.os);

    collect_keys(c);
    if (call->count)
        c->class->lookup(c->bridge, call);
    c->took_ns = os_mono_ns(c->env.os) - began_ns;
    if (!call->trouble[0])
        write_answers(c);
    return false;
}

/* ---- instead of an answer ---- */

/* 'lookup.default' with the key's own columns. */
static void write_default(struct carrier *c, const struct bridge_asked *asked, struct buf *out)
{
    struct carrier_lookup *l = c->lookup;
    struct chunk_builder b;

    chunk_builder_init_schema(&b, &c->batch_arena, &l->row, 1);
    for (uint16_t i = 0; i < l->row.count; i++) {
        bool key = l->row_key[i] >= 0;
        column_append(&b.cols[i], key ? &l->call.keys.cols[l->row_key[i]] : &l->default_row.cols[c->spec.asking.columns[i]],
                      key ? asked->row : 0);
    }
    chunk_builder_row(&b, ROW_INSERT);
    struct chunk chunk = chunk_builder_done(&b);
    format_encode(l->encoder, &chunk, 0, out);
}

static void write_instead(struct carrier *c)
{
    struct carrier_lookup *l = c->lookup;
    int kind = l->fallback == FALLBACK_STALE ? KIND_STALE : KIND_INSTEAD;
    struct buf text;

    collect_keys(c);
    buf_init(&text, 0);
    l->texts = ARENA_ARRAY(&c->batch_arena, struct bytes, c->batch.count + 1);
    for (uint32_t i = 0; i < c->batch.count; i++) {
        struct bridge_record *r = &c->batch.records[i];
        if (r->never)
            continue;
        buf_clear(&text);
        buf_u8(&text, '[');
        if (l->default_row.rows && l->fallback != FALLBACK_NULL)
            write_default(c, &l->call.asked[l->which[i]], &text);
        buf_u8(&text, ']');
        answer_one(c, r, kind, buf_view(&text), NULL, &l->texts[i]);
    }
    buf_deinit(&text);
    l->instead += c->batch.count;
}

/* ---- into the log ---- */

static enum status flush(struct carrier *c, struct batch_builder *b, struct log_entry *entry)
{
    struct buf batch;

    if (!b->count)
        return ST_OK;
    buf_init(&batch, 0);
    enum status st = batch_builder_finish(b, &batch);
    if (st == ST_OK)
        st = log_entry_append(entry, c->lookup->answers, buf_view(&batch), NULL);
    batch_builder_clear(b);
    buf_deinit(&batch);
    return st;
}

static enum status append_answers(struct carrier *c, struct log_entry *entry, uint32_t *batches)
{
    struct batch_builder b;
    enum status st = ST_OK;

    batch_builder_init(&b, KAFKA_CODEC_NONE);
    for (uint32_t i = 0; i < c->batch.count && st == ST_OK; i++) {
        const struct bridge_record *r = &c->batch.records[i];
        if (!c->lookup->texts[i].len)
            continue;
        batch_builder_add(&b, r->timestamp_ms, r->key, c->lookup->texts[i], NULL, 0);
        *batches += batch_builder_bytes(&b) > ANSWERS_BATCH_BYTES;
        if (batch_builder_bytes(&b) > ANSWERS_BATCH_BYTES)
            st = flush(c, &b, entry);
    }
    *batches += b.count != 0;
    if (st == ST_OK)
        st = flush(c, &b, entry);
    batch_builder_deinit(&b);
    return st;
}

static bool put(struct carrier *c)
{
    struct log_entry *entry = log_entry_begin(c->env.log);
    uint64_t dead = 0, lsn;
    uint32_t batches = 0;

    enum status st = dead_letters(c, entry, c->batch.records, c->batch.count, &dead);
    if (st == ST_OK)
        st = append_answers(c, entry, &batches);
    if (st != ST_OK) {
        log_entry_abort(entry);
        return false;
    }
    position_keep(entry, c->kept_as, c->batch.partition, c->batch.next_offset);
    struct log_appended *appended = ARENA_ARRAY(&c->batch_arena, struct log_appended, dead + batches + 1);
    if (log_entry_commit(entry, appended, &lsn) != ST_OK)
        return false;
    c->lanes[0].position = c->batch.next_offset;
    log_pin(c->lanes[0].partition, c->owner, c->batch.next_offset);
    c->dead += dead;
    c->delivered += c->batch.count;
    return true;
}

void lookup_keep(struct carrier *c, int64_t now_ns)
{
    c->outcome_kept = !put(c);
    if (!c->outcome_kept)
        return;
    snprintf(c->trouble, sizeof(c->trouble), "the log takes no answers now");
    c->not_before_ns = now_ns + CARRIER_LOG_WAIT_NS;
}

/* ---- a turn ---- */

static void tell_instead(struct carrier *c, int64_t now_ns)
{
    write_instead(c);
    c->lookup->failed = 0;
    c->not_before_ns = INT64_MIN;
    lookup_keep(c, now_ns);
}

void lookup_finish(struct carrier *c, int64_t now_ns)
{
    struct carrier_lookup *l = c->lookup;
    bool bad = l->call.trouble[0];

    breaker_note(&c->breaker, now_ns, c->took_ns, bad);
    if (!bad) {
        l->keys_asked += l->call.count;
        l->failed = 0;
        carrier_went_well(c);
        lookup_keep(c, now_ns);
        return;
    }
    c->batch.retry_after_ms = l->call.retry_after_ms;
    carrier_failed(c, l->call.trouble, now_ns);
    if (l->fallback != FALLBACK_WAIT && ++l->failed > l->retries)
        tell_instead(c, now_ns);
}

void lookup_begin(struct carrier *c, int64_t now_ns)
{
    struct carrier_lane *lane = &c->lanes[0];
    int64_t until_ns = INT64_MIN;

    if (!lane_has_more(lane))
        return;
    bool may = breaker_may(&c->breaker, now_ns, &until_ns), instead = !may && c->lookup->fallback != FALLBACK_WAIT;
    if (!may && !instead) {
        c->not_before_ns = until_ns;
        return;
    }
    uint64_t most = instead ? c->records_max : rate_take(&c->rate, now_ns, c->records_max, &c->not_before_ns);
    c->batch.partition = 0;
    if (!most || !batch_load(c, lane, (uint32_t)most))
        return;
    if (instead) {
        tell_instead(c, now_ns);
        c->env.wake(c->env.context); /* there may be more */
        return;
    }
    c->rate.tokens += (double)(most - c->batch.count);
    carrier_submit(c, lookup_step);
}
