/* dead.c: records that can never be delivered: the topic TABLE.dead.
 *
 * A letter is a record of that topic: its value says in JSON what SQL reads as `TABLE$dead`, its key and time are the
 * record's. Of a sink, headers carry the record as it was, so that it can be put back:
 *
 *     quickwater.value    the record's value (null: it had none)
 *     …                   the record's own headers, in order
 *
 * Of a source the record is whole outside, and may be larger than anything that is taken.
 */
#include <stdio.h>

#include "base/check.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "bridge/carrier_inner.h"

enum {
    SHOWN_BYTES_MAX = 64 << 10,
    LETTERS_BATCH_BYTES = 256 << 10,
    LETTER_BYTES_MAX = 64 << 20, /* a record of the largest kind, its headers, and what is shown of it */
};

static struct log_topic_options letters_options(void)
{
    return (struct log_topic_options){
        .retention_ms = -1, .retention_bytes = -1, .message_bytes_max = LETTER_BYTES_MAX};
}

static void letters_name(struct bytes topic, char out[LOG_NAME_MAX + 1])
{
    snprintf(out, LOG_NAME_MAX + 1, "%.*s.dead", BYTES_FMT(bytes_head(topic, 240)));
}

struct log_topic *carrier_dead_topic(const struct log *log, struct bytes topic)
{
    char name[LOG_NAME_MAX + 1];

    letters_name(topic, name);
    return log_topic_find(log, bytes_str(name));
}

static enum status dead_topic_made(struct carrier *c, struct log_topic **out)
{
    struct log_topic_options options = letters_options();
    char name[LOG_NAME_MAX + 1];

    *out = carrier_dead_topic(c->env.log, c->dead_topic);
    if (*out && log_topic_info(*out)->options.message_bytes_max >= LETTER_BYTES_MAX)
        return ST_OK;
    if (*out) { /* it was made, or set, for less */
        options = log_topic_info(*out)->options;
        options.message_bytes_max = LETTER_BYTES_MAX;
        return log_topic_configure(c->env.log, *out, &options, NULL, NULL);
    }
    letters_name(c->dead_topic, name);
    return log_topic_create(c->env.log, bytes_str(name), 1, &options, out, NULL, NULL);
}

/* ---- writing ---- */

static void write_text(struct json_writer *w, const char *key, struct bytes text)
{
    json_key(w, key);
    if (text.ptr)
        json_bytes(w, bytes_head(text, SHOWN_BYTES_MAX));
    else
        json_put_null(w);
}

/* place: of the record in the table's topic, where it was before it first died. */
static void write_shown(const struct carrier *c, const struct bridge_record *r, struct carrier_place place,
                        struct buf *out)
{
    struct json_writer w;

    json_writer_init(&w, out);
    json_object_begin(&w);
    json_key_text(&w, "table", c->spec.table);
    json_key_str(&w, "connector", c->class->name);
    json_key_i64(&w, "partition", place.partition);
    if (c->spec.way != BRIDGE_SOURCE) /* then it has none of ours */
        json_key_i64(&w, "offset", place.offset);
    json_key_str(&w, "reason", r->never);
    write_text(&w, "key", r->key);
    write_text(&w, "record", r->value);
    if (r->value.len > SHOWN_BYTES_MAX)
        json_key_u64(&w, "record_bytes", r->value.len);
    json_object_end(&w);
}

struct dead {
    struct carrier *c;
    struct log_entry *entry;
    struct log_topic *topic;
    struct batch_builder b;
    struct buf shown, headers;
    uint64_t count;
};

/* Ends the batch under construction, if there is one, as a part of the entry. */
static enum status dead_flush(struct dead *d)
{
    struct buf batch;

    if (!d->b.count)
        return ST_OK;
    buf_init(&batch, 0);
    enum status st = batch_builder_finish(&d->b, &batch);
    if (st == ST_OK)
        st = log_entry_append(d->entry, log_partition_of(d->topic, 0), buf_view(&batch), NULL);
    batch_builder_clear(&d->b);
    buf_deinit(&batch);
    return st;
}

static enum status dead_one(struct dead *d, const struct bridge_record *r, struct carrier_place place)
{
    bool as_it_is = place.partition == PLACE_OF_LETTER;
    bool whole_elsewhere = d->c->spec.way != BRIDGE_SINK;
    struct record letter = {.timestamp_ms = r->timestamp_ms, .key = r->key};

    if (!d->topic)
        TRY(dead_topic_made(d->c, &d->topic));
    buf_clear(&d->shown);
    buf_clear(&d->headers);
    write_shown(d->c, r, place, &d->shown);
    letter.value = buf_view(&d->shown);
    if (as_it_is) {
        letter.value = r->value;
        letter.headers = r->headers;
        letter.headers_count = r->headers_count;
    } else if (whole_elsewhere) {
        letter.key = bytes_head(r->key, SHOWN_BYTES_MAX);
    } else {
        record_header_put(&d->headers, &(struct record_header){BYTES_LITERAL(DEAD_VALUE_HEADER), r->value});
        buf_bytes(&d->headers, r->headers);
        letter.headers = buf_view(&d->headers);
        letter.headers_count = 1 + r->headers_count;
    }
    size_t bytes = letter.value.len + letter.key.len + letter.headers.len;
    if (batch_builder_bytes(&d->b) + bytes > LETTERS_BATCH_BYTES)
        TRY(dead_flush(d));
    batch_builder_add_record(&d->b, &letter, RECORD_OFFSET_BY_PLACE);
    d->count++;
    return ST_OK;
}

enum status dead_letters(struct carrier *c, struct log_entry *entry, const struct bridge_record *records,
                         uint32_t records_count, uint64_t *count)
{
    struct dead d = {.c = c, .entry = entry};
    enum status st = ST_OK;

    batch_builder_init(&d.b, KAFKA_CODEC_NONE);
    buf_init(&d.shown, 0);
    buf_init(&d.headers, 0);
    for (uint32_t i = 0; i < records_count && st == ST_OK; i++)
        if (records[i].never)
            st = dead_one(&d, &records[i],
                          c->places ? c->places[i]
                                    : (struct carrier_place){records[i].partition, records[i].offset});
    if (st == ST_OK)
        st = dead_flush(&d);
    batch_builder_deinit(&d.b);
    buf_deinit(&d.shown);
    buf_deinit(&d.headers);
    *count = d.count;
    return st;
}

/* ---- reading back ---- */

static int64_t shown_number(struct bytes shown, const char *name)
{
    struct bytes text;
    int64_t n;

    return json_member(shown, name, &text) && bytes_to_i64(text, &n) ? n : -1;
}

bool dead_open(const struct record *letter, struct record *out, struct carrier_place *place)
{
    struct reader at = reader_of(letter->headers);
    struct record_header value;

    if (!letter->headers_count || !record_headers_next(&at, &value) || !bytes_is(value.key, DEAD_VALUE_HEADER))
        return false;
    *place = (struct carrier_place){(uint32_t)shown_number(letter->value, "partition"),
                                    shown_number(letter->value, "offset")};
    *out = *letter;
    out->value = value.value;
    out->headers_count = letter->headers_count - 1;
    out->headers = bytes_of(at.at, (size_t)(at.end - at.at));
    return true;
}
