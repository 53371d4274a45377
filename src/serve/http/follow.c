#include "serve/http/follow.h"

bool follow_set(struct follow *f, struct bytes want)
{
    if (want.len > sizeof f->want)
        return false;
    *f = (struct follow){.want_len = (uint16_t)want.len};
    if (want.len)
        memcpy(f->want, want.ptr, want.len);
    return true;
}

static struct bytes wanted_topic(const struct follow *f, int64_t *partition)
{
    struct bytes want = bytes_of(f->want, f->want_len);
    size_t colon = bytes_find(want, ':', 0);

    *partition = -1;
    if (colon < want.len && !bytes_to_i64(bytes_skip(want, colon + 1), partition))
        *partition = INT64_MAX; /* no partition has that number */
    return bytes_head(want, colon);
}

/* Partitions that the topic was given since: from their beginning. */
static void extend(struct follow *f, const struct log_topic *topic, int64_t partition)
{
    while (partition < 0 && f->count < log_topic_info(topic)->partitions) {
        f->partitions[f->count] = f->count;
        f->places[f->count++] = 0;
    }
}

/* Begins at the end of each partition that is wanted. */
static void begin(struct follow *f, const struct log_topic *topic, int64_t partition)
{
    const struct log_topic_info *info = log_topic_info(topic);
    struct log_offsets o;

    f->begun = true;
    f->count = 0;
    memcpy(f->topic_id, info->id, LOG_ID_BYTES);
    for (uint32_t i = 0; i < info->partitions && f->count < PAGE_PARTITIONS_MAX; i++) {
        if (partition >= 0 && partition != i)
            continue;
        log_offsets(log_partition_of(topic, i), &o);
        f->partitions[f->count] = i;
        f->places[f->count++] = o.durable;
    }
}

static const char *refusal(struct exchange *x, struct bytes name, int64_t partition, const struct log_topic *topic)
{
    bool internal = topic && log_topic_info(topic)->options.internal;

    if (internal ? !exchange_is_admin(x) : !exchange_can(x, ACL_READ, ACL_TOPIC, name))
        return "you may not read the topic";
    if (!topic)
        return "there is no such topic";
    uint32_t have = log_topic_info(topic)->partitions;
    if (partition >= have)
        return "there is no such partition";
    return partition < 0 && have > PAGE_PARTITIONS_MAX ? "the topic has too many partitions: choose one" : NULL;
}

/* Skips what is too much for one sample, but for the newest of it; gives how many. */
static int64_t skip(struct follow *f, const struct log_topic *topic)
{
    int64_t most = FOLLOW_RECORDS / f->count ? FOLLOW_RECORDS / f->count : 1, skipped = 0;
    struct log_offsets o;

    for (uint32_t i = 0; i < f->count; i++) {
        log_offsets(log_partition_of(topic, f->partitions[i]), &o);
        int64_t behind = o.durable - f->places[i];
        if (behind > most) {
            skipped += behind - most;
            f->places[i] = o.durable - most;
        }
    }
    return skipped;
}

static bool any_new(const struct follow *f, const struct log_topic *topic)
{
    struct log_offsets o;

    for (uint32_t i = 0; i < f->count; i++) {
        log_offsets(log_partition_of(topic, f->partitions[i]), &o);
        if (o.durable > f->places[i])
            return true;
    }
    return false;
}

static void write_new(struct follow *f, struct exchange *x, struct log_topic *topic, struct json_writer *w)
{
    const struct page_options options = {.face = x->face,
                                         .topic = topic,
                                         .limit = FOLLOW_RECORDS,
                                         .cut = FOLLOW_CUT,
                                         .scan_bytes = FOLLOW_BYTES};
    struct page page;

    json_key_i64(w, "skipped", skip(f, topic));
    page_begin(&page, &options);
    for (uint32_t i = 0; i < f->count; i++)
        page_add(&page, f->partitions[i], f->places[i]);
    json_key(w, "records");
    if (page_run(&page) == ST_OK)
        page_write(&page, w);
    else
        json_raw(w, BYTES_LITERAL("[]"));
    for (uint32_t i = 0; i < f->count; i++)
        f->places[i] = page.parts[i].place;
    page_end(&page);
}

bool follow_sample(struct follow *f, struct exchange *x, struct buf *out)
{
    int64_t partition;
    struct bytes name = wanted_topic(f, &partition);
    struct log_topic *topic = log_topic_find(x->face->log, name);
    struct json_writer w;

    if (!f->want_len)
        return false;
    const char *error = refusal(x, name, partition, topic);
    bool begin_now = !error && (!f->begun || memcmp(f->topic_id, log_topic_info(topic)->id, LOG_ID_BYTES) != 0);
    if (begin_now)
        begin(f, topic, partition);
    else if (!error)
        extend(f, topic, partition);
    if (error ? f->told : !begin_now && !any_new(f, topic))
        return false;
    f->told = error != NULL;
    buf_clear(out);
    json_writer_init(&w, out);
    json_object_begin(&w);
    json_key_str(&w, "type", "tail");
    json_key_text(&w, "topic", name);
    if (error)
        json_key_str(&w, "error", error);
    else
        write_new(f, x, topic, &w);
    json_object_end(&w);
    return true;
}
