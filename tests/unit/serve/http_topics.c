/* Topics, records, groups and transactions over HTTP: pages that lose and repeat nothing, what one request
 * may look at, producing, what is refused, and who may. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/test.h"
#include "serve/kafka/inside.h"
#include "serve/security/security.h"
#include "unit/serve/http_server.h"
#include "wire/kafka/batch.h"
#include "wire/kafka/messages.h"

static const char *text_of(const struct http_client *c)
{
    const char *body = strstr((const char *)c->in.ptr, "\r\n\r\n");

    EXPECT(body);
    return body + 4;
}

/* One request: its status, and a text that the answer must contain (NULL: none). */
static void ask_as(struct http_server *s, const char *headers, const char *method, const char *path,
                   const char *body, int status, const char *contains)
{
    struct http_client c;
    int got = http_ask(&c, s, method, path, headers, body);

    if (got != status || (contains && !strstr(text_of(&c), contains)))
        test_fail(__FILE__, __LINE__, "%s %s gave %d, expected %d and '%s':\n%s", method, path, got, status,
                  contains ? contains : "", (char *)c.in.ptr);
    http_client_close(&c);
}

static void ask(struct http_server *s, const char *method, const char *path, const char *body, int status,
                const char *contains)
{
    ask_as(s, NULL, method, path, body, status, contains);
}

/* A batch of `count` records "p<partition>-<n>", from `first` on; every third has "needle" in its value. */
static void append(struct http_server *s, struct log_topic *topic, uint32_t partition, int first, int count,
                   enum kafka_codec codec, size_t fill)
{
    struct batch_builder b;
    struct log_appended at;
    struct diag diag = {0};
    struct buf value, batch;

    batch_builder_init(&b, codec);
    buf_init(&value, 0);
    buf_init(&batch, 0);
    for (int i = first; i < first + count; i++) {
        buf_clear(&value);
        buf_printf(&value, "p%u-%d%s", partition, i, i % 3 == 0 ? " needle" : "");
        buf_fill(&value, ' ', fill);
        batch_builder_add(&b, 1000 + i * 10 + partition, BYTES_LITERAL("k"), buf_view(&value), NULL, 0);
    }
    EXPECT_OK(batch_builder_finish(&b, &batch));
    EXPECT_OK(log_append(s->log, log_partition_of(topic, partition), buf_view(&batch), &at, &diag));
    EXPECT_OK(log_flush(s->log));
    buf_deinit(&batch);
    buf_deinit(&value);
    batch_builder_deinit(&b);
}

static struct log_topic *make_topic(struct http_server *s, uint32_t partitions)
{
    struct log_topic *topic;
    struct diag diag = {0};

    EXPECT_OK(log_topic_create(s->log, BYTES_LITERAL("t"), partitions, NULL, &topic, NULL, &diag));
    return topic;
}

/* The text behind "name":" in the answer, up to its quote. */
static void member(const char *answer, const char *name, char *out, size_t size)
{
    char key[32];

    snprintf(key, sizeof key, "\"%s\":\"", name);
    const char *at = strstr(answer, key);
    EXPECT(at);
    snprintf(out, size, "%.*s", (int)strcspn(at + strlen(key), "\""), at + strlen(key));
}

static long number(const char *answer, const char *name)
{
    char key[32];

    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(answer, key);
    EXPECT(at);
    return strtol(at + strlen(key), NULL, 10);
}

enum { PARTITIONS = 3, EACH = 180 };

struct walk {
    int seen[PARTITIONS][EACH];
    int pages, records;
};

/* Counts the records of an answer; within one partition their offsets rise. */
static void count_page(struct walk *w, const char *answer)
{
    long last[PARTITIONS] = {-1, -1, -1};

    for (const char *at = answer; (at = strstr(at, "{\"partition\":")); at++) {
        long partition = strtol(at + 13, NULL, 10), offset = number(at, "offset");
        EXPECT(partition < PARTITIONS && offset < EACH && offset > last[partition]);
        last[partition] = offset;
        w->seen[partition][offset]++;
        w->records++;
    }
    w->pages++;
}

/* Pages from an end of the topic until nothing is left. */
static void walk_all(struct http_server *s, struct walk *w, const char *from, const char *rest)
{
    char path[400], cursor[200];
    bool back = strcmp(from, "end") == 0;
    struct http_client c;
    long left;

    *w = (struct walk){0};
    snprintf(path, sizeof path, "/v1/topics/t/records?from=%s&%s", from, rest);
    do {
        EXPECT_INT(http_ask(&c, s, "GET", path, NULL, NULL), 200);
        count_page(w, text_of(&c));
        left = number(text_of(&c), "left");
        member(text_of(&c), back ? "from" : "to", cursor, sizeof cursor);
        snprintf(path, sizeof path, "/v1/topics/t/records?%s=%s&%s", back ? "before" : "after", cursor, rest);
        http_client_close(&c);
        EXPECT(w->pages < 2000);
    } while (left > 0);
}

static void expect_each(const struct walk *w, int step)
{
    for (int p = 0; p < PARTITIONS; p++)
        for (int i = 0; i < EACH; i++)
            if (w->seen[p][i] != (i % step == 0))
                test_fail(__FILE__, __LINE__, "record %d of partition %d was seen %d times", i, p, w->seen[p][i]);
}

TEST(http_topics_pages_lose_and_repeat_nothing)
{
    static const char *const limits[] = {"limit=3", "limit=7", "limit=500"};
    struct http_server s;
    struct walk w;

    http_server_open(&s, test_dir(), NULL);
    struct log_topic *topic = make_topic(&s, PARTITIONS);
    for (uint32_t p = 0; p < PARTITIONS; p++)
        for (int i = 0, n; i < EACH; i += n) {
            n = 1 + (i * 7 + (int)p) % 23;
            n = i + n > EACH ? EACH - i : n;
            append(&s, topic, p, i, n, (enum kafka_codec)(i % KAFKA_CODEC_COUNT), 0);
        }
    for (int i = 0; i < 3; i++) {
        walk_all(&s, &w, "start", limits[i]);
        expect_each(&w, 1);
        walk_all(&s, &w, "end", limits[i]);
        expect_each(&w, 1);
    }
    walk_all(&s, &w, "start", "limit=20&filter=needle");
    expect_each(&w, 3);
    walk_all(&s, &w, "end", "limit=20&filter=needle");
    expect_each(&w, 3);
    http_server_close(&s);
}

/* Ten megabytes are not looked at in one request, in either direction, and all is found all the same. */
TEST(http_topics_one_request_looks_at_so_much)
{
    static const char *const from[] = {"start", "end"};
    struct http_server s;
    struct http_client c;
    struct walk w;
    char path[100];

    http_server_open(&s, NULL, NULL);
    struct log_topic *topic = make_topic(&s, PARTITIONS);
    for (int i = 0; i < EACH; i++)
        for (uint32_t p = 0; p < PARTITIONS; p++)
            append(&s, topic, p, i, 1, KAFKA_CODEC_NONE, 20000);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/v1/topics/t/records?from=%s&filter=nowhere", from[i]);
        EXPECT_INT(http_ask(&c, &s, "GET", path, NULL, NULL), 200);
        EXPECT(number(text_of(&c), "left") > 0);
        EXPECT(number(text_of(&c), "bytes") < 8 << 20);
        http_client_close(&c);
        walk_all(&s, &w, from[i], "limit=500&cut=10&filter=needle");
        expect_each(&w, 3);
        EXPECT(w.pages > 2);
    }
    http_server_close(&s);
}

TEST(http_topics_seeks)
{
    struct http_server s;

    http_server_open(&s, NULL, NULL);
    append(&s, make_topic(&s, 2), 1, 0, 100, KAFKA_CODEC_ZSTD, 0);
    ask(&s, "GET", "/v1/topics/t/records?partition=1&offset=40&limit=1", NULL, 200,
        "[{\"partition\":1,\"offset\":40,\"time_ms\":1401,\"key\":\"k\",\"value\":\"p1-40\",\"codec\":\"zstd\"}],"
        "\"from\":\"1:40\",\"to\":\"1:41\",\"left\":59,");
    ask(&s, "GET", "/v1/topics/t/records?time=1496&limit=1", NULL, 200, "\"offset\":50,");
    ask(&s, "GET", "/v1/topics/t/records?time=99999", NULL, 200, "{\"records\":[],\"from\":\"0:0,1:100\"");
    ask(&s, "GET", "/v1/topics/t/records?before=1:3&limit=2", NULL, 200, "\"from\":\"1:1\",\"to\":\"1:3\",\"left\":1,");
    ask(&s, "GET", "/v1/topics/t/records?after=1:999", NULL, 200, "\"from\":\"1:100\",\"to\":\"1:100\",\"left\":0,");
    ask(&s, "GET", "/v1/topics/t/records?partition=1&offset=3&cut=3&limit=1", NULL, 200,
        "\"value\":\"p1-\",\"value_bytes\":11,");
    ask(&s, "GET", "/v1/topics/t/records?partition=1&offset=3&whole", NULL, 200, "\"value\":\"p1-3 needle\"");
    ask(&s, "GET", "/v1/topics/t/records?partition=1&offset=100&whole", NULL, 404, "no record at offset 100");
    http_server_close(&s);
}

TEST(http_topics_pages_begin_where_the_log_does)
{
    struct http_server s;
    uint64_t lsn;

    http_server_open(&s, NULL, NULL);
    struct log_topic *topic = make_topic(&s, 1);
    for (int i = 0; i < 10; i++)
        append(&s, topic, 0, i * 10, 10, KAFKA_CODEC_LZ4, 0);
    EXPECT_OK(log_trim(s.log, log_partition_of(topic, 0), 55, &lsn));
    ask(&s, "GET", "/v1/topics/t/records?from=start&limit=1", NULL, 200, "[{\"partition\":0,\"offset\":55,");
    ask(&s, "GET", "/v1/topics/t/records?offset=3&limit=1", NULL, 200, "[{\"partition\":0,\"offset\":55,");
    ask(&s, "GET", "/v1/topics/t/records?before=0:57", NULL, 200, "\"from\":\"0:55\",\"to\":\"0:57\",\"left\":0,");
    ask(&s, "GET", "/v1/topics/t/records?before=0:20", NULL, 200, "{\"records\":[],\"from\":\"0:55\"");
    ask(&s, "GET", "/v1/topics/t/records?partition=0&offset=54&whole", NULL, 404, NULL);
    http_server_close(&s);
}

/* A batch whose bytes are not its codec's: its place is named, and the others are shown. */
TEST(http_topics_name_what_cannot_be_read)
{
    enum { ATTRIBUTES_AT = 22 };
    struct http_server s;
    struct batch_builder b;
    struct log_appended at;
    struct diag diag = {0};
    struct buf batch;

    http_server_open(&s, NULL, NULL);
    struct log_topic *topic = make_topic(&s, 1);
    append(&s, topic, 0, 0, 2, KAFKA_CODEC_NONE, 0);
    batch_builder_init(&b, KAFKA_CODEC_NONE);
    buf_init(&batch, 0);
    for (int i = 0; i < 3; i++)
        batch_builder_add(&b, 5, BYTES_NONE, BYTES_LITERAL("v"), NULL, 0);
    EXPECT_OK(batch_builder_finish(&b, &batch));
    batch.ptr[ATTRIBUTES_AT] |= KAFKA_CODEC_GZIP;
    batch_set_producer(batch.ptr, batch.len, -1, -1, -1); /* the checksum anew */
    EXPECT_OK(log_append(s.log, log_partition_of(topic, 0), buf_view(&batch), &at, &diag));
    append(&s, topic, 0, 5, 1, KAFKA_CODEC_NONE, 0);
    ask(&s, "GET", "/v1/topics/t/records?from=start", NULL, 200,
        "{\"partition\":0,\"offset\":2,\"time_ms\":5,\"to_offset\":4,\"damaged\":");
    ask(&s, "GET", "/v1/topics/t/records?from=start", NULL, 200, "\"value\":\"p0-5\"");
    ask(&s, "GET", "/v1/topics/t/records", NULL, 200, "\"value\":\"p0-1\"");
    ask(&s, "GET", "/v1/topics/t/records", NULL, 200, "\"to_offset\":4,\"damaged\":");
    buf_deinit(&batch);
    batch_builder_deinit(&b);
    http_server_close(&s);
}

TEST(http_topics_refuse_what_is_not_a_page)
{
    static const struct {
        const char *query, *says;
    } bad[] = {
        {"from=middle", "start or end"},
        {"from=start&offset=1", "only one of"},
        {"offset=-1", "?offset="},
        {"offset=x", "?offset="},
        {"time=1e3", "?time="},
        {"limit=0", "1 to 500"},
        {"limit=501", "1 to 500"},
        {"cut=65537", "?cut="},
        {"limit=500&cut=65536", "times ?cut="},
        {"partition=2", "0 to 1"},
        {"partition=-1", "0 to 1"},
        {"partition=0&partition=0", "each once"},
        {"before=", "a cursor"},
        {"before=0", "a cursor"},
        {"before=0:1,0:2", "a cursor"},
        {"before=1:1,0:2", "a cursor"},
        {"before=0:-1", "a cursor"},
        {"after=2:0", "a cursor"},
        {"after=0:1,", "a cursor"},
        {"after=0:99999999999999999999", "a cursor"},
        {"whole", "?whole"},
        {"whole&partition=0", "?whole"},
    };
    char path[200];
    struct http_server s;
    struct log_topic *wide;
    struct diag diag = {0};

    http_server_open(&s, NULL, NULL);
    make_topic(&s, 2);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(path, sizeof path, "/v1/topics/t/records?%s", bad[i].query);
        ask(&s, "GET", path, NULL, 400, bad[i].says);
    }
    snprintf(path, sizeof path, "/v1/topics/t/records?filter=%0*d", 150, 0);
    ask(&s, "GET", path, NULL, 200, "\"left\":0");
    ask(&s, "GET", "/v1/topics/none/records", NULL, 404, "there is no topic 'none'");
    EXPECT_OK(log_topic_create(s.log, BYTES_LITERAL("wide"), 65, NULL, &wide, NULL, &diag));
    ask(&s, "GET", "/v1/topics/wide/records", NULL, 400, "65 partitions; choose up to 64");
    ask(&s, "GET", "/v1/topics/wide/records?partition=64", NULL, 200, "\"from\":\"64:0\"");
    http_server_close(&s);
}

TEST(http_topics_are_made_changed_and_deleted)
{
    struct http_server s;

    http_server_open(&s, test_dir(), NULL);
    ask(&s, "POST", "/v1/topics", "{\"name\":\"a\",\"partitions\":3,\"configs\":{\"retention.ms\":60000}}", 201, NULL);
    ask(&s, "POST", "/v1/topics", "{\"name\":\"a\"}", 409, "already exists");
    ask(&s, "POST", "/v1/topics", "{\"name\":\"a b\"}", 400, "a-z");
    ask(&s, "POST", "/v1/topics", "{}", 400, "\\\"name\\\"");
    ask(&s, "POST", "/v1/topics", "{\"name\":\"b\",\"partitions\":0}", 400, NULL);
    ask(&s, "POST", "/v1/topics", "{\"name\":\"b\",\"partitions\":10001}", 400, "10000");
    ask(&s, "POST", "/v1/topics", "{\"name\":\"b\",\"configs\":{\"no.such\":1}}", 400, "no.such");
    ask(&s, "POST", "/v1/topics", "{\"name\":\"b\",\"configs\":{\"retention.ms\":{}}}", 400, "a config's value");
    ask(&s, "POST", "/v1/topics", "{\"nme\":\"b\"}", 400, "not a member here");
    ask(&s, "POST", "/v1/topics", "[1]", 400, "not a JSON object");
    ask(&s, "POST", "/v1/topics", "{", 400, "not one JSON object");
    ask(&s, "GET", "/v1/topics/a", NULL, 200,
        "{\"name\":\"retention.ms\",\"value\":\"60000\",\"type\":\"long\",\"set\":true,");
    ask(&s, "GET", "/v1/topics/a", NULL, 200, "\"partitions_count\":3,");
    ask(&s, "POST", "/v1/topics/a/configs", "{\"retention.ms\":null,\"cleanup.policy\":\"compact\"}", 200, NULL);
    ask(&s, "GET", "/v1/topics/a", NULL, 200,
        "{\"name\":\"retention.ms\",\"value\":\"604800000\",\"type\":\"long\",\"set\":false,");
    ask(&s, "GET", "/v1/topics?summary", NULL, 200, "\"cleanup\":\"compact\"");
    ask(&s, "POST", "/v1/topics/a/configs", "{\"retention.ms\":\"soon\"}", 400, "retention.ms");
    ask(&s, "POST", "/v1/topics/a/partitions", "{\"count\":5}", 200, NULL);
    ask(&s, "POST", "/v1/topics/a/partitions", "{\"count\":2}", 400, "has 5 partitions");
    ask(&s, "POST", "/v1/topics/a/nothing", "{}", 404, NULL);
    ask(&s, "DELETE", "/v1/topics/a", NULL, 200, NULL);
    ask(&s, "DELETE", "/v1/topics/a", NULL, 404, NULL);
    ask(&s, "GET", "/v1/topics/a", NULL, 404, "there is no topic 'a'");
    http_server_close(&s);
}

TEST(http_topics_take_one_record)
{
    struct http_server s;

    http_server_open(&s, test_dir(), NULL);
    ask(&s, "POST", "/v1/topics", "{\"name\":\"t\",\"partitions\":4,\"configs\":{\"max.message.bytes\":2000}}", 201, NULL);
    /* where Kafka's clients put that key: murmur2("21") of 4 */
    ask(&s, "POST", "/v1/topics/t/records",
        "{\"key\":\"21\",\"value\":\"v\",\"headers\":[{\"key\":\"h\",\"value\":\"x\"},{\"key\":\"n\",\"value\":null},"
        "{\"key\":\"b\",\"value_base64\":\"AP8=\"}],\"time_ms\":77,\"partition\":2}",
        200, "{\"topic\":\"t\",\"partition\":2,\"offset\":0}");
    ask(&s, "GET", "/v1/topics/t/records?partition=2", NULL, 200,
        "\"time_ms\":77,\"key\":\"21\",\"value\":\"v\",\"headers\":[{\"key\":\"h\",\"value\":\"x\"},"
        "{\"key\":\"n\",\"value\":null},{\"key\":\"b\",\"value_base64\":\"AP8=\"}]");
    ask(&s, "POST", "/v1/topics/t/records", "{\"key_base64\":\"AAE=\",\"value\":null,\"partition\":1}", 200, NULL);
    ask(&s, "GET", "/v1/topics/t/records?partition=1", NULL, 200, "\"key\":\"\\u0000\\u0001\",\"value\":null");
    ask(&s, "POST", "/v1/topics/t/records", "{\"key\":\"a\"}", 400, "tombstone");
    ask(&s, "POST", "/v1/topics/t/records", "{\"value\":1}", 400, "\\\"value\\\" is a text");
    ask(&s, "POST", "/v1/topics/t/records", "{\"value\":\"\",\"value_base64\":\"\"}", 400, "not both");
    ask(&s, "POST", "/v1/topics/t/records", "{\"value_base64\":\"?\"}", 400, "not base64");
    ask(&s, "POST", "/v1/topics/t/records", "{\"value\":\"\",\"partition\":4}", 400, "0 to 3");
    ask(&s, "POST", "/v1/topics/t/records", "{\"value\":\"\",\"partition\":-2}", 400, "0 to 3");
    ask(&s, "POST", "/v1/topics/t/records", "{\"value\":\"\",\"headers\":[{}]}", 400, "\\\"headers\\\"");
    ask(&s, "POST", "/v1/topics/t/records", "{\"value\":\"\",\"headers\":{}}", 400, "\\\"headers\\\"");
    ask(&s, "POST", "/v1/topics/none/records", "{\"value\":\"\"}", 404, NULL);
    char large[3000];
    snprintf(large, sizeof large, "{\"value\":\"%02500d\"}", 0);
    ask(&s, "POST", "/v1/topics/t/records", large, 413, NULL);
    ask(&s, "POST", "/v1/topics/t/configs", "{\"cleanup.policy\":\"compact\"}", 200, NULL);
    ask(&s, "POST", "/v1/topics/t/records", "{\"value\":\"v\"}", 400, "key");
    http_server_close(&s);
}

/* By key the record goes where a Kafka client's would: the same as by POST /v1/topics/{t}?key=. */
TEST(http_topics_put_a_key_where_clients_do)
{
    struct http_server s;
    char body[100], want[60];
    struct http_client c;

    http_server_open(&s, NULL, NULL);
    make_topic(&s, 8);
    for (int i = 0; i < 10; i++) {
        snprintf(body, sizeof body, "{\"id\":\"key%d\"}", i);
        EXPECT_INT(http_ask(&c, &s, "POST", "/v1/topics/t?key=id", NULL, body), 200);
        snprintf(want, sizeof want, "\"partition\":%ld,", number(text_of(&c), "partition"));
        http_client_close(&c);
        snprintf(body, sizeof body, "{\"key\":\"key%d\",\"value\":\"\"}", i);
        ask(&s, "POST", "/v1/topics/t/records", body, 200, want);
    }
    http_server_close(&s);
}

TEST(http_topics_groups_go_elsewhere_when_told)
{
    struct http_server s;

    http_server_open(&s, test_dir(), NULL);
    append(&s, make_topic(&s, 2), 0, 0, 100, KAFKA_CODEC_NONE, 0);
    ask(&s, "GET", "/v1/groups", NULL, 200, "{\"count\":0,\"groups\":[],\"next\":null}");
    ask(&s, "GET", "/v1/groups/g", NULL, 404, "no such group");
    ask(&s, "POST", "/v1/groups/g/offsets", "{\"offset\":40,\"topic\":\"t\"}", 200,
        "{\"applied\":false,\"state\":\"Empty\",\"offsets\":[{\"topic\":\"t\",\"partition\":0,\"from\":-1,\"to\":40},"
        "{\"topic\":\"t\",\"partition\":1,\"from\":-1,\"to\":0}]}");
    ask(&s, "GET", "/v1/groups", NULL, 200, "\"count\":0"); /* it was only looked at */
    ask(&s, "POST", "/v1/groups/g/offsets", "{\"offset\":40,\"topic\":\"t\",\"partitions\":[0],\"apply\":true}", 200,
        "{\"applied\":true,");
    ask(&s, "GET", "/v1/groups/g", NULL, 200,
        "\"lag\":60,\"offsets\":[{\"topic\":\"t\",\"partition\":0,\"offset\":40,\"start\":0,\"end\":100,\"lag\":60}]");
    ask(&s, "GET", "/v1/groups", NULL, 200, "\"members\":0,\"topics\":1,\"lag\":60");
    ask(&s, "POST", "/v1/groups/g/offsets", "{\"by\":-15}", 200, "\"from\":40,\"to\":25");
    ask(&s, "POST", "/v1/groups/g/offsets", "{\"by\":-9223372036854775808}", 200, "\"to\":0");
    ask(&s, "POST", "/v1/groups/g/offsets", "{\"time_ms\":1100}", 200, "\"to\":10");
    ask(&s, "POST", "/v1/groups/g/offsets", "{\"to\":\"end\"}", 200, "\"to\":100");
    ask(&s, "POST", "/v1/groups/g/offsets", "{\"to\":\"start\",\"apply\":true}", 200, "\"to\":0");
    ask(&s, "GET", "/v1/groups/g", NULL, 200, "\"lag\":100");
    ask(&s, "POST", "/v1/groups/g/offsets", "{\"to\":\"middle\"}", 400, "one of");
    ask(&s, "POST", "/v1/groups/g/offsets", "{\"to\":\"start\",\"by\":1}", 400, "one of");
    ask(&s, "POST", "/v1/groups/g/offsets", "{}", 400, "one of");
    ask(&s, "POST", "/v1/groups/g/offsets", "{\"by\":1.5}", 400, "whole number");
    ask(&s, "POST", "/v1/groups/g/offsets", "{\"by\":1,\"partitions\":[0]}", 400, "goes with a");
    ask(&s, "POST", "/v1/groups/g/offsets", "{\"by\":1,\"topic\":\"none\"}", 404, "no topic 'none'");
    ask(&s, "POST", "/v1/groups/h/offsets", "{\"to\":\"end\",\"topic\":\"t\",\"apply\":true}", 200, NULL);
    ask(&s, "GET", "/v1/groups?limit=1", NULL, 200, "\"next\":\"g\"");
    ask(&s, "GET", "/v1/groups?limit=1&after=g", NULL, 200, "\"name\":\"h\"");
    ask(&s, "GET", "/v1/groups?limit=1&after=h", NULL, 200, "\"groups\":[],\"next\":null");
    ask(&s, "DELETE", "/v1/groups/g", NULL, 200, NULL);
    ask(&s, "DELETE", "/v1/groups/g", NULL, 404, NULL);
    ask(&s, "GET", "/v1/transactions", NULL, 200, "{\"count\":0,\"transactions\":[]}");
    ask(&s, "POST", "/v1/transactions/x/abort", NULL, 404, "no such transactional id");
    http_server_close(&s);
}

/* A member of a group that the server assigns, whose client is the test itself. */
static void join(struct http_server *s, const char *member)
{
    static const struct kafka_who who = {.host = "10.0.0.7"};
    struct bytes topic = BYTES_LITERAL("t");
    struct kafka_consumer_group_heartbeat_req req;
    struct kafka_ask ask = {0};

    kafka_consumer_group_heartbeat_req_init(&req);
    req.group_id = BYTES_LITERAL("new");
    req.member_id = bytes_str(member);
    req.rebalance_timeout_ms = 60000;
    req.topic_partitions.count = 0;
    req.subscribed_topic_names.at = &topic;
    req.subscribed_topic_names.count = 1;
    kafka_ask(s->kafka, &who, KAFKA_CONSUMER_GROUP_HEARTBEAT, 1, &req, &ask);
    for (int i = 0; i < 100 && !ask.response; i++)
        loop_pass(s->loop, 1000000);
    const struct kafka_consumer_group_heartbeat_res *res = ask.response;
    EXPECT(res);
    EXPECT_INT(res->error_code, 0);
    kafka_ask_end(&ask);
}

/* A look at a group in the turn in which others write, so that the log's end is not on the disk yet. */
TEST(http_topics_groups_are_looked_at_beside_writers)
{
    static const char *const look = "GET /v1/groups/g HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    static const char *const write = "POST /v1/topics/t HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                                     "Content-Length: 7\r\n\r\n{\"a\":1}";
    struct http_server s;

    http_server_open(&s, test_dir(), NULL);
    append(&s, make_topic(&s, 2), 0, 0, 100, KAFKA_CODEC_NONE, 0);
    ask(&s, "POST", "/v1/groups/g/offsets", "{\"offset\":40,\"topic\":\"t\",\"partitions\":[0],\"apply\":true}", 200,
        "{\"applied\":true,");
    for (int i = 0; i < 5; i++) {
        struct http_client c[3];
        for (int k = 0; k < 3; k++) {
            http_client_open(&c[k], &s);
            http_client_send(&c[k], k == 1 ? look : write);
        }
        http_client_expect(&c[1], "\"offset\":40");
        for (int k = 0; k < 3; k++)
            http_client_close(&c[k]);
    }
    http_server_close(&s);
}

TEST(http_topics_show_groups_that_the_server_assigns)
{
    struct http_server s;

    http_server_open(&s, test_dir(), NULL);
    make_topic(&s, 3);
    join(&s, "one");
    ask(&s, "GET", "/v1/groups", NULL, 200, "{\"name\":\"new\",\"type\":\"consumer\",\"state\":");
    ask(&s, "GET", "/v1/groups/new", NULL, 200,
        "\"members\":[{\"id\":\"one\",\"client_id\":\"\",\"host\":\"/10.0.0.7\",\"epoch\":1,"
        "\"assignment\":[{\"topic\":\"t\",\"partitions\":[0,1,2]}]}]");
    ask(&s, "POST", "/v1/groups/new/offsets", "{\"to\":\"end\",\"topic\":\"t\",\"apply\":true}", 409, "has members");
    ask(&s, "DELETE", "/v1/groups/new", NULL, 409, "has members");
    http_server_close(&s);
}

/* Who asked goes before the disk has it: nothing is told to it, and the change stands. */
TEST(http_topics_an_ask_may_be_forgotten)
{
    static const struct kafka_who who = {.host = "127.0.0.1"};
    struct kafka_create_topics_req_topic topic = {
        .name = BYTES_LITERAL("t"), .num_partitions = 1, .replication_factor = -1};
    const struct kafka_create_topics_req req = {.topics = {.at = &topic, .count = 1}};
    struct http_server s;
    struct kafka_ask ask_made = {0};

    http_server_open(&s, test_dir(), NULL);
    kafka_ask(s.kafka, &who, KAFKA_CREATE_TOPICS, 7, &req, &ask_made);
    EXPECT(!ask_made.response);
    kafka_ask_end(&ask_made);
    kafka_ask_end(&ask_made);
    ask(&s, "GET", "/v1/topics/t", NULL, 200, "\"partitions_count\":1");
    http_server_close(&s);
}

/* ---- who may ---- */

struct place {
    struct log *log; /* of the users */
    struct security *security;
    struct http_server server;
};

static void place_open(struct place *p)
{
    static char path[512];
    struct diag diag = {0};

    snprintf(path, sizeof(path), "%s/users", test_dir());
    FILE *file = fopen(path, "w");
    EXPECT(file && fputs("admin:a\nbob:b\n", file) >= 0 && fclose(file) == 0);
    const struct security_options options = {
        .sasl = "PLAIN", .users = path, .acls = true, .super_users = "User:admin"};
    EXPECT_OK(log_open(os_posix(), NULL, &(struct log_options){.in_memory = true}, &p->log, &diag));
    EXPECT_OK(security_open(os_posix(), p->log, &options, &p->security, &diag));
    http_server_open(&p->server, NULL, &(struct http_options){.security = p->security});
}

static const char *const bob = "Authorization: Basic Ym9iOmI=\r\n";
static const char *const admin = "Authorization: Basic YWRtaW46YQ==\r\n";

static void allow(struct place *p, enum acl_resource resource, const char *name, enum acl_operation operation)
{
    const struct acl acl = {resource,  ACL_LITERAL,     operation, ACL_ALLOW, bytes_str(name), BYTES_LITERAL("User:bob"),
                            BYTES_LITERAL("127.0.0.1")};
    acls_add(security_acls(p->security), &acl);
}

TEST(http_topics_are_for_who_may)
{
    static const struct {
        const char *method, *path, *body;
        enum acl_resource resource;
        const char *name;
        enum acl_operation operation;
        int status; /* once it is allowed */
    } cases[] = {
        {"GET", "/v1/topics/t", NULL, ACL_TOPIC, "t", ACL_DESCRIBE, 200},
        {"GET", "/v1/topics/t/records", NULL, ACL_TOPIC, "t", ACL_READ, 200},
        {"POST", "/v1/topics/t/records", "{\"value\":\"v\"}", ACL_TOPIC, "t", ACL_WRITE, 200},
        {"POST", "/v1/topics/u", "{}", ACL_TOPIC, "u", ACL_WRITE, 403},
        {"POST", "/v1/topics/u", "{}", ACL_TOPIC, "u", ACL_CREATE, 200},
        {"POST", "/v1/topics", "{\"name\":\"w\"}", ACL_TOPIC, "w", ACL_CREATE, 201},
        {"POST", "/v1/topics/t/configs", "{\"retention.ms\":9}", ACL_TOPIC, "t", ACL_ALTER_CONFIGS, 200},
        {"POST", "/v1/topics/t/partitions", "{\"count\":3}", ACL_TOPIC, "t", ACL_ALTER, 200},
        {"GET", "/v1/groups/g", NULL, ACL_GROUP, "g", ACL_DESCRIBE, 200},
        {"POST", "/v1/groups/g/offsets", "{\"to\":\"end\",\"apply\":true}", ACL_GROUP, "g", ACL_READ, 200},
        {"DELETE", "/v1/groups/g", NULL, ACL_GROUP, "g", ACL_DELETE, 200},
        {"POST", "/v1/transactions/x/abort", NULL, ACL_TRANSACTIONAL_ID, "x", ACL_DESCRIBE, 404},
        {"DELETE", "/v1/topics/t", NULL, ACL_TOPIC, "t", ACL_DELETE, 200},
        {"GET", "/v1/jobs", NULL, ACL_CLUSTER, "kafka-cluster", ACL_ALTER, 200},
    };
    struct place p;

    place_open(&p);
    make_topic(&p.server, 2);
    ask_as(&p.server, admin, "POST", "/v1/groups/g/offsets", "{\"to\":\"end\",\"topic\":\"t\",\"apply\":true}", 200, NULL);
    ask_as(&p.server, bob, "GET", "/v1/topics", NULL, 200, "[]\n");
    ask_as(&p.server, bob, "GET", "/v1/groups", NULL, 200, "\"groups\":[]");
    ask_as(&p.server, bob, "GET", "/", NULL, 200, "<title>");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ask_as(&p.server, NULL, cases[i].method, cases[i].path, cases[i].body, 401, NULL);
        ask_as(&p.server, bob, cases[i].method, cases[i].path, cases[i].body, 403, "\"code\":\"rights\"");
        allow(&p, cases[i].resource, cases[i].name, cases[i].operation);
        ask_as(&p.server, bob, cases[i].method, cases[i].path, cases[i].body, cases[i].status, NULL);
    }
    http_server_close(&p.server);
    security_close(p.security);
    log_close(p.log);
}

/* The page's stream is for all who are known; what it carries is not. */
TEST(http_topics_tail_is_for_who_may_read)
{
    static const char *const path = "GET /v1/stream?overview&tail=t HTTP/1.1\r\nHost: localhost\r\n%s\r\n";
    char request[300];
    struct place p;
    struct http_client c;

    place_open(&p);
    struct log_topic *topic = make_topic(&p.server, 2);
    append(&p.server, topic, 0, 0, 5, KAFKA_CODEC_NONE, 0);
    snprintf(request, sizeof request, path, bob);
    http_client_open(&c, &p.server);
    http_client_send(&c, request);
    http_client_expect(&c, "\"principal\":\"User:bob\",\"admin\":false");
    http_client_expect(&c, "\"type\":\"tail\",\"topic\":\"t\",\"error\":\"you may not read the topic\"");
    allow(&p, ACL_TOPIC, "t", ACL_READ);
    http_client_expect(&c, "\"type\":\"tail\",\"topic\":\"t\",\"skipped\":0,\"records\":[]"); /* from the end on */
    append(&p.server, topic, 1, 0, 1, KAFKA_CODEC_NONE, 0);
    http_client_expect(&c, "\"records\":[{\"partition\":1,\"offset\":0,");
    append(&p.server, topic, 0, 5, 1000, KAFKA_CODEC_NONE, 0);
    http_client_expect(&c, "\"skipped\":950,\"records\":[{\"partition\":0,\"offset\":955,");
    EXPECT(!memmem(c.in.ptr, c.in.len, "\"type\":\"overview\"", 17));
    http_client_close(&c);
    http_server_close(&p.server);
    security_close(p.security);
    log_close(p.log);
}
