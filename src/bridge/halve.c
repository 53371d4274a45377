/* halve.c: see halve.h. */
#include "bridge/halve.h"

#include <time.h>

int64_t halve_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool halve_deliver(struct bridge *bridge, struct bridge_batch *batch, uint32_t count, int64_t until_ms,
                   halve_send *send)
{
    const char *why = NULL;

    switch (send(bridge, batch, count, &why)) {
    case HALVE_LATER: return false;
    case HALVE_TAKEN: break;
    case HALVE_REFUSED:
        if (count > 1)
            return halve_deliver(bridge, batch, count / 2, until_ms, send) && halve_now_ms() < until_ms &&
                   halve_deliver(bridge, batch, count - count / 2, until_ms, send);
        batch->records[batch->settled].never = why;
    }
    batch->settled += count;
    return true;
}
