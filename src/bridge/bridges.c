/* bridges.c: see bridges.h. */
#include "bridge/bridges.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"

struct bridges {
    struct carrier_env env;
    struct map carriers; /* table → struct carrier, whose name is the key */
    struct carrier **leaving; /* their calls are under way yet: a new one of the same table waits for that */
    unsigned leaving_count;
};

struct bridges *bridges_open(const struct carrier_env *env)
{
    struct bridges *b = xcalloc(1, sizeof(*b));

    b->env = *env;
    map_init(&b->carriers);
    return b;
}

void bridges_close(struct bridges *b)
{
    if (!b)
        return;
    for (struct map_entry *e = map_first(&b->carriers); e; e = map_next(&b->carriers, e))
        carrier_close(e->value);
    for (unsigned i = 0; i < b->leaving_count; i++)
        carrier_close(b->leaving[i]);
    free(b->leaving);
    map_deinit(&b->carriers);
    free(b);
}

static struct bytes name_of(const struct carrier *c)
{
    struct carrier_info info;

    carrier_info(c, &info);
    return info.table;
}

enum status bridges_start(struct bridges *b, const struct carrier_spec *spec, struct log_topic *topic,
                          struct diag *diag)
{
    struct carrier *c;

    bridges_stop(b, spec->table);
    TRY(carrier_open(&b->env, spec, topic, &c, diag));
    map_put(&b->carriers, name_of(c), c);
    b->env.wake(b->env.context);
    return ST_OK;
}

void bridges_stop(struct bridges *b, struct bytes table)
{
    struct carrier *c = map_remove(&b->carriers, table);

    if (!c)
        return;
    carrier_leave(c);
    b->leaving = xrealloc(b->leaving, (b->leaving_count + 1) * sizeof(struct carrier *));
    b->leaving[b->leaving_count++] = c;
    b->env.wake(b->env.context);
}

struct carrier *bridges_find(const struct bridges *b, struct bytes table)
{
    return map_get(&b->carriers, table);
}

struct carrier *bridges_next(const struct bridges *b, const struct carrier *carrier)
{
    bool found = !carrier;

    for (struct map_entry *e = map_first(&b->carriers); e; e = map_next(&b->carriers, e)) {
        if (found)
            return e->value;
        found = e->value == carrier;
    }
    return NULL;
}

bool bridges_done(const struct bridges *b)
{
    struct carrier_info info;

    for (struct carrier *c = bridges_next(b, NULL); c; c = bridges_next(b, c)) {
        carrier_info(c, &info);
        if (info.lag)
            return false;
    }
    return true;
}

static void let_go(struct bridges *b)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < b->leaving_count; i++) {
        if (carrier_gone(b->leaving[i]))
            carrier_close(b->leaving[i]);
        else
            b->leaving[kept++] = b->leaving[i];
    }
    b->leaving_count = kept;
}

static bool has_one_leaving(const struct bridges *b, const struct carrier *c)
{
    for (unsigned i = 0; i < b->leaving_count; i++)
        if (bytes_equal(name_of(b->leaving[i]), name_of(c)))
            return true;
    return false;
}

bool bridges_pass(struct bridges *b)
{
    bool more = false;

    let_go(b);
    for (struct map_entry *e = map_first(&b->carriers); e; e = map_next(&b->carriers, e))
        if (!has_one_leaving(b, e->value))
            more |= carrier_pass(e->value);
    return more;
}

int64_t bridges_deadline_ns(const struct bridges *b)
{
    int64_t first = INT64_MAX;

    for (struct map_entry *e = map_first(&b->carriers); e; e = map_next(&b->carriers, e)) {
        int64_t at = carrier_deadline_ns(e->value);
        first = at < first ? at : first;
    }
    return first;
}
