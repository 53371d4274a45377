#include "base/check.h"
#include "base/crc32c.h"
#include "base/endian.h"
#include "base/rng.h"
#include "lib/test.h"
#include "wire/kafka/batch.h"
#include "wire/kafka/partitioner.h"

/* One record, key "k", value "v1", header "h" = "x", field by field. Offset 5, epoch 3. */
static const uint8_t golden[] = {
    0, 0, 0, 0, 0, 0, 0, 5,                         /* baseOffset */
    0, 0, 0, 65,                                    /* batchLength: 77 bytes in all, less 12 */
    0, 0, 0, 3,                                     /* partitionLeaderEpoch */
    2,                                              /* magic */
    0, 0, 0, 0,                                     /* crc, set by the test */
    0, 0,                                           /* attributes */
    0, 0, 0, 0,                                     /* lastOffsetDelta */
    0, 0, 0, 0, 0, 0, 0x03, 0xE8,                   /* baseTimestamp 1000 */
    0, 0, 0, 0, 0, 0, 0x03, 0xE8,                   /* maxTimestamp */
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, /* producerId -1 */
    0xFF, 0xFF,                                     /* producerEpoch */
    0xFF, 0xFF, 0xFF, 0xFF,                         /* baseSequence */
    0, 0, 0, 1,                                     /* count */
    26,                                             /* record: length 13 */
    0, 0, 0,                                        /* attributes, timestamp and offset delta */
    2, 'k',                                         /* key */
    4, 'v', '1',                                    /* value */
    2,                                              /* one header */
    2, 'h', 2, 'x',
};

static void golden_copy(uint8_t *to)
{
    memcpy(to, golden, sizeof(golden));
    store_u32_be(to + 8, sizeof(golden) - 12);
    store_u32_be(to + 17, crc32c(0, to + 21, sizeof(golden) - 21));
}

TEST(batch_golden_reads_field_by_field)
{
    uint8_t b[sizeof(golden)];
    struct batch_header h;
    struct batch_records it;
    struct record rec;
    struct record_header header;
    struct arena arena;

    golden_copy(b);
    arena_init(&arena, 0);
    EXPECT_OK(batch_validate(bytes_of(b, sizeof(b)), &h));
    EXPECT_INT(h.base_offset, 5);
    EXPECT_INT(h.leader_epoch, 3);
    EXPECT_INT(h.base_timestamp, 1000);
    EXPECT_INT(h.producer_id, -1);
    EXPECT_INT(batch_size(&h), sizeof(b));
    EXPECT_OK(batch_validate_produced(bytes_of(b, sizeof(b)), &h));
    EXPECT_OK(batch_records_open(&it, bytes_of(b, sizeof(b)), &arena, 0));
    EXPECT_OK(batch_records_next(&it, &rec));
    EXPECT_INT(rec.offset, 5);
    EXPECT_INT(rec.timestamp_ms, 1000);
    EXPECT(bytes_is(rec.key, "k") && bytes_is(rec.value, "v1"));
    EXPECT_INT(rec.headers_count, 1);
    struct reader r = reader_of(rec.headers);
    EXPECT(record_headers_next(&r, &header));
    EXPECT(bytes_is(header.key, "h") && bytes_is(header.value, "x"));
    EXPECT(!record_headers_next(&r, &header));
    EXPECT_STATUS(batch_records_next(&it, &rec), ST_END);
    arena_deinit(&arena);
}

TEST(batch_builder_writes_the_golden_bytes)
{
    uint8_t want[sizeof(golden)];
    struct batch_builder b;
    struct buf out;
    const struct record_header header = {BYTES_LITERAL("h"), BYTES_LITERAL("x")};

    golden_copy(want);
    batch_builder_init(&b, KAFKA_CODEC_NONE);
    buf_init(&out, 0);
    batch_builder_add(&b, 1000, BYTES_LITERAL("k"), BYTES_LITERAL("v1"), &header, 1);
    EXPECT_OK(batch_builder_finish(&b, &out));
    batch_set_base_offset(out.ptr, 5);
    batch_set_leader_epoch(out.ptr, 3);
    EXPECT_BYTES(buf_view(&out), bytes_of(want, sizeof(want)));
    batch_builder_deinit(&b);
    buf_deinit(&out);
}

static void add_many(struct batch_builder *b, int count, struct rng *rng)
{
    for (int i = 0; i < count; i++) {
        char value[200];
        size_t len = (size_t)rng_below(rng, sizeof(value));
        memset(value, 'a' + i % 7, len);
        if (len > 8)
            store_u64_le(value, rng_next(rng));
        struct bytes key = i % 3 ? bytes_of(&i, sizeof(i)) : BYTES_NONE;
        struct bytes val = i % 5 ? bytes_of(value, len) : BYTES_NONE;
        batch_builder_add(b, 1000 + i * (i % 2 ? 1 : -1), key, val, NULL, 0);
    }
}

TEST(batch_codecs_round_trip_and_obey_the_budget)
{
    struct rng rng = rng_seed(test_seed());

    for (int codec = 0; codec < KAFKA_CODEC_COUNT; codec++) {
        struct batch_builder b;
        struct buf out, scratch;
        struct batch_header h;
        struct batch_records it;
        struct record rec;
        int count = 0;

        batch_builder_init(&b, (enum kafka_codec)codec);
        buf_init(&out, 0);
        buf_init(&scratch, 0);
        add_many(&b, 3000, &rng);
        size_t plain = batch_builder_bytes(&b);
        EXPECT_OK(batch_builder_finish(&b, &out));
        EXPECT_OK(batch_validate(buf_view(&out), &h));
        EXPECT_OK(batch_validate_produced(buf_view(&out), &h));
        EXPECT_INT(batch_codec(&h), codec);
        EXPECT_OK(batch_records_open_buf(&it, buf_view(&out), &scratch));
        while (batch_records_next(&it, &rec) == ST_OK) {
            EXPECT_INT(rec.offset, count);
            EXPECT_INT(rec.timestamp_ms, 1000 + count * (count % 2 ? 1 : -1));
            EXPECT(!rec.key.ptr == (count % 3 == 0) && !rec.value.ptr == (count % 5 == 0));
            count++;
        }
        EXPECT_INT(count, 3000);
        if (codec) {
            struct arena arena;
            buf_deinit(&scratch);
            buf_init(&scratch, plain - 1);
            EXPECT_STATUS(batch_records_open_buf(&it, buf_view(&out), &scratch), ST_NOSPACE);
            scratch.limit = plain; /* exactly enough is enough */
            EXPECT_OK(batch_records_open_buf(&it, buf_view(&out), &scratch));
            arena_init(&arena, 10000);
            EXPECT_STATUS(batch_records_open(&it, buf_view(&out), &arena, 0), ST_NOSPACE);
            arena_deinit(&arena);
        }
        batch_builder_deinit(&b);
        buf_deinit(&out);
        buf_deinit(&scratch);
    }
}

TEST(decompression_bomb_is_stopped)
{
    struct buf zeros, packed, out;

    buf_init(&zeros, 0);
    buf_init(&packed, 0);
    buf_fill(&zeros, 0, 20 << 20);
    for (int codec = 1; codec < KAFKA_CODEC_COUNT; codec++) {
        buf_clear(&packed);
        EXPECT_OK(kafka_compress((enum kafka_codec)codec, buf_view(&zeros), &packed));
        buf_init(&out, 1 << 20);
        EXPECT_STATUS(kafka_decompress((enum kafka_codec)codec, buf_view(&packed), &out),
                      ST_NOSPACE);
        EXPECT(out.cap <= 4 << 20);
        buf_deinit(&out);
        /* cut short: never an endless loop, never success */
        buf_init(&out, 0);
        EXPECT(kafka_decompress((enum kafka_codec)codec, bytes_head(buf_view(&packed), packed.len / 2),
                                &out) != ST_OK);
        buf_deinit(&out);
    }
    buf_deinit(&zeros);
    buf_deinit(&packed);
}

TEST(snappy_reads_raw_blocks_too)
{
    /* "aaaa…" 20 times: length 20, literal 'a', copy of 19 at offset 1 */
    const uint8_t raw[] = {20, 0, 'a', (18 << 2) | 2, 1, 0};
    struct buf out;

    buf_init(&out, 0);
    EXPECT_OK(kafka_decompress(KAFKA_CODEC_SNAPPY, bytes_of(raw, sizeof(raw)), &out));
    EXPECT(bytes_is(buf_view(&out), "aaaaaaaaaaaaaaaaaaaa"));
    buf_deinit(&out);
}

TEST(batch_refuses_what_is_damaged)
{
    uint8_t b[sizeof(golden)];
    struct batch_header h;

    for (size_t i = 16; i < sizeof(golden); i++) {
        golden_copy(b);
        b[i] ^= 0x40;
        EXPECT(batch_validate(bytes_of(b, sizeof(b)), &h) != ST_OK);
    }
    golden_copy(b);
    for (size_t len = 0; len < sizeof(b); len++)
        EXPECT_STATUS(batch_validate(bytes_of(b, len), &h), ST_AGAIN);
    b[16] = 1;
    EXPECT_STATUS(batch_validate(bytes_of(b, sizeof(b)), &h), ST_UNSUPPORTED);
    golden_copy(b);
    store_u32_be(b + 57, 2); /* count 2, last delta 0 */
    EXPECT_STATUS(batch_header_parse(bytes_of(b, sizeof(b)), &h), ST_CORRUPT);
    golden_copy(b);
    b[61] = 28; /* the record is longer than the batch, under a good checksum */
    store_u32_be(b + 17, crc32c(0, b + 21, sizeof(b) - 21));
    EXPECT_OK(batch_validate(bytes_of(b, sizeof(b)), &h));
    EXPECT_STATUS(batch_validate_produced(bytes_of(b, sizeof(b)), &h), ST_CORRUPT);
}

TEST(batch_append_time_and_producer_keep_the_checksum)
{
    uint8_t b[sizeof(golden)];
    struct batch_header h;
    struct batch_records it;
    struct record rec;
    struct arena arena;

    golden_copy(b);
    arena_init(&arena, 0);
    batch_set_append_time(b, sizeof(b), 777);
    batch_set_producer(b, sizeof(b), 9, 2, 44);
    EXPECT_OK(batch_validate(bytes_of(b, sizeof(b)), &h));
    EXPECT_INT(h.producer_id, 9);
    EXPECT_INT(h.producer_epoch, 2);
    EXPECT_INT(h.base_sequence, 44);
    EXPECT_OK(batch_records_open(&it, bytes_of(b, sizeof(b)), &arena, 0));
    EXPECT_OK(batch_records_next(&it, &rec));
    EXPECT_INT(rec.timestamp_ms, 777);
    arena_deinit(&arena);
}

TEST(batch_next_walks_a_run)
{
    uint8_t two[2 * sizeof(golden) + 10] = {0};
    struct bytes run = bytes_of(two, 2 * sizeof(golden)), batch;
    struct batch_header h;

    golden_copy(two);
    golden_copy(two + sizeof(golden));
    EXPECT_OK(batch_next(&run, &h, &batch));
    EXPECT_OK(batch_next(&run, &h, &batch));
    EXPECT_INT(batch.len, sizeof(golden));
    EXPECT_STATUS(batch_next(&run, &h, &batch), ST_END);
    run = bytes_of(two, sizeof(golden) + 10);
    EXPECT_OK(batch_next(&run, &h, &batch));
    EXPECT_STATUS(batch_next(&run, &h, &batch), ST_AGAIN);
}

TEST(control_batch_reads_back)
{
    struct buf out;
    struct batch_header h;
    struct batch_records it;
    struct record rec;
    struct arena arena;

    buf_init(&out, 0);
    arena_init(&arena, 0);
    EXPECT_OK(control_batch_build(&out, CONTROL_COMMIT, 12, 1, 4, 99));
    EXPECT_OK(batch_validate(buf_view(&out), &h));
    EXPECT(h.attributes & BATCH_CONTROL && h.attributes & BATCH_TRANSACTIONAL);
    EXPECT_OK(batch_records_open(&it, buf_view(&out), &arena, 0));
    EXPECT_OK(batch_records_next(&it, &rec));
    EXPECT_INT(control_type_of(rec.key), CONTROL_COMMIT);
    EXPECT_STATUS(batch_validate_produced(buf_view(&out), &h), ST_INVALID);
    arena_deinit(&arena);
    buf_deinit(&out);
}

/* The pairs that Kafka's own UtilsTest has for murmur2. */
TEST(murmur2_matches_kafka)
{
    EXPECT_INT((int32_t)kafka_murmur2(BYTES_LITERAL("21")), -973932308);
    EXPECT_INT((int32_t)kafka_murmur2(BYTES_LITERAL("foobar")), -790332482);
    EXPECT_INT((int32_t)kafka_murmur2(BYTES_LITERAL("a-little-bit-long-string")), -985981536);
    EXPECT_INT((int32_t)kafka_murmur2(BYTES_LITERAL("a-little-bit-longer-string")), -1486304829);
    EXPECT_INT((int32_t)kafka_murmur2(BYTES_LITERAL("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h"
                                                    "89h8")),
               -58897971);
    EXPECT_INT((int32_t)kafka_murmur2(BYTES_LITERAL("abc")), 479470107);
}
