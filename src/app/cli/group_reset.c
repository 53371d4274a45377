/* Moving what a group has committed: shown first, done with --execute, and only while nobody reads. */
#include <stdio.h>

#include "app/cli/group.h"
#include "base/check.h"
#include "data/datetime.h"

enum goal { GOAL_EARLIEST, GOAL_LATEST, GOAL_OFFSET, GOAL_TIME, GOAL_SHIFT };

struct aim {
    enum goal goal;
    int64_t n; /* the offset, the time in ms, or by how much */
};

static const struct row_column columns[] = {{"TOPIC", "topic"},         {"PARTITION", "partition"},
                                            {"COMMITTED", "committed"}, {"NEW", "new"},
                                            {"NOTE", "note"},           {0}};

/* ---- what is asked for ---- */

static bool aim_time(const char *text, struct aim *out)
{
    int64_t us;
    int32_t zone_s = 0;
    bool zoned = false;

    if (!timestamp_parse_zoned(bytes_str(text), &us, &zone_s, &zoned)) {
        fail_user("--to-time: '%s' is no time; write it as 2026-01-31T12:00:00Z or 2026-01-31 12:00:00", text);
        return false;
    }
    *out = (struct aim){GOAL_TIME, us / 1000 - (zoned ? (int64_t)zone_s * 1000 : 0)};
    if (out->n < 0)
        fail_user("--to-time: '%s' is before 1970", text);
    return out->n >= 0;
}

static bool aim_read(const struct group_args *args, struct aim *out)
{
    int given = (args->to != NULL) + (args->to_time != NULL) + (args->shift_by != NULL);

    if (given != 1) {
        fail_user("group reset needs one of --to earliest, --to latest, --to OFFSET, --to-time TIME, --shift-by N");
        return false;
    }
    if (args->to_time)
        return aim_time(args->to_time, out);
    if (args->shift_by) {
        out->goal = GOAL_SHIFT;
        if (bytes_to_i64(bytes_str(args->shift_by), &out->n))
            return true;
        fail_user("--shift-by: '%s' is not a whole number", args->shift_by);
        return false;
    }
    out->goal = strcmp(args->to, "earliest") == 0 ? GOAL_EARLIEST
                : strcmp(args->to, "latest") == 0 ? GOAL_LATEST
                                                  : GOAL_OFFSET;
    if (out->goal != GOAL_OFFSET || (bytes_to_i64(bytes_str(args->to), &out->n) && out->n >= 0))
        return true;
    fail_user("--to: '%s' is neither earliest, latest nor an offset", args->to);
    return false;
}

/* ---- where each partition is to be ---- */

static void bound(struct part *p, int64_t wanted)
{
    p->at = wanted < p->start ? p->start : wanted > p->end ? p->end : wanted;
    if (p->at != wanted)
        p->note = wanted < p->start ? "the log begins here" : "the log ends here";
}

static void place(struct part *p, const struct aim *aim)
{
    int64_t wanted;

    switch (aim->goal) {
    case GOAL_EARLIEST: p->at = p->start; return;
    case GOAL_LATEST: p->at = p->end; return;
    case GOAL_OFFSET: bound(p, aim->n); return;
    case GOAL_TIME:
        if (p->at < 0) {
            p->at = p->end;
            p->note = "no record is so late";
        }
        return;
    case GOAL_SHIFT:
        if (p->committed < 0) {
            p->at = -1;
            p->note = "nothing is committed to shift";
            return;
        }
        if (__builtin_add_overflow(p->committed, aim->n, &wanted))
            wanted = aim->n < 0 ? INT64_MIN : INT64_MAX;
        bound(p, wanted);
        return;
    }
}

/* The group's own, or those named; commits come from the facts. */
static bool choose(const struct group_args *args, struct kafka_client *client, const struct group_facts *facts,
                   struct parts *parts)
{
    if (args->topics && !parts_select(parts, client, "--topic", args->topics))
        return false;
    for (size_t i = 0; i < facts->parts.count; i++) {
        const struct part *have = &facts->parts.at[i];
        if (have->committed < 0)
            continue;
        size_t before = parts->count;
        struct part *p = parts_of(parts, have->topic, have->partition);
        p->committed = have->committed;
        if (args->topics && parts->count > before) /* not named */
            p->leader = -2;
    }
    size_t kept = 0;
    for (size_t i = 0; i < parts->count; i++)
        if (parts->at[i].leader != -2)
            parts->at[kept++] = parts->at[i];
    parts->count = kept;
    if (kept == 0)
        fail_user("the group has committed nothing yet: name topics with --topic");
    return kept > 0;
}

static bool place_all(struct parts *parts, struct kafka_client *client, const struct aim *aim)
{
    if (!parts_leaders(parts, client) || !parts_ends(parts, client) ||
        (aim->goal == GOAL_TIME && !parts_at_time(parts, client, aim->n)))
        return false;
    for (size_t i = 0; i < parts->count; i++) {
        struct part *p = &parts->at[i];
        if (p->start < 0 || p->end < 0) {
            p->at = -1;
            p->note = "the partition is gone";
        } else {
            place(p, aim);
        }
    }
    return true;
}

/* ---- doing it ---- */

static void fill_commit(const struct parts *parts, struct kafka_client *client, struct kafka_offset_commit_req *req)
{
    struct arena *arena = kafka_client_arena(client);
    struct kafka_offset_commit_req_topic *topic = NULL;

    req->topics.at = kafka_offset_commit_req_topic_new(arena, (int32_t)parts->count);
    for (size_t i = 0; i < parts->count; i++) {
        const struct part *p = &parts->at[i];
        if (p->at < 0)
            continue;
        if (!topic || !bytes_equal(topic->name, p->topic)) {
            topic = &req->topics.at[req->topics.count++];
            topic->name = p->topic;
            topic->partitions.at = kafka_offset_commit_req_partition_new(arena, (int32_t)(parts->count - i));
        }
        struct kafka_offset_commit_req_partition *out = &topic->partitions.at[topic->partitions.count++];
        out->partition_index = p->partition;
        out->committed_offset = p->at;
        out->committed_metadata = BYTES_LITERAL("");
    }
}

static int commit(const struct parts *parts, struct kafka_client *client, int32_t coordinator, const char *name)
{
    struct kafka_offset_commit_req req;

    kafka_offset_commit_req_init(&req);
    req.group_id = bytes_str(name);
    fill_commit(parts, client, &req);
    if (req.topics.count == 0)
        return 0;
    const struct kafka_offset_commit_res *res = kafka_client_ask(client, coordinator, KAFKA_OFFSET_COMMIT, &req);
    if (!res)
        return kafka_client_code(client);
    for (int32_t t = 0; t < res->topics.count; t++)
        for (int32_t i = 0; i < res->topics.at[t].partitions.count; i++) {
            int16_t code = res->topics.at[t].partitions.at[i].error_code;
            if (code == KAFKA_ERR_UNKNOWN_MEMBER_ID)
                return fail_user("group '%s' has a member again; stop it first: quickwater group describe %s", name,
                                 name);
            if (code)
                return kafka_fail(code, BYTES_NONE, "the offset of %.*s:%d is not committed",
                                  BYTES_FMT(res->topics.at[t].name),
                                  res->topics.at[t].partitions.at[i].partition_index);
        }
    return 0;
}

static void show(const struct group_args *args, const struct parts *parts)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < parts->count; i++) {
        const struct part *p = &parts->at[i];
        json_t *row =
            json_pack("{s:o, s:i, s:o, s:o, s:s?}", "topic", rows_text(p->topic), "partition", p->partition,
                      "committed", p->committed < 0 ? json_null() : json_integer(p->committed), "new",
                      p->at < 0 ? json_null() : json_integer(p->at), "note", p->note);
        CHECK(row != NULL);
        json_array_append_new(rows, row);
    }
    if (args->json)
        rows_json(rows);
    else
        rows_print(rows, columns);
    json_decref(rows);
    if (!args->execute)
        fprintf(stderr, "nothing is changed yet; --execute commits these offsets\n");
}

static int move(const struct group_args *args, struct kafka_client *client, const struct group_facts *facts,
                const struct aim *aim, const char *name)
{
    size_t members = json_array_size(facts->members);
    struct parts parts = {0};
    int code = EXIT_USER;

    if (members)
        return fail_user("group '%s' has %zu member%s, which would overwrite it; stop them first: quickwater group "
                         "describe %s shows them",
                         name, members, members == 1 ? "" : "s", name);
    if (!facts->there && !args->create)
        return fail_user("there is no group '%s'; see quickwater group list, or --create to make it", name);
    if (choose(args, client, facts, &parts) && place_all(&parts, client, aim))
        code = args->execute ? commit(&parts, client, facts->coordinator, name) : 0;
    if (code == 0)
        show(args, &parts);
    parts_deinit(&parts);
    return code;
}

int group_reset(const struct group_args *args, const char *name)
{
    struct group_facts facts;
    struct aim aim;
    int code = EXIT_USER;

    if (!aim_read(args, &aim))
        return code;
    if (!args->topics == !args->all_topics)
        return fail_user("group reset needs --topic T or T:PARTITION (more with commas), or --all-topics");
    struct kafka_client *client = kafka_client_open(&args->link);
    if (!client)
        return code;
    if (group_look(client, name, &facts))
        code = move(args, client, &facts, &aim, name);
    group_forget(&facts);
    kafka_client_close(client);
    return code;
}
