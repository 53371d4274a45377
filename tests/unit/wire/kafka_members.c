#include "base/buf.h"
#include "lib/test.h"
#include "wire/kafka/members.h"

static void note_topic(void *context, struct bytes topic)
{
    buf_printf(context, "%.*s ", BYTES_FMT(topic));
}

static void note_partition(void *context, struct bytes topic, int32_t partition)
{
    buf_printf(context, "%.*s-%d ", BYTES_FMT(topic), partition);
}

TEST(kafka_members_say_what_they_read)
{
    struct buf seen;

    buf_init(&seen, 0);
    EXPECT(subscription_read(BYTES_LITERAL("\0\3\0\0\0\2\0\1a\0\2bb\xff\xff\xff\xff\0\0\0\0"), note_topic, &seen));
    EXPECT(bytes_is(buf_view(&seen), "a bb "));
    buf_clear(&seen);
    EXPECT(assignment_read(BYTES_LITERAL("\0\1\0\0\0\1\0\2tt\0\0\0\2\0\0\0\0\0\0\0\7\xff\xff\xff\xff"),
                           note_partition, &seen));
    EXPECT(bytes_is(buf_view(&seen), "tt-0 tt-7 "));
    buf_clear(&seen);
    EXPECT(assignment_read(BYTES_LITERAL("\0\0\0\0\0\0"), note_partition, &seen) && seen.len == 0);
    buf_deinit(&seen);
}

TEST(kafka_members_counts_are_not_believed)
{
    struct buf seen;

    buf_init(&seen, 0);
    EXPECT(!assignment_read(BYTES_NONE, note_partition, &seen));
    EXPECT(!assignment_read(BYTES_LITERAL("\0\1\0\0\0\2\0\1a\0\0\0\0"), note_partition, &seen));
    EXPECT(!assignment_read(BYTES_LITERAL("\0\1\0\0\0\1\0\1a\xff\xff\xff\xff\0\0\0\0"), note_partition, &seen));
    EXPECT(!subscription_read(BYTES_LITERAL("\0\1\0\0\0\1\0\5ab"), note_topic, &seen));
    EXPECT(seen.len == 0);
    buf_deinit(&seen);
}
