/* Partitions are numbered through, topic by topic; an array says which member has each. uniform keeps
 * what may be kept, gives what is free to whoever has least, then evens out: a partition moves from
 * its member to another reader of its topic that has two fewer, until none can. Each move makes the
 * sum of the squares of the shares smaller, so it ends; where all read the same, it ends with shares
 * that differ by one at most. */
#include "serve/kafka/assign.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { NOBODY = -1 };

/* A topic with its readers. */
struct readers {
    uint32_t *members;
    uint32_t count, next; /* next: where the search for the least begins, so that ties go round */
};

struct share {
    const struct assign_spec *spec;
    struct readers *readers; /* of each topic */
    uint32_t *first;         /* of each topic: its partition 0 in owner */
    int32_t *owner;
    uint32_t *load; /* of each member */
};

static void share_init(struct share *s, const struct assign_spec *spec)
{
    uint32_t total = 0;

    *s = (struct share){.spec = spec};
    s->readers = xcalloc(spec->topics_count + 1, sizeof(*s->readers));
    s->first = xcalloc(spec->topics_count + 1, sizeof(*s->first));
    s->load = xcalloc(spec->members_count + 1, sizeof(*s->load));
    for (uint32_t m = 0; m < spec->members_count; m++) {
        for (uint32_t i = 0; i < spec->members[m].topics_count; i++)
            s->readers[spec->members[m].topics[i]].count++;
    }
    for (uint32_t t = 0; t < spec->topics_count; t++) {
        s->first[t] = total;
        total += (uint32_t)spec->topics[t].partitions;
        s->readers[t].members = xcalloc(s->readers[t].count + 1, sizeof(uint32_t));
        s->readers[t].count = 0;
    }
    for (uint32_t m = 0; m < spec->members_count; m++) {
        for (uint32_t i = 0; i < spec->members[m].topics_count; i++) {
            struct readers *r = &s->readers[spec->members[m].topics[i]];
            r->members[r->count++] = m;
        }
    }
    s->owner = xcalloc(total + 1, sizeof(*s->owner));
    for (uint32_t i = 0; i < total; i++)
        s->owner[i] = NOBODY;
}

static void share_deinit(struct share *s)
{
    for (uint32_t t = 0; t < s->spec->topics_count; t++)
        free(s->readers[t].members);
    free(s->readers);
    free(s->first);
    free(s->load);
    free(s->owner);
}

static int compare_topic(const void *key, const void *topic)
{
    return memcmp(key, ((const struct assign_topic *)topic)->id, PART_TOPIC_BYTES);
}

static bool reads(const struct assign_member *m, uint32_t topic)
{
    uint32_t low = 0, high = m->topics_count;

    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (m->topics[mid] < topic)
            low = mid + 1;
        else
            high = mid;
    }
    return low < m->topics_count && m->topics[low] == topic;
}

/* What each had and may still have. */
static void keep_what_was(struct share *s)
{
    const struct assign_spec *spec = s->spec;

    for (uint32_t m = 0; m < spec->members_count; m++) {
        const struct parts *before = spec->members[m].before;
        for (uint32_t i = 0; i < before->count; i++) {
            const struct part *part = &before->at[i];
            const struct assign_topic *topic = bsearch(part->topic, spec->topics, spec->topics_count,
                                                       sizeof(*topic), compare_topic);
            if (!topic || part->index < 0 || part->index >= topic->partitions)
                continue;
            uint32_t t = (uint32_t)(topic - spec->topics);
            int32_t *owner = &s->owner[s->first[t] + (uint32_t)part->index];
            if (*owner != NOBODY || !reads(&spec->members[m], t))
                continue;
            *owner = (int32_t)m;
            s->load[m]++;
        }
    }
}

/* The reader with the least; the topic has one. */
static uint32_t least(struct share *s, uint32_t topic)
{
    struct readers *r = &s->readers[topic];
    uint32_t best = r->next % r->count;

    for (uint32_t i = 0; i < r->count; i++) {
        uint32_t at = (r->next + i) % r->count;
        if (s->load[r->members[at]] < s->load[r->members[best]])
            best = at;
    }
    r->next = best + 1;
    return r->members[best];
}

static void give_free(struct share *s)
{
    for (uint32_t t = 0; t < s->spec->topics_count; t++) {
        for (int32_t i = 0; i < s->spec->topics[t].partitions && s->readers[t].count; i++) {
            int32_t *owner = &s->owner[s->first[t] + (uint32_t)i];
            if (*owner != NOBODY)
                continue;
            *owner = (int32_t)least(s, t);
            s->load[*owner]++;
        }
    }
}

/* Members with so many or more give to those with two fewer than they. */
static bool even_out(struct share *s, uint32_t from)
{
    bool moved = false;

    for (uint32_t t = 0; t < s->spec->topics_count; t++) {
        if (!s->readers[t].count)
            continue;
        uint32_t to = least(s, t);
        for (int32_t i = s->spec->topics[t].partitions - 1; i >= 0; i--) {
            int32_t *owner = &s->owner[s->first[t] + (uint32_t)i];
            if (s->load[*owner] < from || s->load[*owner] < s->load[to] + 2)
                continue;
            s->load[*owner]--;
            s->load[to]++;
            *owner = (int32_t)to;
            to = least(s, t);
            moved = true;
        }
    }
    return moved;
}

/* The greatest load below a bound; 0: none. */
static uint32_t load_below(const struct share *s, uint32_t bound)
{
    uint32_t found = 0;

    for (uint32_t m = 0; m < s->spec->members_count; m++) {
        if (s->load[m] < bound && s->load[m] > found)
            found = s->load[m];
    }
    return found;
}

/* Those who have most give first: so nothing moves twice. */
static void even_all(struct share *s)
{
    for (uint32_t from = load_below(s, UINT32_MAX); from > 1;) {
        if (even_out(s, from))
            from = load_below(s, UINT32_MAX);
        else
            from = load_below(s, from);
    }
}

void assign_uniform(const struct assign_spec *spec)
{
    struct share s;

    share_init(&s, spec);
    keep_what_was(&s);
    give_free(&s);
    even_all(&s);
    for (uint32_t t = 0; t < spec->topics_count; t++) {
        for (int32_t i = 0; i < spec->topics[t].partitions; i++) {
            int32_t owner = s.owner[s.first[t] + (uint32_t)i];
            if (owner != NOBODY)
                parts_push(&spec->members[owner].assigned, spec->topics[t].id, i);
        }
    }
    for (uint32_t m = 0; m < spec->members_count; m++)
        parts_sort(&spec->members[m].assigned);
    share_deinit(&s);
}

/* ---- range ---- */

/* Static members first, by their instance; then the others. */
static int compare_members(const void *a, const void *b)
{
    const struct assign_member *x = *(struct assign_member *const *)a,
                               *y = *(struct assign_member *const *)b;

    if (x->instance_id.ptr && y->instance_id.ptr)
        return bytes_compare(x->instance_id, y->instance_id);
    if (x->instance_id.ptr || y->instance_id.ptr)
        return x->instance_id.ptr ? -1 : 1;
    return bytes_compare(x->id, y->id);
}

void assign_range(const struct assign_spec *spec)
{
    struct assign_member **order = xcalloc(spec->members_count + 1, sizeof(struct assign_member *));
    uint32_t *readers = xcalloc(spec->topics_count + 1, sizeof(*readers));
    uint32_t *given = xcalloc(spec->topics_count + 1, sizeof(*given));
    int32_t *next = xcalloc(spec->topics_count + 1, sizeof(*next));

    for (uint32_t m = 0; m < spec->members_count; m++) {
        order[m] = &spec->members[m];
        for (uint32_t i = 0; i < order[m]->topics_count; i++)
            readers[order[m]->topics[i]]++;
    }
    qsort(order, spec->members_count, sizeof(struct assign_member *), compare_members);
    for (uint32_t m = 0; m < spec->members_count; m++) {
        for (uint32_t i = 0; i < order[m]->topics_count; i++) {
            uint32_t t = order[m]->topics[i], all = (uint32_t)spec->topics[t].partitions;
            uint32_t share = all / readers[t] + (given[t]++ < all % readers[t]);
            for (; share; share--)
                parts_push(&order[m]->assigned, spec->topics[t].id, next[t]++);
        }
        parts_sort(&order[m]->assigned);
    }
    free(order);
    free(readers);
    free(given);
    free(next);
}
