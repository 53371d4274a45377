/* transactions.c: what transactions there are, what open ones hold back; and ending one whose owner hangs,
 * as an owner that starts anew would: its transactional id is taken over, which aborts and fences. */
#include "serve/http/broker.h"
#include "wire/http/uri.h"

enum { SHOWN_MAX = 1000, INIT_VERSION = 4, TAKEOVER_TIMEOUT_MS = 60000 };

/* How far readers of committed records are held back there. */
static void write_held(struct json_writer *w, struct exchange *x, struct bytes name, int32_t index)
{
    struct log_topic *topic = log_topic_find(x->face->log, name);
    struct log_offsets o;

    json_object_begin(w);
    json_key_text(w, "topic", name);
    json_key_i64(w, "partition", index);
    if (topic && index >= 0 && (uint32_t)index < log_topic_info(topic)->partitions) {
        log_offsets(log_partition_of(topic, (uint32_t)index), &o);
        json_key_i64(w, "stable", o.stable);
        json_key_i64(w, "end", o.durable);
    }
    json_object_end(w);
}

static void write_transaction(struct json_writer *w, struct exchange *x,
                              const struct kafka_describe_transactions_res_state *t)
{
    int64_t now_ms = loop_wall_us(x->face->loop) / 1000;

    json_object_begin(w);
    json_key_text(w, "id", t->transactional_id);
    json_key_text(w, "state", t->transaction_state);
    json_key_i64(w, "producer_id", t->producer_id);
    json_key_i64(w, "producer_epoch", t->producer_epoch);
    json_key_i64(w, "timeout_ms", t->transaction_timeout_ms);
    json_key(w, "age_ms");
    if (t->transaction_start_time_ms >= 0)
        json_i64(w, now_ms > t->transaction_start_time_ms ? now_ms - t->transaction_start_time_ms : 0);
    else
        json_put_null(w);
    json_key(w, "partitions");
    json_array_begin(w);
    for (int32_t i = 0; i < t->topics.count; i++)
        for (int32_t p = 0; p < t->topics.at[i].partitions.count; p++)
            write_held(w, x, t->topics.at[i].topic, t->topics.at[i].partitions.at[p]);
    json_array_end(w);
    json_object_end(w);
}

/* The ids of [first, first + count) described. */
static void write_all(struct json_writer *w, struct exchange *x, const struct kafka_list_transactions_res *list,
                      int32_t count)
{
    struct bytes *ids = arena_alloc(&x->arena, (size_t)(count + 1) * sizeof *ids);
    struct kafka_ask ask;

    for (int32_t i = 0; i < count; i++)
        ids[i] = list->transaction_states.at[i].transactional_id;
    const struct kafka_describe_transactions_req req = {.transactional_ids = {.at = ids, .count = count}};
    const struct kafka_describe_transactions_res *res =
        broker_look(x, KAFKA_DESCRIBE_TRANSACTIONS, 0, &req, &ask);
    for (int32_t i = 0; i < res->transaction_states.count; i++)
        if (!res->transaction_states.at[i].error_code)
            write_transaction(w, x, &res->transaction_states.at[i]);
    kafka_ask_end(&ask);
}

/* ?open: only those that hold something back. */
void get_transactions(struct exchange *x)
{
    struct bytes open[] = {BYTES_LITERAL("Ongoing"), BYTES_LITERAL("PrepareCommit"), BYTES_LITERAL("PrepareAbort")};
    struct kafka_list_transactions_req req = {.duration_filter = -1};
    struct kafka_ask ask;
    struct buf body;
    struct json_writer w;

    if (query_has(x->request->query, "open")) {
        req.state_filters.at = open;
        req.state_filters.count = 3;
    }
    const struct kafka_list_transactions_res *list = broker_look(x, KAFKA_LIST_TRANSACTIONS, 1, &req, &ask);
    int32_t all = list->transaction_states.count, count = all < SHOWN_MAX ? all : SHOWN_MAX;
    buf_init(&body, x->face->options.answer_bytes_max);
    json_writer_init(&w, &body);
    json_object_begin(&w);
    json_key_i64(&w, "count", all);
    json_key(&w, "transactions");
    json_array_begin(&w);
    write_all(&w, x, list, count);
    json_array_end(&w);
    json_object_end(&w);
    kafka_ask_end(&ask);
    reply_json(x, 200, &body);
}

static void aborted(struct exchange *x, const void *response)
{
    const struct kafka_init_producer_id_res *res = response;
    struct buf body;

    bool under_way = res->error_code == KAFKA_ERR_CONCURRENT_TRANSACTIONS;
    if (res->error_code && !under_way) {
        reply_kafka(x, res->error_code, BYTES_NONE);
        return;
    }
    buf_init(&body, 0);
    buf_printf(&body, "{\"done\":%s}", under_way ? "false" : "true");
    reply_json(x, under_way ? 202 : 200, &body);
}

/* Whether it is known and holds something; else it is answered. */
static bool is_open(struct exchange *x, int32_t *timeout_ms)
{
    struct bytes id = x->params[0];
    const struct kafka_describe_transactions_req req = {.transactional_ids = {.at = &id, .count = 1}};
    struct kafka_ask ask;
    const struct kafka_describe_transactions_res *res =
        broker_look(x, KAFKA_DESCRIBE_TRANSACTIONS, 0, &req, &ask);
    const struct kafka_describe_transactions_res_state *t = &res->transaction_states.at[0];
    enum kafka_error error = t->error_code;
    bool ongoing = !error && bytes_is(t->transaction_state, "Ongoing");

    *timeout_ms = t->transaction_timeout_ms > 0 ? t->transaction_timeout_ms : TAKEOVER_TIMEOUT_MS;
    kafka_ask_end(&ask);
    if (error)
        reply_kafka(x, error, BYTES_NONE);
    else if (!ongoing)
        reply_error(x, 409, "state", "it has no open transaction");
    return ongoing;
}

void post_transaction_abort(struct exchange *x)
{
    struct kafka_init_producer_id_req req = {.transactional_id = x->params[0], .producer_id = -1, .producer_epoch = -1};

    if (is_open(x, &req.transaction_timeout_ms))
        broker_change(x, KAFKA_INIT_PRODUCER_ID, INIT_VERSION, &req, aborted);
}
