/* follow.h: a topic's new records as they come, for one stream of the page: a few of each sample; who cannot
 * be shown all is told how many were left out.
 *
 * Owns: its places. Limits: FOLLOW_*.   Threads: the loop's.   Layer: serve (private to serve/http). */
#ifndef QW_SERVE_HTTP_FOLLOW_H
#define QW_SERVE_HTTP_FOLLOW_H

#include "serve/http/pages.h"

enum { FOLLOW_RECORDS = 100, FOLLOW_BYTES = 1 << 20, FOLLOW_CUT = 2048, FOLLOW_WANT_MAX = LOG_NAME_MAX + 8 };

struct follow {
    uint8_t want[FOLLOW_WANT_MAX]; /* "TOPIC" or "TOPIC:PARTITION" */
    uint16_t want_len;             /* 0: nothing */
    bool begun, told;              /* it has its places; its error was told */
    uint8_t topic_id[LOG_ID_BYTES];
    int64_t places[PAGE_PARTITIONS_MAX];
    uint32_t partitions[PAGE_PARTITIONS_MAX], count;
};

/* want empty: no more. False: it is too long. */
bool follow_set(struct follow *f, struct bytes want);
/* {"type":"tail",…}; false: there is nothing to tell. */
bool follow_sample(struct follow *f, struct exchange *x, struct buf *out);

#endif
