/* group_offsets.c: POST /v1/groups/{g}/offsets: where an empty group goes on, shown first, then done. */
#include "base/json_reader.h"
#include "serve/http/group_facts.h"

enum { COMMIT_VERSION = 8, BY_TIME_MAX = 1000 /* partitions whose index is looked into */ };

enum to { TO_START, TO_END, TO_OFFSET, TO_TIME, TO_BY };

struct reset {
    enum to to;
    int64_t number;        /* the offset, time or step */
    struct bytes topic;    /* ptr NULL: all that it has committed */
    struct bytes partitions; /* JSON; ptr NULL: all */
    bool apply;
    struct group_offset *offsets;
    int64_t *targets;
    uint32_t count;
};

/* ---- what is asked ---- */

static bool take_to(struct exchange *x, struct bytes object, struct reset *r)
{
    static const char *const names[] = {"start", "end", "offset", "time_ms", "by"};
    struct bytes text = BYTES_NONE;
    int given = 0;

    enum body to = body_text(x, object, "to", &text);
    if (to == BODY_BAD)
        return false;
    for (int i = 0; i < 5; i++) {
        enum body number = i < TO_OFFSET ? BODY_ABSENT : body_int(x, object, names[i], &r->number);
        if (number == BODY_BAD)
            return false;
        if (number == BODY_THERE || (i < TO_OFFSET && to == BODY_THERE && bytes_is(text, names[i]))) {
            r->to = (enum to)i;
            given++;
        }
    }
    if (given != 1 || (to == BODY_THERE && r->to >= TO_OFFSET))
        reply_error(x, 400, "value", "one of \"to\": \"start\" or \"end\", \"offset\", \"time_ms\", \"by\"");
    return given == 1 && !(to == BODY_THERE && r->to >= TO_OFFSET);
}

static bool take_reset(struct exchange *x, struct reset *r)
{
    struct bytes object, apply, item;

    if (!body_object(x, "to offset time_ms by topic partitions apply", &object) || !take_to(x, object, r) ||
        body_text(x, object, "topic", &r->topic) == BODY_BAD)
        return false;
    r->apply = json_member(object, "apply", &apply) && json_kind_of(apply) == JSON_TRUE;
    if (!json_member(object, "partitions", &r->partitions))
        return true;
    bool ok = json_kind_of(r->partitions) == JSON_ARRAY && r->topic.ptr;
    struct json_iter it = json_iter_of(r->partitions);
    while (ok && json_array_next(&it, &item))
        ok = json_kind_of(item) == JSON_NUMBER;
    if (!ok)
        reply_error(x, 400, "value", "\"partitions\" is a list of numbers, and goes with a \"topic\"");
    return ok;
}

static bool is_meant(const struct reset *r, const struct group_offset *o)
{
    struct bytes item;
    int64_t n;

    if (r->topic.ptr && !bytes_equal(o->topic, r->topic))
        return false;
    if (!r->partitions.ptr)
        return o->end >= 0;
    struct json_iter it = json_iter_of(r->partitions);
    while (json_array_next(&it, &item))
        if (bytes_to_i64(item, &n) && n == o->partition)
            return o->end >= 0;
    return false;
}

/* ---- what it comes to ---- */

static int64_t committed(const struct group_offset *offsets, uint32_t count, int32_t partition, struct bytes topic)
{
    for (uint32_t i = 0; i < count; i++)
        if (offsets[i].partition == partition && bytes_equal(offsets[i].topic, topic))
            return offsets[i].offset;
    return -1;
}

/* A topic that is named is taken whole, committed or not. */
static void all_of_topic(struct exchange *x, struct reset *r, struct log_topic *topic)
{
    uint32_t had = r->count, partitions = log_topic_info(topic)->partitions;
    struct group_offset *offsets = r->offsets;

    r->offsets = arena_alloc(&x->arena, partitions * sizeof *r->offsets);
    for (r->count = 0; r->count < partitions; r->count++) {
        struct group_offset *o = &r->offsets[r->count];
        *o = (struct group_offset){.topic = r->topic, .partition = (int32_t)r->count};
        o->offset = committed(offsets, had, o->partition, r->topic);
        group_offset_place(x, o);
    }
}

static int64_t target_of(struct exchange *x, const struct reset *r, const struct group_offset *o)
{
    struct log_topic *topic = log_topic_find(x->face->log, o->topic);
    int64_t found, found_ms, target = o->end;

    switch (r->to) {
    case TO_START: target = o->start; break;
    case TO_END: break;
    case TO_OFFSET: target = r->number; break;
    case TO_BY:
        if (__builtin_add_overflow(o->offset < 0 ? o->end : o->offset, r->number, &target))
            target = r->number < 0 ? o->start : o->end;
        break;
    case TO_TIME:
        if (log_offset_for_time(x->face->log, log_partition_of(topic, (uint32_t)o->partition), r->number, &found,
                                &found_ms) == ST_OK)
            target = found;
        break;
    }
    return target < o->start ? o->start : target > o->end ? o->end : target;
}

/* Leaves those that are meant, and where each goes. False: it is answered. */
static bool choose(struct exchange *x, struct reset *r)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < r->count; i++)
        if (is_meant(r, &r->offsets[i]))
            r->offsets[kept++] = r->offsets[i];
    r->count = kept;
    if (r->to == TO_TIME && kept > BY_TIME_MAX) {
        reply_error(x, 400, "limit", "by time %d partitions are moved at once: choose some of the %u", BY_TIME_MAX, kept);
        return false;
    }
    r->targets = arena_alloc(&x->arena, (kept + 1) * sizeof *r->targets);
    for (uint32_t i = 0; i < kept; i++)
        r->targets[i] = target_of(x, r, &r->offsets[i]);
    return true;
}

/* ---- answering ---- */

static void answer(struct exchange *x, const struct reset *r, struct bytes state)
{
    struct buf body;
    struct json_writer w;

    buf_init(&body, x->face->options.answer_bytes_max);
    json_writer_init(&w, &body);
    json_object_begin(&w);
    json_key_bool(&w, "applied", r->apply);
    if (state.ptr)
        json_key_text(&w, "state", state);
    json_key(&w, "offsets");
    json_array_begin(&w);
    for (uint32_t i = 0; i < r->count; i++) {
        const struct group_offset *o = &r->offsets[i];
        json_object_begin(&w);
        json_key_text(&w, "topic", o->topic);
        json_key_i64(&w, "partition", o->partition);
        json_key_i64(&w, "from", o->offset);
        json_key_i64(&w, "to", r->targets[i]);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_object_end(&w);
    reply_json(x, 200, &body);
}

static void on_committed(struct exchange *x, const void *response)
{
    const struct kafka_offset_commit_res *res = response;

    for (int32_t t = 0; t < res->topics.count; t++)
        for (int32_t i = 0; i < res->topics.at[t].partitions.count; i++)
            if (res->topics.at[t].partitions.at[i].error_code) {
                reply_kafka(x, res->topics.at[t].partitions.at[i].error_code, BYTES_NONE);
                return;
            }
    answer(x, x->state, BYTES_NONE);
}

static void commit(struct exchange *x, struct reset *r)
{
    struct kafka_offset_commit_req_topic *topics = arena_alloc(&x->arena, (r->count + 1) * sizeof *topics);
    struct kafka_offset_commit_req_partition *parts = arena_alloc(&x->arena, (r->count + 1) * sizeof *parts);
    int32_t n = 0;

    for (uint32_t i = 0; i < r->count; i++) {
        if (i == 0 || !bytes_equal(r->offsets[i].topic, r->offsets[i - 1].topic))
            topics[n++] = (struct kafka_offset_commit_req_topic){.name = r->offsets[i].topic,
                                                                 .partitions = {.at = &parts[i]}};
        topics[n - 1].partitions.count++;
        parts[i] = (struct kafka_offset_commit_req_partition){.partition_index = r->offsets[i].partition,
                                                              .committed_offset = r->targets[i],
                                                              .committed_leader_epoch = -1};
    }
    const struct kafka_offset_commit_req req = {.group_id = x->params[0],
                                                .generation_id_or_member_epoch = -1,
                                                .member_id = BYTES_LITERAL(""),
                                                .topics = {.at = topics, .count = n}};
    x->state = r;
    broker_change(x, KAFKA_OFFSET_COMMIT, COMMIT_VERSION, &req, on_committed);
}

void post_group_offsets(struct exchange *x)
{
    struct reset *r = ARENA_NEW(&x->arena, struct reset);
    struct group_described g;
    struct log_topic *topic = NULL;

    if (!take_reset(x, r))
        return;
    if (r->topic.ptr && !(topic = find_topic(x, r->topic, ACL_DESCRIBE)))
        return;
    enum kafka_error error = group_offsets(x, x->params[0], &r->offsets, &r->count);
    if (error) {
        reply_kafka(x, error, BYTES_NONE);
        return;
    }
    if (topic)
        all_of_topic(x, r, topic);
    if (!choose(x, r))
        return;
    group_describe(x, x->params[0], &g);
    struct bytes state = g.error ? BYTES_LITERAL("Empty") : arena_copy(&x->arena, group_state(&g));
    kafka_ask_end(&g.ask);
    if (!r->apply)
        answer(x, r, state);
    else if (!bytes_is(state, "Empty"))
        reply_kafka(x, KAFKA_ERR_NON_EMPTY_GROUP, BYTES_NONE);
    else
        commit(x, r);
}
