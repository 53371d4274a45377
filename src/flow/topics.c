/* topics.c: the topics that the engine makes for itself: what it needs is there. */
#include "flow/inner.h"

enum status topic_ensure(struct log *log, struct bytes name, uint32_t partitions,
                         enum topic_keep keep, struct log_topic **out, struct diag *diag)
{
    *out = log_topic_find(log, name);
    if (*out)
        return ST_OK;
    int64_t forever = keep == TOPIC_KEPT ? -1 : 0;
    struct log_topic_options options = {.retention_ms = forever, .retention_bytes = forever};
    uint64_t lsn;
    return log_topic_create(log, name, partitions, &options, out, &lsn, diag);
}
