/* consumer_group.h: consumer groups by the newer protocol (KIP-848), as a state machine without I/O.
 *
 * The server assigns. A change of who is in or what they read raises the group's *epoch* and makes a new
 * *target*: which member is to have which partition. Each member is led there by its own heartbeats:
 *
 *     STABLE --target is newer--> UNREVOKED --heartbeat without them--> STABLE of the target's epoch
 *                  \                   (gives up what is not its own any more)    ^
 *                   `-----------> UNRELEASED --others have given theirs up--------'
 *
 * A partition is given to a member when no other has it, nor still has to give it up: nobody reads one twice.
 * What a member has is under its epoch, so that a commit of an older one is refused.
 *
 * A live group may have members of the classic protocol too: it comes from the classic machine (group.h) when its
 * first member of the newer one joins, and goes back there when the last such member has left.
 *
 * What the machine knows is kept as facts (cgroups_save, cgroups_load); an answer may leave when those are
 * durable. Time comes in as milliseconds of a monotonic clock; sessions begin anew at a load.
 *
 * Owns:    copies of all it is given; answers are views until the next call.
 * Threads: one.      Layer: serve.
 * Errors:  enum kafka_error, as the protocol has them.
 * Limits:  groups and members by options; CGROUP_TOPICS names of a member, CGROUP_NAME_BYTES of a name.
 */
#ifndef QW_SERVE_KAFKA_CONSUMER_GROUP_H
#define QW_SERVE_KAFKA_CONSUMER_GROUP_H

#include "base/buf.h"
#include "base/bytes.h"
#include "serve/kafka/group.h"
#include "serve/kafka/parts.h"
#include "wire/kafka/errors.h"

struct cgroups;

enum {
    CGROUP_TOPICS = 10000,
    CGROUP_NAME_BYTES = 4096,
    CGROUP_LEAVE = -1,        /* member epochs that say so */
    CGROUP_LEAVE_STATIC = -2, /* and that it will be back */
};

struct cgroup_topic {
    struct bytes name;
    const uint8_t *id;
    int32_t partitions;
};

typedef void cgroup_topic_fn(void *context, const struct cgroup_topic *topic);

struct cgroup_host {
    void *context;
    void (*random)(void *context, void *to, size_t len);
    bool (*topic)(void *context, struct bytes name, struct cgroup_topic *out);
    bool (*topic_of)(void *context, const uint8_t *id, struct cgroup_topic *out);
    void (*topics)(void *context, cgroup_topic_fn *fn, void *fn_context); /* all there are */
    uint64_t (*topics_stamp)(void *context); /* another when topics have come, gone or grown */
    void (*times)(void *context, struct bytes group, int32_t *session_ms, int32_t *heartbeat_ms);
};

struct cgroup_options {
    uint32_t members_max, groups_max;
};

struct cgroup_beat {
    struct bytes group_id, member_id;
    struct bytes instance_id, rack_id, regex, assignor; /* ptr NULL: not said */
    struct bytes client_id, client_host;
    int32_t epoch;
    int32_t rebalance_ms;       /* -1: not said */
    const struct bytes *topics;
    int32_t topics_count;       /* -1: not said */
    const struct parts *owned;  /* NULL: not said */
    bool names_itself;          /* version 1: the member id is the client's to make */
};

struct cgroup_answer {
    enum kafka_error error;
    const char *why; /* of an error */
    struct bytes member_id;
    int32_t epoch, heartbeat_ms;
    const struct parts *assignment; /* NULL: the one it knows */
};

struct cgroups *cgroups_create(const struct cgroup_host *host, const struct cgroup_options *options);
void cgroups_destroy(struct cgroups *groups);

void cgroups_beat(struct cgroups *groups, int64_t now_ms, const struct cgroup_beat *beat,
                  struct cgroup_answer *answer);

/* Before any group is looked at; *why of an error. */
enum kafka_error cgroups_beat_error(const struct cgroup_beat *beat, const char **why);

/* Whether a member may commit (STALE_MEMBER_EPOCH, of a classic one ILLEGAL_GENERATION; UNKNOWN_MEMBER_ID) or
 * fetch offsets. */
enum kafka_error cgroups_may_commit(const struct cgroups *groups, struct bytes group,
                                    struct bytes member, int32_t epoch);
bool cgroups_is_classic(const struct cgroups *groups, struct bytes group, struct bytes member);
enum kafka_error cgroups_may_fetch(const struct cgroups *groups, struct bytes group,
                                   struct bytes member, int32_t epoch);

/* When cgroups_expire should be called next; INT64_MAX: never. */
int64_t cgroups_deadline_ms(const struct cgroups *groups);
void cgroups_expire(struct cgroups *groups, int64_t now_ms);

/* ---- members that speak the classic protocol, in a group that is there: consumer_classic.c ---- */
/* new_id: for a member that has none yet. The answer is a view until the next call. */
void cgroups_join(struct cgroups *groups, int64_t now_ms, const struct group_join *join, struct bytes new_id,
                  struct group_join_answer *answer);
enum kafka_error cgroups_sync(struct cgroups *groups, int64_t now_ms, const struct group_sync *sync,
                              struct buf *assignment);
enum kafka_error cgroups_heartbeat(struct cgroups *groups, int64_t now_ms, const struct group_caller *caller);
enum kafka_error cgroups_leave(struct cgroups *groups, int64_t now_ms, const struct group_caller *caller);

/* A group comes from the classic machine: NULL, or why a member of it cannot; then its members, one by one. */
const char *cgroups_take_error(const struct group_moving *member);
bool cgroups_take(struct cgroups *groups, int64_t now_ms, struct bytes id, int32_t generation,
                  const struct group_moving *member); /* false: too many groups */
/* And goes there: when somebody is in it and all of them are classic; *generation is theirs. */
bool cgroups_only_classic(const struct cgroups *groups, struct bytes id, int32_t *generation);
void cgroups_each_moving(const struct cgroups *groups, struct bytes id, group_moving_fn *fn, void *context);
void cgroups_give(struct cgroups *groups, struct bytes id); /* it is gone here */

/* ---- facts: consumer_facts.c ---- */
typedef void cgroup_fact_fn(void *context, struct bytes key, struct bytes value); /* no value: gone */
/* Tells what has changed since the last time that was followed by cgroups_saved; false: nothing. */
bool cgroups_save(struct cgroups *groups, cgroup_fact_fn *fn, void *context);
void cgroups_saved(struct cgroups *groups);
/* False: not a fact of ours. */
bool cgroups_load(struct cgroups *groups, int64_t now_ms, struct bytes key, struct bytes value);

/* ---- looking at them ---- */
enum cgroup_state { CGROUP_EMPTY, CGROUP_ASSIGNING, CGROUP_RECONCILING, CGROUP_STABLE };
const char *cgroup_state_name(enum cgroup_state state); /* Kafka's: "Reconciling" */

struct cgroup_info {
    struct bytes id;
    enum cgroup_state state;
    int32_t epoch, target_epoch;
    const char *assignor;
    uint32_t members_count;
    int64_t empty_since_ms; /* of an empty one */
};

struct cgroup_member_info {
    struct bytes member_id, instance_id, rack_id, client_id, client_host, regex;
    const struct bytes *topics;
    uint32_t topics_count;
    int32_t epoch;
    bool is_classic;
    const struct parts *assigned, *target;
};

/* out may be NULL. */
bool cgroups_find(const struct cgroups *groups, struct bytes id, struct cgroup_info *out);
uint32_t cgroups_count(const struct cgroups *groups);
typedef void cgroup_info_fn(void *context, const struct cgroup_info *info);
void cgroups_each(const struct cgroups *groups, cgroup_info_fn *fn, void *context);
typedef void cgroup_member_fn(void *context, const struct cgroup_member_info *info);
void cgroups_each_member(const struct cgroups *groups, struct bytes id, cgroup_member_fn *fn,
                         void *context);
bool cgroups_subscribes(const struct cgroups *groups, struct bytes id, struct bytes topic);
/* Only an empty one: else NON_EMPTY_GROUP; GROUP_ID_NOT_FOUND. */
enum kafka_error cgroups_delete(struct cgroups *groups, struct bytes id);

#endif
