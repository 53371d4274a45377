/* Rows pushed by the host. A push is copied into a queue under a short lock; the first one of a
 * quiet queue wakes the instance, which takes the whole queue, makes one batch a topic of it, and
 * appends: so a burst costs one wake-up and one batch. */
#include <stdlib.h>
#include <string.h>

#include "app/lib.h"
#include "base/check.h"
#include "base/map.h"
#include "wire/kafka/batch.h"
#include "wire/kafka/partitioner.h"

/* What may wait in the queue: a host that pushes faster than the log takes meets QW_E_LIMIT. */
enum { QUEUE_BYTES_MAX = 64 << 20, BATCH_BYTES_MAX = 512 << 10 };

struct push {
    struct push *next;
    qw_pushed_fn *done;
    void *context;
    bool has_key;
    int64_t timestamp_ms; /* LIB_NO_TIME: now */
    uint32_t topic_len, key_len, value_len;
    uint8_t data[]; /* topic, key, value */
};

struct push_queue {
    qw *q;
    pthread_mutex_t mutex;
    struct push *head, **tail;
    size_t bytes;
    bool posted, poisoned;
    uint64_t accepted, finished; /* counts of pushes; finished are durable or refused */
    struct diag diag;            /* the first refusal since the last wait */
    enum status st;
    pthread_cond_t moved;
};

/* One batch on its way to the disk. */
struct flight {
    struct log_waiter waiter;
    struct push_queue *queue;
    struct push *pushes;
    int32_t partition;
    int64_t base_offset;
};

void lib_push_init(qw *q)
{
    struct push_queue *queue = xcalloc(1, sizeof(*queue));

    queue->q = q;
    queue->tail = &queue->head;
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_cond_init(&queue->moved, NULL);
    q->pushes = queue;
}

void lib_push_deinit(qw *q)
{
    struct push_queue *queue = q->pushes;

    while (queue->head) {
        struct push *next = queue->head->next;
        free(queue->head);
        queue->head = next;
    }
    pthread_cond_destroy(&queue->moved);
    pthread_mutex_destroy(&queue->mutex);
    free(queue);
}

void lib_push_poison(qw *q)
{
    struct push_queue *queue = q->pushes;

    pthread_mutex_lock(&queue->mutex);
    queue->poisoned = true;
    pthread_cond_broadcast(&queue->moved);
    pthread_mutex_unlock(&queue->mutex);
}

static struct bytes push_topic(const struct push *p)
{
    return bytes_of(p->data, p->topic_len);
}

static struct bytes push_key(const struct push *p)
{
    return p->has_key ? bytes_of(p->data + p->topic_len, p->key_len) : BYTES_NONE;
}

static struct bytes push_value(const struct push *p)
{
    return bytes_of(p->data + p->topic_len + p->key_len, p->value_len);
}

/* All of a list are durable, or refused: tells each, in order, and lets waiters look again. */
static void finish(struct push_queue *queue, struct push *list, enum status st,
                   const struct diag *diag, int32_t partition, int64_t base_offset)
{
    int code = lib_error(NULL, st, diag, NULL);
    uint64_t count = 0;

    while (list) {
        struct push *next = list->next;
        if (list->done)
            list->done(list->context, code, partition, st == ST_OK ? base_offset + (int64_t)count : -1);
        free(list);
        list = next;
        count++;
    }
    pthread_mutex_lock(&queue->mutex);
    queue->finished += count;
    if (st != ST_OK && queue->st == ST_OK) {
        queue->st = st;
        if (diag)
            queue->diag = *diag;
    }
    pthread_cond_broadcast(&queue->moved);
    pthread_mutex_unlock(&queue->mutex);
}

static void on_durable(struct log_waiter *waiter, bool failed)
{
    struct flight *flight = (struct flight *)waiter; /* its first member */

    finish(flight->queue, flight->pushes, failed ? ST_IO : ST_OK, NULL, flight->partition,
           flight->base_offset);
    free(flight);
}

_Static_assert(offsetof(struct flight, waiter) == 0, "on_durable finds its flight by it");

/* Appends one partition's pushes as one batch. */
static void append(struct push_queue *queue, struct log *log, struct log_partition *partition,
                   int32_t index, struct push *list, int64_t now_ms)
{
    struct batch_builder builder;
    struct buf batch;
    struct log_appended appended;
    struct diag diag = {0};

    batch_builder_init(&builder, KAFKA_CODEC_NONE);
    buf_init(&batch, 0);
    for (struct push *p = list; p; p = p->next)
        batch_builder_add(&builder, p->timestamp_ms == LIB_NO_TIME ? now_ms : p->timestamp_ms, push_key(p),
                          push_value(p), NULL, 0);
    enum status st = batch_builder_finish(&builder, &batch);
    if (st == ST_OK)
        st = log_append(log, partition, buf_view(&batch), &appended, &diag);
    buf_deinit(&batch);
    batch_builder_deinit(&builder);
    if (st != ST_OK) {
        finish(queue, list, st, &diag, index, -1);
        return;
    }
    struct flight *flight = xcalloc(1, sizeof(*flight));
    *flight = (struct flight){.waiter = {.fn = on_durable}, .queue = queue, .pushes = list,
                              .partition = index, .base_offset = appended.base_offset};
    log_wait(log, &flight->waiter, appended.lsn);
}

static void refuse_unknown_topic(struct push_queue *queue, struct push *list)
{
    struct diag diag = {0};

    diag_set(&diag, ST_NOTFOUND, DIAG_NAME, "there is no topic '%.*s'", BYTES_FMT(push_topic(list)));
    diag_hint(&diag, "CREATE TABLE … WITH ('connector' = 'kafka') makes its topic");
    finish(queue, list, ST_NOTFOUND, &diag, -1, -1);
}

static uint32_t partition_for(const struct push *p, const struct log_topic_info *info)
{
    return p->has_key ? (uint32_t)kafka_partition_of(push_key(p), (int32_t)info->partitions) : 0;
}

/* Takes the run of pushes at the head that go to one partition and fit a batch. */
static struct push *take_run(struct push *list, const struct log_topic_info *info, struct push **rest)
{
    uint32_t partition = info ? partition_for(list, info) : 0;
    size_t bytes = list->value_len + list->key_len;
    struct push *last = list;

    while (last->next && bytes_equal(push_topic(last->next), push_topic(list)) &&
           (!info || partition_for(last->next, info) == partition) &&
           bytes + last->next->value_len + last->next->key_len < BATCH_BYTES_MAX) {
        last = last->next;
        bytes += last->value_len + last->key_len;
    }
    *rest = last->next;
    last->next = NULL;
    return list;
}

static void drain(void *context)
{
    struct push_queue *queue = context;
    struct server *server = instance_server(queue->q->instance);
    struct log *log = server_log(server);
    int64_t now_ms = loop_wall_us(server_loop(server)) / 1000;

    pthread_mutex_lock(&queue->mutex);
    struct push *list = queue->head;
    queue->head = NULL;
    queue->tail = &queue->head;
    queue->bytes = 0;
    queue->posted = false;
    pthread_mutex_unlock(&queue->mutex);

    while (list) {
        struct log_topic *topic = log_topic_find(log, push_topic(list));
        const struct log_topic_info *info = topic ? log_topic_info(topic) : NULL;
        struct push *rest, *run = take_run(list, info, &rest);
        if (!topic) {
            refuse_unknown_topic(queue, run);
        } else {
            uint32_t index = partition_for(run, info);
            append(queue, log, log_partition_of(topic, index), (int32_t)index, run, now_ms);
        }
        list = rest;
    }
}

static struct push *push_create(const struct lib_record *record)
{
    size_t topic_len = strlen(record->topic);
    struct bytes key = record->key, value = record->value;

    if (key.len > UINT32_MAX / 4 || value.len > UINT32_MAX / 4)
        return NULL;
    struct push *p = malloc(sizeof(*p) + topic_len + key.len + value.len);
    if (!p)
        return NULL;
    *p = (struct push){.has_key = key.ptr != NULL, .topic_len = (uint32_t)topic_len,
                       .key_len = (uint32_t)key.len, .value_len = (uint32_t)value.len,
                       .timestamp_ms = record->timestamp_ms};
    memcpy(p->data, record->topic, topic_len);
    if (key.len)
        memcpy(p->data + topic_len, key.ptr, key.len);
    if (value.len)
        memcpy(p->data + topic_len + key.len, value.ptr, value.len);
    return p;
}

static size_t push_bytes(const struct push *p)
{
    return sizeof(*p) + p->topic_len + p->key_len + p->value_len;
}

int lib_push(qw *q, const struct lib_record *record, qw_pushed_fn *done, void *context, qw_error *error)
{
    struct push_queue *queue = q->pushes;
    struct push *p = push_create(record);

    if (!p)
        return lib_error(q, ST_NOSPACE, NULL, error);
    p->done = done;
    p->context = context;

    pthread_mutex_lock(&queue->mutex);
    bool poisoned = queue->poisoned, wake = false;
    bool full = poisoned || queue->bytes + push_bytes(p) > QUEUE_BYTES_MAX;
    if (!full) {
        *queue->tail = p;
        queue->tail = &p->next;
        queue->bytes += push_bytes(p);
        queue->accepted++;
        wake = !queue->posted;
        queue->posted = true;
    }
    pthread_mutex_unlock(&queue->mutex);
    if (full) {
        free(p);
        return lib_error(q, poisoned ? ST_CLOSED : ST_NOSPACE, NULL, error);
    }
    if (wake)
        loop_post(server_loop(instance_server(q->instance)), drain, queue);
    return QW_OK;
}

int qw_push_keyed(qw *q, const char *topic, const void *key, size_t key_len, const void *value,
                  size_t value_len, qw_pushed_fn *done, void *context, qw_error *error)
{
    const struct lib_record record = {.topic = topic, .key = bytes_of(key, key_len),
                                      .value = bytes_of(value, value_len), .timestamp_ms = LIB_NO_TIME};

    return lib_push(q, &record, done, context, error);
}

int qw_push(qw *q, const char *topic, const void *value, size_t value_len, qw_error *error)
{
    return qw_push_keyed(q, topic, NULL, 0, value, value_len, NULL, NULL, error);
}

int qw_push_wait(qw *q, qw_error *error)
{
    struct push_queue *queue = q->pushes;

    pthread_mutex_lock(&queue->mutex);
    uint64_t until = queue->accepted;
    while (queue->finished < until && !queue->poisoned)
        pthread_cond_wait(&queue->moved, &queue->mutex);
    enum status st = queue->finished < until ? ST_CLOSED : queue->st;
    struct diag diag = queue->diag;
    queue->st = ST_OK;
    diag_clear(&queue->diag);
    pthread_mutex_unlock(&queue->mutex);
    return lib_error(q, st, &diag, error);
}
