/* lookup_twin.c: see lookup_twin.h. */
#include "lib/lookup_twin.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/test.h"

struct lookup_twin lookup_twin;

const struct bridge_given lookup_twin_haste[LOOKUP_TWIN_HASTE] = {
    {BYTES_LITERAL("bridge.retry.backoff"), BYTES_LITERAL("1 ms")},
    {BYTES_LITERAL("bridge.retry.backoff.max"), BYTES_LITERAL("4 ms")},
    {BYTES_LITERAL("bridge.breaker.open"), BYTES_LITERAL("1 ms")},
    {BYTES_LITERAL("bridge.breaker.open.max"), BYTES_LITERAL("2 ms")},
};

static bool no(const struct bridge_spec *spec)
{
    (void)spec;
    return false;
}

static enum status twin_open(const struct bridge_spec *spec, struct bridge **out, struct diag *diag)
{
    (void)diag;
    *out = calloc(1, sizeof(struct bridge));
    **out = (struct bridge){NULL, spec};
    return ST_OK;
}

static void twin_close(struct bridge *bridge)
{
    free(bridge);
}

static void twin_lookup(struct bridge *bridge, struct bridge_lookup *lookup)
{
    const int64_t *ids = lookup->keys.cols[0].data;

    EXPECT_INT(bridge->spec->asking.keys_count, 1);
    EXPECT(lookup->count > 0 && lookup->keys.rows == lookup->count);
    lookup_twin.calls++;
    if (rng_chance(&lookup_twin.rng, lookup_twin.away)) {
        snprintf(lookup->trouble, sizeof(lookup->trouble), "away");
        return;
    }
    lookup_twin.keys += lookup->count;
    for (uint32_t i = 0; i < lookup->count; i++)
        lookup_twin.answer(lookup, &lookup->asked[i], ids[lookup->asked[i].row]);
}

const struct bridge_class lookup_twin_class = {
    .name = "twin", .ways = BRIDGE_LOOKUP, .guarantee = "as it is", .takes_rows = no, .takes_changes = no,
    .open = twin_open, .lookup = twin_lookup, .by_primary_key = true, .close = twin_close,
};
const struct bridge_class lookup_twin_deaf = {
    .name = "deaf", .ways = BRIDGE_SINK, .guarantee = "as it is", .takes_rows = no, .takes_changes = no,
    .open = twin_open, .close = twin_close,
};
