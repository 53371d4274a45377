/* Groups of consumers, the machine alone: each rule by name, then random clients over lost answers and
 * crashes, none of which may ever read a partition that another reads. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "base/rng.h"
#include "lib/test.h"
#include "serve/kafka/consumer_group.h"

/* ---- a world of topics "t0", "t1", … ---- */

enum { TOPICS = 5 };

static struct {
    struct rng rng;
    int32_t partitions[TOPICS]; /* -1: there is no such topic */
    uint8_t ids[TOPICS][16];
    char names[TOPICS][16];
    struct map facts; /* key -> struct bytes on the heap: what is durable */
    struct cgroups *gs;
    int32_t session_ms, rebalance_ms;
} world;

static void give_random(void *context, void *to, size_t len)
{
    (void)context;
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)to)[i] = (uint8_t)rng_next(&world.rng);
}

static bool give_topic(void *context, struct bytes name, struct cgroup_topic *out)
{
    (void)context;
    for (int i = 0; i < TOPICS; i++) {
        *out = (struct cgroup_topic){bytes_str(world.names[i]), world.ids[i], world.partitions[i]};
        if (world.partitions[i] >= 0 && bytes_equal(name, out->name))
            return true;
    }
    return false;
}

static bool give_topic_of(void *context, const uint8_t *id, struct cgroup_topic *out)
{
    for (int i = 0; i < TOPICS; i++) {
        if (memcmp(world.ids[i], id, sizeof(world.ids[i])) == 0)
            return give_topic(context, bytes_str(world.names[i]), out);
    }
    return false;
}

static void give_topics(void *context, cgroup_topic_fn *fn, void *fn_context)
{
    struct cgroup_topic topic;

    for (int i = 0; i < TOPICS; i++) {
        if (give_topic(context, bytes_str(world.names[i]), &topic))
            fn(fn_context, &topic);
    }
}

static uint64_t give_stamp(void *context)
{
    uint64_t stamp = 1;

    (void)context;
    for (int i = 0; i < TOPICS; i++)
        stamp = stamp * 31 + (uint64_t)(world.partitions[i] + 1);
    return stamp;
}

static void give_times(void *context, struct bytes group, int32_t *session_ms, int32_t *heartbeat_ms)
{
    (void)context;
    (void)group;
    *session_ms = world.session_ms;
    *heartbeat_ms = 300;
}

static struct cgroups *create(void)
{
    const struct cgroup_host host = {NULL,        give_random, give_topic, give_topic_of,
                                     give_topics, give_stamp,  give_times};
    const struct cgroup_options options = {.members_max = 8, .groups_max = 2};

    return cgroups_create(&host, &options);
}

static void world_open(void)
{
    world.rng = rng_seed(test_seed());
    world.session_ms = 1000;
    world.rebalance_ms = 500;
    for (int i = 0; i < TOPICS; i++) {
        world.partitions[i] = i < 2 ? 4 : -1;
        world.ids[i][0] = (uint8_t)(i + 1);
        snprintf(world.names[i], sizeof(world.names[i]), "t%d", i);
    }
    map_init(&world.facts);
    world.gs = create();
}

static void fact_free(struct bytes *fact)
{
    if (fact)
        free((void *)(uintptr_t)fact->ptr);
    free(fact);
}

static void keep_fact(void *context, struct bytes key, struct bytes value)
{
    (void)context;
    fact_free(map_remove(&world.facts, key));
    if (!value.len)
        return;
    struct bytes *fact = xmalloc(sizeof(*fact));
    uint8_t *copy = xmalloc(value.len);
    memcpy(copy, value.ptr, value.len);
    *fact = bytes_of(copy, value.len);
    map_put(&world.facts, key, fact);
}

static void save(void)
{
    if (cgroups_save(world.gs, keep_fact, NULL))
        cgroups_saved(world.gs);
}

/* Only what was saved is left. */
static void crash(int64_t now)
{
    cgroups_destroy(world.gs);
    world.gs = create();
    for (struct map_entry *e = map_first(&world.facts); e; e = map_next(&world.facts, e))
        EXPECT(cgroups_load(world.gs, now, e->key, *(struct bytes *)e->value));
}

static void world_close(void)
{
    cgroups_destroy(world.gs);
    for (struct map_entry *e = map_first(&world.facts); e; e = map_next(&world.facts, e))
        fact_free(e->value);
    map_deinit(&world.facts);
}

/* ---- a client ---- */

struct client {
    char id[16], instance[16];
    int32_t epoch; /* -1: not in */
    unsigned topics; /* bits; 0: the pattern t. */
    const char *assignor;
    struct parts owned;   /* it reads these */
    struct parts wanted;  /* as last told */
    bool full;            /* the next heartbeat says all: something was lost */
    int64_t next_ms;
};

static struct bytes topics_of(unsigned mask, struct bytes out[TOPICS], int32_t *count)
{
    *count = 0;
    for (int i = 0; i < TOPICS; i++) {
        if (mask & 1u << i)
            out[(*count)++] = bytes_str(world.names[i]);
    }
    return BYTES_LITERAL("t.");
}

static struct cgroup_beat beat_of(const struct client *c, struct bytes topics[TOPICS])
{
    bool full = c->full || c->epoch == 0;
    int32_t count;
    struct bytes pattern = topics_of(c->topics, topics, &count);

    return (struct cgroup_beat){
        .group_id = BYTES_LITERAL("g"),
        .member_id = bytes_str(c->id),
        .instance_id = c->instance[0] ? bytes_str(c->instance) : BYTES_NONE,
        .regex = full ? (c->topics ? BYTES_LITERAL("") : pattern) : BYTES_NONE,
        .assignor = full && c->assignor ? bytes_str(c->assignor) : BYTES_NONE,
        .client_id = BYTES_LITERAL("c"),
        .client_host = BYTES_LITERAL("/h"),
        .epoch = c->epoch,
        .rebalance_ms = full ? world.rebalance_ms : -1,
        .topics = topics,
        .topics_count = full ? count : -1,
        .owned = &c->owned,
        .names_itself = true,
    };
}

static struct cgroup_answer ask(int64_t now, const struct client *c)
{
    struct bytes topics[TOPICS];
    struct cgroup_beat b = beat_of(c, topics);
    struct cgroup_answer a;

    cgroups_beat(world.gs, now, &b, &a);
    return a;
}

/* Takes an answer: partitions that are not its own any more are given up at once. */
static void take(struct client *c, const struct cgroup_answer *a)
{
    struct parts left = {0};

    c->epoch = a->epoch;
    c->full = false;
    if (!a->assignment)
        return;
    parts_copy(&c->wanted, a->assignment);
    for (uint32_t i = 0; i < c->owned.count; i++) {
        if (parts_has(&c->wanted, &c->owned.at[i]))
            parts_push(&left, c->owned.at[i].topic, c->owned.at[i].index);
    }
    parts_move(&c->owned, &left);
}

static void settle(struct client *c) /* it begins to read what it was told to */
{
    parts_copy(&c->owned, &c->wanted);
}

static enum kafka_error step(int64_t now, struct client *c)
{
    struct cgroup_answer a = ask(now, c);

    if (!a.error) {
        take(c, &a);
        settle(c);
        save();
    }
    return a.error;
}

static void client_free(struct client *c)
{
    parts_free(&c->owned);
    parts_free(&c->wanted);
}

static struct cgroup_info group(void)
{
    struct cgroup_info info = {0};

    EXPECT(cgroups_find(world.gs, BYTES_LITERAL("g"), &info));
    return info;
}

/* ---- rules ---- */

TEST(consumer_group_gives_a_partition_on_only_when_it_was_given_up)
{
    struct client a = {.id = "a", .topics = 3}, b = {.id = "b", .topics = 3};

    world_open();
    EXPECT_INT(step(0, &a), 0);
    EXPECT_INT(a.owned.count, 8);
    EXPECT_INT(a.epoch, 1);
    EXPECT_INT(group().state, CGROUP_STABLE);
    EXPECT_INT(step(1, &b), 0);
    EXPECT_INT(b.epoch, 2); /* in, and waits */
    EXPECT_INT(b.owned.count, 0);
    EXPECT_INT(group().state, CGROUP_RECONCILING);
    struct cgroup_answer told = ask(2, &a); /* a is told, and does not give up yet */
    EXPECT_INT(told.epoch, 1);
    EXPECT_INT(told.assignment->count, 4);
    EXPECT_INT(step(3, &b), 0);
    EXPECT_INT(b.owned.count, 0);
    struct cgroup_answer still = ask(4, &a); /* the same again, as it still has all: nothing changes */
    EXPECT_INT(still.epoch, 1);
    EXPECT(!still.assignment);
    a.full = true; /* its client asks for all again */
    told = ask(5, &a);
    EXPECT(told.assignment != NULL);
    take(&a, &told);
    EXPECT_INT(a.owned.count, 4);
    EXPECT_INT(step(6, &b), 0);
    EXPECT_INT(b.owned.count, 0); /* a has not said so yet */
    EXPECT_INT(step(7, &a), 0);
    EXPECT_INT(a.epoch, 2);
    EXPECT_INT(step(8, &b), 0);
    EXPECT_INT(b.owned.count, 4);
    EXPECT(!parts_meet(&a.owned, &b.owned));
    EXPECT_INT(group().state, CGROUP_STABLE);
    b.epoch = CGROUP_LEAVE;
    EXPECT_INT(ask(9, &b).error, 0);
    EXPECT_INT(group().epoch, 3);
    EXPECT_INT(group().state, CGROUP_ASSIGNING);
    EXPECT_INT(step(10, &a), 0);
    EXPECT_INT(a.owned.count, 8);
    client_free(&a);
    client_free(&b);
    world_close();
}

TEST(consumer_group_refuses_by_name)
{
    struct client a = {.id = "a", .topics = 1}, x = {.id = "x", .topics = 1, .epoch = 5};
    struct bytes topics[TOPICS];
    struct cgroup_answer answer;

    world_open();
    EXPECT_INT(ask(0, &x).error, KAFKA_ERR_GROUP_ID_NOT_FOUND);
    EXPECT_INT(step(0, &a), 0);
    EXPECT_INT(ask(0, &x).error, KAFKA_ERR_UNKNOWN_MEMBER_ID);
    struct client ahead = a;
    ahead.epoch = 2;
    EXPECT_INT(ask(0, &ahead).error, KAFKA_ERR_FENCED_MEMBER_EPOCH);
    struct cgroup_beat b = beat_of(&x, topics);
    b.group_id = BYTES_LITERAL("");
    cgroups_beat(world.gs, 0, &b, &answer);
    EXPECT_INT(answer.error, KAFKA_ERR_INVALID_REQUEST);
    EXPECT(answer.why != NULL);
    x.epoch = 0;
    x.assignor = "lottery";
    EXPECT_INT(ask(0, &x).error, KAFKA_ERR_UNSUPPORTED_ASSIGNOR);
    x.assignor = NULL;
    b = beat_of(&x, topics);
    b.regex = BYTES_LITERAL("t(");
    cgroups_beat(world.gs, 0, &b, &answer);
    EXPECT_INT(answer.error, KAFKA_ERR_INVALID_REGULAR_EXPRESSION);
    b = beat_of(&x, topics);
    b.owned = NULL;
    cgroups_beat(world.gs, 0, &b, &answer);
    EXPECT_INT(answer.error, KAFKA_ERR_INVALID_REQUEST);
    b = beat_of(&x, topics);
    b.rebalance_ms = -1;
    cgroups_beat(world.gs, 0, &b, &answer);
    EXPECT_INT(answer.error, KAFKA_ERR_INVALID_REQUEST);
    for (int i = 0; i < 7; i++) {
        snprintf(x.id, sizeof(x.id), "x%d", i);
        EXPECT_INT(ask(0, &x).error, 0);
    }
    snprintf(x.id, sizeof(x.id), "full");
    EXPECT_INT(ask(0, &x).error, KAFKA_ERR_GROUP_MAX_SIZE_REACHED);
    EXPECT_INT(cgroups_delete(world.gs, BYTES_LITERAL("g")), KAFKA_ERR_NON_EMPTY_GROUP);
    EXPECT_INT(cgroups_may_commit(world.gs, BYTES_LITERAL("g"), BYTES_LITERAL("a"), 1), 0);
    EXPECT_INT(cgroups_may_commit(world.gs, BYTES_LITERAL("g"), BYTES_LITERAL("a"), 9),
               KAFKA_ERR_STALE_MEMBER_EPOCH);
    EXPECT_INT(cgroups_may_commit(world.gs, BYTES_LITERAL("g"), BYTES_LITERAL("no"), 1),
               KAFKA_ERR_UNKNOWN_MEMBER_ID);
    EXPECT_INT(cgroups_may_fetch(world.gs, BYTES_LITERAL("g"), BYTES_NONE, -1), 0);
    EXPECT_INT(cgroups_may_fetch(world.gs, BYTES_LITERAL("g"), BYTES_LITERAL("a"), 9),
               KAFKA_ERR_STALE_MEMBER_EPOCH);
    client_free(&a);
    client_free(&x);
    world_close();
}

TEST(consumer_group_takes_an_answer_for_lost_once)
{
    struct client a = {.id = "a", .topics = 1}, b = {.id = "b", .topics = 1};

    world_open();
    EXPECT_INT(step(0, &a), 0);
    EXPECT_INT(step(0, &b), 0);
    struct cgroup_answer told = ask(1, &a);
    take(&a, &told);
    EXPECT_INT(ask(2, &a).epoch, 2); /* this answer is lost */
    EXPECT_INT(a.epoch, 1);
    struct cgroup_answer again = ask(3, &a);
    EXPECT_INT(again.error, 0);
    EXPECT_INT(again.epoch, 2);
    a.full = true; /* no: what it has not been given */
    parts_push(&a.owned, world.ids[1], 3);
    parts_sort(&a.owned);
    EXPECT_INT(ask(4, &a).error, KAFKA_ERR_FENCED_MEMBER_EPOCH);
    parts_free(&a.owned);
    a.epoch = 0; /* so it begins anew, without partitions */
    EXPECT_INT(step(5, &a), 0);
    EXPECT_INT(a.owned.count, 2);
    client_free(&a);
    client_free(&b);
    world_close();
}

TEST(consumer_group_static_member_leaves_for_a_while)
{
    struct client a = {.id = "a", .instance = "one", .topics = 1},
                  b = {.id = "b", .instance = "one", .topics = 1}, c = {.id = "c", .topics = 1};

    world_open();
    EXPECT_INT(step(0, &a), 0);
    EXPECT_INT(step(0, &b), KAFKA_ERR_UNRELEASED_INSTANCE_ID);
    a.epoch = CGROUP_LEAVE_STATIC;
    EXPECT_INT(ask(10, &a).error, 0);
    EXPECT_INT(step(20, &c), 0);
    EXPECT_INT(c.owned.count, 0); /* half of it is to be its own, and is kept for the absent */
    save();
    crash(20);
    EXPECT_INT(step(30, &b), 0);
    EXPECT_INT(b.owned.count, 2);
    EXPECT_INT(group().members_count, 2);
    EXPECT_INT(step(40, &c), 0);
    EXPECT_INT(c.owned.count, 2);
    a.epoch = 1;
    EXPECT_INT(ask(50, &a).error, KAFKA_ERR_FENCED_INSTANCE_ID);
    b.epoch = CGROUP_LEAVE_STATIC;
    EXPECT_INT(ask(60, &b).error, 0);
    for (int64_t now = 100; now <= 1400; now += 300) /* it never comes back */
        (void)!step(now, &c);
    cgroups_expire(world.gs, 1500);
    EXPECT_INT(step(1600, &c), 0);
    EXPECT_INT(c.owned.count, 4);
    client_free(&a);
    client_free(&b);
    client_free(&c);
    world_close();
}

TEST(consumer_group_follows_topics_and_patterns)
{
    struct client a = {.id = "a", .topics = 0}; /* the pattern t. */

    world_open();
    EXPECT_INT(step(0, &a), 0);
    EXPECT_INT(a.owned.count, 8);
    world.partitions[2] = 3; /* made */
    EXPECT_INT(step(1, &a), 0);
    EXPECT_INT(a.owned.count, 11);
    world.partitions[0] = 6; /* grown */
    EXPECT_INT(step(2, &a), 0);
    EXPECT_INT(a.owned.count, 13);
    EXPECT(cgroups_subscribes(world.gs, BYTES_LITERAL("g"), BYTES_LITERAL("t1")));
    world.partitions[1] = -1; /* dropped: given up first */
    EXPECT_INT(step(3, &a), 0);
    EXPECT_INT(step(4, &a), 0);
    EXPECT_INT(a.owned.count, 9);
    EXPECT(!cgroups_subscribes(world.gs, BYTES_LITERAL("g"), BYTES_LITERAL("t1")));
    int32_t epoch = group().epoch;
    save();
    crash(5);
    EXPECT_INT(step(6, &a), 0); /* the same topics as before the crash: the same epoch */
    EXPECT_INT(group().epoch, epoch);
    a.topics = 4;
    a.full = true;
    EXPECT_INT(step(7, &a), 0);
    EXPECT_INT(step(8, &a), 0);
    EXPECT_INT(a.owned.count, 3);
    client_free(&a);
    world_close();
}

TEST(consumer_group_puts_out_who_is_silent_or_does_not_give_up)
{
    struct client a = {.id = "a", .topics = 1}, b = {.id = "b", .topics = 1, .assignor = "range"};

    world_open();
    EXPECT_INT(step(0, &a), 0);
    EXPECT_INT(step(0, &b), 0);
    EXPECT_STR(group().assignor, "range");
    EXPECT_INT(ask(400, &a).error, 0); /* told to give two up; the rebalance time is 500 ms */
    EXPECT_INT(ask(800, &a).error, 0);
    EXPECT_INT(step(800, &b), 0);
    cgroups_expire(world.gs, 899);
    EXPECT_INT(group().members_count, 2);
    cgroups_expire(world.gs, 901);
    EXPECT_INT(group().members_count, 1);
    EXPECT_INT(step(902, &b), 0);
    EXPECT_INT(b.owned.count, 4);
    EXPECT_INT(ask(903, &a).error, KAFKA_ERR_UNKNOWN_MEMBER_ID);
    EXPECT_INT(cgroups_deadline_ms(world.gs) <= 1902, 1);
    cgroups_expire(world.gs, 1903);
    EXPECT_INT(group().members_count, 0);
    EXPECT_INT(group().state, CGROUP_EMPTY);
    EXPECT_INT(cgroups_may_commit(world.gs, BYTES_LITERAL("g"), BYTES_LITERAL(""), -1), 0);
    EXPECT_INT(cgroups_delete(world.gs, BYTES_LITERAL("g")), 0);
    save();
    EXPECT_INT(map_size(&world.facts), 0);
    client_free(&a);
    client_free(&b);
    world_close();
}

/* ---- many, at random ---- */

/* Nobody who is there is silent so long that it is put out: then its partitions may go to others. */
enum { CLIENTS = 6, PATIENCE_MS = 20000, REST_MS = 3 * PATIENCE_MS };

static void expect_nothing_twice(const struct client *clients)
{
    for (int i = 0; i < CLIENTS; i++) {
        for (int k = i + 1; k < CLIENTS; k++)
            EXPECT(!parts_meet(&clients[i].owned, &clients[k].owned));
    }
}

static void join(struct client *c, int n, int64_t now)
{
    static int made;

    client_free(c);
    *c = (struct client){.topics = (unsigned)rng_below(&world.rng, 4),
                         .assignor = rng_chance(&world.rng, 0.5) ? "range" : NULL,
                         .next_ms = now};
    snprintf(c->id, sizeof(c->id), "m%d", made++);
    if (n < 2)
        snprintf(c->instance, sizeof(c->instance), "i%d", n);
}

/* It stops reading; the group learns of it now, or when its session ends. */
static void leave(struct client *c, int64_t now)
{
    c->epoch = c->instance[0] && rng_chance(&world.rng, 0.5) ? CGROUP_LEAVE_STATIC : CGROUP_LEAVE;
    parts_free(&c->owned);
    if (rng_chance(&world.rng, 0.5))
        (void)ask(now, c);
    save();
    client_free(c);
    c->epoch = -1;
}

static void live(struct client *c, int64_t now)
{
    struct cgroup_answer a = ask(now, c);

    c->next_ms = now + rng_between(&world.rng, 10, 400);
    if (rng_chance(&world.rng, 0.05)) { /* a crash before any of it was durable */
        crash(now);
        c->full = true;
        return;
    }
    save();
    bool crashes = rng_chance(&world.rng, 0.05);
    if (crashes)
        crash(now);
    if (crashes || rng_chance(&world.rng, 0.1))
        a.error = KAFKA_ERR_COORDINATOR_NOT_AVAILABLE; /* the answer is lost */
    else if (!a.error)
        take(c, &a);
    if (a.error == KAFKA_ERR_UNKNOWN_MEMBER_ID || a.error == KAFKA_ERR_FENCED_MEMBER_EPOCH ||
        a.error == KAFKA_ERR_GROUP_ID_NOT_FOUND) {
        parts_free(&c->owned);
        c->epoch = 0;
    } else if (a.error && a.error != KAFKA_ERR_COORDINATOR_NOT_AVAILABLE) {
        EXPECT_INT(a.error, KAFKA_ERR_UNRELEASED_INSTANCE_ID);
    } else if (a.error) {
        c->full = true;
    }
}

/* A client that has been told what to read begins to, some time later. */
static void settle_some(struct client *clients)
{
    for (int i = 0; i < CLIENTS; i++) {
        if (clients[i].epoch > 0 && !clients[i].full && rng_chance(&world.rng, 0.7))
            settle(&clients[i]);
    }
}

static void run_random(struct client *clients, int64_t *now, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        int n = (int)rng_below(&world.rng, CLIENTS);
        struct client *c = &clients[n];
        *now += rng_between(&world.rng, 1, 30);
        cgroups_expire(world.gs, *now);
        save();
        if (c->epoch < 0 && rng_chance(&world.rng, 0.05))
            join(c, n, *now);
        else if (c->epoch >= 0 && rng_chance(&world.rng, 0.01))
            leave(c, *now);
        for (int k = 0; k < CLIENTS; k++) {
            if (clients[k].epoch >= 0 && clients[k].next_ms <= *now)
                live(&clients[k], *now);
        }
        settle_some(clients);
        if (rng_chance(&world.rng, 0.01))
            world.partitions[rng_below(&world.rng, TOPICS)] = (int32_t)rng_between(&world.rng, -1, 6);
        expect_nothing_twice(clients);
    }
}

/* Left alone they come to rest, and every partition that somebody reads is read. */
static void expect_rest(struct client *clients, int64_t now)
{
    struct parts all = {0};
    uint32_t expected = 0;
    unsigned read = 0;

    for (int64_t end = now + REST_MS; now < end; now += 200) {
        cgroups_expire(world.gs, now);
        for (int i = 0; i < CLIENTS; i++) {
            struct cgroup_answer a = {.error = KAFKA_ERR_NONE};
            if (clients[i].epoch >= 0)
                a = ask(now, &clients[i]);
            if (clients[i].epoch >= 0 && !a.error)
                take(&clients[i], &a);
            else if (clients[i].epoch > 0) {
                parts_free(&clients[i].owned);
                clients[i].epoch = 0;
            }
            if (clients[i].epoch > 0)
                settle(&clients[i]);
            expect_nothing_twice(clients);
        }
    }
    for (int i = 0; i < CLIENTS; i++) {
        if (clients[i].epoch >= 0)
            read |= clients[i].topics ? clients[i].topics : (1u << TOPICS) - 1;
        for (uint32_t k = 0; k < clients[i].owned.count; k++)
            parts_push(&all, clients[i].owned.at[k].topic, clients[i].owned.at[k].index);
    }
    parts_sort(&all);
    for (int i = 0; i < TOPICS; i++)
        expected += read & 1u << i && world.partitions[i] > 0 ? (uint32_t)world.partitions[i] : 0;
    EXPECT_INT(all.count, expected);
    parts_free(&all);
}

TEST(consumer_group_reads_nothing_twice_and_leaves_nothing_out)
{
    struct client clients[CLIENTS] = {0};
    int64_t now = 1;

    world_open();
    world.session_ms = world.rebalance_ms = PATIENCE_MS;
    for (int i = 0; i < CLIENTS; i++)
        clients[i].epoch = -1;
    join(&clients[5], 5, now);
    for (int round = 0; round < 12; round++) {
        run_random(clients, &now, 250);
        expect_rest(clients, now);
        now += REST_MS;
    }
    for (int i = 0; i < CLIENTS; i++)
        client_free(&clients[i]);
    world_close();
}

TEST(consumer_group_facts_that_are_damaged_are_left)
{
    struct client a = {.id = "a", .topics = 3, .instance = "i"};
    struct rng rng = rng_seed(test_seed());

    world_open();
    EXPECT_INT(step(0, &a), 0);
    for (struct map_entry *e = map_first(&world.facts); e; e = map_next(&world.facts, e)) {
        struct bytes value = *(struct bytes *)e->value;
        for (size_t len = 0; len < value.len; len++) {
            struct cgroups *gs = create();
            EXPECT(!cgroups_load(gs, 0, e->key, bytes_head(value, len)));
            cgroups_destroy(gs);
        }
        for (int i = 0; i < 2000; i++) {
            uint8_t *copy = xmalloc(value.len);
            struct cgroups *gs = create();
            memcpy(copy, value.ptr, value.len);
            copy[rng_below(&rng, value.len)] ^= (uint8_t)(1u << rng_below(&rng, 8));
            (void)cgroups_load(gs, 0, e->key, bytes_of(copy, value.len));
            cgroups_destroy(gs);
            free(copy);
        }
    }
    client_free(&a);
    world_close();
}
