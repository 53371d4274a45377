/* positions.c: see positions.h. One array, source by source. */
#include "flow/positions.h"

#include <stdlib.h>

#include "base/check.h"

struct positions {
    uint32_t sources;
    uint32_t *begins; /* of a source's splits in `at`; one more, the end of all */
    int64_t *at;
};

struct positions *positions_of(struct driver *d)
{
    struct positions *p = xcalloc(1, sizeof(*p));
    p->sources = driver_sources_count(d);
    p->begins = xcalloc(p->sources + 1u, sizeof(*p->begins));
    for (uint32_t i = 0; i < p->sources; i++)
        p->begins[i + 1] = p->begins[i] + driver_source(d, i)->splits_count;
    p->at = xcalloc(p->begins[p->sources] + 1u, sizeof(*p->at));
    for (uint32_t i = 0; i < p->sources; i++)
        for (uint32_t s = 0; s < driver_source(d, i)->splits_count; s++)
            p->at[p->begins[i] + s] = driver_source(d, i)->splits[s].position;
    return p;
}

void positions_free(struct positions *p)
{
    if (!p)
        return;
    free(p->begins);
    free(p->at);
    free(p);
}

int64_t positions_at(const struct positions *p, uint32_t source, uint32_t split)
{
    CHECK(source < p->sources);
    uint32_t at = p->begins[source] + split;
    return at < p->begins[source + 1] ? p->at[at] : 0;
}
