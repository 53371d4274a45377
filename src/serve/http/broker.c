#include "serve/http/broker.h"

#include "base/check.h"

const void *broker_look(struct exchange *x, int16_t key, int16_t version, const void *request,
                        struct kafka_ask *ask)
{
    char host[HTTP_ADDRESS_MAX];
    struct kafka_who who = exchange_who(x, host);

    *ask = (struct kafka_ask){.now = true};
    kafka_ask(x->face->options.kafka, &who, key, version, request, ask);
    CHECK(ask->response);
    return ask->response;
}

static void on_answer(struct kafka_ask *ask)
{
    struct exchange *x = ask->context;

    x->then(x, ask->response);
}

void broker_change(struct exchange *x, int16_t key, int16_t version, const void *request,
                   broker_then *then)
{
    char host[HTTP_ADDRESS_MAX];
    struct kafka_who who = exchange_who(x, host);

    kafka_ask_end(&x->ask);
    x->then = then;
    x->ask = (struct kafka_ask){.answered = on_answer, .context = x};
    kafka_ask(x->face->options.kafka, &who, key, version, request, &x->ask);
}

/* ---- errors ---- */

static const struct {
    enum kafka_error error;
    unsigned status;
    const char *code, *meaning;
} meanings[] = {
    {KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED, 403, "rights", "you may not do this to the topic"},
    {KAFKA_ERR_GROUP_AUTHORIZATION_FAILED, 403, "rights", "you may not do this to the group"},
    {KAFKA_ERR_CLUSTER_AUTHORIZATION_FAILED, 403, "rights", "you may not do this to the cluster"},
    {KAFKA_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 403, "rights", "you may not do this to the transactional id"},
    {KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION, 404, "name", "there is no such topic or partition"},
    {KAFKA_ERR_GROUP_ID_NOT_FOUND, 404, "name", "there is no such group"},
    {KAFKA_ERR_TRANSACTIONAL_ID_NOT_FOUND, 404, "name", "there is no such transactional id"},
    {KAFKA_ERR_TOPIC_ALREADY_EXISTS, 409, "state", "there is a topic of that name already"},
    {KAFKA_ERR_NON_EMPTY_GROUP, 409, "state", "the group has members: stop them first"},
    {KAFKA_ERR_UNKNOWN_MEMBER_ID, 409, "state", "the group has members: stop them first"},
    {KAFKA_ERR_GROUP_SUBSCRIBED_TO_TOPIC, 409, "state", "the group is subscribed to the topic"},
    {KAFKA_ERR_CONCURRENT_TRANSACTIONS, 409, "state", "the transaction is being ended: try again"},
    {KAFKA_ERR_MESSAGE_TOO_LARGE, 413, "limit", "the record is larger than the topic's max.message.bytes"},
    {KAFKA_ERR_INVALID_TOPIC_EXCEPTION, 400, "value", "a topic's name is 1 to 249 letters, digits, '.', '_' or '-'"},
    {KAFKA_ERR_INVALID_PARTITIONS, 400, "value", "a topic cannot have so many partitions"},
    {KAFKA_ERR_INVALID_CONFIG, 400, "value", "that is no such configuration, or no value of it"},
    {KAFKA_ERR_INVALID_RECORD, 400, "value", "the topic does not take such a record"},
    {KAFKA_ERR_INVALID_TIMESTAMP, 400, "value", "the topic does not take a record of that time"},
    {KAFKA_ERR_INVALID_GROUP_ID, 400, "value", "that cannot be a group's name"},
    {KAFKA_ERR_INVALID_REQUEST, 400, "value", "that cannot be asked for"},
    {KAFKA_ERR_POLICY_VIOLATION, 409, "state", "that is against the server's rules"},
    {KAFKA_ERR_KAFKA_STORAGE_ERROR, 503, "io", "the disk refuses, or is nearly full: try again later"},
    {KAFKA_ERR_COORDINATOR_NOT_AVAILABLE, 503, "io", "the disk refuses, or is nearly full: try again later"},
    {KAFKA_ERR_REQUEST_TIMED_OUT, 503, "io", "the disk refuses, or is nearly full: try again later"},
    {KAFKA_ERR_THROTTLING_QUOTA_EXCEEDED, 503, "limit", "more than the quota allows: try again later"},
};
enum { MEANINGS = sizeof meanings / sizeof *meanings };

static int meaning_of(enum kafka_error error)
{
    for (int i = 0; i < MEANINGS; i++)
        if (meanings[i].error == error)
            return i;
    return -1;
}

const char *kafka_error_meaning(enum kafka_error error)
{
    int at = meaning_of(error);

    return at < 0 ? kafka_error_name(error) : meanings[at].meaning;
}

void reply_kafka(struct exchange *x, enum kafka_error error, struct bytes message)
{
    int at = meaning_of(error);

    if (!message.len)
        message = bytes_str(kafka_error_meaning(error));
    reply_error(x, at < 0 ? 400 : meanings[at].status, at < 0 ? "kafka" : meanings[at].code, "%.*s%s%s",
                BYTES_FMT(bytes_head(message, 300)), at < 0 ? ": " : "",
                at < 0 ? kafka_error_name(error) : "");
}

/* ---- topics ---- */

struct log_topic *find_topic(struct exchange *x, struct bytes name, enum acl_operation operation)
{
    struct log_topic *topic = log_topic_find(x->face->log, name);
    bool internal = topic && log_topic_info(topic)->options.internal;

    if (internal && !exchange_may_all(x))
        return NULL;
    if (!internal && !exchange_may(x, operation, ACL_TOPIC, name))
        return NULL;
    if (!topic)
        reply_error(x, 404, "name", "there is no topic '%.*s'",
                    BYTES_FMT(bytes_head(name, LOG_NAME_MAX)));
    return topic;
}
