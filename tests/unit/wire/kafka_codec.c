#include "base/rng.h"
#include "lib/kafka_fill.h"
#include "lib/test.h"
#include "wire/kafka/messages.h"

/* ---- golden frames, written from the protocol's description ---- */

TEST(codec_reads_a_classic_metadata_request)
{
    const uint8_t frame[] = {
        0, 3,           /* api_key Metadata */
        0, 1,           /* api_version */
        0, 0, 0, 7,     /* correlation_id */
        0, 2, 'm', 'e', /* client_id */
        0, 0, 0, 2,     /* two topics */
        0, 1, 'a',      /* name */
        0, 2, 'b', 'c', /* name */
    };
    struct reader r = reader_of(bytes_of(frame, sizeof(frame)));
    struct kafka_request_header header;
    struct kafka_metadata_req req;
    struct arena arena;

    arena_init(&arena, 0);
    EXPECT(kafka_request_header_read(&r, &header));
    EXPECT_INT(header.api_key, KAFKA_METADATA);
    EXPECT_INT(header.correlation_id, 7);
    EXPECT(bytes_is(header.client_id, "me"));
    EXPECT_OK(kafka_decode(&kafka_metadata_req_type, 1, &r, &arena, &req));
    EXPECT_INT(reader_left(&r), 0);
    EXPECT_INT(req.topics.count, 2);
    EXPECT(bytes_is(req.topics.at[1].name, "bc"));
    EXPECT(req.allow_auto_topic_creation); /* its default before version 4 */
    arena_deinit(&arena);
}

TEST(codec_reads_a_compact_metadata_request_and_skips_unknown_tags)
{
    const uint8_t frame[] = {
        0, 3, 0, 12, 0, 0, 0, 9, /* Metadata v12, correlation 9 */
        0xFF, 0xFF,              /* client_id null, in the old form */
        1, 5, 2, 'z', 'z',       /* header: one unknown tag 5 of two bytes */
        2,                       /* compact array of 1 */
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, /* topic_id */
        0,                                                     /* name null */
        1, 99, 1, 'q',                                         /* an unknown tag 99 */
        0,                                                     /* allow_auto_topic_creation */
        1,                                                     /* include_topic_authorized_operations */
        0,                                                     /* no tags */
    };
    struct reader r = reader_of(bytes_of(frame, sizeof(frame)));
    struct kafka_request_header header;
    struct kafka_metadata_req req;
    struct arena arena;

    arena_init(&arena, 0);
    EXPECT(kafka_request_header_read(&r, &header));
    EXPECT(!header.client_id.ptr);
    EXPECT_OK(kafka_decode(&kafka_metadata_req_type, 12, &r, &arena, &req));
    EXPECT_INT(reader_left(&r), 0);
    EXPECT_INT(req.topics.count, 1);
    EXPECT_INT(req.topics.at[0].topic_id[15], 16);
    EXPECT(!req.topics.at[0].name.ptr);
    EXPECT(!req.allow_auto_topic_creation && req.include_topic_authorized_operations);
    arena_deinit(&arena);
}

TEST(codec_null_topics_are_not_no_topics)
{
    const uint8_t all[] = {0xFF, 0xFF, 0xFF, 0xFF}, none[] = {0, 0, 0, 0};
    struct kafka_metadata_req req;
    struct arena arena;

    arena_init(&arena, 0);
    struct reader r = reader_of(bytes_of(all, 4));
    EXPECT_OK(kafka_decode(&kafka_metadata_req_type, 1, &r, &arena, &req));
    EXPECT_INT(req.topics.count, -1);
    r = reader_of(bytes_of(none, 4));
    EXPECT_OK(kafka_decode(&kafka_metadata_req_type, 1, &r, &arena, &req));
    EXPECT_INT(req.topics.count, 0);
    r = reader_of(bytes_of(all, 4)); /* version 0 knows no null */
    EXPECT_STATUS(kafka_decode(&kafka_metadata_req_type, 0, &r, &arena, &req), ST_INVALID);
    arena_deinit(&arena);
}

TEST(codec_writes_tags_only_where_they_differ)
{
    const uint8_t want[] = {
        0, 0,                               /* error_code */
        2, 0, 18, 0, 0, 0, 4, 0,            /* one api: 18, 0..4, no tags */
        0, 0, 0, 0,                         /* throttle_time_ms */
        1, 1, 8, 0, 0, 0, 0, 0, 0, 0, 5,    /* tag 1 of 8 bytes: finalized_features_epoch 5 */
    };
    struct kafka_api_versions_res res;
    struct arena arena;
    struct buf out;

    arena_init(&arena, 0);
    buf_init(&out, 0);
    kafka_api_versions_res_init(&res);
    res.api_keys.at = kafka_api_versions_res_api_version_new(&arena, 1);
    res.api_keys.count = 1;
    res.api_keys.at[0].api_key = 18;
    res.api_keys.at[0].max_version = 4;
    res.finalized_features_epoch = 5;
    kafka_encode(&kafka_api_versions_res_type, 3, &res, &out, NULL);
    EXPECT_BYTES(buf_view(&out), bytes_of(want, sizeof(want)));
    buf_deinit(&out);
    arena_deinit(&arena);
}

TEST(codec_splices_records_where_they_belong)
{
    struct kafka_produce_req req;
    struct kafka_splice places[2];
    struct kafka_splices splices = {.at = places, .cap = 2};
    struct arena arena;
    struct buf whole, holes;

    arena_init(&arena, 0);
    buf_init(&whole, 0);
    buf_init(&holes, 0);
    kafka_produce_req_init(&req);
    req.topic_data.at = kafka_produce_req_topic_new(&arena, 1);
    req.topic_data.count = 1;
    req.topic_data.at[0].name = BYTES_LITERAL("t");
    req.topic_data.at[0].partition_data.at = kafka_produce_req_partition_new(&arena, 3);
    req.topic_data.at[0].partition_data.count = 3;
    req.topic_data.at[0].partition_data.at[0].records = BYTES_LITERAL("abc");
    req.topic_data.at[0].partition_data.at[2].records = BYTES_LITERAL("defg");
    kafka_encode(&kafka_produce_req_type, 9, &req, &whole, NULL);
    kafka_encode(&kafka_produce_req_type, 9, &req, &holes, &splices);
    EXPECT_INT(splices.count, 2);
    EXPECT_INT(splices.bytes, 7);
    struct buf joined;
    buf_init(&joined, 0);
    size_t at = 0;
    for (uint32_t i = 0; i < splices.count; i++) {
        buf_append(&joined, holes.ptr + at, places[i].pos - at);
        buf_bytes(&joined, places[i].data);
        at = places[i].pos;
    }
    buf_append(&joined, holes.ptr + at, holes.len - at);
    EXPECT_BYTES(buf_view(&joined), buf_view(&whole));
    buf_deinit(&joined);
    buf_deinit(&whole);
    buf_deinit(&holes);
    arena_deinit(&arena);
}

/* ---- every message in every version: random content, written, read, written again ---- */

static void round_trip(struct rng *rng, const struct kafka_struct *type, int16_t version)
{
    struct arena arena;
    struct buf once, twice;

    arena_init(&arena, 0);
    buf_init(&once, 0);
    buf_init(&twice, 0);
    void *message = arena_zalloc(&arena, type->size), *back = arena_zalloc(&arena, type->size);
    kafka_fill(rng, &arena, type, message);
    kafka_encode(type, version, message, &once, NULL);
    struct reader r = reader_of(buf_view(&once));
    EXPECT_OK(kafka_decode(type, version, &r, &arena, back));
    EXPECT_INT(reader_left(&r), 0);
    kafka_encode(type, version, back, &twice, NULL);
    EXPECT_BYTES(buf_view(&twice), buf_view(&once));
    for (size_t len = 0; len < once.len; len++) { /* cut short: refused, never read past */
        uint8_t *cut = memcpy(arena_alloc(&arena, len + 1), once.ptr, len);
        r = reader_of(bytes_of(cut, len));
        EXPECT_STATUS(kafka_decode(type, version, &r, &arena, back), ST_INVALID);
    }
    buf_deinit(&once);
    buf_deinit(&twice);
    arena_deinit(&arena);
}

TEST(codec_round_trips_every_message_in_every_version)
{
    struct rng rng = rng_seed(test_seed());

    for (int i = 0; i < kafka_apis_count; i++) {
        for (int16_t v = kafka_apis[i].first; v <= kafka_apis[i].last; v++) {
            for (int round = 0; round < 3; round++) {
                round_trip(&rng, kafka_apis[i].request, v);
                round_trip(&rng, kafka_apis[i].response, v);
            }
        }
    }
}

TEST(codec_counts_are_not_believed)
{
    const uint8_t huge[] = {0x7F, 0xFF, 0xFF, 0xFF, 0, 1, 'a'};
    uint8_t many[4 + 3000 * 2] = {0, 0, 0x0B, 0xB8};
    struct kafka_metadata_req req;
    struct arena arena;

    arena_init(&arena, 4096);
    struct reader r = reader_of(bytes_of(huge, sizeof(huge)));
    EXPECT_STATUS(kafka_decode(&kafka_metadata_req_type, 1, &r, &arena, &req), ST_INVALID);
    r = reader_of(bytes_of(many, sizeof(many))); /* honest, and over the budget */
    EXPECT_STATUS(kafka_decode(&kafka_metadata_req_type, 1, &r, &arena, &req), ST_NOSPACE);
    arena_deinit(&arena);
}
