/* What members of a group tell each other, as anybody may have sent it: read or refused, within the input. */
#include "base/check.h"
#include "lib/fuzz.h"
#include "wire/kafka/members.h"

struct within {
    const uint8_t *from, *to;
    size_t given;
};

static void check_within(struct within *w, struct bytes name)
{
    CHECK(name.len == 0 || (name.ptr >= w->from && name.ptr + name.len <= w->to));
    w->given++;
}

static void on_topic(void *context, struct bytes topic)
{
    check_within(context, topic);
}

static void on_partition(void *context, struct bytes topic, int32_t partition)
{
    (void)partition;
    check_within(context, topic);
}

FUZZ(kafka_members, data, size)
{
    struct within topics = {data, data + size, 0}, partitions = topics;

    (void)subscription_read(bytes_of(data, size), on_topic, &topics);
    (void)assignment_read(bytes_of(data, size), on_partition, &partitions);
    CHECK(topics.given <= size / 2 && partitions.given <= size / 4);
}
