#include <stdlib.h>

#include "base/buf.h"
#include "base/rng.h"
#include "lib/test.h"
#include "serve/kafka/group.h"

/* A ticket stands for a client that waits for an answer. */
struct ticket {
    bool joined, synced;
    enum kafka_error error;
    int32_t generation, members;
    char member[120], leader[120], protocol[40], assignment[40];
    bool skip;
};

static void copy(char *to, size_t size, struct bytes b)
{
    EXPECT(b.len < size);
    memcpy(to, b.ptr ? (const void *)b.ptr : "", b.len);
    to[b.len] = 0;
}

static void on_join(void *token, const struct group_join_answer *a)
{
    struct ticket *t = token;

    EXPECT(!t->joined);
    t->joined = true;
    t->error = a->error;
    t->generation = a->generation;
    t->members = a->members_count;
    t->skip = a->skip_assignment;
    copy(t->member, sizeof(t->member), a->member_id);
    copy(t->leader, sizeof(t->leader), a->leader);
    copy(t->protocol, sizeof(t->protocol), a->protocol);
}

static void on_sync(void *token, const struct group_sync_answer *a)
{
    struct ticket *t = token;

    EXPECT(!t->synced);
    t->synced = true;
    t->error = a->error;
    copy(t->assignment, sizeof(t->assignment), a->assignment);
}

static struct rng random_source;

static void on_random(void *context, void *to, size_t len)
{
    (void)context;
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)to)[i] = (uint8_t)rng_next(&random_source);
}

static struct groups *make(int64_t delay_ms)
{
    const struct group_host host = {NULL, on_join, on_sync, on_random, NULL};
    const struct group_options options = {delay_ms, 100, 60000, 5, 3};

    random_source = rng_seed(test_seed());
    return groups_create(&host, &options);
}

/* Joins with protocols "range" and, with a comma, others; rebalance timeout 5 s, session 1 s. */
static struct ticket join_as(struct groups *gs, int64_t now, const char *member, const char *instance,
                             bool known, struct ticket *t)
{
    struct group_protocol protocols[] = {{BYTES_LITERAL("range"), BYTES_LITERAL("meta")},
                                         {BYTES_LITERAL("rr"), BYTES_LITERAL("meta2")}};
    const struct group_join join = {
        .group_id = BYTES_LITERAL("g"),
        .member_id = bytes_str(member),
        .instance_id = instance ? bytes_str(instance) : BYTES_NONE,
        .client_id = BYTES_LITERAL("c"),
        .client_host = BYTES_LITERAL("/h"),
        .protocol_type = BYTES_LITERAL("consumer"),
        .session_timeout_ms = 1000,
        .rebalance_timeout_ms = 5000,
        .known_id_required = known,
        .protocols = {protocols, 2},
    };

    *t = (struct ticket){0};
    groups_join(gs, now, &join, t);
    return *t;
}

static void sync_as(struct groups *gs, int64_t now, const char *member, int32_t generation,
                    const struct group_protocol *assignments, int32_t count, struct ticket *t)
{
    const struct group_sync sync = {.group_id = BYTES_LITERAL("g"),
                                    .member_id = bytes_str(member),
                                    .generation = generation,
                                    .assignments = assignments,
                                    .assignments_count = count};

    t->synced = false;
    groups_sync(gs, now, &sync, t);
}

static enum kafka_error beat(struct groups *gs, int64_t now, const char *member, int32_t generation)
{
    const struct group_caller caller = {BYTES_LITERAL("g"), bytes_str(member), BYTES_NONE,
                                        generation};

    return groups_heartbeat(gs, now, &caller);
}

static enum kafka_error leave(struct groups *gs, int64_t now, const char *member)
{
    const struct group_caller caller = {BYTES_LITERAL("g"), bytes_str(member), BYTES_NONE, -1};

    return groups_leave(gs, now, &caller);
}

static enum group_state state(const struct groups *gs)
{
    struct group_info info;

    EXPECT(groups_find(gs, BYTES_LITERAL("g"), &info));
    return info.state;
}

/* Two members in a stable group of generation *gen; a leads. */
static struct groups *two(struct ticket *a, struct ticket *b, int32_t *gen)
{
    struct groups *gs = make(10);

    join_as(gs, 0, "", NULL, false, a);
    join_as(gs, 1, "", NULL, false, b);
    EXPECT(!a->joined && !b->joined);
    groups_expire(gs, 25);
    groups_expire(gs, 40);
    EXPECT(a->joined && b->joined);
    EXPECT_INT(a->members, 2);
    EXPECT_INT(b->members, 0);
    EXPECT_STR(a->leader, a->member);
    EXPECT_STR(b->leader, a->member);
    EXPECT_STR(a->protocol, "range");
    *gen = a->generation;
    const struct group_protocol plan[] = {{bytes_str(a->member), BYTES_LITERAL("A")},
                                          {bytes_str(b->member), BYTES_LITERAL("B")}};
    sync_as(gs, 50, b->member, *gen, NULL, 0, b);
    EXPECT(!b->synced);
    sync_as(gs, 51, a->member, *gen, plan, 2, a);
    EXPECT(a->synced && b->synced);
    EXPECT_STR(a->assignment, "A");
    EXPECT_STR(b->assignment, "B");
    EXPECT_INT(state(gs), GROUP_STABLE);
    return gs;
}

TEST(group_two_members_become_stable)
{
    struct ticket a, b;
    int32_t gen;
    struct groups *gs = two(&a, &b, &gen);

    EXPECT_INT(beat(gs, 100, a.member, gen), KAFKA_ERR_NONE);
    EXPECT_INT(beat(gs, 100, a.member, gen + 1), KAFKA_ERR_ILLEGAL_GENERATION);
    EXPECT_INT(beat(gs, 100, "nobody", gen), KAFKA_ERR_UNKNOWN_MEMBER_ID);
    groups_destroy(gs);
}

TEST(group_member_id_is_required_first)
{
    struct groups *gs = make(0);
    struct ticket t;

    join_as(gs, 0, "", NULL, true, &t);
    EXPECT_INT(t.error, KAFKA_ERR_MEMBER_ID_REQUIRED);
    char id[120];
    strcpy(id, t.member);
    join_as(gs, 1, id, NULL, true, &t);
    EXPECT(t.joined);
    EXPECT_INT(t.error, KAFKA_ERR_NONE);
    EXPECT_STR(t.member, id);
    EXPECT_STR(t.leader, id);
    join_as(gs, 2, "made-up", NULL, true, &t);
    EXPECT_INT(t.error, KAFKA_ERR_UNKNOWN_MEMBER_ID);
    groups_destroy(gs);
}

TEST(group_id_that_is_never_used_expires)
{
    struct groups *gs = make(0);
    struct ticket a, b;

    join_as(gs, 0, "", NULL, true, &a);
    join_as(gs, 0, "", NULL, false, &b); /* waits: an id was given and may yet be used */
    EXPECT(!b.joined);
    groups_expire(gs, 1001);
    EXPECT(b.joined);
    EXPECT_INT(b.error, KAFKA_ERR_NONE);
    groups_destroy(gs);
}

TEST(group_dead_member_is_expelled_and_the_other_rejoins)
{
    struct ticket a, b;
    int32_t gen;
    struct groups *gs = two(&a, &b, &gen);

    EXPECT_INT(beat(gs, 900, a.member, gen), KAFKA_ERR_NONE);
    EXPECT(groups_deadline_ms(gs) <= 1051);
    groups_expire(gs, 1100); /* b was last heard of at 51 */
    EXPECT_INT(state(gs), GROUP_PREPARING);
    EXPECT_INT(beat(gs, 1101, a.member, gen), KAFKA_ERR_REBALANCE_IN_PROGRESS);
    char id[120];
    strcpy(id, a.member);
    join_as(gs, 1102, id, NULL, true, &a);
    EXPECT(a.joined);
    EXPECT_INT(a.generation, gen + 1);
    EXPECT_INT(a.members, 1);
    groups_destroy(gs);
}

TEST(group_leave_starts_a_rebalance_and_the_last_empties_it)
{
    struct ticket a, b;
    int32_t gen;
    struct groups *gs = two(&a, &b, &gen);

    EXPECT_INT(leave(gs, 60, b.member), KAFKA_ERR_NONE);
    EXPECT_INT(leave(gs, 60, b.member), KAFKA_ERR_UNKNOWN_MEMBER_ID);
    EXPECT_INT(state(gs), GROUP_PREPARING);
    EXPECT_INT(groups_delete(gs, BYTES_LITERAL("g")), KAFKA_ERR_NON_EMPTY_GROUP);
    EXPECT_INT(leave(gs, 61, a.member), KAFKA_ERR_NONE);
    groups_expire(gs, 6000);
    EXPECT_INT(state(gs), GROUP_EMPTY);
    EXPECT_INT(groups_deadline_ms(gs), INT64_MAX); /* nothing left that needs a timer */
    EXPECT_INT(groups_delete(gs, BYTES_LITERAL("g")), KAFKA_ERR_NONE);
    EXPECT_INT(groups_delete(gs, BYTES_LITERAL("g")), KAFKA_ERR_GROUP_ID_NOT_FOUND);
    groups_destroy(gs);
}

TEST(group_member_that_never_rejoins_is_left_behind)
{
    struct ticket a, b, c;
    int32_t gen;
    struct groups *gs = two(&a, &b, &gen);

    join_as(gs, 100, "", NULL, false, &c); /* a third one: a and b must rejoin */
    EXPECT_INT(state(gs), GROUP_PREPARING);
    for (int64_t now = 500; now < 5000; now += 500) { /* b lives on, and does not rejoin */
        (void)beat(gs, now, b.member, gen);
        (void)beat(gs, now, a.member, gen);
        groups_expire(gs, now);
    }
    char id[120];
    strcpy(id, a.member);
    join_as(gs, 5000, id, NULL, true, &a);
    EXPECT(!a.joined);
    groups_expire(gs, 5101);
    EXPECT(a.joined && c.joined);
    EXPECT_STR(c.leader, id); /* the leader stays one */
    EXPECT_INT(a.members, 2);
    EXPECT_INT(beat(gs, 5102, b.member, gen), KAFKA_ERR_UNKNOWN_MEMBER_ID);
    groups_destroy(gs);
}

TEST(group_leader_that_never_syncs_is_expelled)
{
    struct groups *gs = make(10);
    struct ticket a, b;

    join_as(gs, 0, "", NULL, false, &a);
    join_as(gs, 1, "", NULL, false, &b);
    groups_expire(gs, 25);
    groups_expire(gs, 40);
    EXPECT(a.joined && b.joined);
    char follower[120];
    strcpy(follower, b.member);
    sync_as(gs, 50, follower, b.generation, NULL, 0, &b);
    for (int64_t now = 500; now < 5000; now += 400)
        (void)beat(gs, now, a.member, a.generation);
    groups_expire(gs, 5100);
    EXPECT(b.synced);
    EXPECT_INT(b.error, KAFKA_ERR_REBALANCE_IN_PROGRESS);
    join_as(gs, 5101, follower, NULL, true, &b);
    EXPECT(b.joined);
    EXPECT_STR(b.leader, follower);
    groups_destroy(gs);
}

TEST(group_static_member_returns_without_a_rebalance)
{
    struct groups *gs = make(0);
    struct ticket a, again, old;

    join_as(gs, 0, "", "i1", true, &a); /* static members need no id first */
    EXPECT(a.joined);
    EXPECT_INT(a.error, KAFKA_ERR_NONE);
    const struct group_protocol plan[] = {{bytes_str(a.member), BYTES_LITERAL("A")}};
    sync_as(gs, 1, a.member, a.generation, plan, 1, &a);
    EXPECT(a.synced);
    join_as(gs, 10, "", "i1", true, &again);
    EXPECT(again.joined);
    EXPECT_INT(again.generation, a.generation);
    EXPECT(strcmp(again.member, a.member) != 0);
    EXPECT_STR(again.leader, a.member); /* an old client must not think it leads */
    EXPECT_INT(state(gs), GROUP_STABLE);
    sync_as(gs, 11, again.member, again.generation, NULL, 0, &again);
    EXPECT_STR(again.assignment, "A");
    /* whoever still has the old id is fenced */
    const struct group_caller caller = {BYTES_LITERAL("g"), bytes_str(a.member),
                                        BYTES_LITERAL("i1"), a.generation};
    EXPECT_INT(groups_heartbeat(gs, 12, &caller), KAFKA_ERR_FENCED_INSTANCE_ID);
    join_as(gs, 13, a.member, "i1", true, &old);
    EXPECT_INT(old.error, KAFKA_ERR_FENCED_INSTANCE_ID);
    groups_destroy(gs);
}

TEST(group_refuses_what_does_not_fit)
{
    struct ticket a, b, t = {0};
    int32_t gen;
    struct groups *gs = two(&a, &b, &gen);
    struct group_protocol other = {BYTES_LITERAL("sticky"), BYTES_LITERAL("")};
    struct group_join join = {.group_id = BYTES_LITERAL("g"),
                              .protocol_type = BYTES_LITERAL("consumer"),
                              .session_timeout_ms = 1000,
                              .protocols = {&other, 1}};

    groups_join(gs, 60, &join, &t);
    EXPECT_INT(t.error, KAFKA_ERR_INCONSISTENT_GROUP_PROTOCOL);
    join.session_timeout_ms = 5;
    t = (struct ticket){0};
    groups_join(gs, 60, &join, &t);
    EXPECT_INT(t.error, KAFKA_ERR_INVALID_SESSION_TIMEOUT);
    join.group_id = BYTES_LITERAL("");
    t = (struct ticket){0};
    groups_join(gs, 60, &join, &t);
    EXPECT_INT(t.error, KAFKA_ERR_INVALID_GROUP_ID);
    for (int i = 0; i < 3; i++)
        join_as(gs, 61, "", NULL, true, &t);
    EXPECT_INT(t.error, KAFKA_ERR_MEMBER_ID_REQUIRED);
    join_as(gs, 62, "", NULL, true, &t); /* five, ids given counted, are all it takes */
    EXPECT_INT(t.error, KAFKA_ERR_GROUP_MAX_SIZE_REACHED);
    groups_destroy(gs);
}

TEST(group_commits_need_the_generation)
{
    struct ticket a, b;
    int32_t gen;
    struct groups *gs = two(&a, &b, &gen);
    struct group_caller caller = {BYTES_LITERAL("g"), bytes_str(a.member), BYTES_NONE, gen};
    struct group_caller simple = {BYTES_LITERAL("alone"), BYTES_LITERAL(""), BYTES_NONE, -1};

    EXPECT_INT(groups_may_commit(gs, 60, &caller), KAFKA_ERR_NONE);
    caller.generation = gen - 1;
    EXPECT_INT(groups_may_commit(gs, 60, &caller), KAFKA_ERR_ILLEGAL_GENERATION);
    caller.member_id = BYTES_LITERAL("x");
    EXPECT_INT(groups_may_commit(gs, 60, &caller), KAFKA_ERR_UNKNOWN_MEMBER_ID);
    EXPECT_INT(groups_may_commit(gs, 60, &simple), KAFKA_ERR_NONE);
    simple.group_id = BYTES_LITERAL("g"); /* has members */
    EXPECT_INT(groups_may_commit(gs, 60, &simple), KAFKA_ERR_UNKNOWN_MEMBER_ID);
    groups_destroy(gs);
}

TEST(group_forgets_a_client_that_hung_up)
{
    struct groups *gs = make(0);
    struct ticket a, *gone = calloc(1, sizeof(*gone));

    join_as(gs, 0, "", NULL, false, &a);
    EXPECT(a.joined);
    join_as(gs, 1, "", NULL, false, gone);
    groups_forget(gs, gone);
    free(gone);
    char id[120];
    strcpy(id, a.member);
    join_as(gs, 2, id, NULL, false, &a);
    groups_expire(gs, 1500);
    groups_expire(gs, 5500); /* the one that hung up is never answered, and goes */
    EXPECT(a.joined);
    EXPECT_INT(a.members, 1);
    groups_destroy(gs);
}

/* Random joins, syncs, leaves and hang-ups: no crash, every answer once, and it always comes to rest. */
TEST(group_survives_anything)
{
    struct rng rng = rng_seed(test_seed());
    struct groups *gs = make(20);
    enum { CLIENTS = 8 };
    struct client {
        struct ticket t;
        char id[120];
        int32_t gen;
        bool waiting, alive;
    } clients[CLIENTS] = {0};
    int64_t now = 0;

    for (int step = 0; step < 20000; step++) {
        struct client *c = &clients[rng_below(&rng, CLIENTS)];
        now += (int64_t)rng_below(&rng, 60);
        if (groups_deadline_ms(gs) <= now)
            groups_expire(gs, now);
        if (c->waiting && (c->t.joined || c->t.synced)) {
            c->waiting = false;
            if (c->t.joined) {
                strcpy(c->id, c->t.error == KAFKA_ERR_UNKNOWN_MEMBER_ID ? "" : c->t.member);
                c->gen = c->t.generation;
            }
        }
        if (c->waiting) {
            if (rng_chance(&rng, 0.02)) {
                groups_forget(gs, &c->t);
                *c = (struct client){0};
            }
            continue;
        }
        switch (rng_below(&rng, 5)) {
        case 0:
            c->waiting = true;
            join_as(gs, now, c->id, rng_chance(&rng, 0.1) ? "inst" : NULL, rng_chance(&rng, 0.5),
                    &c->t);
            break;
        case 1: {
            const struct group_protocol plan = {bytes_str(c->id), BYTES_LITERAL("x")};
            c->t = (struct ticket){0};
            c->waiting = true;
            sync_as(gs, now, c->id, c->gen, &plan, 1, &c->t);
            break;
        }
        case 2: (void)leave(gs, now, c->id); break;
        default: (void)beat(gs, now, c->id, c->gen); break;
        }
    }
    for (int i = 0; i < CLIENTS; i++)
        groups_forget(gs, &clients[i].t);
    for (int i = 0; i < 100 && groups_deadline_ms(gs) != INT64_MAX; i++)
        groups_expire(gs, now = groups_deadline_ms(gs));
    EXPECT_INT(state(gs), GROUP_EMPTY);
    EXPECT_INT(groups_deadline_ms(gs), INT64_MAX);
    groups_destroy(gs);
}

/* ---- what is kept ---- */

struct fact {
    struct buf key, value;
    int told, gone;
};

static void note_fact(void *context, struct bytes key, struct bytes value)
{
    struct fact *f = context;

    buf_clear(&f->key);
    buf_clear(&f->value);
    buf_bytes(&f->key, key);
    buf_bytes(&f->value, value);
    f->told++;
    f->gone += value.len == 0;
}

static struct fact fact_open(void)
{
    struct fact f = {.told = 0};

    buf_init(&f.key, 0);
    buf_init(&f.value, 0);
    return f;
}

static void fact_close(struct fact *f)
{
    buf_deinit(&f->key);
    buf_deinit(&f->value);
}

TEST(group_is_kept_when_its_leader_has_assigned_and_until_nobody_is_in_it)
{
    struct ticket a, b, t = {0};
    int32_t gen;
    struct fact f = fact_open();
    struct groups *gs = two(&a, &b, &gen);

    EXPECT(groups_save(gs, note_fact, &f));
    EXPECT(groups_save(gs, note_fact, &f)); /* till it is told to be safe */
    groups_saved(gs);
    EXPECT(!groups_save(gs, note_fact, &f));
    EXPECT_INT(f.told, 2);

    struct groups *again = make(10);
    EXPECT(groups_load(again, 60, buf_view(&f.key), buf_view(&f.value)));
    EXPECT(!groups_load(again, 60, buf_view(&f.key), buf_view(&f.value))); /* it is there */
    EXPECT_INT(state(again), GROUP_STABLE);
    EXPECT_INT(beat(again, 70, b.member, gen), 0);
    sync_as(again, 70, b.member, gen, NULL, 0, &t);
    EXPECT_STR(t.assignment, "B");
    EXPECT(!groups_save(again, note_fact, &f));
    groups_expire(again, 1061); /* a was silent since it was loaded */
    EXPECT_INT(beat(again, 1065, b.member, gen), KAFKA_ERR_REBALANCE_IN_PROGRESS);
    EXPECT(!groups_save(again, note_fact, &f)); /* what comes is not there yet */
    EXPECT_INT(leave(again, 1070, b.member), 0);
    EXPECT(groups_save(again, note_fact, &f));
    EXPECT_INT(f.gone, 1);
    groups_destroy(again);
    groups_destroy(gs);
    fact_close(&f);
}

TEST(group_facts_that_are_damaged_are_left)
{
    struct ticket a, b;
    int32_t gen;
    struct rng rng = rng_seed(test_seed());
    struct fact f = fact_open();
    struct groups *gs = two(&a, &b, &gen);

    EXPECT(groups_save(gs, note_fact, &f));
    for (size_t len = 0; len < f.value.len; len++) {
        struct groups *again = make(10);
        EXPECT(!groups_load(again, 0, buf_view(&f.key), bytes_head(buf_view(&f.value), len)));
        EXPECT_INT(groups_count(again), 0);
        groups_destroy(again);
    }
    for (int i = 0; i < 5000; i++) {
        struct groups *again = make(10);
        size_t at = rng_below(&rng, f.value.len);
        uint8_t bit = (uint8_t)(1u << rng_below(&rng, 8));
        f.value.ptr[at] ^= bit;
        if (groups_load(again, 0, buf_view(&f.key), buf_view(&f.value)))
            groups_expire(again, 100000); /* whatever it says can be lived with */
        f.value.ptr[at] ^= bit;
        groups_destroy(again);
    }
    groups_destroy(gs);
    fact_close(&f);
}
