#include "app/cli/kafka_client.h"

#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/cli/kafka_node.h"
#include "base/check.h"

struct kafka_client {
    const struct kafka_link *link;
    struct arena arena;
    struct kafka_node *nodes[KAFKA_NODES_MAX]; /* the first: the one dialled */
    int nodes_count;
    int code;
    const struct kafka_metadata_res *cluster; /* who is where; NULL: not asked */
};

static struct kafka_node *node_add(struct kafka_client *client, int32_t id, const char *address)
{
    if (client->nodes_count == KAFKA_NODES_MAX)
        return NULL;
    struct kafka_node *node = xcalloc(1, sizeof(*node));
    kafka_node_init(node, client->link, &client->arena, id, address);
    return client->nodes[client->nodes_count++] = node;
}

/* The first of the servers named that answers; of the others only the last one's failure is told. */
static bool dial_any(struct kafka_client *client)
{
    char *list = xstrdup(client->link->servers), *state = NULL;
    struct kafka_link quiet = *client->link;
    bool up = false;

    quiet.quiet = true;
    char *server = strtok_r(list, ",", &state), *next;
    for (; server && !up; server = next) {
        next = strtok_r(NULL, ",", &state);
        struct kafka_node *node = node_add(client, KAFKA_NODE_ANY, server);
        node->link = next ? &quiet : client->link;
        up = kafka_node_up(node);
        node->link = client->link;
        if (!up) {
            client->code = node->code;
            kafka_node_deinit(node);
            free(node);
            client->nodes_count = 0;
        }
    }
    free(list);
    return up;
}

struct kafka_client *kafka_client_open(const struct kafka_link *link)
{
    struct kafka_client *client = xcalloc(1, sizeof(*client));

    client->link = link;
    client->code = EXIT_USER;
    arena_init(&client->arena, ARENA_BUDGET_NONE);
    if (dial_any(client))
        return client;
    kafka_client_close(client);
    return NULL;
}

void kafka_client_close(struct kafka_client *client)
{
    for (int i = 0; i < client->nodes_count; i++) {
        kafka_node_deinit(client->nodes[i]);
        free(client->nodes[i]);
    }
    arena_deinit(&client->arena);
    free(client);
}

struct arena *kafka_client_arena(struct kafka_client *client)
{
    return &client->arena;
}

int kafka_client_code(const struct kafka_client *client)
{
    return client->code;
}

/* ---- which node ---- */

static const struct kafka_metadata_res_broker *broker_of(const struct kafka_client *client, int32_t id)
{
    for (int32_t i = 0; client->cluster && i < client->cluster->brokers.count; i++)
        if (client->cluster->brokers.at[i].node_id == id)
            return &client->cluster->brokers.at[i];
    return NULL;
}

static struct kafka_node *node_of(struct kafka_client *client, int32_t id)
{
    for (int i = 0; i < client->nodes_count; i++)
        if (client->nodes[i]->id == id || (i == 0 && id == KAFKA_NODE_ANY))
            return client->nodes[i];
    if (!client->cluster && !kafka_client_metadata(client, false, NULL))
        return NULL;
    const struct kafka_metadata_res_broker *broker = broker_of(client, id);
    struct kafka_node *node = NULL;
    if (broker) {
        bool bare = bytes_find(broker->host, ':', 0) == broker->host.len; /* else an IPv6 address */
        char *address = NULL;
        CHECK(asprintf(&address, "%s%.*s%s:%d", bare ? "" : "[", BYTES_FMT(broker->host), bare ? "" : "]",
                       broker->port) >= 0);
        node = node_add(client, id, address);
        free(address);
    }
    if (!node)
        fail_user("the cluster names no node %d", id);
    return node;
}

/* A cluster of one whose address is the one that was dialled needs no second connection. */
static void note_first(struct kafka_client *client)
{
    const struct kafka_metadata_res *m = client->cluster;

    if (m->brokers.count == 1 && client->nodes[0]->id == KAFKA_NODE_ANY)
        client->nodes[0]->id = m->brokers.at[0].node_id;
}

void *kafka_client_ask(struct kafka_client *client, int32_t id, enum kafka_api_key api, const void *request)
{
    struct kafka_node *node = node_of(client, id);
    void *response = node && kafka_node_up(node) ? kafka_node_ask(node, api, request) : NULL;

    if (!response)
        client->code = node ? node->code : EXIT_USER;
    return response;
}

bool kafka_client_speaks(struct kafka_client *client, int32_t id, enum kafka_api_key key)
{
    struct kafka_node *node = node_of(client, id);
    const struct kafka_api *api = kafka_api_find((int16_t)key);

    return node && kafka_node_up(node) && node->versions[key].last >= api->first &&
           node->versions[key].first <= api->last;
}

const struct kafka_metadata_res *kafka_client_metadata(struct kafka_client *client, bool all_topics,
                                                       const char *topic)
{
    struct kafka_metadata_req_topic one;
    struct kafka_metadata_req req;

    kafka_metadata_req_init(&req);
    req.allow_auto_topic_creation = false;
    if (all_topics)
        req.topics.count = -1;
    if (topic) {
        kafka_init(&kafka_metadata_req_topic_type, &one);
        one.name = bytes_str(topic);
        req.topics.at = &one;
        req.topics.count = 1;
    }
    const struct kafka_metadata_res *res = kafka_client_ask(client, KAFKA_NODE_ANY, KAFKA_METADATA, &req);
    if (res) {
        client->cluster = res;
        note_first(client);
    }
    return res;
}

bool kafka_client_coordinator(struct kafka_client *client, enum kafka_coordinator kind, struct bytes key,
                              int32_t *node)
{
    struct kafka_find_coordinator_req req;

    kafka_find_coordinator_req_init(&req);
    req.key = key;
    req.key_type = (int8_t)kind;
    req.coordinator_keys.at = &key;
    req.coordinator_keys.count = 1;
    const struct kafka_find_coordinator_res *res =
        kafka_client_ask(client, KAFKA_NODE_ANY, KAFKA_FIND_COORDINATOR, &req);
    if (!res)
        return false;
    const struct kafka_find_coordinator_res_coordinator *c =
        res->coordinators.count == 1 ? res->coordinators.at : NULL;
    int16_t code = c ? c->error_code : res->error_code;
    *node = c ? c->node_id : res->node_id;
    if (code)
        client->code = kafka_fail(code, c ? c->error_message : res->error_message, "who keeps '%.*s' is not known",
                                  BYTES_FMT(key));
    return !code;
}

/* ---- what codes mean ---- */

static const char *advice(int16_t code)
{
    switch (code) {
    case KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED:
    case KAFKA_ERR_GROUP_AUTHORIZATION_FAILED:
    case KAFKA_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case KAFKA_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
        return "\n  no ACL allows it; who may do everything can add one with 'quickwater acl add'";
    case KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION: return "\n  see quickwater topic list";
    case KAFKA_ERR_GROUP_ID_NOT_FOUND: return "\n  see quickwater group list";
    case KAFKA_ERR_NON_EMPTY_GROUP: return "\n  stop its members first; quickwater group describe shows them";
    case KAFKA_ERR_TRANSACTIONAL_ID_NOT_FOUND: return "\n  see quickwater txn list";
    case KAFKA_ERR_SECURITY_DISABLED:
        return "\n  the server asks for no rights: start it with acls = true in [security]";
    default: return "";
    }
}

int kafka_fail(int16_t code, struct bytes message, const char *format, ...)
{
    char what[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    if (message.len)
        return fail_user("%s: %.*s%s", what, BYTES_FMT(message), advice(code));
    if (strcmp(kafka_error_name((enum kafka_error)code), "?") == 0)
        return fail_user("%s: the server gives error %d", what, code);
    return fail_user("%s: %s%s", what, kafka_error_name((enum kafka_error)code), advice(code));
}
