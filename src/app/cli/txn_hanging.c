/* Transactions that are open in a partition although nobody will end them, and ending one. */
#include <stdio.h>
#include <time.h>

#include "app/cli/txn.h"
#include "base/check.h"

static const struct row_column columns[] = {{"TOPIC", "topic"},
                                            {"PARTITION", "partition"},
                                            {"PRODUCER", "producer"},
                                            {"EPOCH", "epoch"},
                                            {"START OFFSET", "start_offset"},
                                            {"LAST WRITE", "last_write"},
                                            {0}};

const struct kafka_describe_producers_res_partition *txn_producers(struct kafka_client *client,
                                                                   const struct part *part)
{
    struct kafka_describe_producers_req_topic topic;
    struct kafka_describe_producers_req req;
    int32_t partition = part->partition;

    kafka_describe_producers_req_init(&req);
    kafka_init(&kafka_describe_producers_req_topic_type, &topic);
    topic.name = part->topic;
    topic.partition_indexes.at = &partition;
    topic.partition_indexes.count = 1;
    req.topics.at = &topic;
    req.topics.count = 1;
    const struct kafka_describe_producers_res *res =
        kafka_client_ask(client, part->leader, KAFKA_DESCRIBE_PRODUCERS, &req);
    if (!res)
        return NULL;
    if (res->topics.count != 1 || res->topics.at[0].partitions.count != 1) {
        fail_ours("the answer about %.*s:%d is about something else", BYTES_FMT(part->topic), partition);
        return NULL;
    }
    const struct kafka_describe_producers_res_partition *p = &res->topics.at[0].partitions.at[0];
    if (!p->error_code)
        return p;
    kafka_fail(p->error_code, p->error_message, "the producers of %.*s:%d are not told", BYTES_FMT(part->topic),
               partition);
    return NULL;
}

/* ---- finding ---- */

/* Whether the transaction that the id has open takes in the partition. */
static bool id_has(struct kafka_client *client, const char *id, const struct part *part, int64_t producer_id,
                   bool *has)
{
    int32_t node;
    const struct kafka_describe_transactions_res_state *s = txn_describe_one(client, bytes_str(id), &node);

    *has = false;
    for (int32_t t = 0; s && s->producer_id == producer_id && t < s->topics.count; t++)
        for (int32_t i = 0; i < s->topics.at[t].partitions.count; i++)
            *has = *has || (bytes_equal(s->topics.at[t].topic, part->topic) &&
                            s->topics.at[t].partitions.at[i] == part->partition);
    return s != NULL;
}

/* Some transactional id knows of it, and will end it: itself, or by its timeout. */
static bool known(struct kafka_client *client, const struct part *part, int64_t producer_id, bool *is)
{
    json_t *rows = json_array(), *row;
    bool ok = txn_list_all(client, NULL, producer_id, rows);
    size_t i;

    *is = false;
    json_array_foreach(rows, i, row)
    {
        const char *id = json_string_value(json_object_get(row, "id"));
        if (!ok || *is || !id)
            break;
        ok = id_has(client, id, part, producer_id, is);
    }
    json_decref(rows);
    return ok;
}

static bool look_at(struct kafka_client *client, const struct part *part, int64_t before_ms, json_t *rows)
{
    const struct kafka_describe_producers_res_partition *p = txn_producers(client, part);

    for (int32_t i = 0; p && i < p->active_producers.count; i++) {
        const struct kafka_describe_producers_res_producer *w = &p->active_producers.at[i];
        bool is;
        if (w->current_txn_start_offset < 0 || w->last_timestamp > before_ms)
            continue;
        if (!known(client, part, w->producer_id, &is))
            return false;
        if (!is)
            json_array_append_new(rows, json_pack("{s:o, s:i, s:I, s:i, s:I, s:o}", "topic", rows_text(part->topic),
                                                  "partition", part->partition, "producer",
                                                  (json_int_t)w->producer_id, "epoch", w->producer_epoch,
                                                  "start_offset", (json_int_t)w->current_txn_start_offset,
                                                  "last_write", rows_time(w->last_timestamp)));
    }
    return p != NULL;
}

static bool all_topics(struct parts *parts, struct kafka_client *client)
{
    const struct kafka_metadata_res *m = kafka_client_metadata(client, true, NULL);

    for (int32_t t = 0; m && t < m->topics.count; t++)
        for (int32_t i = 0; i < m->topics.at[t].partitions.count; i++)
            parts_of(parts, m->topics.at[t].name, m->topics.at[t].partitions.at[i].partition_index);
    return m != NULL;
}

static bool look(const struct txn_args *args, struct kafka_client *client, json_t *rows)
{
    int64_t before_ms = ((int64_t)time(NULL) - args->older_than_s) * 1000;
    struct parts parts = {0};
    bool ok = (args->topics ? parts_select(&parts, client, "--topic", args->topics) : all_topics(&parts, client)) &&
              parts_leaders(&parts, client);

    for (size_t i = 0; ok && i < parts.count; i++)
        ok = parts.at[i].leader < 0 || look_at(client, &parts.at[i], before_ms, rows);
    parts_deinit(&parts);
    return ok;
}

int txn_find_hanging(const struct txn_args *args, const char *unused)
{
    struct kafka_client *client = kafka_client_open(&args->link);
    json_t *rows = json_array();
    bool ok = client && look(args, client, rows);

    (void)unused;
    if (ok && args->json)
        rows_json(rows);
    else if (ok)
        rows_print(rows, columns);
    json_decref(rows);
    if (client)
        kafka_client_close(client);
    return ok ? 0 : EXIT_USER;
}

/* ---- ending ---- */

/* As a new producer of the id would: what is open is aborted, and the old producer is shut out. */
static int abort_id(struct kafka_client *client, const char *id)
{
    struct kafka_init_producer_id_req req;
    int32_t node;
    const struct kafka_describe_transactions_res_state *s = txn_describe_one(client, bytes_str(id), &node);

    if (!s)
        return EXIT_USER;
    if (!bytes_is(s->transaction_state, "Ongoing"))
        return fail_user("'%s' has no transaction open: its state is %.*s", id, BYTES_FMT(s->transaction_state));
    kafka_init_producer_id_req_init(&req);
    req.transactional_id = bytes_str(id);
    req.transaction_timeout_ms = s->transaction_timeout_ms;
    for (int tries = 0; tries < 100; tries++) { /* the abort goes on while it answers CONCURRENT_TRANSACTIONS */
        const struct kafka_init_producer_id_res *res = kafka_client_ask(client, node, KAFKA_INIT_PRODUCER_ID, &req);
        if (!res)
            return kafka_client_code(client);
        if (!res->error_code)
            return 0;
        if (res->error_code != KAFKA_ERR_CONCURRENT_TRANSACTIONS)
            return kafka_fail(res->error_code, BYTES_NONE, "the transaction of '%s' is not aborted", id);
        nanosleep(&(struct timespec){0, 100000000}, NULL);
    }
    return fail_user(
        "the transaction of '%s' is being aborted, but not done within 10 s; see quickwater txn describe %s", id,
        id);
}

static int write_marker(struct kafka_client *client, const struct part *part,
                        const struct kafka_describe_producers_res_producer *w)
{
    struct kafka_write_txn_markers_req_marker marker;
    struct kafka_write_txn_markers_req_topic topic;
    struct kafka_write_txn_markers_req req;
    int32_t partition = part->partition;

    kafka_write_txn_markers_req_init(&req);
    kafka_init(&kafka_write_txn_markers_req_marker_type, &marker);
    kafka_init(&kafka_write_txn_markers_req_topic_type, &topic);
    topic.name = part->topic;
    topic.partition_indexes.at = &partition;
    topic.partition_indexes.count = 1;
    marker.producer_id = w->producer_id;
    marker.producer_epoch = (int16_t)w->producer_epoch;
    marker.coordinator_epoch = w->coordinator_epoch;
    marker.topics.at = &topic;
    marker.topics.count = 1;
    req.markers.at = &marker;
    req.markers.count = 1;
    const struct kafka_write_txn_markers_res *res =
        kafka_client_ask(client, part->leader, KAFKA_WRITE_TXN_MARKERS, &req);
    if (!res)
        return kafka_client_code(client);
    if (res->markers.count != 1 || res->markers.at[0].topics.count != 1 ||
        res->markers.at[0].topics.at[0].partitions.count != 1)
        return fail_ours("the answer to the marker is about something else");
    int16_t code = res->markers.at[0].topics.at[0].partitions.at[0].error_code;
    return code ? kafka_fail(code, BYTES_NONE, "the transaction is not aborted") : 0;
}

static int abort_at(const struct txn_args *args, struct kafka_client *client)
{
    struct parts parts = {0};
    int code = EXIT_USER;

    if (parts_select(&parts, client, "--topic", args->topics) && parts_leaders(&parts, client)) {
        const struct kafka_describe_producers_res_producer *found = NULL;
        const struct kafka_describe_producers_res_partition *p =
            parts.count == 1 ? txn_producers(client, &parts.at[0]) : NULL;
        for (int32_t i = 0; p && i < p->active_producers.count; i++)
            if (p->active_producers.at[i].current_txn_start_offset == args->start_offset)
                found = &p->active_producers.at[i];
        if (parts.count != 1)
            fail_user("abort --topic needs one partition: --topic T:P");
        else if (found)
            code = write_marker(client, &parts.at[0], found);
        else if (p)
            fail_user("no transaction that begins at offset %lld is open in %s; see quickwater txn find-hanging",
                      (long long)args->start_offset, args->topics);
    }
    parts_deinit(&parts);
    return code;
}

int txn_abort(const struct txn_args *args, const char *id)
{
    if (!id == (!args->topics && args->start_offset < 0) || (!id && (!args->topics || args->start_offset < 0)))
        return fail_user("txn abort needs a transactional id, or --topic T:P and --start-offset N as find-hanging "
                         "tells them");
    struct kafka_client *client = kafka_client_open(&args->link);
    if (!client)
        return EXIT_USER;
    int code = id ? abort_id(client, id) : abort_at(args, client);
    kafka_client_close(client);
    return code;
}
