/* topics.c: the topics that the engine makes for itself: what it needs is there. */
#include "flow/inner.h"
#include "flow/with.h"

static enum status topic_get(struct log *log, struct bytes name, uint32_t partitions,
                             const struct log_topic_options *options, struct log_topic **out,
                             struct diag *diag)
{
    uint64_t lsn;
    *out = log_topic_find(log, name);
    return *out ? ST_OK : log_topic_create(log, name, partitions, options, out, &lsn, diag);
}

enum status topic_ensure(struct log *log, struct bytes name, uint32_t partitions,
                         enum topic_keep keep, struct log_topic **out, struct diag *diag)
{
    int64_t forever = keep == TOPIC_KEPT ? -1 : 0;
    struct log_topic_options options = {.retention_ms = forever,
                                        .retention_bytes = forever,
                                        .message_bytes_max = keep == TOPIC_SIDE ? TOPIC_SIDE_BYTES_MAX : 0};
    TRY(topic_get(log, name, partitions, &options, out, diag));
    struct log_topic_options has = log_topic_info(*out)->options;
    if (has.message_bytes_max >= options.message_bytes_max)
        return ST_OK;
    has.message_bytes_max = options.message_bytes_max;
    return log_topic_configure(log, *out, &has, NULL, diag);
}

/* A log in memory makes every topic 'memory', whatever is asked: then nothing differs. */
static enum status durability_check(struct bytes name, enum log_durability has, enum log_durability asked,
                                    struct diag *diag)
{
    if (has == asked || has == LOG_MEMORY)
        return ST_OK;
    diag_hint(diag, "leave the option out, or change the topic's config 'quickwater.durability'");
    return diag_set(diag, ST_INVALID, DIAG_VALUE,
                    "the topic '%.*s' is there already, with another durability than 'quickwater.durability' = "
                    "'%s'", BYTES_FMT(name), asked == LOG_INTERVAL ? "interval" : "fsync");
}

enum status topic_of_table(struct log *log, const struct with *with, struct log_topic **out,
                           struct diag *diag)
{
    struct bytes name = with_get(with, "topic", ""), durability = with_get(with, "quickwater.durability", "");
    bool interval = bytes_is(durability, "interval");
    struct log_topic_options options = {.durability = interval ? LOG_INTERVAL : LOG_FSYNC};
    int64_t partitions = 1;

    TRY(with_i64(with, "topic.partitions", 1, &partitions, diag));
    if (partitions < 1 || partitions > LOG_PARTITIONS_MAX)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "'topic.partitions' must be from 1 to %d",
                        LOG_PARTITIONS_MAX);
    if (durability.len && !interval && !bytes_is(durability, "fsync"))
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "'quickwater.durability' is fsync or interval, not '%.*s'; a table over a topic in memory is not built yet",
                        BYTES_FMT(durability));
    TRY(topic_get(log, name, (uint32_t)partitions, &options, out, diag));
    if (!durability.len)
        return ST_OK;
    return durability_check(name, log_topic_info(*out)->options.durability, options.durability, diag);
}
