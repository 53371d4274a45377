/* func_zone.h: arguments that name a time zone.   Inside data/ only.   Layer: data. */
#ifndef QW_DATA_FUNC_ZONE_H
#define QW_DATA_FUNC_ZONE_H

#include "data/call.h"

/* The zone found last: rows mostly name the same. Zeros to begin with. */
struct zone_memo {
    struct bytes name;
    const struct zone *zone;
    bool known;
};

/* False: there is no such zone. */
bool call_zone(struct call *call, unsigned arg, uint32_t row, struct zone_memo *memo, const struct zone **zone);
/* Of a zone that is written in the query: the row fails. A name that a column gives makes it NULL. */
enum status zone_unknown(struct call *call, unsigned arg, uint32_t row);

#endif
