/* Quotas: what is measured, and the face that keeps to them on a simulated machine. */
#include <math.h>
#include <stdio.h>

#include "lib/kafka_rig.h"
#include "lib/test.h"
#include "serve/kafka/quota.h"

/* NULL: not named; "*": the default. */
static struct quota_part part(const char *name)
{
    if (!name)
        return (struct quota_part){0};
    return name[0] == '*' ? (struct quota_part){.is = QUOTA_DEFAULT}
                          : (struct quota_part){.is = QUOTA_NAMED, .name = bytes_str(name)};
}

static void set(struct quotas *q, const char *user, const char *client, enum quota_kind kind, double value)
{
    const struct quota_entity entity = {.of = {[QUOTA_USER] = part(user), [QUOTA_CLIENT] = part(client)}};

    quotas_set(q, &entity, kind, value);
}

static struct quota_client *take(struct quotas *q, const char *user, const char *client, int64_t now_ms)
{
    return quotas_take(q, bytes_str(user), bytes_str(client), now_ms);
}

TEST(quota_waits_till_the_mean_is_right)
{
    struct quotas *q = quotas_create();

    EXPECT(!take(q, "u", "a", 0));
    set(q, NULL, "*", QUOTA_PRODUCE, 1000);
    set(q, NULL, "a", QUOTA_PRODUCE, 2000);
    struct quota_client *a = take(q, "u", "a", 0), *b = take(q, "u", "b", 0);
    EXPECT_INT(quota_charge(a, QUOTA_PRODUCE, 20000, 0), 0); /* ten seconds' worth after a rest */
    EXPECT_INT(quota_charge(a, QUOTA_PRODUCE, 1000, 0), 500);
    EXPECT_INT(quota_charge(b, QUOTA_PRODUCE, 11000, 0), 1000);
    EXPECT_INT(quota_charge(b, QUOTA_CONSUME, 1e12, 0), 0); /* none is set */
    int64_t now = 1000, sent = 11000; /* it waits as long as it is told: a thousand a second */
    while (now < 100000) {
        sent += 500;
        now += 10 + quota_charge(b, QUOTA_PRODUCE, 500, now);
    }
    EXPECT(sent < 115000 && sent > 95000);
    set(q, NULL, "a", QUOTA_PRODUCE, 0); /* the default is its own now */
    quotas_release(a);
    a = take(q, "u", "a", 50000);
    EXPECT_INT(quota_charge(a, QUOTA_PRODUCE, 11000, 50000), 1000);
    quotas_release(a);
    quotas_release(b);
    set(q, NULL, "*", QUOTA_PRODUCE, 0);
    EXPECT(!take(q, "u", "b", 50000));
    quotas_destroy(q);
}

TEST(quota_of_changes_is_a_bucket)
{
    struct quotas *q = quotas_create();

    set(q, NULL, "*", QUOTA_MUTATION, 2);
    struct quota_client *c = take(q, "u", "c", 0);
    EXPECT_INT(quota_debt(c, 0), 0);
    EXPECT_INT(quota_charge(c, QUOTA_MUTATION, 22, 0), 0); /* eleven seconds' worth */
    EXPECT_INT(quota_debt(c, 0), 0);
    EXPECT_INT(quota_charge(c, QUOTA_MUTATION, 10, 0), 5000);
    EXPECT_INT(quota_debt(c, 3000), 2000);
    EXPECT_INT(quota_debt(c, 5000), 0);
    quotas_release(c);
    quotas_destroy(q);
}

TEST(quota_clients_are_bounded)
{
    struct quotas *q = quotas_create();
    char id[32];

    set(q, NULL, "*", QUOTA_CONSUME, 1000);
    for (int i = 0; i < QUOTA_CLIENTS + 100; i++) {
        snprintf(id, sizeof(id), "c%d", i);
        struct quota_client *c = take(q, "u", id, 0);
        EXPECT_INT(quota_charge(c, QUOTA_CONSUME, 200, 0) > 0, i >= QUOTA_CLIENTS + 50);
        quotas_release(c);
    }
    struct quota_client *c = take(q, "u", "later", 3600000); /* the idle are forgotten */
    EXPECT_INT(quota_charge(c, QUOTA_CONSUME, 200, 3600000), 0);
    quotas_release(c);
    quotas_destroy(q);
}

/* What a request of the user and client is held to, told by how long it waits: each quota is another. */
static int64_t held_to(struct quotas *q, const char *user, const char *client)
{
    struct quota_client *c = take(q, user, client, 0);
    int64_t wait_ms = quota_charge(c, QUOTA_PRODUCE, 1e6, 0);
    quotas_release(c);
    return wait_ms;
}

TEST(quota_of_the_nearest_entity_holds)
{
    static const struct { const char *user, *client; double value; } set_to[] = {
        {"u", "c", 800}, {"u", "*", 700}, {"u", NULL, 600}, {"*", "c", 500},
        {"*", "*", 400}, {"*", NULL, 300}, {NULL, "c", 200}, {NULL, "*", 100},
    };

    for (int from = 0; from < 8; from++) { /* the more precise ones are not there */
        struct quotas *q = quotas_create();
        for (int i = from; i < 8; i++)
            set(q, set_to[i].user, set_to[i].client, QUOTA_PRODUCE, set_to[i].value);
        EXPECT_INT(held_to(q, "u", "c"), (int64_t)(1e6 / set_to[from].value * 1000 + 0.5) - 10000);
        quotas_destroy(q);
    }
    struct quotas *q = quotas_create(); /* each kind by itself */
    set(q, "u", "c", QUOTA_CONSUME, 10);
    set(q, "u", NULL, QUOTA_PRODUCE, 500);
    EXPECT_INT(held_to(q, "u", "c"), 1990000);
    set(q, "u", "c", QUOTA_PRODUCE, 1000); /* while it is known already */
    EXPECT_INT(held_to(q, "u", "c"), 990000);
    EXPECT(!take(q, "v", "c", 0));
    quotas_destroy(q);
}

/* A user's clients share what is his; what is the pair's they do not. */
TEST(quota_is_shared_by_those_it_does_not_tell_apart)
{
    struct quotas *q = quotas_create();
    struct quota_client *a, *b, *other;

    set(q, "*", NULL, QUOTA_PRODUCE, 1000);
    set(q, "*", "*", QUOTA_CONSUME, 1000);
    a = take(q, "u", "a", 0), b = take(q, "u", "b", 0), other = take(q, "v", "a", 0);
    EXPECT_INT(quota_charge(a, QUOTA_PRODUCE, 10000, 0), 0);
    EXPECT_INT(quota_charge(b, QUOTA_PRODUCE, 1000, 0), 1000);
    EXPECT_INT(quota_charge(other, QUOTA_PRODUCE, 1000, 0), 0);
    EXPECT_INT(quota_charge(a, QUOTA_CONSUME, 10000, 0), 0);
    EXPECT_INT(quota_charge(b, QUOTA_CONSUME, 1000, 0), 0);
    EXPECT_INT(quota_charge(a, QUOTA_CONSUME, 1000, 0), 1000);
    set(q, "u", "a", QUOTA_PRODUCE, 1000); /* from now on its own */
    quotas_release(a);
    a = take(q, "u", "a", 0);
    EXPECT_INT(quota_charge(a, QUOTA_PRODUCE, 10000, 0), 0);
    quotas_release(a);
    quotas_release(b);
    quotas_release(other);
    quotas_destroy(q);
}

TEST(quota_of_connections_counts_those_that_may_come)
{
    struct quotas *q = quotas_create();
    struct quota_entity any = {.of = {[QUOTA_IP] = {.is = QUOTA_DEFAULT}}};
    struct quota_entity one = {.of = {[QUOTA_IP] = {.is = QUOTA_NAMED, .name = BYTES_LITERAL("10.0.0.1")}}};
    int may = 0;

    EXPECT_INT(quotas_connect(q, BYTES_LITERAL("10.0.0.1"), 0), 0);
    quotas_set(q, &any, QUOTA_CONNECT, 1);
    quotas_set(q, &one, QUOTA_CONNECT, 2);
    for (int i = 0; i < 100; i++)
        may += quotas_connect(q, BYTES_LITERAL("10.0.0.1"), 0) == 0;
    EXPECT_INT(may, 20);
    EXPECT_INT(quotas_connect(q, BYTES_LITERAL("10.0.0.1"), 0), 500);
    EXPECT_INT(quotas_connect(q, BYTES_LITERAL("10.0.0.2"), 0), 0);
    for (may = 0; may < 100 && quotas_connect(q, BYTES_LITERAL("10.0.0.2"), 0) == 0;)
        may++;
    EXPECT_INT(may, 9);
    EXPECT_INT(quotas_connect(q, BYTES_LITERAL("10.0.0.1"), 20000), 0);
    EXPECT(!take(q, "u", "c", 0));
    quotas_destroy(q);
}

/* ---- the face ---- */

struct named {
    const char *type, *name; /* name NULL: the default */
};

static enum kafka_error alter_entity(struct peer *p, const struct named *named, int count, const char *key,
                                     double value)
{
    struct arena *arena = &p->rig->arena;
    struct kafka_alter_client_quotas_req req;
    struct kafka_alter_client_quotas_res res;

    kafka_alter_client_quotas_req_init(&req);
    req.entries.count = 1;
    req.entries.at = kafka_alter_client_quotas_req_entry_new(arena, 1);
    req.entries.at[0].entity.count = count;
    req.entries.at[0].entity.at = kafka_alter_client_quotas_req_entity_new(arena, count);
    for (int i = 0; i < count; i++) {
        req.entries.at[0].entity.at[i].entity_type = bytes_str(named[i].type);
        req.entries.at[0].entity.at[i].entity_name = named[i].name ? bytes_str(named[i].name) : BYTES_NONE;
    }
    req.entries.at[0].ops.count = 1;
    req.entries.at[0].ops.at = kafka_alter_client_quotas_req_op_new(arena, 1);
    req.entries.at[0].ops.at[0].key = bytes_str(key);
    req.entries.at[0].ops.at[0].value = value;
    req.entries.at[0].ops.at[0].remove = value == 0;
    peer_call(p, KAFKA_ALTER_CLIENT_QUOTAS, 1, &req, &res);
    return (enum kafka_error)res.entries.at[0].error_code;
}

static enum kafka_error alter(struct peer *p, const char *type, const char *name, const char *key, double value)
{
    return alter_entity(p, &(struct named){type, name}, 1, key, value);
}

static enum kafka_error alter_pair(struct peer *p, const char *user, const char *client, const char *key,
                                   double value)
{
    const struct named pair[] = {{"user", user}, {"client-id", client}};

    return alter_entity(p, pair, 2, key, value);
}

static bool strict;

/* match: 0 exactly that client, 1 the default, 2 any. */
static struct kafka_describe_client_quotas_res describe(struct peer *p, const char *type, int8_t match,
                                                        const char *client)
{
    struct kafka_describe_client_quotas_req req;
    struct kafka_describe_client_quotas_res res;

    kafka_describe_client_quotas_req_init(&req);
    req.components.count = 1;
    req.strict = strict;
    req.components.at = kafka_describe_client_quotas_req_component_new(&p->rig->arena, 1);
    req.components.at[0].entity_type = bytes_str(type);
    req.components.at[0].match_type = match;
    req.components.at[0].match = client ? bytes_str(client) : BYTES_NONE;
    peer_call(p, KAFKA_DESCRIBE_CLIENT_QUOTAS, 1, &req, &res);
    return res;
}

TEST(kafka_quotas_are_set_told_and_kept)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    EXPECT_INT(alter(p, "client-id", "a", "producer_byte_rate", 1000), 0);
    EXPECT_INT(alter(p, "client-id", "a", "request_percentage", 12.5), 0);
    EXPECT_INT(alter(p, "client-id", NULL, "consumer_byte_rate", 5), 0);
    EXPECT_INT(alter(p, "client-id", "a", "consumer_bite_rate", 1000), KAFKA_ERR_INVALID_REQUEST);
    EXPECT_INT(alter(p, "client-id", "a", "producer_byte_rate", -1), KAFKA_ERR_INVALID_REQUEST);
    EXPECT_INT(alter(p, "client-id", "a", "producer_byte_rate", (double)NAN), KAFKA_ERR_INVALID_REQUEST);
    EXPECT_INT(alter(p, "planet", "a", "producer_byte_rate", 1000), KAFKA_ERR_INVALID_REQUEST);
    EXPECT_INT(alter(p, "client-id", "", "producer_byte_rate", 1000), KAFKA_ERR_INVALID_REQUEST);
    EXPECT_INT(alter(p, "client-id", "a", "producer_byte_rate", 10.5), KAFKA_ERR_INVALID_REQUEST);
    EXPECT_INT(alter(p, "ip", "127.0.0.1", "producer_byte_rate", 1000), KAFKA_ERR_INVALID_REQUEST);
    EXPECT_INT(alter(p, "user", "a", "connection_creation_rate", 10), KAFKA_ERR_INVALID_REQUEST);
    EXPECT_INT(alter(p, "user", "a", "producer_byte_rate", 7000), 0);
    EXPECT_INT(alter(p, "user", NULL, "producer_byte_rate", 8000), 0);
    EXPECT_INT(alter(p, "ip", NULL, "connection_creation_rate", 1000), 0);
    EXPECT_INT(alter_pair(p, "a", NULL, "consumer_byte_rate", 9000), 0);
    peer_end(p);
    kafka_rig_stop(&rig);
    kafka_rig_start(&rig);
    p = peer_open(&rig);
    struct kafka_describe_client_quotas_res res = describe(p, "client-id", 0, "a");
    EXPECT_INT(res.entries.count, 1);
    EXPECT_INT(res.entries.at[0].values.count, 2);
    EXPECT_BYTES(res.entries.at[0].values.at[1].key, BYTES_LITERAL("request_percentage"));
    EXPECT(fabs(res.entries.at[0].values.at[1].value - 12.5) < 1e-9);
    strict = true; /* without the pair of a user and any client */
    res = describe(p, "client-id", 1, NULL);
    strict = false;
    EXPECT_INT(res.entries.count, 1);
    EXPECT(!res.entries.at[0].entity.at[0].entity_name.ptr);
    EXPECT_INT(describe(p, "user", 2, NULL).entries.count, 3);
    EXPECT_INT(describe(p, "ip", 1, NULL).entries.count, 1);
    EXPECT_INT(describe(p, "ip", 0, "127.0.0.1").entries.count, 0);
    strict = true;
    EXPECT_INT(describe(p, "user", 2, NULL).entries.count, 2);
    res = describe(p, "user", 0, "a");
    EXPECT_INT(res.entries.count, 1);
    EXPECT(fabs(res.entries.at[0].values.at[0].value - 7000) < 1e-9);
    strict = false;
    EXPECT_INT(describe(p, "client-id", 2, NULL).entries.count, 3); /* the pair, too */
    EXPECT_INT(describe(p, "planet", 2, NULL).error_code, KAFKA_ERR_UNSUPPORTED_VERSION);
    EXPECT_INT(describe(p, "client-id", 0, NULL).error_code, KAFKA_ERR_INVALID_REQUEST);
    EXPECT_INT(alter(p, "client-id", "a", "producer_byte_rate", 0), 0);
    EXPECT_INT(alter(p, "client-id", "a", "request_percentage", 0), 0);
    EXPECT_INT(describe(p, "client-id", 0, "a").entries.count, 0);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_quota_mutes_a_producer_and_says_so)
{
    struct rig rig;
    struct kafka_produce_res res;
    struct bytes frame;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig), *other = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    EXPECT_INT(alter(other, "client-id", "test", "producer_byte_rate", 1000), 0); /* both are called so */
    struct bytes large = kafka_rig_batch(&rig, 1000, -1, -1, -1); /* some 16 kB */
    EXPECT(peer_answer(p, peer_ask_produce(p, "t", large, -1), KAFKA_PRODUCE, 9, &res));
    EXPECT_INT(res.responses.at[0].partition_responses.at[0].error_code, 0);
    EXPECT(res.throttle_time_ms > 1000);
    int64_t until = os_mono_ns(rig.os) + ((int64_t)res.throttle_time_ms - 100) * 1000000;
    int32_t id = peer_ask_produce(p, "t", kafka_rig_batch(&rig, 1, -1, -1, -1), -1);
    while (os_mono_ns(rig.os) < until) {
        EXPECT(!peer_take(p, &frame)); /* it is not even read */
        kafka_rig_run_for(&rig, 50);
    }
    EXPECT(peer_answer(p, id, KAFKA_PRODUCE, 9, &res));
    EXPECT_INT(res.responses.at[0].partition_responses.at[0].base_offset, 1000);
    EXPECT_INT(describe(other, "client-id", 2, NULL).entries.count, 1); /* that one was never muted */
    peer_ask_produce(p, "t", large, 0); /* no answer, and no less a wait */
    id = peer_ask_produce(p, "t", kafka_rig_batch(&rig, 1, -1, -1, -1), -1);
    kafka_rig_run_for(&rig, 1000);
    EXPECT(!peer_take(p, &frame));
    peer_end(p); /* muted, it ends */
    peer_end(other);
    kafka_rig_close(&rig);
}

TEST(kafka_quota_bounds_what_a_fetch_is_given)
{
    struct rig rig;
    struct kafka_fetch_res res;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    for (int i = 0; i < 40; i++)
        (void)peer_produce(p, "t", kafka_rig_batch(&rig, 100, -1, -1, -1)); /* some 1.6 kB each */
    EXPECT_INT(alter(p, "client-id", NULL, "consumer_byte_rate", 1000), 0);
    int64_t begun = os_mono_ns(rig.os), next = 0;
    while (next < 4000) {
        EXPECT(peer_answer(p, peer_ask_fetch(p, "t", next, 0, 1 << 20), KAFKA_FETCH, 12, &res));
        struct bytes records = res.responses.at[0].partitions.at[0].records;
        struct batch_header h;
        EXPECT(records.len <= 12000);
        for (; records.len; records = bytes_skip(records, batch_size(&h))) {
            EXPECT_OK(batch_validate(bytes_head(records, records.len), &h));
            next += 100;
        }
    }
    EXPECT(os_mono_ns(rig.os) - begun > (int64_t)40 * 1000000000); /* 64 kB, ten seconds' worth at once */
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_quota_of_changes_refuses_or_waits)
{
    struct rig rig;
    struct kafka_create_topics_req req;
    struct kafka_create_topics_res res;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    EXPECT_INT(alter(p, "client-id", "test", "controller_mutation_rate", 1), 0);
    kafka_create_topics_req_init(&req);
    req.topics.count = 2;
    req.topics.at = kafka_create_topics_req_topic_new(&rig.arena, 2);
    for (int i = 0; i < 2; i++) {
        req.topics.at[i].name = bytes_str(i ? "b" : "a");
        req.topics.at[i].num_partitions = 15;
        req.topics.at[i].replication_factor = 1;
    }
    peer_call(p, KAFKA_CREATE_TOPICS, 7, &req, &res);
    EXPECT_INT(res.topics.at[0].error_code, 0);
    EXPECT_INT(res.topics.at[1].error_code, KAFKA_ERR_THROTTLING_QUOTA_EXCEEDED);
    EXPECT_INT(res.throttle_time_ms, 4000);
    req.topics.count = 1;
    req.topics.at[0].name = BYTES_LITERAL("c");
    peer_call(p, KAFKA_CREATE_TOPICS, 5, &req, &res); /* an older one is made, after the wait */
    EXPECT_INT(res.topics.at[0].error_code, 0);
    EXPECT(res.throttle_time_ms > 10000);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_quota_of_a_user_holds_all_his_clients)
{
    struct rig rig;
    struct kafka_produce_res res;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig), *other = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    EXPECT_INT(alter_pair(other, "ANONYMOUS", "another", "producer_byte_rate", 1), 0);
    EXPECT_INT(alter(other, "user", "ANONYMOUS", "producer_byte_rate", 1000), 0);
    EXPECT_INT(alter(other, "client-id", "test", "producer_byte_rate", 1e9), 0);
    struct bytes large = kafka_rig_batch(&rig, 1000, -1, -1, -1); /* some 16 kB */
    EXPECT(peer_answer(p, peer_ask_produce(p, "t", large, -1), KAFKA_PRODUCE, 9, &res));
    EXPECT(res.throttle_time_ms > 1000 && res.throttle_time_ms < 20000);
    peer_end(p);
    peer_end(other);
    kafka_rig_close(&rig);
}

TEST(kafka_quota_of_an_address_closes_what_comes_too_fast)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    EXPECT_INT(alter(p, "ip", NULL, "connection_creation_rate", 1), 0);
    struct peer *fine[10];
    for (int i = 0; i < 10; i++) {
        fine[i] = peer_open(&rig);
        EXPECT_INT(describe(fine[i], "ip", 2, NULL).entries.count, 1);
    }
    struct peer *late = peer_open(&rig);
    struct bytes frame;
    EXPECT(!peer_take(late, &frame));
    kafka_rig_run_for(&rig, 2000);
    EXPECT(late->closed);
    EXPECT_INT(describe(p, "ip", 2, NULL).entries.count, 1);
    kafka_rig_run_for(&rig, 20000);
    struct peer *again = peer_open(&rig);
    EXPECT_INT(describe(again, "ip", 2, NULL).entries.count, 1);
    peer_end(again);
    peer_end(late);
    for (int i = 0; i < 10; i++)
        peer_end(fine[i]);
    peer_end(p);
    kafka_rig_close(&rig);
}
