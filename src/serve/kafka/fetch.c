/* Fetch: answers at once when there is enough, else waits for the log without polling.
 *
 * A waiting call has a watcher on each of its partitions and a timer. A watcher is called inside
 * the log's flush, where nothing may be done but to note it: the wait joins the face's list of
 * those that have something new, which is looked through in the deferred part of the pass. Looking
 * means counting bytes by offsets first; the records are only read when the answer is made.
 * Partitions are found anew at each look, for a topic may be deleted meanwhile.
 *
 * These answers are sent before the acknowledgements of the same flush: an event's way ends with
 * them, and a producer's does not go on until the next.
 *
 * Before records are read that lie in files, a helper of the log brings them into memory (log_warm); the call waits
 * for it as it does for new records. Then they go from the file to the socket, unless TLS is between.
 *
 * What a request leaves to its fetch session is filled in first (fetch_session.h), so that from
 * there on all requests name their partitions. */
#include <stdlib.h>

#include "base/check.h"
#include "serve/kafka/face.h"

enum {
    FETCH_BYTES_MAX = 64 << 20, /* of one answer, whatever the client allows */
    FETCH_BYTES_LEAST = 1 << 20,
    FETCH_SHARE = 4, /* of the memory that is left, for one answer */
    FETCH_WAIT_MS_MAX = 300000,
    WATCHES_MAX = FETCH_SESSION_PARTITIONS,
};

/* What is asked: all partitions named. In the call's arena. */
struct fetch_asked {
    struct kafka_fetch_req req;
    struct fetch_context context;
};

struct watch {
    struct log_watcher watcher;
    struct fetch *fetch;
};

struct fetch {
    struct call *call;
    const struct fetch_asked *asked; /* kept in the call */
    struct watch *watches;
    uint32_t watches_count;
    struct log_warming *warmings; /* of a call that waits for the disk, not for records */
    uint32_t warmings_count, warmings_left;
    struct loop_timer *timer;
    struct fetch *next_ready;
    bool is_ready, time_is_up, is_warm;
};

static struct kafka_fetch_res_partition *next_partition(struct kafka_fetch_res_topic *topic)
{
    return &topic->partitions.at[topic->partitions.count++];
}

/* name: as the client has it; ptr NULL: it names topics by id. */
static enum kafka_error partition_error(const struct call *call, struct log_topic *topic,
                                        struct bytes name,
                                        const struct kafka_fetch_req_partition *asked)
{
    int32_t epoch = log_leader_epoch(call->face->log);

    if (!topic && !name.ptr)
        return KAFKA_ERR_UNKNOWN_TOPIC_ID;
    if (!call_may(call, ACL_READ, ACL_TOPIC, topic ? log_topic_info(topic)->name : name))
        return KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED;
    if (!topic)
        return KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION;
    if (!face_partition(topic, asked->partition))
        return KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION;
    if (asked->current_leader_epoch >= 0 && asked->current_leader_epoch < epoch)
        return KAFKA_ERR_FENCED_LEADER_EPOCH;
    if (asked->current_leader_epoch > epoch)
        return KAFKA_ERR_UNKNOWN_LEADER_EPOCH;
    return KAFKA_ERR_NONE;
}

static struct bytes name_asked(const struct call *call, const struct kafka_fetch_req_topic *asked)
{
    return call->version >= 13 ? BYTES_NONE : asked->topic;
}

static int64_t shown_end(const struct kafka_fetch_req *req, const struct log_offsets *o)
{
    return req->isolation_level == 1 ? o->stable : o->durable;
}

static void cut_messages(struct log_view *view, size_t bytes_left, bool first)
{
    if (first || view->bytes.len <= bytes_left)
        return;
    log_view_release(view);
    *view = (struct log_view){0};
}

struct gathering {
    struct kafka_fetch_res_partition *out;
    int32_t count;
};

static void gather_aborted(void *context, const struct log_aborted *aborted)
{
    struct gathering *g = context;

    if (g->out)
        g->out->aborted_transactions.at[g->out->aborted_transactions.count++] =
            (struct kafka_fetch_res_aborted_transaction){aborted->producer_id, aborted->first};
    g->count++;
}

/* Whose records in [from, to) the client is to leave out. */
static void name_aborted(struct call *call, const struct log_partition *partition, int64_t from,
                         int64_t to, struct kafka_fetch_res_partition *out)
{
    struct gathering g = {0};

    log_aborted(partition, from, to, gather_aborted, &g);
    if (!g.count)
        return;
    out->aborted_transactions.at = kafka_fetch_res_aborted_transaction_new(&call->arena, g.count);
    out->aborted_transactions.count = 0;
    g.out = out;
    log_aborted(partition, from, to, gather_aborted, &g);
}

static enum kafka_error read_records(struct call *call, const struct kafka_fetch_req *req,
                                     struct log_partition *partition,
                                     const struct kafka_fetch_req_partition *asked,
                                     size_t *bytes_left, struct kafka_fetch_res_partition *out)
{
    enum log_bound bound = req->isolation_level == 1 ? LOG_TO_STABLE : LOG_TO_DURABLE;
    size_t max = asked->partition_max_bytes > 0 ? (size_t)asked->partition_max_bytes : 1;
    struct log_view view = {0};
    struct diag diag = {0};

    if (max > *bytes_left)
        max = *bytes_left;
    max = max ? max : 1;
    switch (conn_has_tls(call_conn(call))
                ? log_read(call->face->log, partition, asked->fetch_offset, max, bound, &view, &diag)
                : log_read_to_send(partition, asked->fetch_offset, max, bound, &view, &diag)) {
    case ST_OK: break;
    case ST_NOTFOUND: return KAFKA_ERR_OFFSET_OUT_OF_RANGE;
    case ST_CORRUPT: return KAFKA_ERR_CORRUPT_MESSAGE;
    default: return KAFKA_ERR_KAFKA_STORAGE_ERROR;
    }
    if (view.bytes.len)
        cut_messages(&view, *bytes_left, call->views_count == 0);
    if (!view.bytes.len) {
        log_view_release(&view);
        return KAFKA_ERR_NONE;
    }
    call->views[call->views_count++] = view;
    out->records = view.bytes;
    if (req->isolation_level == 1)
        name_aborted(call, partition, asked->fetch_offset, view.next_offset, out);
    *bytes_left -= view.bytes.len < *bytes_left ? view.bytes.len : *bytes_left;
    call->face->stats.fetched_bytes += view.bytes.len;
    return KAFKA_ERR_NONE;
}

static void answer_partition(struct call *call, const struct kafka_fetch_req *req,
                             struct log_topic *topic, struct bytes name,
                             const struct kafka_fetch_req_partition *asked,
                             struct kafka_fetch_res_partition *out, size_t *bytes_left)
{
    static const uint8_t none;
    struct log_offsets o;

    out->partition_index = asked->partition;
    out->error_code = (int16_t)partition_error(call, topic, name, asked);
    out->high_watermark = out->last_stable_offset = out->log_start_offset = -1;
    out->aborted_transactions.count = req->isolation_level == 1 ? 0 : -1;
    out->records = bytes_of(&none, 0);
    if (out->error_code)
        return;
    struct log_partition *partition = face_partition(topic, asked->partition);
    log_offsets(partition, &o);
    if (asked->fetch_offset < o.start || asked->fetch_offset > o.durable)
        out->error_code = KAFKA_ERR_OFFSET_OUT_OF_RANGE;
    else if (asked->fetch_offset < shown_end(req, &o) && *bytes_left)
        out->error_code = (int16_t)read_records(call, req, partition, asked, bytes_left, out);
    if (out->error_code == KAFKA_ERR_OFFSET_OUT_OF_RANGE)
        return;
    log_offsets(partition, &o);
    out->high_watermark = o.durable;
    out->last_stable_offset = o.stable;
    out->log_start_offset = o.start;
}

static uint32_t partitions_count(const struct kafka_fetch_req *req)
{
    uint32_t count = 0;

    for (int32_t t = 0; t < req->topics.count; t++)
        count += (uint32_t)req->topics.at[t].partitions.count;
    return count;
}

static void refuse(struct call *call, enum kafka_error error, int32_t session_id)
{
    struct kafka_fetch_res res;

    kafka_fetch_res_init(&res);
    res.error_code = (int16_t)error;
    res.session_id = session_id;
    call_answer(call, &res);
}

/* Records that clients do not read count as those that wait to be filled into partition files: producers would
 * be refused for them. */
void face_make_room(struct kafka_face *face)
{
    while (log_memory_tight(face->log) && listener_shed(face->listener))
        ;
}

/* What an answer may have while memory lasts. */
static size_t bytes_allowed(struct call *call, size_t asked)
{
    face_make_room(call->face);
    size_t room = log_memory_left(call->face->log) / 2;
    room = room / FETCH_SHARE > FETCH_BYTES_LEAST ? room / FETCH_SHARE : FETCH_BYTES_LEAST;
    if (asked > FETCH_BYTES_MAX)
        asked = FETCH_BYTES_MAX;
    asked = asked < room ? asked : room;
    return asked ? asked : 1;
}

static void fetch_answer(struct call *call, const struct fetch_asked *what)
{
    const struct kafka_fetch_req *req = &what->req;
    enum kafka_error error = fetch_session_check(call->face->fetch_sessions, &what->context);
    size_t left = req->max_bytes > 0 ? (size_t)req->max_bytes : 0;
    uint32_t count = partitions_count(req);
    struct kafka_fetch_res res;

    if (error) {
        refuse(call, error, what->context.id);
        return;
    }
    if (call->quota && left > quota_burst(call->quota, QUOTA_CONSUME))
        left = quota_burst(call->quota, QUOTA_CONSUME);
    left = bytes_allowed(call, left);
    call->views = ARENA_ARRAY(&call->arena, struct log_view, count + 1);
    call->splices = (struct kafka_splices){
        .at = ARENA_ARRAY(&call->arena, struct kafka_splice, count + 1), .cap = count + 1};
    kafka_fetch_res_init(&res);
    res.responses.count = req->topics.count;
    res.responses.at = kafka_fetch_res_topic_new(&call->arena, req->topics.count);
    for (int32_t t = 0; t < req->topics.count; t++) {
        const struct kafka_fetch_req_topic *asked = &req->topics.at[t];
        struct kafka_fetch_res_topic *out = &res.responses.at[t];
        struct bytes name = name_asked(call, asked);
        struct log_topic *topic = face_topic_visible(call->face, name, asked->topic_id);
        out->topic = asked->topic;
        memcpy(out->topic_id, asked->topic_id, LOG_ID_BYTES);
        out->partitions.at = kafka_fetch_res_partition_new(&call->arena, asked->partitions.count);
        for (int32_t i = 0; i < asked->partitions.count; i++)
            answer_partition(call, req, topic, name, &asked->partitions.at[i], next_partition(out),
                             &left);
    }
    fetch_session_end(call->face->fetch_sessions, face_now_ms(call->face), &what->context, req,
                      &res);
    call_answer(call, &res);
}

/* ---- is there enough? ---- */

/* Bytes between an offset and the end of what may be shown are not known without reading; the share
 * of the partition's bytes that its records make is near enough for min_bytes, and never 0 when
 * there is a record. */
static uint64_t bytes_waiting(const struct log_offsets *o, int64_t from, int64_t to)
{
    if (from >= to)
        return 0;
    uint64_t all = o->end > o->start ? (uint64_t)(o->end - o->start) : 1;
    uint64_t each = o->bytes / all;
    return (uint64_t)(to - from) * (each ? each : 1);
}

/* True as well when any partition has an error to tell. */
static bool is_enough(struct call *call, const struct kafka_fetch_req *req)
{
    uint64_t have = 0, want = req->min_bytes > 0 ? (uint64_t)req->min_bytes : 0;
    struct log_offsets o;

    for (int32_t t = 0; t < req->topics.count; t++) {
        const struct kafka_fetch_req_topic *asked = &req->topics.at[t];
        struct bytes name = name_asked(call, asked);
        struct log_topic *topic = face_topic_visible(call->face, name, asked->topic_id);
        for (int32_t i = 0; i < asked->partitions.count; i++) {
            const struct kafka_fetch_req_partition *p = &asked->partitions.at[i];
            if (partition_error(call, topic, name, p))
                return true;
            log_offsets(face_partition(topic, p->partition), &o);
            if (p->fetch_offset < o.start || p->fetch_offset > o.durable)
                return true;
            have += bytes_waiting(&o, p->fetch_offset, shown_end(req, &o));
        }
    }
    return have >= want;
}

/* ---- waiting ---- */

static void ready_remove(struct kafka_face *face, struct fetch *fetch)
{
    struct fetch **at = &face->fetch_ready_first, *last = NULL;

    if (!fetch->is_ready)
        return;
    while (*at != fetch) {
        last = *at;
        at = &last->next_ready;
    }
    *at = fetch->next_ready;
    if (face->fetch_ready_last == fetch)
        face->fetch_ready_last = last;
    fetch->is_ready = false;
}

static void fetch_unwait(struct fetch *fetch)
{
    struct kafka_face *face = fetch->call->face;

    for (uint32_t i = 0; i < fetch->watches_count; i++)
        log_unwatch(&fetch->watches[i].watcher);
    for (uint32_t i = 0; i < fetch->warmings_count; i++)
        log_warm_cancel(&fetch->warmings[i]);
    ready_remove(face, fetch);
    loop_timer_destroy(fetch->timer);
    free(fetch->watches);
    free(fetch->warmings);
    free(fetch);
    face->stats.fetches_waiting--;
}

static void fetch_cancel(struct call *call)
{
    fetch_unwait(call->state);
}

static void fetch_ready(struct fetch *fetch)
{
    struct kafka_face *face = fetch->call->face;

    if (fetch->is_ready)
        return;
    fetch->is_ready = true;
    fetch->next_ready = NULL;
    if (face->fetch_ready_last)
        face->fetch_ready_last->next_ready = fetch;
    else
        face->fetch_ready_first = fetch;
    face->fetch_ready_last = fetch;
    loop_defer(face->loop, &face->fetch_defer);
}

/* ---- from the disk ---- */

static void on_warm(struct log_warming *warming)
{
    struct fetch *fetch = warming->context;

    if (--fetch->warmings_left > 0)
        return;
    fetch->is_warm = true;
    fetch_ready(fetch);
}

/* What the answer will read of the partition. */
static void warm_partition(struct fetch *fetch, struct log_topic *topic, struct bytes name,
                           const struct kafka_fetch_req_partition *asked, size_t *bytes_left)
{
    const struct kafka_fetch_req *req = &fetch->asked->req;
    enum log_bound bound = req->isolation_level == 1 ? LOG_TO_STABLE : LOG_TO_DURABLE;
    size_t max = asked->partition_max_bytes > 0 ? (size_t)asked->partition_max_bytes : 1;
    struct log_warming *warming = &fetch->warmings[fetch->warmings_count];

    if (*bytes_left == 0 || partition_error(fetch->call, topic, name, asked))
        return;
    if (max > *bytes_left)
        max = *bytes_left;
    *warming = (struct log_warming){.fn = on_warm, .context = fetch};
    if (!log_warm(face_partition(topic, asked->partition), asked->fetch_offset, max, bound, warming)) {
        fetch->warmings_count++;
        *bytes_left -= max;
    }
}

/* Answers, at once or when what is to be read is in memory. */
static void fetch_answer_warm(struct call *call, const struct fetch_asked *what)
{
    const struct kafka_fetch_req *req = &what->req;
    size_t left = req->max_bytes > 0 ? (size_t)req->max_bytes : 1;
    struct fetch *fetch = xcalloc(1, sizeof(*fetch));

    fetch->call = call;
    fetch->asked = what;
    fetch->warmings = xcalloc(partitions_count(req) + 1, sizeof(*fetch->warmings));
    if (left > FETCH_BYTES_MAX)
        left = FETCH_BYTES_MAX;
    for (int32_t t = 0; t < req->topics.count; t++) {
        const struct kafka_fetch_req_topic *asked = &req->topics.at[t];
        struct bytes name = name_asked(call, asked);
        struct log_topic *topic = face_topic_visible(call->face, name, asked->topic_id);
        for (int32_t i = 0; i < asked->partitions.count; i++)
            warm_partition(fetch, topic, name, &asked->partitions.at[i], &left);
    }
    fetch->warmings_left = fetch->warmings_count;
    call->face->stats.fetches_waiting++;
    if (fetch->warmings_count == 0) {
        fetch_unwait(fetch);
        fetch_answer(call, what);
        return;
    }
    call->state = fetch;
    call->cancel = fetch_cancel;
}

static void run_ready(void *context)
{
    struct kafka_face *face = context;

    while (face->fetch_ready_first) {
        struct fetch *fetch = face->fetch_ready_first;
        struct call *call = fetch->call;
        const struct fetch_asked *what = fetch->asked;
        struct conn *conn = call_conn(call);
        bool is_warm = fetch->is_warm;
        ready_remove(face, fetch);
        if (!is_warm && !fetch->time_is_up && !is_enough(call, &what->req))
            continue; /* its watches stand */
        fetch_unwait(fetch);
        call->cancel = NULL;
        if (is_warm)
            fetch_answer(call, what);
        else
            fetch_answer_warm(call, what);
        conn_send_now(conn);
    }
}

static void on_watch(struct log_watcher *watcher, struct log_partition *partition)
{
    struct watch *watch = watcher->context;

    (void)partition;
    fetch_ready(watch->fetch);
}

static void on_time(void *context)
{
    struct fetch *fetch = context;

    fetch->time_is_up = true;
    fetch_ready(fetch);
}

static void watch_all(struct fetch *fetch)
{
    struct kafka_face *face = fetch->call->face;
    const struct kafka_fetch_req *req = &fetch->asked->req;

    for (int32_t t = 0; t < req->topics.count; t++) {
        const struct kafka_fetch_req_topic *asked = &req->topics.at[t];
        bool by_id = fetch->call->version >= 13;
        struct log_topic *topic =
            face_topic_visible(face, by_id ? BYTES_NONE : asked->topic, asked->topic_id);
        for (int32_t i = 0; i < asked->partitions.count && topic; i++) {
            struct watch *watch = &fetch->watches[fetch->watches_count++];
            watch->fetch = fetch;
            watch->watcher = (struct log_watcher){.fn = on_watch, .context = watch};
            log_watch(face_partition(topic, asked->partitions.at[i].partition), LOG_ON_DURABLE,
                      &watch->watcher);
        }
    }
}

static void fetch_wait(struct call *call, const struct fetch_asked *what)
{
    const struct kafka_fetch_req *req = &what->req;
    struct fetch *fetch = xcalloc(1, sizeof(*fetch));
    int64_t wait_ms = req->max_wait_ms < FETCH_WAIT_MS_MAX ? req->max_wait_ms : FETCH_WAIT_MS_MAX;

    fetch->call = call;
    fetch->asked = what;
    fetch->watches = xcalloc(partitions_count(req) + 1, sizeof(*fetch->watches));
    fetch->timer = loop_timer_create(call->face->loop, on_time, fetch);
    loop_timer_set(fetch->timer, loop_mono_ns(call->face->loop) + wait_ms * 1000000);
    call->state = fetch;
    call->cancel = fetch_cancel;
    call->face->stats.fetches_waiting++;
    watch_all(fetch);
}

static void give_random(void *context, void *to, size_t len)
{
    const struct kafka_face *face = context;

    os_random(loop_os(face->loop), to, len);
}

void face_fetch_open(struct kafka_face *face)
{
    const struct fetch_sessions_options options = {
        .slots_max = face->options.fetch_sessions_max, .random = give_random, .context = face};

    face->fetch_sessions = fetch_sessions_create(&options);
    face->fetch_defer = (struct loop_defer){.fn = run_ready, .context = face};
}

void face_fetch_close(struct kafka_face *face)
{
    loop_defer_cancel(face->loop, &face->fetch_defer);
    fetch_sessions_destroy(face->fetch_sessions);
}

void kafka_on_fetch(struct call *call, const void *request)
{
    struct kafka_face *face = call->face;
    struct fetch_asked *what = ARENA_NEW(&call->arena, struct fetch_asked);
    enum kafka_error error =
        fetch_session_begin(face->fetch_sessions, face_now_ms(face), request, call->version,
                            &call->arena, &what->req, &what->context);

    if (!error && partitions_count(&what->req) > WATCHES_MAX)
        error = KAFKA_ERR_INVALID_REQUEST;
    if (error)
        refuse(call, error, 0);
    else if (what->req.max_wait_ms <= 0 || !what->req.topics.count || is_enough(call, &what->req))
        fetch_answer_warm(call, what);
    else
        fetch_wait(call, what);
}
