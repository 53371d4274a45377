/* bridges.c: see bridges.h. */
#include "bridge/bridges.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"

struct bridges {
    struct carrier_env env;
    struct map carriers; /* table → struct carrier, whose name is the key */
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

    if (c)
        carrier_close(c);
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

bool bridges_pass(struct bridges *b)
{
    bool more = false;

    for (struct map_entry *e = map_first(&b->carriers); e; e = map_next(&b->carriers, e))
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
