/* The assignors, on random groups: each partition to one member that reads its topic; uniform even and
 * sticky; range in runs. */
#include <stdio.h>

#include "base/rng.h"
#include "lib/test.h"
#include "serve/kafka/assign.h"

enum { TOPICS = 6, MEMBERS = 9, READS = TOPICS };

struct trial {
    struct assign_topic topics[TOPICS];
    struct assign_member members[MEMBERS];
    struct parts before[MEMBERS];
    uint32_t reads[MEMBERS][READS];
    char ids[MEMBERS][16];
    struct assign_spec spec;
    uint32_t total; /* partitions that somebody reads */
};

static bool has_reader(const struct trial *t, uint32_t topic)
{
    for (uint32_t m = 0; m < t->spec.members_count; m++) {
        for (uint32_t i = 0; i < t->members[m].topics_count; i++) {
            if (t->members[m].topics[i] == topic)
                return true;
        }
    }
    return false;
}

static void make(struct rng *rng, struct trial *t, bool alike)
{
    *t = (struct trial){0};
    t->spec = (struct assign_spec){t->topics, (uint32_t)rng_between(rng, 1, TOPICS), t->members,
                                   (uint32_t)rng_between(rng, 1, MEMBERS)};
    for (uint32_t i = 0; i < t->spec.topics_count; i++) {
        t->topics[i].id[0] = (uint8_t)(i + 1);
        t->topics[i].partitions = (int32_t)rng_between(rng, 0, 12);
    }
    for (uint32_t m = 0; m < t->spec.members_count; m++) {
        struct assign_member *member = &t->members[m];
        snprintf(t->ids[m], sizeof(t->ids[m]), "m%02u", m);
        member->id = bytes_str(t->ids[m]);
        member->topics = t->reads[m];
        member->before = &t->before[m];
        for (uint32_t i = 0; i < t->spec.topics_count; i++) {
            if (alike || rng_chance(rng, 0.5))
                t->reads[m][member->topics_count++] = i;
        }
    }
    for (uint32_t i = 0; i < t->spec.topics_count; i++)
        t->total += has_reader(t, i) ? (uint32_t)t->topics[i].partitions : 0;
}

static void drop(struct trial *t)
{
    for (uint32_t m = 0; m < MEMBERS; m++) {
        parts_free(&t->members[m].assigned);
        parts_free(&t->before[m]);
    }
}

/* Every partition that has a reader is assigned once, to one of them. */
static void expect_whole(const struct trial *t)
{
    struct parts all = {0};
    uint32_t given = 0;

    for (uint32_t m = 0; m < t->spec.members_count; m++) {
        const struct assign_member *member = &t->members[m];
        given += member->assigned.count;
        for (uint32_t i = 0; i < member->assigned.count; i++) {
            const struct part *p = &member->assigned.at[i];
            uint32_t topic = p->topic[0] - 1u;
            bool reads = false;
            for (uint32_t k = 0; k < member->topics_count; k++)
                reads |= member->topics[k] == topic;
            EXPECT(reads);
            EXPECT(p->index >= 0 && p->index < t->topics[topic].partitions);
            parts_push(&all, p->topic, p->index);
        }
    }
    parts_sort(&all);
    EXPECT_INT(all.count, t->total);
    EXPECT_INT(given, t->total);
    parts_free(&all);
}

static uint32_t most(const struct trial *t)
{
    uint32_t n = 0;

    for (uint32_t m = 0; m < t->spec.members_count; m++)
        n = t->members[m].assigned.count > n ? t->members[m].assigned.count : n;
    return n;
}

static uint32_t fewest(const struct trial *t)
{
    uint32_t n = UINT32_MAX;

    for (uint32_t m = 0; m < t->spec.members_count; m++)
        n = t->members[m].assigned.count < n ? t->members[m].assigned.count : n;
    return n;
}

/* The assignment becomes what was before; a member more or less; again. Returns what has moved between
 * members that stayed. */
static uint32_t again(struct trial *t, uint32_t members)
{
    uint32_t moved = 0;

    for (uint32_t m = 0; m < MEMBERS; m++)
        parts_move(&t->before[m], &t->members[m].assigned);
    t->spec.members_count = members;
    assign_uniform(&t->spec);
    for (uint32_t m = 0; m < members; m++) {
        for (uint32_t i = 0; i < t->before[m].count; i++)
            moved += !parts_has(&t->members[m].assigned, &t->before[m].at[i]);
    }
    return moved;
}

TEST(kafka_assign_uniform_is_whole_even_and_sticky)
{
    struct rng rng = rng_seed(test_seed());
    struct trial t;

    for (int round = 0; round < 300; round++) {
        make(&rng, &t, true);
        uint32_t members = t.spec.members_count;
        assign_uniform(&t.spec);
        expect_whole(&t);
        EXPECT(most(&t) <= fewest(&t) + 1);
        EXPECT_INT(again(&t, members), 0); /* nothing new: nothing moves */
        if (members > 1) {
            uint32_t moved = again(&t, members - 1); /* the last leaves: what the others have stays */
            expect_whole(&t);
            EXPECT(most(&t) <= fewest(&t) + 1);
            EXPECT_INT(moved, 0);
            moved = again(&t, members); /* and comes back: only its share moves */
            expect_whole(&t);
            EXPECT(most(&t) <= fewest(&t) + 1);
            EXPECT_INT(moved, t.members[members - 1].assigned.count);
        }
        drop(&t);
    }
}

TEST(kafka_assign_uniform_of_members_that_read_different_topics)
{
    struct rng rng = rng_seed(test_seed());
    struct trial t;

    for (int round = 0; round < 300; round++) {
        make(&rng, &t, false);
        assign_uniform(&t.spec);
        expect_whole(&t);
        EXPECT_INT(again(&t, t.spec.members_count), 0);
        /* Nobody could give one to another that reads its topic and has two fewer. */
        for (uint32_t m = 0; m < t.spec.members_count; m++) {
            for (uint32_t i = 0; i < t.members[m].assigned.count; i++) {
                uint32_t topic = t.members[m].assigned.at[i].topic[0] - 1u;
                for (uint32_t o = 0; o < t.spec.members_count; o++) {
                    for (uint32_t k = 0; k < t.members[o].topics_count; k++) {
                        if (t.members[o].topics[k] == topic)
                            EXPECT(t.members[m].assigned.count <= t.members[o].assigned.count + 1);
                    }
                }
            }
        }
        drop(&t);
    }
}

TEST(kafka_assign_range_gives_runs_and_goes_by_instances_first)
{
    struct rng rng = rng_seed(test_seed());
    struct trial t;

    for (int round = 0; round < 300; round++) {
        make(&rng, &t, rng_chance(&rng, 0.5));
        assign_range(&t.spec);
        expect_whole(&t);
        for (uint32_t m = 0; m < t.spec.members_count; m++) {
            const struct parts *a = &t.members[m].assigned;
            for (uint32_t i = 1; i < a->count; i++) {
                if (a->at[i].topic[0] == a->at[i - 1].topic[0])
                    EXPECT_INT(a->at[i].index, a->at[i - 1].index + 1);
            }
        }
        drop(&t);
    }
    make(&rng, &t, true); /* two topics of 3; the second by id is the one with an instance */
    t.spec.topics_count = 2;
    t.spec.members_count = 2;
    t.topics[0] = (struct assign_topic){{1}, 3};
    t.topics[1] = (struct assign_topic){{2}, 3};
    for (uint32_t m = 0; m < 2; m++) {
        t.reads[m][0] = 0;
        t.reads[m][1] = 1;
        t.members[m] = (struct assign_member){.id = bytes_str(m ? "b" : "a"),
                                              .instance_id = m ? BYTES_LITERAL("i") : BYTES_NONE,
                                              .topics = t.reads[m],
                                              .topics_count = 2,
                                              .before = &t.before[m]};
    }
    assign_range(&t.spec);
    EXPECT_INT(t.members[1].assigned.count, 4); /* 0 and 1 of each */
    EXPECT(parts_has(&t.members[1].assigned, &(struct part){{1}, 0}));
    EXPECT(parts_has(&t.members[1].assigned, &(struct part){{2}, 1}));
    EXPECT(parts_has(&t.members[0].assigned, &(struct part){{1}, 2}));
    EXPECT(parts_has(&t.members[0].assigned, &(struct part){{2}, 2}));
    drop(&t);
}
