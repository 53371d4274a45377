/* consumer_in.h: the insides of consumer groups that their files share (consumer_group.c, heartbeats, offsets, time;
 * consumer_check.c, what a heartbeat must look like; consumer_member.c, who comes and goes; consumer_step.c, the way to
 * the target; consumer_target.c, what a member reads and who gets what; consumer_classic.c, members that speak
 * the classic protocol; consumer_facts.c, what is kept; consumer_look.c, as others see them).
 *
 * Layer: serve (private to serve/kafka/consumer_*.c). */
#ifndef QW_SERVE_KAFKA_CONSUMER_IN_H
#define QW_SERVE_KAFKA_CONSUMER_IN_H

#include "base/buf.h"
#include "base/map.h"
#include "serve/kafka/consumer_group.h"

enum cmember_state { CMEMBER_STABLE, CMEMBER_UNREVOKED, CMEMBER_UNRELEASED, CMEMBER_STATES };

struct cmember {
    struct bytes id, instance_id, rack_id, client_id, client_host, regex, assignor; /* owned */
    struct bytes *topics; /* owned; sorted, each once */
    uint32_t topics_count;
    int32_t rebalance_ms;
    enum cmember_state state;
    int32_t epoch, previous_epoch;
    struct parts assigned; /* it has them, or is being told to take them */
    struct parts revoking; /* it had them, and has not said yet that it gave them up */
    struct parts target;
    int64_t session_at_ms; /* then it is out: silent */
    int64_t due_at_ms; /* then it is out: it has not given up, or not joined again or synced; INT64_MAX: never */
    bool is_classic;   /* it speaks the classic protocol: */
    int32_t session_ms;
    struct group_protocols protocols; /* owned */
    bool changed; /* since it was saved */
};

struct cgroup {
    struct bytes id;
    int32_t epoch, target_epoch;
    uint64_t topics_hash; /* of the topics that its members read, as they were at this epoch */
    uint64_t stamp;       /* of all topics, when that was last looked at */
    struct map members;   /* by id, in order of joining */
    struct map instances; /* by instance id */
    struct buf gone;      /* sized ids of members whose facts are to go */
    int64_t empty_since_ms;
    bool changed, listed; /* since it was saved; in the list of those that changed */
    bool deleted;         /* only its facts are left */
    struct cgroup *next_changed;
};

struct cgroups {
    struct cgroup_host host;
    struct cgroup_options options;
    struct map by_id;
    struct cgroup *changed;
    int64_t next_ms; /* no deadline is earlier */
    struct parts told; /* the last answer's */
    struct bytes told_id; /* the same */
};

/* consumer_group.c */
struct cgroup *cgroup_make(struct cgroups *gs, struct bytes id); /* NULL: too many */
void cgroup_free(struct cgroup *g);
void cgroup_touch(struct cgroups *gs, struct cgroup *g, struct cmember *m); /* changed; m may be NULL */
void cgroup_bump(struct cgroups *gs, struct cgroup *g);                     /* the next epoch */
void cgroups_wait_until(struct cgroups *gs, int64_t at_ms);
/* Its session begins anew; a classic member's is its own, that of others the group's. */
void cmember_alive(struct cgroups *gs, const struct cgroup *g, struct cmember *m, int64_t now_ms);
/* One that is there says this of itself: the group's epoch, the target, and its step towards it. */
void cgroup_beat_member(struct cgroups *gs, struct cgroup *g, struct cmember *m, int64_t now_ms,
                        const struct cgroup_beat *b, bool is_new, struct cgroup_answer *answer);

/* consumer_check.c */
enum kafka_error cgroup_check_beat(const struct cgroup_beat *b, const char **why);

/* consumer_member.c */
void cmember_free(struct cmember *m);
void cmember_add(struct cgroup *g, struct cmember *m); /* m has its id */
struct cmember *cmember_new(struct cgroups *gs, struct cgroup *g, struct bytes id);
void cmember_remove(struct cgroups *gs, struct cgroup *g, struct cmember *m, int64_t now_ms);
/* The place of a static member that has left for a while is taken under another id. */
void cmember_rename(struct cgroups *gs, struct cgroup *g, struct cmember *m, struct bytes id);
/* It begins anew and has nothing in its hands; what was its own nobody else has been given. */
void cmember_rejoin(struct cgroups *gs, struct cgroup *g, struct cmember *m);
/* Takes what it says of itself. Whether it reads other topics now. */
bool cmember_update(struct cgroups *gs, struct cgroup *g, struct cmember *m, const struct cgroup_beat *b);

/* consumer_step.c */
void cmember_reconcile(struct cgroups *gs, struct cgroup *g, struct cmember *m, int64_t now_ms,
                       const struct parts *owned);
bool cmember_waits(const struct cgroup *g, const struct cmember *m); /* for what others have */

/* consumer_classic.c */
void cmember_become_consumer(struct cgroups *gs, struct cgroup *g,
                             struct cmember *m); /* it speaks the newer protocol */

/* consumer_target.c */
const char *cgroup_assignor(const struct cgroup *g); /* which most of its members want */
bool cgroup_assignor_known(struct bytes name);
/* NULL, or why the pattern is none. */
const char *cgroup_regex_error(struct bytes pattern);
/* Whether the topics that the members read are others than at the group's epoch; then it notes them. */
bool cgroup_topics_changed(struct cgroups *gs, struct cgroup *g);
void cgroup_assign(struct cgroups *gs, struct cgroup *g); /* a new target, of the group's epoch */

#endif
