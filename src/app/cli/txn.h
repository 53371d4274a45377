/* txn.h: what the actions of `quickwater txn` share.       Layer: app. */
#ifndef QW_APP_CLI_TXN_H
#define QW_APP_CLI_TXN_H

#include "app/cli/parts.h"
#include "app/cli/rows.h"

enum { TXN_OLDER_THAN_S = 900 }; /* the longest that a transaction may take by Kafka's default */

struct txn_args {
    struct kafka_link link;
    const char *state;    /* list: only these */
    const char *topics;   /* find-hanging, abort: "a,b:0" */
    int64_t start_offset; /* abort: -1: not given */
    int64_t older_than_s;
    bool json;
};

/* All transactions, rows {id, producer, state}, of all nodes; producer_id -1: any. False: told. */
bool txn_list_all(struct kafka_client *client, const char *state, int64_t producer_id, json_t *rows);
/* NULL after saying why not. */
const struct kafka_describe_transactions_res_state *txn_describe_one(struct kafka_client *client, struct bytes id,
                                                                     int32_t *coordinator);
/* The producers that have written to a partition lately; NULL: told. */
const struct kafka_describe_producers_res_partition *txn_producers(struct kafka_client *client,
                                                                   const struct part *part);

int txn_find_hanging(const struct txn_args *args, const char *unused);
int txn_abort(const struct txn_args *args, const char *id); /* id NULL: by --topic and --start-offset */

#endif
