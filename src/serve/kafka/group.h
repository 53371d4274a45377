/* group.h: consumer groups by the classic protocol, as a state machine without I/O.
 *
 *   EMPTY --join--> PREPARING --all rejoined, or time is up--> COMPLETING --leader's sync--> STABLE
 *     ^                ^  |                                        |                          |
 *     +--none left-----|--+     <------ join, leave, expiry -------+--------------------------+
 *
 * Time comes in as milliseconds of a monotonic clock, random ids from a function; answers to Join
 * and Sync go out through callbacks with the caller's token, at once or later. A generation is kept as a
 * fact when its leader has assigned (groups_save, groups_load), so members go on after a restart; one that was on its
 * way is not, and they join again. Committed offsets live elsewhere (offsets.h).
 *
 * Rules: Kafka's own (KIP-62, KIP-345 static members, KIP-394 member id required).
 * Owns:    copies of all it is given; views in answers live for the call.
 * Threads: one.      Layer: serve.
 * Errors:  enum kafka_error, as the protocol has them.
 * Limits:  members of a group and groups, by options. A group whose fact would be larger than GROUP_FACT_BYTES_MAX
 *          is not kept: its members join anew after a restart.
 */
#ifndef QW_SERVE_KAFKA_GROUP_H
#define QW_SERVE_KAFKA_GROUP_H

#include "base/bytes.h"
#include "wire/kafka/errors.h"

struct groups;

enum { GROUP_FACT_BYTES_MAX = 16 << 20 };

struct group_options {
    int64_t rebalance_delay_ms; /* of an empty group's first rebalance: others may join meanwhile */
    int32_t session_ms_min, session_ms_max;
    uint32_t members_max, groups_max;
};

struct group_protocol {
    struct bytes name, metadata;
};

struct group_protocols { /* in order of preference */
    struct group_protocol *at;
    int32_t count;
};

/* group_protocols.c: a copy of one's own, into a list that was empty or is freed. */
void group_protocols_keep(struct group_protocols *to, const struct group_protocols *from);
void group_protocols_free(struct group_protocols *list); /* and leaves it empty */
bool group_protocols_equal(const struct group_protocols *a, const struct group_protocols *b);
const struct group_protocol *group_protocol_find(const struct group_protocols *list,
                                                 struct bytes name); /* or NULL */

struct group_join {
    struct bytes group_id, member_id;
    struct bytes instance_id; /* ptr NULL: a dynamic member */
    struct bytes client_id, client_host;
    struct bytes protocol_type;
    int32_t session_timeout_ms, rebalance_timeout_ms;
    bool known_id_required;  /* JoinGroup v4: first answer MEMBER_ID_REQUIRED */
    bool skip_assignment_ok; /* JoinGroup v9 */
    struct group_protocols protocols;
};

struct group_join_member {
    struct bytes member_id, instance_id, metadata;
};

struct group_join_answer {
    enum kafka_error error;
    int32_t generation;
    struct bytes protocol_type, protocol, leader, member_id;
    bool skip_assignment;
    const struct group_join_member *members; /* the leader's alone */
    int32_t members_count;
};

struct group_sync {
    struct bytes group_id, member_id, instance_id;
    struct bytes protocol_type, protocol; /* ptr NULL: not said */
    int32_t generation;
    const struct group_protocol *assignments; /* name: member id, metadata: assignment */
    int32_t assignments_count;
};

struct group_sync_answer {
    enum kafka_error error;
    struct bytes protocol_type, protocol, assignment;
};

/* Who asks, in Heartbeat, Leave and OffsetCommit. */
struct group_caller {
    struct bytes group_id, member_id, instance_id;
    int32_t generation;
};

struct group_host {
    void *context;
    void (*join_answer)(void *token, const struct group_join_answer *answer);
    void (*sync_answer)(void *token, const struct group_sync_answer *answer);
    void (*random)(void *context, void *to, size_t len);
    void (*stable)(void *context); /* what is about to be told must be kept first: groups_save; may be NULL */
};

struct groups *groups_create(const struct group_host *host, const struct group_options *options);
void groups_destroy(struct groups *groups); /* answers nobody */

void groups_join(struct groups *groups, int64_t now_ms, const struct group_join *join, void *token);
void groups_sync(struct groups *groups, int64_t now_ms, const struct group_sync *sync, void *token);
enum kafka_error groups_heartbeat(struct groups *groups, int64_t now_ms,
                                  const struct group_caller *caller);
enum kafka_error groups_leave(struct groups *groups, int64_t now_ms,
                              const struct group_caller *caller);
/* May the caller commit offsets now? Counts as a sign of life. A group that is not known is made
 * when the commit is legal (generation < 0: a consumer that assigns its own partitions). */
enum kafka_error groups_may_commit(struct groups *groups, int64_t now_ms,
                                   const struct group_caller *caller);

/* ---- facts: group_facts.c ---- */
typedef void group_fact_fn(void *context, struct bytes key, struct bytes value); /* no value: gone */
/* Tells what has changed since the last time that was followed by groups_saved; false: nothing. */
bool groups_save(struct groups *groups, group_fact_fn *fn, void *context);
void groups_saved(struct groups *groups);
/* False: not a fact of ours. Sessions begin anew. */
bool groups_load(struct groups *groups, int64_t now_ms, struct bytes key, struct bytes value);

/* ---- moving to the newer protocol and back: group_move.c ---- */

/* A classic member on its way from one machine to the other; views. */
struct group_moving {
    struct bytes id, instance_id, client_id, client_host;
    int32_t session_timeout_ms, rebalance_timeout_ms;
    struct group_protocols protocols;
    struct bytes assignment; /* as its last leader gave it; may be empty */
};
typedef void group_moving_fn(void *context, const struct group_moving *member);
void groups_each_moving(const struct groups *groups, struct bytes id, group_moving_fn *fn, void *context);
/* The group is another machine's now: whoever waits is told to join again, and it is gone here. */
void groups_give(struct groups *groups, struct bytes id);
/* The other way: members, one by one, of a group of protocol type "consumer" that is not here yet; then
 * groups_taken has all of them join again. False: too many groups. */
bool groups_take(struct groups *groups, int64_t now_ms, struct bytes id, int32_t generation,
                 const struct group_moving *member);
void groups_taken(struct groups *groups, int64_t now_ms, struct bytes id);

/* What JoinGroup is checked for before any group is looked at. */
enum kafka_error groups_join_error(const struct groups *groups, const struct group_join *join);
/* NAME-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, as Kafka's coordinator gives; the caller's to bytes_drop. */
struct bytes groups_new_member_id(const struct groups *groups, const struct group_join *join);

/* The token's owner has gone: its answer, if one is due, is dropped. */
void groups_forget(struct groups *groups, void *token);

/* When groups_expire should be called next; INT64_MAX: never. */
int64_t groups_deadline_ms(const struct groups *groups);
void groups_expire(struct groups *groups, int64_t now_ms);

/* ---- looking at them ---- */
enum group_state { GROUP_EMPTY, GROUP_PREPARING, GROUP_COMPLETING, GROUP_STABLE };
const char *group_state_name(enum group_state state); /* Kafka's: "PreparingRebalance" */

struct group_info {
    struct bytes id, protocol_type, protocol;
    enum group_state state;
    int32_t generation;
    uint32_t members_count, pending_count; /* the latter: ids given out that have not joined yet */
};

struct group_member_info {
    struct bytes member_id, instance_id, client_id, client_host, metadata, assignment;
};

void groups_known(struct groups *groups, struct bytes id); /* makes an empty one: it has offsets */
bool groups_find(const struct groups *groups, struct bytes id, struct group_info *out);
uint32_t groups_count(const struct groups *groups);
typedef void group_info_fn(void *context, const struct group_info *info);
void groups_each(const struct groups *groups, group_info_fn *fn, void *context);
typedef void group_member_fn(void *context, const struct group_member_info *info);
void groups_each_member(const struct groups *groups, struct bytes id, group_member_fn *fn,
                        void *context);
/* Only an empty one: else NON_EMPTY_GROUP; GROUP_ID_NOT_FOUND. */
enum kafka_error groups_delete(struct groups *groups, struct bytes id);

#endif
