/* A session's partitions stand in a list: the order in which they are read. One that gave records
 * goes to its end, so that a busy partition never keeps the others out of an answer that is full. A
 * map finds them by topic and partition. */
#include "serve/kafka/fetch_session.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/endian.h"
#include "base/map.h"

enum { UUID_BYTES = 16, INDEX_BYTES = 4 };

struct kept {
    struct kafka_fetch_req_partition asked;
    int64_t high_watermark, start_offset; /* as last told; -1: not yet */
    struct kept *next, *prev;
    uint32_t topic_len;
    uint8_t key[]; /* topic name or id, then the partition */
};

struct session {
    int32_t id, epoch; /* the epoch that the next request must have */
    bool by_id;
    int64_t made_ms, used_ms;
    struct map by_key; /* -> struct kept */
    struct kept *first, *last;
};

struct fetch_sessions {
    struct fetch_sessions_options options;
    struct map by_id; /* i32 -> struct session */
    uint32_t partitions;
    struct buf key; /* being looked up */
};

static int32_t next_epoch(int32_t epoch)
{
    return epoch == INT32_MAX ? 1 : epoch + 1;
}

/* ---- partitions of a session ---- */

static struct bytes topic_of(const struct kept *k)
{
    return bytes_of(k->key, k->topic_len);
}

static struct bytes make_key(struct fetch_sessions *fs, struct bytes topic, int32_t partition)
{
    buf_clear(&fs->key);
    buf_bytes(&fs->key, topic);
    buf_u32_be(&fs->key, (uint32_t)partition);
    return buf_view(&fs->key);
}

static struct kept *kept_find(struct fetch_sessions *fs, const struct session *s,
                              struct bytes topic, int32_t partition)
{
    return map_get(&s->by_key, make_key(fs, topic, partition));
}

static void list_add(struct session *s, struct kept *k)
{
    k->next = NULL;
    k->prev = s->last;
    if (s->last)
        s->last->next = k;
    else
        s->first = k;
    s->last = k;
}

static void list_remove(struct session *s, struct kept *k)
{
    if (k->prev)
        k->prev->next = k->next;
    else
        s->first = k->next;
    if (k->next)
        k->next->prev = k->prev;
    else
        s->last = k->prev;
}

static void keep(struct fetch_sessions *fs, struct session *s, struct bytes topic,
                 const struct kafka_fetch_req_partition *asked)
{
    struct kept *k = kept_find(fs, s, topic, asked->partition);

    if (!k) {
        struct bytes key = buf_view(&fs->key);
        k = xcalloc(1, sizeof(*k) + key.len);
        memcpy(k->key, key.ptr, key.len);
        k->topic_len = (uint32_t)topic.len;
        k->high_watermark = k->start_offset = -1;
        map_put(&s->by_key, key, k);
        list_add(s, k);
        fs->partitions++;
    }
    k->asked = *asked;
}

static void drop(struct fetch_sessions *fs, struct session *s, struct bytes topic,
                 int32_t partition)
{
    struct kept *k = map_remove(&s->by_key, make_key(fs, topic, partition));

    if (!k)
        return;
    list_remove(s, k);
    free(k);
    fs->partitions--;
}

/* ---- sessions ---- */

struct fetch_sessions *fetch_sessions_create(const struct fetch_sessions_options *options)
{
    struct fetch_sessions *fs = xcalloc(1, sizeof(*fs));

    fs->options = *options;
    if (!fs->options.partitions_max)
        fs->options.partitions_max = FETCH_SESSIONS_PARTITIONS;
    map_init(&fs->by_id);
    buf_init(&fs->key, 0);
    return fs;
}

static struct session *session_find(const struct fetch_sessions *fs, int32_t id)
{
    uint8_t key[INDEX_BYTES];

    store_u32_be(key, (uint32_t)id);
    return map_get(&fs->by_id, bytes_of(key, sizeof(key)));
}

static void session_remove(struct fetch_sessions *fs, struct session *s)
{
    uint8_t key[INDEX_BYTES];

    store_u32_be(key, (uint32_t)s->id);
    (void)map_remove(&fs->by_id, bytes_of(key, sizeof(key)));
    fs->partitions -= map_size(&s->by_key);
    while (s->first) {
        struct kept *k = s->first;
        s->first = k->next;
        free(k);
    }
    map_deinit(&s->by_key);
    free(s);
}

void fetch_sessions_destroy(struct fetch_sessions *fs)
{
    for (struct map_entry *e = map_first(&fs->by_id); e; e = map_next(&fs->by_id, e))
        session_remove(fs, e->value);
    map_deinit(&fs->by_id);
    buf_deinit(&fs->key);
    free(fs);
}

uint32_t fetch_sessions_count(const struct fetch_sessions *fs)
{
    return map_size(&fs->by_id);
}

/* Makes room for a session of so many partitions. */
static bool evict(struct fetch_sessions *fs, int64_t now_ms, uint32_t partitions)
{
    struct session *oldest = NULL, *smallest = NULL;

    for (struct map_entry *e = map_first(&fs->by_id); e; e = map_next(&fs->by_id, e)) {
        struct session *s = e->value;
        if (!oldest || s->used_ms < oldest->used_ms)
            oldest = s;
        if (now_ms - s->made_ms > FETCH_SESSION_STALE_MS &&
            (!smallest || map_size(&s->by_key) < map_size(&smallest->by_key)))
            smallest = s;
    }
    if (oldest && now_ms - oldest->used_ms > FETCH_SESSION_STALE_MS)
        session_remove(fs, oldest);
    else if (smallest && map_size(&smallest->by_key) < partitions)
        session_remove(fs, smallest);
    else
        return false;
    return true;
}

static bool has_room(const struct fetch_sessions *fs, uint32_t partitions)
{
    return map_size(&fs->by_id) < fs->options.slots_max &&
           (uint64_t)fs->partitions + partitions <= fs->options.partitions_max;
}

/* NULL: no room. */
static struct session *session_make(struct fetch_sessions *fs, int64_t now_ms, uint32_t partitions)
{
    uint8_t key[INDEX_BYTES];

    if (partitions > FETCH_SESSION_PARTITIONS)
        return NULL;
    while (!has_room(fs, partitions)) {
        if (!evict(fs, now_ms, partitions))
            return NULL;
    }
    struct session *s = xcalloc(1, sizeof(*s));
    do {
        fs->options.random(fs->options.context, key, sizeof(key));
        s->id = (int32_t)(load_u32_be(key) & INT32_MAX);
    } while (s->id == 0 || session_find(fs, s->id));
    s->epoch = 1;
    s->made_ms = s->used_ms = now_ms;
    map_init(&s->by_key);
    store_u32_be(key, (uint32_t)s->id);
    map_put(&fs->by_id, bytes_of(key, sizeof(key)), s);
    return s;
}

/* ---- requests ---- */

static uint32_t partitions_count(const struct kafka_fetch_req *req)
{
    uint32_t count = 0;

    for (int32_t t = 0; t < req->topics.count; t++)
        count += (uint32_t)req->topics.at[t].partitions.count;
    return count;
}

static struct bytes topic_key(bool by_id, struct bytes name, const uint8_t *id)
{
    return by_id ? bytes_of(id, UUID_BYTES) : name;
}

static void take_changes(struct fetch_sessions *fs, struct session *s,
                         const struct kafka_fetch_req *req)
{
    for (int32_t t = 0; t < req->topics.count; t++) {
        const struct kafka_fetch_req_topic *topic = &req->topics.at[t];
        for (int32_t i = 0; i < topic->partitions.count; i++)
            keep(fs, s, topic_key(s->by_id, topic->topic, topic->topic_id),
                 &topic->partitions.at[i]);
    }
    for (int32_t t = 0; t < req->forgotten_topics_data.count; t++) {
        const struct kafka_fetch_req_forgotten_topic *topic = &req->forgotten_topics_data.at[t];
        for (int32_t i = 0; i < topic->partitions.count; i++)
            drop(fs, s, topic_key(s->by_id, topic->topic, topic->topic_id),
                 topic->partitions.at[i]);
    }
}

/* All of the session's partitions, as a client without one would ask for them: a topic as often as
 * its partitions stand apart. */
static void name_all(const struct session *s, struct arena *arena, struct kafka_fetch_req *whole)
{
    const struct kept *k = s->first;
    int32_t runs = 0;

    for (const struct kept *at = s->first; at; at = at->next)
        runs += !at->prev || !bytes_equal(topic_of(at->prev), topic_of(at));
    whole->topics.at = kafka_fetch_req_topic_new(arena, runs);
    whole->topics.count = runs;
    for (int32_t t = 0; t < runs; t++) {
        struct kafka_fetch_req_topic *topic = &whole->topics.at[t];
        const struct kept *from = k;
        int32_t count = 0;
        for (; k && bytes_equal(topic_of(k), topic_of(from)); k = k->next)
            count++;
        topic->partitions.at = kafka_fetch_req_partition_new(arena, count);
        topic->partitions.count = count;
        for (int32_t i = 0; i < count; i++, from = from->next) {
            topic->partitions.at[i] = from->asked;
            if (i)
                continue;
            if (s->by_id)
                memcpy(topic->topic_id, from->key, UUID_BYTES);
            else
                topic->topic = arena_copy(arena, topic_of(from));
        }
    }
}

static enum kafka_error begin_incremental(struct fetch_sessions *fs, int64_t now_ms,
                                          const struct kafka_fetch_req *req, struct arena *arena,
                                          struct kafka_fetch_req *whole, struct fetch_context *out)
{
    struct session *s = session_find(fs, req->session_id);

    if (!s)
        return KAFKA_ERR_FETCH_SESSION_ID_NOT_FOUND;
    if (s->by_id != out->by_id)
        return KAFKA_ERR_FETCH_SESSION_TOPIC_ID_ERROR;
    if (s->epoch != req->session_epoch)
        return KAFKA_ERR_INVALID_FETCH_SESSION_EPOCH;
    take_changes(fs, s, req);
    s->epoch = next_epoch(s->epoch);
    s->used_ms = now_ms;
    if (map_size(&s->by_key) > FETCH_SESSION_PARTITIONS ||
        fs->partitions > fs->options.partitions_max) {
        session_remove(fs, s);
        return KAFKA_ERR_FETCH_SESSION_ID_NOT_FOUND;
    }
    name_all(s, arena, whole);
    if (!s->first) { /* an empty session is none */
        session_remove(fs, s);
        return KAFKA_ERR_NONE;
    }
    *out = (struct fetch_context){FETCH_INCREMENTAL, s->id, s->epoch, s->by_id};
    return KAFKA_ERR_NONE;
}

enum kafka_error fetch_session_begin(struct fetch_sessions *fs, int64_t now_ms,
                                     const struct kafka_fetch_req *req, int16_t version,
                                     struct arena *arena, struct kafka_fetch_req *whole,
                                     struct fetch_context *out)
{
    *whole = *req;
    *out = (struct fetch_context){.kind = FETCH_SESSIONLESS,
                                  .by_id = version >= FETCH_TOPIC_IDS_VERSION};
    if (req->session_epoch > 0)
        return begin_incremental(fs, now_ms, req, arena, whole, out);
    struct session *former = session_find(fs, req->session_id);
    if (former)
        session_remove(fs, former);
    if (req->session_epoch == 0)
        out->kind = FETCH_FULL;
    return req->session_epoch < -1 ? KAFKA_ERR_INVALID_FETCH_SESSION_EPOCH : KAFKA_ERR_NONE;
}

/* ---- answers ---- */

static void end_full(struct fetch_sessions *fs, int64_t now_ms, const struct fetch_context *context,
                     const struct kafka_fetch_req *whole, struct kafka_fetch_res *res)
{
    struct session *s = session_make(fs, now_ms, partitions_count(whole));

    if (!s)
        return;
    s->by_id = context->by_id;
    res->session_id = s->id;
    take_changes(fs, s, whole);
    for (int32_t t = 0; t < res->responses.count; t++) {
        const struct kafka_fetch_res_topic *topic = &res->responses.at[t];
        for (int32_t i = 0; i < topic->partitions.count; i++) {
            const struct kafka_fetch_res_partition *told = &topic->partitions.at[i];
            struct kept *k = kept_find(fs, s, topic_key(s->by_id, topic->topic, topic->topic_id),
                                       told->partition_index);
            if (!k)
                continue; /* named twice and forgotten */
            k->high_watermark = told->high_watermark;
            k->start_offset = told->log_start_offset;
        }
    }
}

/* Whether there is anything to tell; then it is told. */
static bool has_news(struct session *s, struct kept *k, const struct kafka_fetch_res_partition *now)
{
    bool news = now->records.len > 0 || now->error_code ||
                k->high_watermark != now->high_watermark ||
                k->start_offset != now->log_start_offset;

    /* After an error the end is told again: the client has to see that all is well. */
    k->high_watermark = now->error_code ? -1 : now->high_watermark;
    k->start_offset = now->log_start_offset;
    if (now->records.len > 0) {
        list_remove(s, k);
        list_add(s, k);
    }
    return news;
}

static void keep_news(struct fetch_sessions *fs, struct session *s,
                      struct kafka_fetch_res_topic *topic)
{
    int32_t kept = 0;

    for (int32_t i = 0; i < topic->partitions.count; i++) {
        const struct kafka_fetch_res_partition *now = &topic->partitions.at[i];
        struct kept *k = kept_find(fs, s, topic_key(s->by_id, topic->topic, topic->topic_id),
                                   now->partition_index);
        if (!k || has_news(s, k, now))
            topic->partitions.at[kept++] = *now;
    }
    topic->partitions.count = kept;
}

enum kafka_error fetch_session_check(const struct fetch_sessions *fs,
                                     const struct fetch_context *context)
{
    const struct session *s =
        context->kind == FETCH_INCREMENTAL ? session_find(fs, context->id) : NULL;

    return s && s->epoch != context->epoch ? KAFKA_ERR_INVALID_FETCH_SESSION_EPOCH : KAFKA_ERR_NONE;
}

void fetch_session_end(struct fetch_sessions *fs, int64_t now_ms,
                       const struct fetch_context *context, const struct kafka_fetch_req *whole,
                       struct kafka_fetch_res *res)
{
    int32_t kept = 0;

    if (context->kind == FETCH_SESSIONLESS)
        return;
    if (context->kind == FETCH_FULL) {
        end_full(fs, now_ms, context, whole, res);
        return;
    }
    res->session_id = context->id;
    struct session *s = session_find(fs, context->id);
    if (!s)
        return; /* evicted meanwhile: all is told, and the next request starts anew */
    for (int32_t t = 0; t < res->responses.count; t++) {
        keep_news(fs, s, &res->responses.at[t]);
        if (res->responses.at[t].partitions.count)
            res->responses.at[kept++] = res->responses.at[t];
    }
    res->responses.count = kept;
}
