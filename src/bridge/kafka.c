/* kafka.c: another Kafka cluster: 'connector' = 'kafka' or 'upsert-kafka' with 'properties.bootstrap.servers'.
 *
 * Records are carried as they are: key, value, headers, timestamp. What is in them is the engine's: formats, keys, and
 * upserts are as with a topic of the embedded log. 'properties.…' are Kafka's names for Java clients, as in Flink, or
 * librdkafka's where Java's mean files of its own (stores of certificates).
 */
#include "bridge/kafka_inner.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/suggest.h"

/* What upsert-kafka has too stands first. */
static const struct bridge_option options[] = {
    [OPT_TOPIC] = {"topic", BRIDGE_TEXT, NULL, NULL, 0, 0, "the topic in the other cluster"},
    [OPT_DISCOVERY] =
        {"scan.topic-partition-discovery.interval", BRIDGE_TIME, "5 min", NULL, 0, 86400000,
         "how often partitions are looked for that were added; they are read from their start; 0 s: never"},
    [OPT_GUARANTEE] = {"sink.delivery-guarantee", BRIDGE_WORD, "exactly-once", "exactly-once", 0, 0,
                       "it is always exactly once"},
    [OPT_PREFIX] = {"sink.transactional-id-prefix", BRIDGE_TEXT, "quickwater", NULL, 0, 0,
                    "what the transactional id, and the group that keeps the position, begin with"},
    [OPT_START] = {"scan.startup.mode", BRIDGE_WORD, "group-offsets",
                   "group-offsets|earliest-offset|latest-offset|timestamp|specific-offsets", 0, 0,
                   "where a table that is read for the first time begins"},
    [OPT_OFFSETS] = {"scan.startup.specific-offsets", BRIDGE_TEXT, "", NULL, 0, 0,
                     "partition:0,offset:42;partition:1,offset:300; partitions that are not named: from the start"},
    [OPT_START_MS] = {"scan.startup.timestamp-millis", BRIDGE_COUNT, "", NULL, 0, INT64_MAX,
                      "for scan.startup.mode = timestamp"},
};

/* 'properties.KEY': what librdkafka calls it, and whose it is; or, name NULL, what becomes of it. */
static const struct kafka_property properties[] = {
    {"bootstrap.servers", "bootstrap.servers", KAFKA_BOTH, NULL, false},
    {"client.id", "client.id", KAFKA_BOTH, NULL, false},
    {"client.rack", "client.rack", KAFKA_CONSUMERS, NULL, false},
    {"group.id", "group.id", KAFKA_CONSUMERS, NULL, false},
    {"auto.offset.reset", NULL, KAFKA_HERE,
     "earliest, latest or none, the default: where to go on when the offset that is next is not there", false},
    {"isolation.level", "isolation.level", KAFKA_CONSUMERS, NULL, false},
    {"fetch.min.bytes", "fetch.min.bytes", KAFKA_CONSUMERS, NULL, false},
    {"fetch.max.wait.ms", "fetch.wait.max.ms", KAFKA_CONSUMERS, NULL, false},
    {"fetch.max.bytes", "fetch.max.bytes", KAFKA_CONSUMERS, NULL, false},
    {"max.partition.fetch.bytes", "fetch.message.max.bytes", KAFKA_CONSUMERS, NULL, false},
    {"check.crcs", "check.crcs", KAFKA_CONSUMERS, NULL, false},
    {"compression.type", "compression.type", KAFKA_PRODUCERS, NULL, false},
    {"compression.level", "compression.level", KAFKA_PRODUCERS, NULL, false},
    {"linger.ms", "linger.ms", KAFKA_PRODUCERS, NULL, false},
    {"batch.size", "batch.size", KAFKA_PRODUCERS, NULL, false},
    {"max.request.size", "message.max.bytes", KAFKA_PRODUCERS, NULL, false},
    {"max.in.flight.requests.per.connection", "max.in.flight.requests.per.connection", KAFKA_PRODUCERS, NULL,
     false},
    {"partitioner", "partitioner", KAFKA_PRODUCERS, NULL, false},
    {"transaction.timeout.ms", "transaction.timeout.ms", KAFKA_PRODUCERS, NULL, false},
    {"request.timeout.ms", "request.timeout.ms", KAFKA_PRODUCERS, NULL, false},
    {"retry.backoff.ms", "retry.backoff.ms", KAFKA_PRODUCERS, NULL, false},
    {"receive.buffer.bytes", "socket.receive.buffer.bytes", KAFKA_BOTH, NULL, false},
    {"send.buffer.bytes", "socket.send.buffer.bytes", KAFKA_BOTH, NULL, false},
    {"reconnect.backoff.ms", "reconnect.backoff.ms", KAFKA_BOTH, NULL, false},
    {"reconnect.backoff.max.ms", "reconnect.backoff.max.ms", KAFKA_BOTH, NULL, false},
    {"metadata.max.age.ms", "metadata.max.age.ms", KAFKA_BOTH, NULL, false},
    {"connections.max.idle.ms", "connections.max.idle.ms", KAFKA_BOTH, NULL, false},
    {"broker.address.family", "broker.address.family", KAFKA_BOTH, NULL, false},
    {"security.protocol", "security.protocol", KAFKA_BOTH, NULL, false},
    {"sasl.mechanism", "sasl.mechanism", KAFKA_BOTH, NULL, false},
    {"sasl.jaas.config", NULL, KAFKA_HERE, "of it the username and the password are taken", true},
    {"sasl.username", "sasl.username", KAFKA_BOTH, NULL, false},
    {"sasl.password", "sasl.password", KAFKA_BOTH, NULL, true},
    {"sasl.kerberos.service.name", "sasl.kerberos.service.name", KAFKA_BOTH, NULL, false},
    {"sasl.kerberos.principal", "sasl.kerberos.principal", KAFKA_BOTH, NULL, false},
    {"sasl.kerberos.keytab", "sasl.kerberos.keytab", KAFKA_BOTH, NULL, false},
    {"sasl.oauthbearer.method", "sasl.oauthbearer.method", KAFKA_BOTH, NULL, false},
    {"sasl.oauthbearer.client.id", "sasl.oauthbearer.client.id", KAFKA_BOTH, NULL, false},
    {"sasl.oauthbearer.client.secret", "sasl.oauthbearer.client.secret", KAFKA_BOTH, NULL, true},
    {"sasl.oauthbearer.scope", "sasl.oauthbearer.scope", KAFKA_BOTH, NULL, false},
    {"sasl.oauthbearer.token.endpoint.url", "sasl.oauthbearer.token.endpoint.url", KAFKA_BOTH, NULL, false},
    {"sasl.oauthbearer.config", "sasl.oauthbearer.config", KAFKA_BOTH, NULL, true},
    {"enable.sasl.oauthbearer.unsecure.jwt", "enable.sasl.oauthbearer.unsecure.jwt", KAFKA_BOTH, NULL, false},
    {"ssl.ca.location", "ssl.ca.location", KAFKA_BOTH, NULL, false},
    {"ssl.certificate.location", "ssl.certificate.location", KAFKA_BOTH, NULL, false},
    {"ssl.key.location", "ssl.key.location", KAFKA_BOTH, NULL, false},
    {"ssl.key.password", "ssl.key.password", KAFKA_BOTH, NULL, true},
    {"ssl.keystore.location", "ssl.keystore.location", KAFKA_BOTH, NULL, false},
    {"ssl.keystore.password", "ssl.keystore.password", KAFKA_BOTH, NULL, true},
    {"ssl.crl.location", "ssl.crl.location", KAFKA_BOTH, NULL, false},
    {"ssl.cipher.suites", "ssl.cipher.suites", KAFKA_BOTH, NULL, false},
    {"ssl.endpoint.identification.algorithm", "ssl.endpoint.identification.algorithm", KAFKA_BOTH, NULL, false},
    {"enable.ssl.certificate.verification", "enable.ssl.certificate.verification", KAFKA_BOTH, NULL, false},
    {"enable.auto.commit", NULL, KAFKA_HERE, "without effect: no offsets are committed there", false},
    {"auto.commit.interval.ms", NULL, KAFKA_HERE, "without effect: no offsets are committed there", false},
    {"commit.offsets.on.checkpoint", NULL, KAFKA_HERE, "without effect: no offsets are committed there", false},
    {"group.instance.id", NULL, KAFKA_HERE, "without effect: partitions are assigned without a group", false},
    {"session.timeout.ms", NULL, KAFKA_HERE, "without effect: partitions are assigned without a group", false},
    {"heartbeat.interval.ms", NULL, KAFKA_HERE, "without effect: partitions are assigned without a group", false},
    {"max.poll.interval.ms", NULL, KAFKA_HERE, "without effect: partitions are assigned without a group", false},
    {"max.poll.records", NULL, KAFKA_HERE, "without effect: partitions are assigned without a group", false},
    {"partition.assignment.strategy", NULL, KAFKA_HERE, "without effect: partitions are assigned without a group",
     false},
    {"group.protocol", NULL, KAFKA_HERE, "without effect: partitions are assigned without a group", false},
    {"partition.discovery.interval.ms", NULL, KAFKA_HERE,
     "without effect: scan.topic-partition-discovery.interval says it", false},
    {"acks", NULL, KAFKA_HERE, "without effect: transactions have it as they need it", false},
    {"enable.idempotence", NULL, KAFKA_HERE, "without effect: transactions have it as they need it", false},
    {"retries", NULL, KAFKA_HERE, "without effect: bridge.timeout and bridge.retry.… say it", false},
    {"delivery.timeout.ms", NULL, KAFKA_HERE, "without effect: bridge.timeout and bridge.retry.… say it", false},
    {"max.block.ms", NULL, KAFKA_HERE, "without effect: bridge.timeout and bridge.retry.… say it", false},
    {"default.api.timeout.ms", NULL, KAFKA_HERE, "without effect: bridge.timeout and bridge.retry.… say it", false},
    {"buffer.memory", NULL, KAFKA_HERE, "without effect: bridge.batch.bytes bounds what is on its way", false},
    {"allow.auto.create.topics", NULL, KAFKA_HERE, "without effect: a topic is not made by asking for it", false},
    {"key.serializer", NULL, KAFKA_HERE, "without effect: key.format and value.format say it", false},
    {"value.serializer", NULL, KAFKA_HERE, "without effect: key.format and value.format say it", false},
    {"key.deserializer", NULL, KAFKA_HERE, "without effect: key.format and value.format say it", false},
    {"value.deserializer", NULL, KAFKA_HERE, "without effect: key.format and value.format say it", false},
    {"transactional.id", NULL, KAFKA_REFUSED, "it is made of sink.transactional-id-prefix and the table", false},
    {"ssl.truststore.location", NULL, KAFKA_REFUSED,
     "of files in PEM: ssl.ca.location, ssl.certificate.location, ssl.key.location; ssl.keystore.location is "
     "PKCS#12",
     false},
    {"ssl.truststore.type", NULL, KAFKA_REFUSED,
     "of files in PEM: ssl.ca.location, ssl.certificate.location, ssl.key.location; ssl.keystore.location is "
     "PKCS#12",
     false},
    {"ssl.truststore.password", NULL, KAFKA_REFUSED,
     "of files in PEM: ssl.ca.location, ssl.certificate.location, ssl.key.location; ssl.keystore.location is "
     "PKCS#12",
     false},
    {"ssl.truststore.certificates", NULL, KAFKA_REFUSED,
     "of files in PEM: ssl.ca.location, ssl.certificate.location, ssl.key.location; ssl.keystore.location is "
     "PKCS#12",
     false},
    {"ssl.keystore.type", NULL, KAFKA_REFUSED,
     "of files in PEM: ssl.ca.location, ssl.certificate.location, ssl.key.location; ssl.keystore.location is "
     "PKCS#12",
     false},
    {"ssl.keystore.key", NULL, KAFKA_REFUSED,
     "of files in PEM: ssl.ca.location, ssl.certificate.location, ssl.key.location; ssl.keystore.location is "
     "PKCS#12",
     false},
    {"ssl.keystore.certificate.chain", NULL, KAFKA_REFUSED,
     "of files in PEM: ssl.ca.location, ssl.certificate.location, ssl.key.location; ssl.keystore.location is "
     "PKCS#12",
     false},
    {"ssl.protocol", NULL, KAFKA_REFUSED, "TLS 1.2 and 1.3 are spoken; ssl.cipher.suites chooses of them", false},
    {"ssl.enabled.protocols", NULL, KAFKA_REFUSED, "TLS 1.2 and 1.3 are spoken; ssl.cipher.suites chooses of them",
     false},
    {"ssl.provider", NULL, KAFKA_REFUSED, "TLS 1.2 and 1.3 are spoken; ssl.cipher.suites chooses of them", false},
    {"interceptor.classes", NULL, KAFKA_REFUSED, "a class of Java's; there is no Java here", false},
    {"partitioner.class", NULL, KAFKA_REFUSED, "a class of Java's; there is no Java here", false},
    {"sasl.login.callback.handler.class", NULL, KAFKA_REFUSED, "a class of Java's; there is no Java here", false},
    {"sasl.client.callback.handler.class", NULL, KAFKA_REFUSED, "a class of Java's; there is no Java here", false},
    {"metric.reporters", NULL, KAFKA_REFUSED, "a class of Java's; there is no Java here", false},
};
enum { PROPERTIES = sizeof(properties) / sizeof(*properties) };

/* ---- properties ---- */

/* The part after "properties."; empty: it is none. */
static struct bytes property_key(struct bytes option)
{
    return option.len > 11 && memcmp(option.ptr, "properties.", 11) == 0 ? bytes_skip(option, 11) : BYTES_NONE;
}

struct bytes kafka_property(const struct bridge_spec *spec, const char *key, const char *otherwise)
{
    for (unsigned i = 0; i < spec->given_count; i++)
        if (bytes_is(property_key(spec->given[i].key), key))
            return spec->given[i].value;
    return bytes_str(otherwise);
}

const struct kafka_property *kafka_property_at(unsigned i)
{
    return i < PROPERTIES ? &properties[i] : NULL;
}

static const struct kafka_property *property_of(struct bytes key)
{
    for (unsigned i = 0; i < PROPERTIES; i++)
        if (bytes_is(key, properties[i].key))
            return &properties[i];
    return NULL;
}

static enum status check_property(struct bytes key, struct diag *diag)
{
    const char *words[PROPERTIES];
    const struct kafka_property *p = property_of(key);

    if (p && p->whose != KAFKA_REFUSED)
        return ST_OK;
    if (p) {
        diag_hint(diag, "%s", p->note);
        return diag_set(diag, ST_INVALID, DIAG_NAME, "connector 'kafka' passes on no property '%s'", p->key);
    }
    for (unsigned i = 0; i < PROPERTIES; i++)
        words[i] = properties[i].key;
    const char *near = suggest(key, words, PROPERTIES);
    if (near)
        diag_hint(diag, "did you mean 'properties.%s'?", near);
    else
        diag_hint(diag, "those that are passed on are in docs/connectors/kafka-cluster.md");
    return diag_set(diag, ST_INVALID, DIAG_NAME, "connector 'kafka' passes on no property '%.*s'",
                    BYTES_FMT(bytes_head(key, 100)));
}

/* NAME="VALUE" or NAME=VALUE in a JAAS line; false: it is not there. */
static bool jaas_value(struct bytes jaas, const char *name, char *out, size_t cap)
{
    char key[40];

    snprintf(key, sizeof(key), "%s=", name);
    for (size_t i = 0; i + strlen(key) <= jaas.len; i++) {
        if (memcmp(jaas.ptr + i, key, strlen(key)) != 0 || (i && jaas.ptr[i - 1] != ' '))
            continue;
        struct bytes rest = bytes_skip(jaas, i + strlen(key));
        char end = rest.len && (rest.ptr[0] == '"' || rest.ptr[0] == '\'') ? (char)rest.ptr[0] : 0;
        if (end)
            rest = bytes_skip(rest, 1);
        size_t n = 0;
        while (n < rest.len && (end ? rest.ptr[n] != (uint8_t)end : rest.ptr[n] != ' ' && rest.ptr[n] != ';'))
            n++;
        return n < cap && snprintf(out, cap, "%.*s", (int)n, (const char *)rest.ptr) >= 0;
    }
    return false;
}

static bool conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, char why[200])
{
    return rd_kafka_conf_set(conf, name, value, why, 200) == RD_KAFKA_CONF_OK;
}

static bool conf_jaas(rd_kafka_conf_t *conf, struct bytes jaas, char why[200])
{
    char user[256], password[512];

    if (!jaas.len)
        return true;
    if (!jaas_value(jaas, "username", user, sizeof(user)) || !jaas_value(jaas, "password", password, sizeof(password))) {
        snprintf(why, 200, "'properties.sasl.jaas.config' names no username and password");
        return false;
    }
    bool good = conf_set(conf, "sasl.username", user, why) && conf_set(conf, "sasl.password", password, why);
    explicit_bzero(password, sizeof(password));
    return good;
}

static bool conf_properties(rd_kafka_conf_t *conf, const struct bridge_spec *spec, unsigned whose, char why[200])
{
    for (unsigned i = 0; i < spec->given_count; i++) {
        const struct kafka_property *p = property_of(property_key(spec->given[i].key));
        struct bytes v = spec->given[i].value;
        if (!p || !p->name || !(p->whose & whose))
            continue;
        char *value = xcalloc(1, v.len + 1);
        memcpy(value, v.ptr, v.len);
        bool good = conf_set(conf, p->name, value[0] || strcmp(p->name, "ssl.endpoint.identification.algorithm") != 0
                                                ? value : "none", why);
        explicit_bzero(value, v.len);
        free(value);
        if (!good)
            return false;
    }
    return conf_jaas(conf, kafka_property(spec, "sasl.jaas.config", ""), why);
}

/* ---- clients ---- */

/* Up to 2.6.0 the library's SCRAM has a mistake that Kafka 4 takes for a wrong password. */
static bool scram_is_old(const struct bridge_kafka_state *b)
{
    struct bytes mechanism = kafka_property(b->base.spec, "sasl.mechanism", "");

    return mechanism.len > 5 && memcmp(mechanism.ptr, "SCRAM", 5) == 0 && rd_kafka_version() < 0x020601ff;
}

static void on_error(rd_kafka_t *client, int err, const char *reason, void *opaque)
{
    struct bridge_kafka_state *b = opaque;

    (void)client;
    if (err == RD_KAFKA_RESP_ERR__AUTHENTICATION && scram_is_old(b)) {
        snprintf(b->said, sizeof(b->said),
                 "_AUTHENTICATION: refused; Kafka 4 takes SCRAM from librdkafka 2.6.1 on, this is %s",
                 rd_kafka_version_str());
        return;
    }
    if (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && b->said[0])
        return; /* why has been said */
    snprintf(b->said, sizeof(b->said), "%s: %.120s", rd_kafka_err2name((rd_kafka_resp_err_t)err), reason);
}

static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    (void)client, (void)level, (void)facility, (void)text; /* what matters is told by on_error */
}

int kafka_timeout(const struct bridge_kafka_state *b)
{
    return (int)b->base.spec->timeout_ms;
}

bool kafka_trouble(struct bridge_kafka_state *b, char to[200], const char *doing, const char *why)
{
    if (b->said[0])
        snprintf(to, 200, "%.30s: %.40s (%.115s)", doing, why, b->said);
    else
        snprintf(to, 200, "%.40s: %.140s", doing, why);
    return false;
}

void kafka_group(const struct bridge_kafka_state *b, char out[KAFKA_GROUP_BYTES])
{
    snprintf(out, KAFKA_GROUP_BYTES, "%.*s-%.40s",
             BYTES_FMT(bytes_head(b->base.spec->values[OPT_PREFIX].text, 180)), b->base.spec->identity);
}

/* What every client of ours has; the table's properties may say otherwise, `more` not. */
static bool conf_all(rd_kafka_conf_t *conf, const struct bridge_kafka_state *b, rd_kafka_type_t type,
                     const char *const *more, char why[200])
{
    const struct bridge_spec *spec = b->base.spec;
    char timeout[32];
    bool consumer = type == RD_KAFKA_CONSUMER;

    snprintf(timeout, sizeof(timeout), "%lld", (long long)(spec->timeout_ms < 1000 ? 1000 : spec->timeout_ms));
    bool good = conf_set(conf, "client.id", "quickwater", why) && conf_set(conf, "socket.timeout.ms", timeout, why) &&
                conf_set(conf, "reconnect.backoff.ms", "50", why) && conf_set(conf, "reconnect.backoff.max.ms", "1000", why);
    if (consumer)
        good = good && conf_set(conf, "isolation.level", "read_committed", why) &&
               conf_set(conf, "check.crcs", "true", why);
    good = good && conf_properties(conf, spec, consumer ? KAFKA_CONSUMERS : KAFKA_PRODUCERS, why);
    for (; good && *more; more += 2)
        good = conf_set(conf, more[0], more[1], why);
    return good;
}

rd_kafka_t *kafka_client(struct bridge_kafka_state *b, rd_kafka_type_t type, const char *const *more, char trouble[200])
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[200] = "";
    rd_kafka_t *client = NULL;

    rd_kafka_conf_set_opaque(conf, b);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    if (type == RD_KAFKA_PRODUCER)
        rd_kafka_conf_set_dr_msg_cb(conf, kafka_delivered);
    if (conf_all(conf, b, type, more, why))
        client = rd_kafka_new(type, conf, why, sizeof(why));
    if (!client) {
        rd_kafka_conf_destroy(conf); /* a client that is made has it */
        snprintf(trouble, 200, "a client of Kafka cannot be made: %.150s", why);
    }
    return client;
}

void kafka_drop(struct bridge_kafka_state *b)
{
    kafka_source_drop(b);
    if (b->client) {
        rd_kafka_purge(b->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_destroy_flags(b->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    b->client = NULL;
    b->said[0] = 0;
}

/* ---- the class ---- */

static bool no_rows(const struct bridge_spec *spec)
{
    (void)spec;
    return false;
}

static bool all_changes(const struct bridge_spec *spec)
{
    return spec->key_count > 0;
}

/* That librdkafka takes the properties; nothing is dialled. */
static enum status check_conf(const struct bridge_kafka_state *b, unsigned whose, struct diag *diag)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[200] = "";
    bool good = conf_properties(conf, b->base.spec, whose, why);

    rd_kafka_conf_destroy(conf);
    return good ? ST_OK : diag_set(diag, ST_INVALID, DIAG_VALUE, "a property of connector 'kafka': %.180s", why);
}

static enum status check_all(const struct bridge_kafka_state *b, struct diag *diag)
{
    const struct bridge_spec *spec = b->base.spec;
    struct bytes topic = spec->values[OPT_TOPIC].text;

    if (!topic.len || topic.len > 249 || bytes_find(topic, ';', 0) < topic.len)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "option 'topic' of `%.*s` must name one topic, not '%.*s'",
                        BYTES_FMT(spec->table), BYTES_FMT(bytes_head(topic, 100)));
    for (unsigned i = 0; i < spec->given_count; i++) {
        struct bytes key = property_key(spec->given[i].key);
        if (key.len)
            TRY(check_property(key, diag));
    }
    TRY(check_conf(b, KAFKA_CONSUMERS, diag));
    TRY(check_conf(b, KAFKA_PRODUCERS, diag));
    return kafka_source_check(b, diag);
}

static void kafka_close(struct bridge *bridge)
{
    struct bridge_kafka_state *b = (struct bridge_kafka_state *)bridge;

    kafka_drop(b);
    free(b->splits);
    free(b->topic);
    free(b);
}

static enum status open_as(const struct bridge_class *class, const struct bridge_spec *spec, struct bridge **out,
                           struct diag *diag)
{
    struct bridge_kafka_state *b = xcalloc(1, sizeof(*b));
    struct bytes topic = spec->values[OPT_TOPIC].text;

    b->base = (struct bridge){class, spec};
    b->topic = xcalloc(1, topic.len + 1);
    if (topic.len)
        memcpy(b->topic, topic.ptr, topic.len);
    enum status st = check_all(b, diag);
    if (st != ST_OK) {
        kafka_close(&b->base);
        return st;
    }
    *out = &b->base;
    return ST_OK;
}

static enum status kafka_open(const struct bridge_spec *spec, struct bridge **out, struct diag *diag)
{
    return open_as(&bridge_kafka, spec, out, diag);
}

static enum status upsert_open(const struct bridge_spec *spec, struct bridge **out, struct diag *diag)
{
    return open_as(&bridge_upsert_kafka, spec, out, diag);
}

static bool is_secret(struct bytes option)
{
    const struct kafka_property *p = property_of(property_key(option));

    return p && p->secret;
}

static const char *const passed[] = {"key", "properties", NULL};

#define KAFKA_CLASS(connector, count, changes, open_it)                                                            \
    {                                                                                                              \
        .name = connector, .ways = BRIDGE_SINK | BRIDGE_SOURCE,                                                    \
        .guarantee = "exactly once: read, records and offsets are one entry of our log; written, "                 \
                     "they are one transaction of Kafka's",                                                        \
        .options = options, .options_count = count, .passed = passed, .secret = is_secret,                         \
        .told_by = "properties.bootstrap.servers", .takes_rows = no_rows, .takes_changes = changes,                \
        .open = open_it, .position = kafka_position, .deliver = kafka_deliver, .resume = kafka_resume,             \
        .poll = kafka_poll, .close = kafka_close,                                                                  \
    }

const struct bridge_class bridge_kafka = KAFKA_CLASS("kafka", OPTIONS, no_rows, kafka_open);
const struct bridge_class bridge_upsert_kafka =
    KAFKA_CLASS("upsert-kafka", UPSERT_OPTIONS, all_changes, upsert_open);
