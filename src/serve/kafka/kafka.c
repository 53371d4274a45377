#include "serve/kafka/kafka.h"

#include <stdlib.h>

#include "base/check.h"
#include "serve/kafka/face.h"

enum {
    OUT_BYTES_MAX = 512 << 20, /* several large fetches that a slow client asked for at once */
};

/* A transaction has committed offsets of the group: it is one that is listed. */
static void group_committed(void *context, struct bytes group_id)
{
    struct kafka_face *face = context;

    if (!cgroups_find(face->cgroups, group_id, NULL))
        groups_known(face->groups, group_id);
}

static void defaults(struct kafka_options *o)
{
    if (!o->node_id)
        o->node_id = 1;
    if (!o->partitions_default)
        o->partitions_default = KAFKA_PARTITIONS;
    if (!o->frame_bytes_max)
        o->frame_bytes_max = KAFKA_FRAME_BYTES;
    if (!o->conns_max)
        o->conns_max = KAFKA_CONNS;
    if (!o->in_bytes_sum)
        o->in_bytes_sum = KAFKA_IN_BYTES_SUM;
    if (!o->out_bytes_sum)
        o->out_bytes_sum = KAFKA_OUT_BYTES_SUM;
    if (!o->rebalance_delay_ms)
        o->rebalance_delay_ms = KAFKA_REBALANCE_DELAY_MS;
    if (!o->idle_ms_max)
        o->idle_ms_max = KAFKA_IDLE_MS;
    if (!o->consumer_session_ms)
        o->consumer_session_ms = KAFKA_CONSUMER_SESSION_MS;
    if (!o->consumer_heartbeat_ms)
        o->consumer_heartbeat_ms = KAFKA_CONSUMER_HEARTBEAT_MS;
    if (!o->fetch_sessions_max)
        o->fetch_sessions_max = KAFKA_FETCH_SESSIONS;
}

/* Twice the largest frame at least, so that one always comes through. */
static size_t in_bytes_sum(const struct kafka_options *o)
{
    size_t twice = 2 * ((size_t)o->frame_bytes_max + 4);

    return twice > o->in_bytes_sum ? twice : o->in_bytes_sum;
}

enum status kafka_face_open(struct loop *loop, struct log *log, const char *address,
                            const struct kafka_options *options, struct kafka_face **out)
{
    struct kafka_face *face = xcalloc(1, sizeof(*face));

    face->loop = loop;
    face->log = log;
    if (options)
        face->options = *options;
    CHECK(options->security);
    defaults(&face->options);
    const struct conn_limits limits = {
        .in_bytes_max = (size_t)face->options.frame_bytes_max + 4,
        .in_bytes_sum = in_bytes_sum(&face->options),
        .out_bytes_pause = KAFKA_OUT_BYTES_PAUSE,
        .out_bytes_max = OUT_BYTES_MAX,
        .out_bytes_sum = face->options.out_bytes_sum,
        .idle_ns_max = face->options.idle_ms_max < 0 ? 0 : face->options.idle_ms_max * 1000000,
        .conns_max = face->options.conns_max,
        .conns_ip_max = face->options.conns_ip_max > 0 ? (uint32_t)face->options.conns_ip_max : 0,
    };
    face_groups_open(face);
    face_consumers_open(face); /* with what was kept of either kind, before the first client can ask */
    offsets_load_groups(face);
    face_groups_arm(face);
    txns_open(&face->txns, log, loop);
    face->txns.committed = group_committed;
    face->txns.context = face;
    face_fetch_open(face);
    face_quotas_open(face);
    face->strays = strays_create();
    enum status st =
        address ? listener_open(loop, address, &kafka_conn_handler, face, &limits, &face->listener) : ST_OK;
    if (st != ST_OK) {
        kafka_face_close(face);
        return st;
    }
    if (face->listener && options->tls)
        listener_secure(face->listener, options->tls);
    *out = face;
    return ST_OK;
}

void kafka_face_close(struct kafka_face *face)
{
    if (face->listener)
        listener_close(face->listener);
    CHECK(!face->sessions);
    face_fetch_close(face);
    txns_close(&face->txns);
    face_groups_close(face);
    face_consumers_close(face);
    face_quotas_close(face);
    strays_destroy(face->strays);
    while (face->free_calls) {
        struct call *call = face->free_calls;
        face->free_calls = call->next;
        arena_deinit(&call->arena);
        buf_deinit(&call->out);
        free(call);
    }
    free(face);
}

const char *kafka_face_address(const struct kafka_face *face)
{
    return face->listener ? listener_address(face->listener) : NULL;
}

void kafka_face_stats(const struct kafka_face *face, struct kafka_stats *out)
{
    *out = face->stats;
    sessions_count(face, out->conns_by);
    out->fetch_sessions = fetch_sessions_count(face->fetch_sessions);
    out->groups = groups_count(face->groups) + cgroups_count(face->cgroups);
}
