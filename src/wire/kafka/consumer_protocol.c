#include "wire/kafka/consumer_protocol.h"

enum { PARTITION_BYTES = 4, NAME_BYTES_MIN = 2 };

static struct bytes get_nullable(struct reader *r, int32_t len)
{
    if (len < 0)
        return BYTES_NONE;
    return reader_bytes(r, (size_t)len);
}

struct bytes consumer_protocol_topic(struct reader *r)
{
    return reader_bytes(r, reader_u16_be(r));
}

void consumer_protocol_parts(struct reader *r, struct consumer_parts *out)
{
    out->topic = consumer_protocol_topic(r);
    out->count = reader_u32_be(r);
    if (r->bad || out->count > reader_left(r) / PARTITION_BYTES) {
        r->bad = true;
        out->count = 0;
    }
    out->numbers = reader_of(reader_bytes(r, (size_t)out->count * PARTITION_BYTES));
}

/* A count of what takes at least NAME_BYTES_MIN bytes each; a null array is an empty one. */
static uint32_t get_count(struct reader *r)
{
    int32_t count = (int32_t)reader_u32_be(r);

    if (count > 0 && (size_t)count > reader_left(r) / NAME_BYTES_MIN)
        r->bad = true;
    return r->bad || count < 0 ? 0 : (uint32_t)count;
}

/* Passes over so many; *out reads them again. */
static uint32_t pass_topics(struct reader *r, struct reader *out)
{
    uint32_t count = get_count(r);

    *out = *r;
    for (uint32_t i = 0; i < count && !r->bad; i++)
        (void)consumer_protocol_topic(r);
    return count;
}

static uint32_t pass_parts(struct reader *r, struct reader *out)
{
    uint32_t count = get_count(r);
    struct consumer_parts parts;

    *out = *r;
    for (uint32_t i = 0; i < count && !r->bad; i++)
        consumer_protocol_parts(r, &parts);
    return count;
}

bool consumer_subscription_parse(struct bytes metadata, struct consumer_subscription *out)
{
    struct reader r = reader_of(metadata);

    *out = (struct consumer_subscription){.generation = -1};
    out->version = (int16_t)reader_u16_be(&r);
    out->topics_count = pass_topics(&r, &out->topics);
    out->user_data = get_nullable(&r, (int32_t)reader_u32_be(&r));
    if (out->version >= 1)
        out->owned_count = pass_parts(&r, &out->owned);
    if (out->version >= 2)
        out->generation = (int32_t)reader_u32_be(&r);
    if (out->version >= 3)
        out->rack = get_nullable(&r, (int16_t)reader_u16_be(&r));
    return !r.bad && out->version >= 0;
}

bool consumer_assignment_parse(struct bytes assignment, struct consumer_assignment *out)
{
    struct reader r = reader_of(assignment);

    *out = (struct consumer_assignment){.version = (int16_t)reader_u16_be(&r)};
    out->parts_count = pass_parts(&r, &out->parts);
    out->user_data = get_nullable(&r, (int32_t)reader_u32_be(&r));
    return !r.bad && out->version >= 0;
}

void consumer_assignment_begin(struct buf *out, int16_t version, uint32_t topics)
{
    buf_u16_be(out, (uint16_t)version);
    buf_u32_be(out, topics);
}

void consumer_assignment_topic(struct buf *out, struct bytes topic, uint32_t count)
{
    buf_u16_be(out, (uint16_t)topic.len);
    buf_bytes(out, topic);
    buf_u32_be(out, count);
}

void consumer_assignment_end(struct buf *out)
{
    buf_u32_be(out, UINT32_MAX);
}
