/* What a topic's configuration asks of a batch that a client produces. A batch is taken or refused
 * whole; the records that are to blame are named by their places, so that the client tells them from the
 * others. Only what is asked for is looked at: a batch that may come as it is stays untouched, and
 * compressed. */
#include "base/check.h"
#include "serve/kafka/face.h"

enum { UNFOLD_BYTES_MAX = 64 << 20 };

struct admission {
    struct call *call;
    const struct log_topic_info *topic;
    const struct batch_header *h;
    struct kafka_produce_res_partition *out;
    int64_t least_ms, most_ms; /* of timestamps */
};

static void blame(struct admission *a, int32_t place, const char *why)
{
    if (!a->out->record_errors.count)
        a->out->record_errors.at =
            kafka_produce_res_record_error_new(&a->call->arena, a->h->records_count);
    struct kafka_produce_res_record_error *e =
        &a->out->record_errors.at[a->out->record_errors.count++];
    e->batch_index = place;
    e->batch_index_error_message = bytes_str(why);
}

/* Kafka has bounds for what producers say only, and lets pass that they say nothing (-1). */
static void set_bounds(struct admission *a)
{
    const struct log_topic_options *o = &a->topic->options;
    int64_t now_ms = loop_wall_us(a->call->face->loop) / 1000;

    a->least_ms = INT64_MIN;
    a->most_ms = INT64_MAX;
    if (o->append_time)
        return;
    if (o->timestamp_before_ms)
        a->least_ms = now_ms - o->timestamp_before_ms;
    a->most_ms = now_ms + o->timestamp_after_ms;
}

static bool is_timely(const struct admission *a, int64_t timestamp_ms)
{
    return timestamp_ms < 0 || (timestamp_ms >= a->least_ms && timestamp_ms <= a->most_ms);
}

static enum kafka_error open_records(struct admission *a, struct bytes records,
                                     struct batch_records *it)
{
    struct batch_header h;

    if (batch_validate(records, &h) != ST_OK)
        return KAFKA_ERR_CORRUPT_MESSAGE;
    switch (batch_records_open(it, records, &a->call->arena, UNFOLD_BYTES_MAX)) {
    case ST_OK: return KAFKA_ERR_NONE;
    case ST_NOSPACE: return KAFKA_ERR_MESSAGE_TOO_LARGE;
    default: return KAFKA_ERR_CORRUPT_MESSAGE;
    }
}

static enum kafka_error look(struct admission *a, struct bytes records, const char **why)
{
    bool wants_keys = a->topic->options.cleanup & LOG_CLEANUP_COMPACT;
    struct batch_records it;
    struct record rec;
    enum kafka_error error = open_records(a, records, &it);
    enum status st = ST_OK;

    for (int32_t i = 0; !error && (st = batch_records_next(&it, &rec)) == ST_OK; i++) {
        if (wants_keys && !rec.key.ptr)
            blame(a, i, "a compacted topic takes only records with a key");
        else if (!is_timely(a, rec.timestamp_ms))
            blame(a, i, "its timestamp is further from the broker's clock than the topic allows");
    }
    if (error || st != ST_END)
        return error ? error : KAFKA_ERR_CORRUPT_MESSAGE;
    if (!a->out->record_errors.count)
        return KAFKA_ERR_NONE;
    if (wants_keys) {
        *why = "one or more records have been rejected: a compacted topic wants keys, and timestamps in bounds";
        return KAFKA_ERR_INVALID_RECORD;
    }
    *why = "one or more records have been rejected: see message.timestamp.before.max.ms and "
           "message.timestamp.after.max.ms";
    return KAFKA_ERR_INVALID_TIMESTAMP;
}

static void carry_over(struct batch_builder *b, const struct batch_header *h)
{
    b->attributes = h->attributes & (uint16_t)~BATCH_CODEC_MASK;
    b->producer_id = h->producer_id;
    b->producer_epoch = h->producer_epoch;
    b->base_sequence = h->base_sequence;
}

/* The same records under the topic's codec. */
static enum kafka_error recompress(struct admission *a, struct bytes *records)
{
    struct batch_records it;
    struct batch_builder b;
    struct record rec;
    struct buf out;
    enum kafka_error error = open_records(a, *records, &it);
    enum status st = ST_OK;

    if (error)
        return error;
    batch_builder_init(&b, (enum kafka_codec)(a->topic->options.codec - 1));
    carry_over(&b, a->h);
    buf_init(&out, 0);
    while ((st = batch_records_next(&it, &rec)) == ST_OK)
        batch_builder_add_record(&b, &rec, RECORD_OFFSET_BY_PLACE);
    if (st != ST_END || b.count != a->h->records_count)
        error = KAFKA_ERR_CORRUPT_MESSAGE;
    else if (batch_builder_finish(&b, &out) != ST_OK)
        error = KAFKA_ERR_KAFKA_STORAGE_ERROR;
    else if (out.len > a->topic->options.message_bytes_max)
        error = KAFKA_ERR_MESSAGE_TOO_LARGE;
    else
        *records = arena_copy(&a->call->arena, buf_view(&out));
    batch_builder_deinit(&b);
    buf_deinit(&out);
    return error;
}

enum kafka_error face_admit(struct call *call, const struct log_topic_info *topic,
                            const struct batch_header *h, struct bytes *records,
                            struct kafka_produce_res_partition *out, const char **why)
{
    struct admission a = {.call = call, .topic = topic, .h = h, .out = out};
    enum kafka_error error = KAFKA_ERR_NONE;

    set_bounds(&a);
    if ((topic->options.cleanup & LOG_CLEANUP_COMPACT) || a.least_ms != INT64_MIN ||
        h->max_timestamp > a.most_ms)
        error = look(&a, *records, why);
    if (!error && topic->options.codec && topic->options.codec - 1 != (int)batch_codec(h))
        error = recompress(&a, records);
    return error;
}
