/* What the members of a consumer group read, and who is to have what. The table of topics is made anew
 * each time it is needed, from names and patterns: its hash says whether anything is other than it was. */
#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "serve/kafka/assign.h"
#include "serve/kafka/consumer_in.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { REGEX_STEPS_MAX = 10000 }; /* a pattern that needs more for a name does not match it */

typedef void assign_fn(const struct assign_spec *spec);
static const struct {
    const char *name;
    assign_fn *fn;
} assignors[] = {{"uniform", assign_uniform}, {"range", assign_range}};
enum { ASSIGNORS = sizeof(assignors) / sizeof(*assignors) };

static int assignor_index(struct bytes name)
{
    for (int i = 0; i < ASSIGNORS; i++) {
        if (bytes_is(name, assignors[i].name))
            return i;
    }
    return -1;
}

bool cgroup_assignor_known(struct bytes name)
{
    return assignor_index(name) >= 0;
}

/* That of most members; the first of the table when nobody says, and when it is a draw. */
static int assignor_of(const struct cgroup *g)
{
    int votes[ASSIGNORS] = {0}, best = 0;

    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        const struct cmember *m = e->value;
        int i = m->assignor.ptr ? assignor_index(m->assignor) : -1;
        if (i >= 0)
            votes[i]++;
    }
    for (int i = 1; i < ASSIGNORS; i++)
        best = votes[i] > votes[best] ? i : best;
    return best;
}

const char *cgroup_assignor(const struct cgroup *g)
{
    return assignors[assignor_of(g)].name;
}

/* ---- patterns ---- */

/* The whole name must match. */
static pcre2_code *regex_compile(struct bytes pattern, int *error)
{
    PCRE2_SIZE at = 0;

    return pcre2_compile(pattern.ptr, pattern.len, PCRE2_ANCHORED | PCRE2_ENDANCHORED, error, &at, NULL);
}

const char *cgroup_regex_error(struct bytes pattern)
{
    static _Thread_local char why[160];
    int error = 0;
    pcre2_code *code = regex_compile(pattern, &error);

    if (!code && pcre2_get_error_message(error, (PCRE2_UCHAR *)why, sizeof(why)) < 0)
        return "the pattern is none";
    pcre2_code_free(code);
    return code ? NULL : why;
}

/* ---- the topics that are read ---- */

struct list {
    uint32_t *at;
    uint32_t count, cap;
};

static void list_add(struct list *l, uint32_t v)
{
    if (l->count == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 8;
        l->at = xrealloc(l->at, l->cap * sizeof(*l->at));
    }
    l->at[l->count++] = v;
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void list_sort(struct list *l)
{
    uint32_t kept = 0;

    if (!l->count)
        return;
    qsort(l->at, l->count, sizeof(*l->at), compare_numbers);
    for (uint32_t i = 0; i < l->count; i++) {
        if (kept == 0 || l->at[kept - 1] != l->at[i])
            l->at[kept++] = l->at[i];
    }
    l->count = kept;
}

/* A topic before the table is in order: sorted by id, places change. */
struct seen {
    struct assign_topic topic;
    uint32_t place;
};

struct reading {
    struct seen *topics; /* in the order of being met */
    uint32_t count, cap;
    struct map by_name;    /* -> its number + 1 */
    struct map by_pattern; /* -> struct list of numbers */
    struct cmember **members; /* by id */
    struct list *reads;       /* of each: numbers, then places */
    uint32_t members_count;
    struct assign_topic *table; /* by id */
};

static uint32_t reading_add(struct reading *r, const struct cgroup_topic *topic)
{
    uintptr_t number = (uintptr_t)map_get(&r->by_name, topic->name);

    if (number)
        return (uint32_t)number - 1;
    if (r->count == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 16;
        r->topics = xrealloc(r->topics, r->cap * sizeof(*r->topics));
    }
    struct seen *s = &r->topics[r->count++];
    memcpy(s->topic.id, topic->id, PART_TOPIC_BYTES);
    s->topic.partitions = topic->partitions;
    map_put(&r->by_name, topic->name, (void *)(uintptr_t)r->count);
    return r->count - 1;
}

struct matching {
    struct reading *reading;
    struct list *found;
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *limits;
};

static void match_topic(void *context, const struct cgroup_topic *topic)
{
    struct matching *m = context;

    if (pcre2_match(m->code, topic->name.ptr, topic->name.len, 0, 0, m->data, m->limits) >= 0)
        list_add(m->found, reading_add(m->reading, topic));
}

static const struct list *pattern_topics(const struct cgroups *gs, struct reading *r, struct bytes pattern)
{
    struct list *found = map_get(&r->by_pattern, pattern);
    struct matching m = {.reading = r};
    int error;

    if (found)
        return found;
    found = xcalloc(1, sizeof(*found));
    map_put(&r->by_pattern, pattern, found);
    m.found = found;
    m.code = regex_compile(pattern, &error);
    if (!m.code)
        return found; /* it was one when it was taken */
    m.data = pcre2_match_data_create_from_pattern(m.code, NULL);
    m.limits = pcre2_match_context_create(NULL);
    CHECK(m.data && m.limits);
    pcre2_set_match_limit(m.limits, REGEX_STEPS_MAX);
    gs->host.topics(gs->host.context, match_topic, &m);
    pcre2_match_context_free(m.limits);
    pcre2_match_data_free(m.data);
    pcre2_code_free(m.code);
    return found;
}

static void member_reads(const struct cgroups *gs, struct reading *r, const struct cmember *m,
                         struct list *out)
{
    struct cgroup_topic topic;

    for (uint32_t i = 0; i < m->topics_count; i++) {
        if (gs->host.topic(gs->host.context, m->topics[i], &topic))
            list_add(out, reading_add(r, &topic));
    }
    if (!m->regex.len)
        return;
    const struct list *found = pattern_topics(gs, r, m->regex);
    for (uint32_t i = 0; i < found->count; i++)
        list_add(out, found->at[i]);
}

static int compare_members(const void *a, const void *b)
{
    return bytes_compare((*(struct cmember *const *)a)->id, (*(struct cmember *const *)b)->id);
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(((const struct assign_topic *)a)->id, ((const struct assign_topic *)b)->id,
                  PART_TOPIC_BYTES);
}

/* Puts the topics in order and turns numbers into places. */
static void reading_settle(struct reading *r)
{
    r->table = xcalloc(r->count + 1, sizeof(*r->table));
    for (uint32_t i = 0; i < r->count; i++)
        r->table[i] = r->topics[i].topic;
    qsort(r->table, r->count, sizeof(*r->table), compare_ids);
    for (uint32_t i = 0; i < r->count; i++) {
        const struct assign_topic *at =
            bsearch(&r->topics[i].topic, r->table, r->count, sizeof(*r->table), compare_ids);
        r->topics[i].place = (uint32_t)(at - r->table);
    }
    for (uint32_t m = 0; m < r->members_count; m++) {
        for (uint32_t i = 0; i < r->reads[m].count; i++)
            r->reads[m].at[i] = r->topics[r->reads[m].at[i]].place;
        list_sort(&r->reads[m]);
    }
}

static void reading_init(struct reading *r, const struct cgroups *gs, const struct cgroup *g)
{
    *r = (struct reading){0};
    map_init(&r->by_name);
    map_init(&r->by_pattern);
    r->members = xcalloc(map_size(&g->members) + 1, sizeof(struct cmember *));
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e))
        r->members[r->members_count++] = e->value;
    qsort(r->members, r->members_count, sizeof(struct cmember *), compare_members);
    r->reads = xcalloc(r->members_count + 1, sizeof(*r->reads));
    for (uint32_t m = 0; m < r->members_count; m++)
        member_reads(gs, r, r->members[m], &r->reads[m]);
    reading_settle(r);
}

static void reading_deinit(struct reading *r)
{
    for (struct map_entry *e = map_first(&r->by_pattern); e; e = map_next(&r->by_pattern, e)) {
        free(((struct list *)e->value)->at);
        free(e->value);
    }
    for (uint32_t m = 0; m < r->members_count; m++)
        free(r->reads[m].at);
    map_deinit(&r->by_name);
    map_deinit(&r->by_pattern);
    free(r->topics);
    free(r->members);
    free(r->reads);
    free(r->table);
}

bool cgroup_topics_changed(struct cgroups *gs, struct cgroup *g)
{
    struct reading r;
    uint64_t hash = 0;

    reading_init(&r, gs, g);
    for (uint32_t i = 0; i < r.count; i++) {
        hash = hash_combine(hash, hash_bytes(bytes_of(r.table[i].id, PART_TOPIC_BYTES)));
        hash = hash_combine(hash, (uint64_t)r.table[i].partitions);
    }
    reading_deinit(&r);
    g->stamp = gs->host.topics_stamp(gs->host.context);
    if (hash == g->topics_hash)
        return false;
    g->topics_hash = hash;
    cgroup_touch(gs, g, NULL);
    return true;
}

void cgroup_assign(struct cgroups *gs, struct cgroup *g)
{
    struct reading r;

    reading_init(&r, gs, g);
    struct assign_member *members = xcalloc(r.members_count + 1, sizeof(*members));
    for (uint32_t i = 0; i < r.members_count; i++)
        members[i] = (struct assign_member){.id = r.members[i]->id,
                                            .instance_id = r.members[i]->instance_id,
                                            .topics = r.reads[i].at,
                                            .topics_count = r.reads[i].count,
                                            .before = &r.members[i]->target};
    assignors[assignor_of(g)].fn(&(struct assign_spec){r.table, r.count, members, r.members_count});
    for (uint32_t i = 0; i < r.members_count; i++) {
        struct cmember *m = r.members[i];
        if (!parts_equal(&m->target, &members[i].assigned))
            cgroup_touch(gs, g, m);
        parts_move(&m->target, &members[i].assigned);
    }
    free(members);
    reading_deinit(&r);
    g->target_epoch = g->epoch;
    cgroup_touch(gs, g, NULL);
}

bool cgroups_subscribes(const struct cgroups *gs, struct bytes id, struct bytes topic)
{
    const struct cgroup *g = map_get(&gs->by_id, id);
    struct cgroup_topic found;
    struct reading r;
    bool reads = false;

    if (!g || !gs->host.topic(gs->host.context, topic, &found))
        return false;
    reading_init(&r, gs, g);
    reads = map_get(&r.by_name, topic) != NULL;
    reading_deinit(&r);
    return reads;
}
