/* positions.h: where each split of a driver's sources stood at some moment; it may have more of
 * them now.
 *
 * Owns: all in it; the caller's until positions_free.   Threads: the loop's.   Layer: flow.
 */
#ifndef QW_FLOW_POSITIONS_H
#define QW_FLOW_POSITIONS_H

#include "flow/driver.h"

struct positions;

struct positions *positions_of(struct driver *driver);
void positions_free(struct positions *positions); /* NULL: nothing */
/* Of a split that came later: 0, all of it is still to be read from here. */
int64_t positions_at(const struct positions *positions, uint32_t source, uint32_t split);

#endif
