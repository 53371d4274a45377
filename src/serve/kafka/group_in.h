/* group_in.h: the insides of classic groups that their files share (group.c, the requests; group_join.c, JoinGroup;
 * group_rebalance.c, from one generation to the next; group_member.c, members and what they speak; group_move.c,
 * from and to the newer protocol; group_time.c, what ends by itself; group_look.c, as others see them).
 *
 * Layer: serve (private to serve/kafka/group_*.c). */
#ifndef QW_SERVE_KAFKA_GROUP_IN_H
#define QW_SERVE_KAFKA_GROUP_IN_H

#include "base/map.h"
#include "serve/kafka/group.h"

struct gmember {
    struct bytes id, instance_id, client_id, client_host; /* owned copies */
    int32_t session_ms, rebalance_ms;
    struct group_protocols protocols; /* owned */
    struct bytes assignment;
    void *join_token, *sync_token; /* an answer is due */
    bool skip_assignment_ok;
    bool synced;         /* in this generation */
    int64_t deadline_ms; /* no sign of life until then: out */
};

struct gpending {
    struct bytes id;
    int64_t deadline_ms;
};

struct group {
    struct bytes id;
    enum group_state state;
    int32_t generation;
    struct bytes protocol_type, protocol; /* owned; ptr NULL: none */
    struct map members;   /* id -> struct gmember, in order of joining */
    struct map instances; /* instance id -> struct gmember */
    struct map pending;   /* id given by MEMBER_ID_REQUIRED -> struct gpending */
    struct gmember *leader;
    bool initial;         /* the delay of an empty group's first rebalance runs */
    bool newcomer;        /* someone joined during that delay */
    int64_t initial_until_ms;
    int64_t deadline_ms;  /* PREPARING: to rejoin; COMPLETING: to sync */
    bool kept;            /* there is a fact of it, or is to be */
};

struct groups {
    struct group_host host;
    struct group_options options;
    struct map by_id;
    struct map changed; /* ids of groups whose facts are others since they were saved -> the groups machine */
    int64_t next_ms;    /* no deadline is earlier */
};

/* group.c */
struct group *groups_make(struct groups *gs, struct bytes id); /* or finds it; NULL: too many */
void group_free(struct group *g);
void group_pending_remove(struct group *g, struct bytes id);
void groups_note_deadline(struct groups *gs, int64_t at_ms);
void group_wait_until(struct groups *gs, struct group *g, int64_t at_ms);
void gmember_alive(struct groups *gs, struct gmember *m, int64_t now_ms);

/* group_facts.c */
void group_keep(struct groups *gs, struct group *g);   /* as it is now */
void group_keep_now(struct groups *gs, struct group *g); /* before what is about to be told */
void group_unkeep(struct groups *gs, struct group *g); /* nobody is in it, or it is gone */

/* group_member.c */
void gmember_free(struct gmember *m);
void gmember_put(struct group *g, struct gmember *m); /* m has its id */
/* Type and at least one protocol in common with all who are there (but the one who is replaced). */
bool group_fits(const struct group *g, const struct group_join *join, const struct gmember *but);
/* Each member votes for the first of its protocols that all have; most votes win. */
void group_choose_protocol(struct group *g);

/* group_rebalance.c */
void groups_refuse_join(struct groups *gs, void *token, enum kafka_error error, struct bytes id);
void gmember_answer_sync(struct groups *gs, struct group *g, struct gmember *m, enum kafka_error error);
/* The generation as it stands, to one member; with the members' metadata if it leads. */
void gmember_answer_join(struct groups *gs, struct group *g, struct gmember *m, bool skip_assignment);
void gmember_remove(struct groups *gs, struct group *g, struct gmember *m);
int64_t group_rebalance_ms(const struct group *g); /* the longest of its members */
void group_prepare(struct groups *gs, struct group *g, int64_t now_ms);
void group_complete_join(struct groups *gs, struct group *g, int64_t now_ms);
void group_try_complete(struct groups *gs, struct group *g, int64_t now_ms);
/* The members are other than they were: begin anew, or see whether that was the last awaited. */
void group_members_changed(struct groups *gs, struct group *g, int64_t now_ms);

#endif
