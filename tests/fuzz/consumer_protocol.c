/* What a classic consumer says of itself and what a leader assigns: refused, or read to the end twice alike;
 * an assignment that is written again from what was read reads the same. */
#include "wire/kafka/consumer_protocol.h"

#include "base/check.h"
#include "lib/fuzz.h"

static void copy_parts(struct buf *out, struct reader *from, uint32_t count)
{
    struct consumer_parts parts;

    for (uint32_t t = 0; t < count; t++) {
        consumer_protocol_parts(from, &parts);
        consumer_assignment_topic(out, parts.topic, parts.count);
        for (uint32_t i = 0; i < parts.count; i++)
            buf_u32_be(out, reader_u32_be(&parts.numbers));
        CHECK(!parts.numbers.bad && reader_left(&parts.numbers) == 0);
    }
    CHECK(!from->bad);
}

FUZZ(consumer_protocol, data, size)
{
    struct bytes input = bytes_of(data, size);
    struct consumer_subscription s;
    struct consumer_assignment a, again;
    struct buf out;

    buf_init(&out, 0);
    if (consumer_subscription_parse(input, &s)) {
        for (uint32_t i = 0; i < s.topics_count; i++)
            (void)consumer_protocol_topic(&s.topics);
        CHECK(!s.topics.bad);
        copy_parts(&out, &s.owned, s.owned_count);
    }
    if (consumer_assignment_parse(input, &a)) {
        buf_clear(&out);
        consumer_assignment_begin(&out, a.version, a.parts_count);
        copy_parts(&out, &a.parts, a.parts_count);
        consumer_assignment_end(&out);
        CHECK(consumer_assignment_parse(buf_view(&out), &again));
        CHECK(again.version == a.version && again.parts_count == a.parts_count);
        CHECK(bytes_equal(bytes_head(buf_view(&out), out.len - 4), bytes_head(input, out.len - 4)) ||
              a.parts_count == 0); /* a null array is written as an empty one */
    }
    buf_deinit(&out);
}
