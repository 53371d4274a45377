/* quickwater txn: transactions of a running server, or of any Kafka cluster. */
#include "app/cli/txn.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/cli/commands.h"
#include "base/check.h"

static const struct row_column list_columns[] = {{"ID", "id"}, {"PRODUCER", "producer"}, {"STATE", "state"}, {0}};
static const struct row_column txn_columns[] = {{"ID", "id"},
                                                {"STATE", "state"},
                                                {"PRODUCER", "producer"},
                                                {"EPOCH", "epoch"},
                                                {"TIMEOUT MS", "timeout_ms"},
                                                {"STARTED", "started"},
                                                {"NODE", "node"},
                                                {0}};

static bool list_node(struct kafka_client *client, int32_t node, const char *state, int64_t producer_id,
                      json_t *rows)
{
    struct kafka_list_transactions_req req;
    struct bytes filter = state ? bytes_str(state) : BYTES_NONE;

    kafka_list_transactions_req_init(&req);
    if (state) {
        req.state_filters.at = &filter;
        req.state_filters.count = 1;
    }
    if (producer_id >= 0) {
        req.producer_id_filters.at = &producer_id;
        req.producer_id_filters.count = 1;
    }
    const struct kafka_list_transactions_res *res = kafka_client_ask(client, node, KAFKA_LIST_TRANSACTIONS, &req);
    if (!res)
        return false;
    if (res->error_code)
        kafka_fail(res->error_code, BYTES_NONE, "the transactions are not listed");
    else if (res->unknown_state_filters.count > 0)
        fail_user("--state: there is no '%s'; one of Empty, Ongoing, PrepareCommit, PrepareAbort, CompleteCommit, "
                  "CompleteAbort",
                  state);
    for (int32_t i = 0; i < res->transaction_states.count; i++) {
        const struct kafka_list_transactions_res_state *s = &res->transaction_states.at[i];
        json_array_append_new(rows,
                              json_pack("{s:o, s:I, s:o}", "id", rows_text(s->transactional_id), "producer",
                                        (json_int_t)s->producer_id, "state", rows_text(s->transaction_state)));
    }
    return !res->error_code && res->unknown_state_filters.count <= 0;
}

bool txn_list_all(struct kafka_client *client, const char *state, int64_t producer_id, json_t *rows)
{
    const struct kafka_metadata_res *m = kafka_client_metadata(client, false, NULL);
    bool ok = m != NULL;

    for (int32_t i = 0; ok && i < m->brokers.count; i++)
        ok = list_node(client, m->brokers.at[i].node_id, state, producer_id, rows);
    return ok;
}

static int list(const struct txn_args *args, const char *unused)
{
    struct kafka_client *client = kafka_client_open(&args->link);
    json_t *rows = json_array();
    bool ok = client && txn_list_all(client, args->state, -1, rows);

    (void)unused;
    if (ok && args->json)
        rows_json(rows);
    else if (ok)
        rows_print(rows, list_columns);
    json_decref(rows);
    if (client)
        kafka_client_close(client);
    return ok ? 0 : EXIT_USER;
}

static void say_names(struct kafka_client *client, void (*say)(void *context, struct bytes name), void *context)
{
    json_t *rows = json_array(), *row;
    size_t i;

    (void)txn_list_all(client, NULL, -1, rows);
    json_array_foreach(rows, i, row) say(context, bytes_str(json_string_value(json_object_get(row, "id"))));
    json_decref(rows);
}

/* ---- describe ---- */

const struct kafka_describe_transactions_res_state *txn_describe_one(struct kafka_client *client, struct bytes id,
                                                                     int32_t *coordinator)
{
    struct kafka_describe_transactions_req req;

    if (!kafka_client_coordinator(client, KAFKA_COORDINATOR_TRANSACTION, id, coordinator))
        return NULL;
    kafka_describe_transactions_req_init(&req);
    req.transactional_ids.at = &id;
    req.transactional_ids.count = 1;
    const struct kafka_describe_transactions_res *res =
        kafka_client_ask(client, *coordinator, KAFKA_DESCRIBE_TRANSACTIONS, &req);
    if (!res)
        return NULL;
    if (res->transaction_states.count == 1 && !res->transaction_states.at[0].error_code)
        return &res->transaction_states.at[0];
    int16_t code = res->transaction_states.count == 1 ? res->transaction_states.at[0].error_code
                                                      : (int16_t)KAFKA_ERR_TRANSACTIONAL_ID_NOT_FOUND;
    if (code == KAFKA_ERR_TRANSACTIONAL_ID_NOT_FOUND)
        fail_user("there is no transactional id '%.*s'; see quickwater txn list", BYTES_FMT(id));
    else
        kafka_fail(code, BYTES_NONE, "'%.*s' is not described", BYTES_FMT(id));
    return NULL;
}

static json_t *partitions_of(const struct kafka_describe_transactions_res_state *s)
{
    json_t *out = json_array();

    for (int32_t t = 0; t < s->topics.count; t++)
        for (int32_t p = 0; p < s->topics.at[t].partitions.count; p++) {
            char *text = NULL;
            CHECK(asprintf(&text, "%.*s:%d", BYTES_FMT(s->topics.at[t].topic), s->topics.at[t].partitions.at[p]) >=
                  0);
            json_array_append_new(out, rows_text(bytes_str(text)));
            free(text);
        }
    return out;
}

static void print_described(const json_t *whole)
{
    json_t *one = json_pack("[O]", whole), *item;
    size_t i;

    rows_print(one, txn_columns);
    json_decref(one);
    json_array_foreach(json_object_get(whole, "partitions"), i, item)
        printf("%s%s\n", i ? "" : "\nPARTITIONS\n", json_string_value(item));
}

static int describe(const struct txn_args *args, const char *id)
{
    struct kafka_client *client = kafka_client_open(&args->link);
    int32_t node;

    if (!client)
        return EXIT_USER;
    const struct kafka_describe_transactions_res_state *s = txn_describe_one(client, bytes_str(id), &node);
    if (s) {
        json_t *whole = json_pack("{s:s, s:o, s:I, s:i, s:i, s:o, s:i, s:o}", "id", id, "state",
                                  rows_text(s->transaction_state), "producer", (json_int_t)s->producer_id, "epoch",
                                  s->producer_epoch, "timeout_ms", s->transaction_timeout_ms, "started",
                                  rows_time(s->transaction_start_time_ms > 0 ? s->transaction_start_time_ms : -1),
                                  "node", node, "partitions", partitions_of(s));
        CHECK(whole != NULL);
        if (args->json)
            rows_json(whole);
        else
            print_described(whole);
        json_decref(whole);
    }
    kafka_client_close(client);
    return s ? 0 : EXIT_USER;
}

/* ---- the command ---- */

enum takes { TAKES_NOTHING, TAKES_ID, TAKES_ID_OR_NOTHING };

static const struct {
    const char *name;
    int (*run)(const struct txn_args *args, const char *id);
    enum takes takes;
} actions[] = {{"list", list, TAKES_NOTHING},
               {"describe", describe, TAKES_ID},
               {"abort", txn_abort, TAKES_ID_OR_NOTHING},
               {"find-hanging", txn_find_hanging, TAKES_NOTHING}};

static int run_action(const struct txn_args *args, int count, char **argv)
{
    const char *action = count ? argv[1] : "list";

    for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
        if (strcmp(action, actions[i].name) != 0)
            continue;
        if (count > 2 || (count == 2 && actions[i].takes == TAKES_NOTHING))
            return fail_user("txn %s takes no argument '%s'", action,
                             argv[actions[i].takes == TAKES_NOTHING ? 2 : 3]);
        if (count < 2 && actions[i].takes == TAKES_ID)
            return fail_user("txn %s needs a transactional id; see quickwater txn list", action);
        return actions[i].run(args, count == 2 ? argv[2] : NULL);
    }
    return fail_user("txn: there is no '%s'; one of list, describe, abort, find-hanging", action);
}

static int run(const struct command *self, int argc, char **argv)
{
    struct txn_args txn = {.start_offset = -1, .older_than_s = TXN_OLDER_THAN_S};
    const struct arg args[] = {
        KAFKA_LINK_ARGS(&txn.link),
        {"--state", "STATE", "list: only these: Ongoing, CompleteCommit, …", ARG_TEXT, &txn.state},
        {"--topic", "T[:P],…", "find-hanging: look only here; abort: where the hanging one is, T:P", ARG_TEXT,
         &txn.topics},
        {"--start-offset", "N", "abort: where the hanging one begins, as find-hanging tells", ARG_NUMBER,
         &txn.start_offset},
        {"--older-than", "SECONDS", "find-hanging: that have been open so long (default 900)", ARG_NUMBER,
         &txn.older_than_s},
        {"--json", NULL, "list, describe, find-hanging: as JSON", ARG_FLAG, &txn.json},
        {0}};
    int count = args_parse(self, args, argc, argv);

    if (count < 0)
        return count == -1 ? 0 : EXIT_USER;
    int code = kafka_link_settle(&txn.link);
    if (code == 0)
        code = run_action(&txn, count, argv);
    kafka_link_forget(&txn.link);
    return code;
}

const struct command command_txn = {
    .name = "txn",
    .usage = "list | describe ID | abort ID | abort --topic T:P --start-offset N | find-hanging",
    .help = "transactions: what is open, and ending what hangs",
    .more = "abort ID ends what a transactional id has open and shuts its producer out, as another producer\n"
            "of that id would. A hanging transaction is open in a partition while no transactional id knows of\n"
            "it: consumers that read committed records wait behind it. find-hanging looks for such ones, and\n"
            "abort --topic --start-offset ends one.",
    .actions = "list describe abort find-hanging",
    .names = say_names,
    .run = run,
};
