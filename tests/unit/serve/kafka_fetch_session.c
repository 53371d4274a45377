/* Fetch sessions: the state machine alone, and the face with them on a simulated machine. */
#include "lib/kafka_rig.h"
#include "lib/test.h"
#include "serve/kafka/fetch_session.h"

/* ---- through the face ---- */

/* A request of a session, by topic ids: of topic "t" the partitions of a mask, from offset. */
struct ask {
    int32_t id, epoch;
    unsigned partitions, forgotten;
    int64_t offset;
    int32_t wait_ms;
};

static const uint8_t *topic_id(struct rig *rig, const char *name)
{
    return log_topic_info(log_topic_find(rig->log, bytes_str(name)))->id;
}

static int32_t bits(unsigned mask, int32_t out[32])
{
    int32_t count = 0;

    for (int32_t i = 0; i < 32; i++) {
        if (mask & 1u << i)
            out[count++] = i;
    }
    return count;
}

static int32_t ask(struct peer *p, int16_t version, const struct ask *a)
{
    struct arena *arena = &p->rig->arena;
    struct kafka_fetch_req req;
    int32_t which[32];

    kafka_fetch_req_init(&req);
    req.max_wait_ms = a->wait_ms;
    req.min_bytes = 1;
    req.max_bytes = 1 << 20;
    req.session_id = a->id;
    req.session_epoch = a->epoch;
    int32_t count = bits(a->partitions, which);
    req.topics.count = count ? 1 : 0;
    req.topics.at = kafka_fetch_req_topic_new(arena, 1);
    req.topics.at[0].topic = BYTES_LITERAL("t");
    memcpy(req.topics.at[0].topic_id, topic_id(p->rig, "t"), LOG_ID_BYTES);
    req.topics.at[0].partitions.count = count;
    req.topics.at[0].partitions.at = kafka_fetch_req_partition_new(arena, count);
    for (int32_t i = 0; i < count; i++) {
        req.topics.at[0].partitions.at[i].partition = which[i];
        req.topics.at[0].partitions.at[i].fetch_offset = a->offset;
        req.topics.at[0].partitions.at[i].partition_max_bytes = 1 << 20;
    }
    count = bits(a->forgotten, which);
    req.forgotten_topics_data.count = count ? 1 : 0;
    req.forgotten_topics_data.at = kafka_fetch_req_forgotten_topic_new(arena, 1);
    req.forgotten_topics_data.at[0].topic = BYTES_LITERAL("t");
    memcpy(req.forgotten_topics_data.at[0].topic_id, topic_id(p->rig, "t"), LOG_ID_BYTES);
    req.forgotten_topics_data.at[0].partitions.at = ARENA_ARRAY(arena, int32_t, count + 1);
    req.forgotten_topics_data.at[0].partitions.count = count;
    memcpy(req.forgotten_topics_data.at[0].partitions.at, which, (size_t)count * sizeof(*which));
    return peer_ask(p, KAFKA_FETCH, version, &req);
}

static struct kafka_fetch_res fetch(struct peer *p, int16_t version, const struct ask *a)
{
    struct kafka_fetch_res res;

    EXPECT(peer_answer(p, ask(p, version, a), KAFKA_FETCH, version, &res));
    return res;
}

/* The partitions that an answer tells of, as bits. */
static unsigned told(const struct kafka_fetch_res *res)
{
    unsigned mask = 0;

    for (int32_t t = 0; t < res->responses.count; t++) {
        for (int32_t i = 0; i < res->responses.at[t].partitions.count; i++)
            mask |= 1u << res->responses.at[t].partitions.at[i].partition_index;
    }
    return mask;
}

static void produce_to(struct rig *rig, uint32_t partition)
{
    struct log_topic *topic = log_topic_find(rig->log, BYTES_LITERAL("t"));
    struct log_appended appended;

    EXPECT_OK(log_append(rig->log, log_partition_of(topic, partition),
                         kafka_rig_batch(rig, 2, -1, -1, -1), &appended, NULL));
    EXPECT_OK(log_flush(rig->log));
}

static struct peer *open_with_topic(struct rig *rig)
{
    kafka_rig_open(rig);
    struct peer *p = peer_open(rig);
    kafka_rig_make_topic(p, "t", 4);
    return p;
}

TEST(kafka_fetch_session_tells_only_what_has_changed)
{
    struct rig rig;
    struct kafka_fetch_res res;

    for (int16_t version = 7; version <= 17; version += 5) { /* by name, flexible, by id */
        struct peer *p = open_with_topic(&rig);
        res = fetch(p, version, &(struct ask){.partitions = 0xF});
        EXPECT(res.session_id > 0);
        int32_t id = res.session_id;
        EXPECT_INT(told(&res), 0xF);
        res = fetch(p, version, &(struct ask){id, 1, 0, 0, 0, 50});
        EXPECT_INT(res.session_id, id);
        EXPECT_INT(res.error_code, 0);
        EXPECT_INT(told(&res), 0);
        produce_to(&rig, 2);
        res = fetch(p, version, &(struct ask){id, 2, 0, 0, 0, 50});
        EXPECT_INT(told(&res), 1 << 2);
        EXPECT(res.responses.at[0].partitions.at[0].records.len > 0);
        produce_to(&rig, 1);
        res = fetch(p, version,
                    &(struct ask){id, 3, 1 << 2, 0, 2, 50}); /* read on in 2, which is at its end */
        EXPECT_INT(told(&res), 1 << 1);
        res = fetch(
            p, version,
            &(struct ask){id, 4, 0, 1 << 1, 0, 50}); /* 1 is forgotten, though it has records */
        EXPECT_INT(told(&res), 0);
        produce_to(&rig, 1);
        res = fetch(p, version, &(struct ask){id, 5, 0, 0, 0, 50});
        EXPECT_INT(told(&res), 0);
        peer_end(p);
        kafka_rig_close(&rig);
    }
}

TEST(kafka_fetch_session_is_held_to_its_epoch_and_ends)
{
    struct rig rig;
    struct kafka_stats stats;
    struct peer *p = open_with_topic(&rig);

    int32_t id = fetch(p, 17, &(struct ask){.partitions = 0xF}).session_id;
    struct kafka_fetch_res res = fetch(p, 17, &(struct ask){id, 2, 0, 0, 0, 50});
    EXPECT_INT(res.error_code, KAFKA_ERR_INVALID_FETCH_SESSION_EPOCH);
    EXPECT_INT(fetch(p, 17, &(struct ask){id, 1, 0, 0, 0, 50}).error_code, 0);
    res = fetch(p, 17, &(struct ask){id, 1, 0, 0, 0, 50}); /* the same again */
    EXPECT_INT(res.error_code, KAFKA_ERR_INVALID_FETCH_SESSION_EPOCH);
    EXPECT_INT(fetch(p, 12, &(struct ask){id, 2, 0, 0, 0, 50}).error_code,
               KAFKA_ERR_FETCH_SESSION_TOPIC_ID_ERROR);
    EXPECT_INT(fetch(p, 17, &(struct ask){id ^ 1, 2, 0, 0, 0, 50}).error_code,
               KAFKA_ERR_FETCH_SESSION_ID_NOT_FOUND);
    EXPECT_INT(fetch(p, 17, &(struct ask){id, -7, 0xF, 0, 0, 50}).error_code,
               KAFKA_ERR_INVALID_FETCH_SESSION_EPOCH);
    id = fetch(p, 17, &(struct ask){.partitions = 0xF}).session_id;
    res = fetch(p, 17, &(struct ask){id, -1, 0xF, 0, 0, 0}); /* closed, and answered whole */
    EXPECT_INT(res.session_id, 0);
    EXPECT_INT(told(&res), 0xF);
    kafka_face_stats(rig.face, &stats);
    EXPECT_INT(stats.fetch_sessions, 0);
    id = fetch(p, 17, &(struct ask){.partitions = 0xF}).session_id;
    int32_t other = fetch(p, 17, &(struct ask){id, 0, 0xF, 0, 0, 0}).session_id;
    EXPECT(other != id);
    kafka_face_stats(rig.face, &stats);
    EXPECT_INT(stats.fetch_sessions, 1);
    EXPECT_INT(fetch(p, 17, &(struct ask){other, 1, 0, 0xF, 0, 50}).session_id,
               0); /* nothing left of it */
    kafka_face_stats(rig.face, &stats);
    EXPECT_INT(stats.fetch_sessions, 0);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_fetch_session_wakes_and_a_second_request_supersedes)
{
    struct rig rig;
    struct kafka_fetch_res res;
    struct peer *p = open_with_topic(&rig), *q = peer_open(&rig);
    int32_t id = fetch(p, 17, &(struct ask){.partitions = 0xF}).session_id;

    int32_t first = ask(p, 17, &(struct ask){id, 1, 0, 0, 0, 5000});
    kafka_rig_run_for(&rig, 100);
    int32_t second = ask(q, 17, &(struct ask){id, 2, 0, 0, 0, 5000});
    kafka_rig_run_for(&rig, 100);
    produce_to(&rig, 3);
    EXPECT(peer_answer(p, first, KAFKA_FETCH, 17, &res));
    EXPECT_INT(res.error_code, KAFKA_ERR_INVALID_FETCH_SESSION_EPOCH);
    EXPECT(peer_answer(q, second, KAFKA_FETCH, 17, &res));
    EXPECT_INT(res.error_code, 0);
    EXPECT_INT(told(&res), 1 << 3);
    peer_end(p);
    peer_end(q);
    kafka_rig_close(&rig);
}

TEST(kafka_fetch_session_tells_an_error_each_time_and_then_that_all_is_well)
{
    struct rig rig;
    struct peer *p = open_with_topic(&rig);

    produce_to(&rig, 0);
    struct kafka_fetch_res res = fetch(p, 17, &(struct ask){.partitions = 1, .offset = 99});
    int32_t id = res.session_id;
    for (int32_t epoch = 1; epoch < 3; epoch++) {
        res = fetch(p, 17, &(struct ask){id, epoch, 0, 0, 0, 50});
        EXPECT_INT(told(&res), 1);
        EXPECT_INT(res.responses.at[0].partitions.at[0].error_code, KAFKA_ERR_OFFSET_OUT_OF_RANGE);
    }
    res = fetch(p, 17,
                &(struct ask){id, 3, 1, 0, 2, 50}); /* at its end: nothing to read, and yet news */
    EXPECT_INT(told(&res), 1);
    EXPECT_INT(res.responses.at[0].partitions.at[0].error_code, 0);
    peer_end(p);
    kafka_rig_close(&rig);
}

/* ---- the cache ---- */

static void count_up(void *context, void *to, size_t len)
{
    uint8_t *n = context;

    memset(to, 0, len);
    ((uint8_t *)to)[len - 1] = ++*n;
}

/* Begins and ends a full fetch of so many partitions; the session it got. */
static int32_t full(struct fetch_sessions *fs, struct arena *arena, int64_t now_ms,
                    int32_t partitions)
{
    struct kafka_fetch_req req, whole;
    struct kafka_fetch_res res;
    struct fetch_context context;

    kafka_fetch_req_init(&req);
    kafka_fetch_res_init(&res);
    req.session_epoch = 0;
    req.topics.count = 1;
    req.topics.at = kafka_fetch_req_topic_new(arena, 1);
    req.topics.at[0].topic = BYTES_LITERAL("t");
    req.topics.at[0].partitions.count = partitions;
    req.topics.at[0].partitions.at = kafka_fetch_req_partition_new(arena, partitions);
    for (int32_t i = 0; i < partitions; i++)
        req.topics.at[0].partitions.at[i].partition = i;
    EXPECT_INT(fetch_session_begin(fs, now_ms, &req, 12, arena, &whole, &context), 0);
    fetch_session_end(fs, now_ms, &context, &whole, &res);
    return res.session_id;
}

static enum kafka_error next(struct fetch_sessions *fs, struct arena *arena, int64_t now_ms,
                             int32_t id, int32_t epoch)
{
    struct kafka_fetch_req req, whole;
    struct fetch_context context;

    kafka_fetch_req_init(&req);
    req.session_id = id;
    req.session_epoch = epoch;
    return fetch_session_begin(fs, now_ms, &req, 12, arena, &whole, &context);
}

TEST(fetch_session_cache_evicts_the_stale_and_the_smaller_and_is_bounded)
{
    uint8_t n = 0;
    struct arena arena;
    const struct fetch_sessions_options options = {
        .slots_max = 2, .partitions_max = 10, .random = count_up, .context = &n};
    struct fetch_sessions *fs = fetch_sessions_create(&options);

    arena_init(&arena, 0);
    int32_t a = full(fs, &arena, 0, 2), b = full(fs, &arena, 0, 3);
    EXPECT(a > 0 && b > 0 && a != b);
    EXPECT_INT(full(fs, &arena, 1000, 4), 0); /* both are young */
    EXPECT_INT(next(fs, &arena, 100000, a, 1), 0);
    EXPECT_INT(next(fs, &arena, 100000, b, 1), 0);
    EXPECT_INT(full(fs, &arena, 130000, 2), 0); /* not larger than the smaller of them */
    int32_t c = full(fs, &arena, 130000, 3);
    EXPECT(c > 0);
    EXPECT_INT(next(fs, &arena, 130000, a, 2), KAFKA_ERR_FETCH_SESSION_ID_NOT_FOUND);
    EXPECT_INT(next(fs, &arena, 130000, b, 2), 0);
    int32_t d = full(fs, &arena, 251000, 1); /* both are stale: the longer unused goes */
    EXPECT(d > 0);
    EXPECT_INT(fetch_sessions_count(fs), 2);
    EXPECT_INT(full(fs, &arena, 260000, 11), 0); /* more than all may have */
    fetch_sessions_destroy(fs);
    arena_deinit(&arena);
}
