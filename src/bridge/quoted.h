/* quoted.h: a name as SQL and CQL quote it.   Threads: pure functions.   Layer: bridge. */
#ifndef QW_BRIDGE_QUOTED_H
#define QW_BRIDGE_QUOTED_H

#include "base/buf.h"

/* "name", with what is in it doubled. */
void quoted_name(struct buf *out, struct bytes name);
/* 'text', likewise. */
void quoted_text(struct buf *out, struct bytes text);

#endif
