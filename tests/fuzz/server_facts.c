/* A directory whose small facts are not ours (statements in force, committed offsets of groups, marks of
 * jobs, settings of topics, remembered answers of posts): the server opens or refuses, and answers what
 * reads them. The input is a list of space u8, key length u8, value length u8, key, value; a key of
 * statements is numbered here. */
#include "base/check.h"
#include "base/endian.h"
#include "base/reader.h"
#include "lib/fuzz.h"
#include "lib/fuzz_server.h"
#include "os/sim/sim.h"

enum { FACTS_MAX = 32 };

static void put_facts(struct log *log, struct reader *r)
{
    static const uint32_t spaces[] = {LOG_KV_STATEMENTS, LOG_KV_GROUPS, LOG_KV_JOBS, LOG_KV_CONFIG, LOG_KV_HTTP,
                                      LOG_KV_CONSUMER_GROUPS, LOG_KV_QUOTAS};

    for (int i = 0; i < FACTS_MAX && reader_left(r) > 3; i++) {
        uint32_t space = spaces[reader_u8(r) % (sizeof(spaces) / sizeof(*spaces))];
        size_t key_len = reader_u8(r), value_len = reader_u8(r);
        struct bytes key = reader_bytes(r, key_len < reader_left(r) ? key_len : reader_left(r));
        struct bytes value = reader_bytes(r, value_len < reader_left(r) ? value_len : reader_left(r));
        uint8_t number[8];
        store_u64_be(number, (uint64_t)i + 1);
        if (space == LOG_KV_STATEMENTS && key_len % 2)
            key = bytes_of(number, sizeof(number));
        if (key.len)
            (void)!log_kv_put(log, space, key, value, NULL);
    }
}

static void ask(struct fuzz_server *s)
{
    /* ListGroups 4, every state; OffsetFetch 2 of group "g", all topics; DescribeConfigs 1 of topic "t" */
    static const uint8_t groups[] = {0, 16, 0, 4, 0, 0, 0, 1, 0, 1, 'c', 0, 1, 0};
    static const uint8_t offsets[] = {0, 9, 0, 2, 0, 0, 0, 2, 0, 1, 'c', 0, 1, 'g', 255, 255, 255, 255};
    static const uint8_t configs[] = {0, 32, 0, 1, 0, 0, 0, 3, 0, 1, 'c', 0, 0, 0, 1, 2, 0, 1, 't',
                                      255, 255, 255, 255, 0};
    /* ConsumerGroupDescribe 0 of group "g" */
    static const uint8_t consumers[] = {0, 69, 0, 0, 0, 0, 0, 4, 0, 1, 'c', 0, 2, 2, 'g', 0, 0};
    static const char post[] = "POST /v1/topics/t HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: k\r\n"
                               "Content-Length: 1\r\n\r\n1";
    static const char jobs[] = "GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n";

    fuzz_server_frame(s, bytes_of(groups, sizeof(groups)));
    fuzz_server_frame(s, bytes_of(offsets, sizeof(offsets)));
    fuzz_server_frame(s, bytes_of(configs, sizeof(configs)));
    fuzz_server_frame(s, bytes_of(consumers, sizeof(consumers)));
    fuzz_server_say(s, FACE_HTTP, bytes_of(post, sizeof(post) - 1));
    fuzz_server_say(s, FACE_HTTP, bytes_of(jobs, sizeof(jobs) - 1));
}

FUZZ(server_facts, data, size)
{
    const struct log_options options = {.wal_bytes_max = 1 << 20, .disk_reserve_bytes = 1};
    struct os *os = os_sim_create(1, NULL);
    struct reader r = reader_of(bytes_of(data, size));
    struct log_topic *topic;
    struct fuzz_server s;
    struct log *log;

    CHECK(log_open(os, "data", &options, &log, NULL) == ST_OK);
    CHECK(log_topic_create(log, BYTES_LITERAL("t"), 2, NULL, &topic, NULL, NULL) == ST_OK);
    put_facts(log, &r);
    log_close(log);
    if (fuzz_server_open(&s, os, "data"))
        ask(&s);
    fuzz_server_close(&s);
    os_sim_destroy(os);
}
