#include "wire/kafka/members.h"

#include "base/reader.h"

/* A count of things of so many bytes at least. */
static uint32_t read_count(struct reader *r, size_t bytes_min)
{
    uint32_t count = reader_u32_be(r);

    if (count > reader_left(r) / bytes_min)
        r->bad = true;
    return r->bad ? 0 : count;
}

static struct bytes read_string(struct reader *r)
{
    return reader_bytes(r, reader_u16_be(r));
}

bool subscription_read(struct bytes in, subscription_fn *fn, void *context)
{
    struct reader r = reader_of(in);

    (void)reader_u16_be(&r); /* later versions only add behind it */
    uint32_t count = read_count(&r, 2);
    for (uint32_t i = 0; i < count; i++) {
        struct bytes topic = read_string(&r);
        if (r.bad)
            return false;
        fn(context, topic);
    }
    return !r.bad;
}

bool assignment_read(struct bytes in, assignment_fn *fn, void *context)
{
    struct reader r = reader_of(in);

    (void)reader_u16_be(&r);
    uint32_t topics = read_count(&r, 6);
    for (uint32_t i = 0; i < topics; i++) {
        struct bytes topic = read_string(&r);
        uint32_t partitions = read_count(&r, 4);
        for (uint32_t p = 0; p < partitions; p++)
            fn(context, topic, (int32_t)reader_u32_be(&r));
        if (r.bad)
            return false;
    }
    return !r.bad;
}
