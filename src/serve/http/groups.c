/* groups.c: groups of consumers with their members, what those read, and how far behind they are. */
#include <stdlib.h>

#include "base/reader.h"
#include "serve/http/group_facts.h"
#include "wire/http/uri.h"

enum {
    LIST_VERSION = 5,
    LIMIT = 100,
    LIMIT_MAX = 500,
    OFFSETS_MAX = 20000, /* committed ones looked at for one answer, not counting the first group's */
    DELETE_VERSION = 2,
};

/* ---- the list ---- */

typedef struct kafka_list_groups_res_group listed;

static int by_name(const void *a, const void *b)
{
    return bytes_compare(((const listed *)a)->group_id, ((const listed *)b)->group_id);
}

static void write_lag(struct json_writer *w, const struct group_offset *offsets, uint32_t count)
{
    int64_t lag = 0;
    bool known = false;

    for (uint32_t i = 0; i < count; i++) {
        int64_t one = group_offset_lag(&offsets[i]);
        known |= one >= 0;
        lag += one >= 0 ? one : 0;
    }
    json_key(w, "lag");
    if (known)
        json_i64(w, lag);
    else
        json_put_null(w);
}

static uint32_t topics_count(const struct group_offset *offsets, uint32_t count)
{
    uint32_t topics = 0;

    for (uint32_t i = 0; i < count; i++)
        topics += i == 0 || !bytes_equal(offsets[i].topic, offsets[i - 1].topic);
    return topics;
}

/* Gives how many offsets were looked at for it. */
static uint32_t write_listed(struct exchange *x, struct json_writer *w, const listed *g)
{
    struct group_described is;
    struct group_offset *offsets;
    uint32_t count = 0;

    json_object_begin(w);
    json_key_text(w, "name", g->group_id);
    json_key_text(w, "type", g->group_type);
    json_key_text(w, "state", g->group_state);
    json_key_text(w, "protocol_type", g->protocol_type);
    group_describe(x, g->group_id, &is);
    if (!is.error)
        json_key_i64(w, "members", group_members_count(&is));
    kafka_ask_end(&is.ask);
    if (!group_offsets(x, g->group_id, &offsets, &count)) {
        json_key_u64(w, "topics", topics_count(offsets, count));
        write_lag(w, offsets, count);
    }
    json_object_end(w);
    return count;
}

/* In order of name: ?limit= of them behind ?after=; fewer where they have committed very many offsets. */
void get_groups(struct exchange *x)
{
    const struct kafka_list_groups_req req = {0};
    struct buf after, body;
    struct kafka_ask ask;
    struct json_writer w;
    int64_t limit = LIMIT;
    int32_t at = 0;
    uint32_t offsets = 0;

    if (!query_int(x, "limit", 1, LIMIT_MAX, &limit))
        return;
    const struct kafka_list_groups_res *res = broker_look(x, KAFKA_LIST_GROUPS, LIST_VERSION, &req, &ask);
    listed *groups = res->groups.at;
    if (res->groups.count)
        qsort(groups, (size_t)res->groups.count, sizeof *groups, by_name);
    buf_init(&after, 0);
    bool begun = query_get(x->request->query, "after", &after);
    while (begun && at < res->groups.count && bytes_compare(groups[at].group_id, buf_view(&after)) <= 0)
        at++;
    buf_deinit(&after);
    buf_init(&body, x->face->options.answer_bytes_max);
    json_writer_init(&w, &body);
    json_object_begin(&w);
    json_key_i64(&w, "count", res->groups.count);
    json_key(&w, "groups");
    json_array_begin(&w);
    int32_t end = res->groups.count - at > limit ? at + (int32_t)limit : res->groups.count;
    for (; at < end && offsets <= OFFSETS_MAX; at++)
        offsets += write_listed(x, &w, &groups[at]);
    json_array_end(&w);
    json_key(&w, "next");
    if (at < res->groups.count)
        json_bytes(&w, groups[at - 1].group_id);
    else
        json_put_null(&w);
    json_object_end(&w);
    kafka_ask_end(&ask);
    reply_json(x, 200, &body);
}

/* ---- one of them ---- */

static void write_text(struct json_writer *w, const char *name, struct bytes text)
{
    if (text.len)
        json_key_text(w, name, text);
}

static void write_numbers(struct json_writer *w, const int32_t *at, int32_t count)
{
    json_key(w, "partitions");
    json_array_begin(w);
    for (int32_t i = 0; i < count; i++)
        json_i64(w, at[i]);
    json_array_end(w);
}

static void write_consumer_members(struct json_writer *w, const struct kafka_consumer_group_describe_res_group *g)
{
    for (int32_t i = 0; i < g->members.count; i++) {
        const struct kafka_consumer_group_describe_res_member *m = &g->members.at[i];
        json_object_begin(w);
        json_key_text(w, "id", m->member_id);
        write_text(w, "instance_id", m->instance_id);
        json_key_text(w, "client_id", m->client_id);
        json_key_text(w, "host", m->client_host);
        json_key_i64(w, "epoch", m->member_epoch);
        json_key(w, "assignment");
        json_array_begin(w);
        for (int32_t t = 0; t < m->assignment.topic_partitions.count; t++) {
            const struct kafka_consumer_group_describe_res_topic_partitions *tp = &m->assignment.topic_partitions.at[t];
            json_object_begin(w);
            json_key_text(w, "topic", tp->topic_name);
            write_numbers(w, tp->partitions.at, tp->partitions.count);
            json_object_end(w);
        }
        json_array_end(w);
        json_object_end(w);
    }
}

/* Of the protocol "consumer": version i16, topics each with an array of i32, user data. What is cut short
 * is shown as far as it goes. */
static void write_classic_assignment(struct json_writer *w, struct bytes assignment)
{
    struct reader r = reader_of(assignment);

    json_key(w, "assignment");
    json_array_begin(w);
    (void)reader_u16_be(&r);
    uint32_t topics = reader_u32_be(&r);
    for (uint32_t t = 0; t < topics && !r.bad; t++) {
        struct bytes name = reader_bytes(&r, reader_u16_be(&r));
        uint32_t partitions = reader_u32_be(&r);
        if (r.bad)
            break;
        json_object_begin(w);
        json_key_text(w, "topic", name);
        json_key(w, "partitions");
        json_array_begin(w);
        for (uint32_t i = 0; i < partitions; i++) {
            int32_t n = (int32_t)reader_u32_be(&r);
            if (r.bad)
                break;
            json_i64(w, n);
        }
        json_array_end(w);
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_classic_members(struct json_writer *w, const struct kafka_describe_groups_res_group *g)
{
    for (int32_t i = 0; i < g->members.count; i++) {
        const struct kafka_describe_groups_res_member *m = &g->members.at[i];
        json_object_begin(w);
        json_key_text(w, "id", m->member_id);
        write_text(w, "instance_id", m->group_instance_id);
        json_key_text(w, "client_id", m->client_id);
        json_key_text(w, "host", m->client_host);
        if (bytes_is(g->protocol_type, "consumer"))
            write_classic_assignment(w, m->member_assignment);
        json_object_end(w);
    }
}

static void write_offsets(struct json_writer *w, const struct group_offset *offsets, uint32_t count)
{
    json_key(w, "offsets");
    json_array_begin(w);
    for (uint32_t i = 0; i < count; i++) {
        const struct group_offset *o = &offsets[i];
        int64_t lag = group_offset_lag(o);
        json_object_begin(w);
        json_key_text(w, "topic", o->topic);
        json_key_i64(w, "partition", o->partition);
        json_key_i64(w, "offset", o->offset);
        json_key_i64(w, "start", o->start);
        json_key_i64(w, "end", o->end);
        json_key(w, "lag");
        if (lag >= 0)
            json_i64(w, lag);
        else
            json_put_null(w);
        write_text(w, "metadata", o->metadata);
        json_object_end(w);
    }
    json_array_end(w);
}

void get_group(struct exchange *x)
{
    struct group_described g;
    struct group_offset *offsets;
    uint32_t count;
    struct buf body;
    struct json_writer w;

    group_describe(x, x->params[0], &g);
    enum kafka_error error = g.error ? g.error : group_offsets(x, x->params[0], &offsets, &count);
    if (error) {
        kafka_ask_end(&g.ask);
        reply_kafka(x, error, BYTES_NONE);
        return;
    }
    buf_init(&body, x->face->options.answer_bytes_max);
    json_writer_init(&w, &body);
    json_object_begin(&w);
    json_key_text(&w, "name", x->params[0]);
    json_key_str(&w, "type", g.consumer ? "consumer" : "classic");
    json_key_text(&w, "state", group_state(&g));
    json_key_text(&w, "protocol", g.consumer ? g.consumer->assignor_name : g.classic->protocol_data);
    if (g.consumer)
        json_key_i64(&w, "epoch", g.consumer->group_epoch);
    json_key(&w, "members");
    json_array_begin(&w);
    if (g.consumer)
        write_consumer_members(&w, g.consumer);
    else
        write_classic_members(&w, g.classic);
    json_array_end(&w);
    write_lag(&w, offsets, count);
    write_offsets(&w, offsets, count);
    json_object_end(&w);
    kafka_ask_end(&g.ask);
    reply_json(x, 200, &body);
}

static void deleted(struct exchange *x, const void *response)
{
    const struct kafka_delete_groups_res *res = response;
    struct buf body;

    if (res->results.at[0].error_code) {
        reply_kafka(x, res->results.at[0].error_code, BYTES_NONE);
        return;
    }
    buf_init(&body, 0);
    buf_str(&body, "{\"done\":true}");
    reply_json(x, 200, &body);
}

void delete_group(struct exchange *x)
{
    struct bytes name = x->params[0];
    const struct kafka_delete_groups_req req = {.groups_names = {.at = &name, .count = 1}};

    broker_change(x, KAFKA_DELETE_GROUPS, DELETE_VERSION, &req, deleted);
}
