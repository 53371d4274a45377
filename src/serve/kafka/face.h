/* face.h: the insides of the Kafka face that its files share: session, call, handlers.
 *
 * A *session* is one connection. A *call* is one request on its way to its answer. Calls of a
 * session run as they come and may finish in any order; their answers leave in the order of the
 * requests. A handler gets the decoded request and sooner or later calls call_answer (or
 * call_no_answer) exactly once; after that the call is gone.
 *
 * Views in a request die when its handler returns, unless its row in the table says that the
 * request is kept.       Layer: serve (private to serve/kafka).
 */
#ifndef QW_SERVE_KAFKA_FACE_H
#define QW_SERVE_KAFKA_FACE_H

#include "net/conn.h"
#include "serve/kafka/auth.h"
#include "serve/kafka/consumer_group.h"
#include "serve/kafka/fetch_session.h"
#include "serve/kafka/group.h"
#include "serve/kafka/kafka.h"
#include "serve/kafka/quota.h"
#include "serve/kafka/stray.h"
#include "serve/kafka/txn.h"
#include "wire/kafka/batch.h"
#include "wire/kafka/messages.h"

enum {
    KAFKA_REQUEST_ARRAYS_MAX = 64 << 20,
    KAFKA_SMALL_FRAME_BYTES_MAX = 16 << 20, /* of all but Produce */
    KAFKA_CALLS_MAX = 256,                  /* unanswered in one session; then it is not read */
    KAFKA_HOST_MAX = 256,
    KAFKA_GROUP_MEMBERS_MAX = 10000, /* of either kind */
    KAFKA_GROUPS_MAX = 100000,       /* of each kind */
    KAFKA_OUT_BYTES_PAUSE = 8 << 20, /* unsent in one session; then it is not read */
    KAFKA_VIEW_BYTES_MIN = 16 << 10, /* less is copied: a view holds the whole slab that it is in */
};

struct session;
struct fetch;

struct kafka_face {
    struct loop *loop;
    struct log *log;
    struct kafka_options options;
    struct listener *listener;
    struct groups *groups;
    struct cgroups *cgroups;
    uint64_t groups_lsn; /* of what was kept last of either kind of groups */
    struct txns txns;
    struct loop_timer *groups_timer;
    struct session *sessions;
    struct call *free_calls;
    uint64_t calls_made;
    size_t calls_bytes; /* of the arenas of those that wait */
    struct fetch *fetch_ready_first, *fetch_ready_last; /* waits that have something new */
    struct loop_defer fetch_defer;
    struct fetch_sessions *fetch_sessions;
    struct quotas *quotas;
    struct strays *strays;
    struct kafka_stats stats;
};

struct call {
    struct kafka_face *face;
    struct session *session;
    struct call *next; /* in its session, in order of arrival; or in the free list */
    const struct kafka_api *api;
    int16_t version;
    int32_t correlation_id;
    struct bytes client_id; /* dies with the request's bytes */
    struct arena arena;     /* the request's and the answer's arrays */
    struct buf out;         /* the answer's frame, when done */
    struct kafka_splices splices;
    struct log_view *views; /* of the splices, released when sent */
    uint32_t views_count;
    bool done;
    struct log_waiter waiter;
    void *answer;                       /* a response that waits for the log */
    void (*failed)(struct call *);      /* turns that response into one of failure */
    void (*cancel)(struct call *);      /* the session closes first: undo what waits */
    void *state;                        /* the handler's */
    struct quota_client *quota;         /* NULL: nothing limits its client */
    uint32_t request_bytes;
    size_t counted_bytes; /* of its arena, in the face's calls_bytes */
    int64_t wait_ms;                    /* asked of the client already (changes of topics) */
    int64_t begun_ns, ran_ns;           /* of a client whose time is limited: the handler's time */
    bool running;                       /* its handler is */
    uint64_t serial;                    /* never 0, no two alike; 0: in the free list */
};

/* A copy that lives as long as the call; null stays null. */
static inline struct bytes call_copy(struct call *call, struct bytes b)
{
    return b.ptr ? arena_copy(&call->arena, b) : BYTES_NONE;
}

/* ---- session.c ---- */
extern const struct conn_handler kafka_conn_handler;
/* Its throttle_time_ms is set here. */
void call_answer(struct call *call, void *response);
/* The same when the log is durable up to lsn; response lives in the call's arena. If the log fails,
 * failed() is called first. */
void call_answer_durable(struct call *call, void *response, uint64_t lsn,
                         void (*failed)(struct call *));
void call_no_answer(struct call *call);
void call_hang_up(struct call *call); /* the request is nonsense: its connection closes */
/* Open connections by how they have said who they are: KAFKA_CONN_KINDS counts. */
void sessions_count(const struct kafka_face *face, uint32_t *out);
/* host (zero-terminated) and port under which this call's client reaches us. */
void call_address(const struct call *call, char host[KAFKA_HOST_MAX], int32_t *port);
void call_peer(const struct call *call, char host[KAFKA_HOST_MAX]);
void conn_host(const struct conn *conn, char host[KAFKA_HOST_MAX]); /* the client's address, without its port */
struct conn *call_conn(const struct call *call);
/* The connection closes when this call and all before it are answered; no more is read of it. */
void call_last(struct call *call);
struct auth *call_auth(const struct call *call);
const char *call_principal(const struct call *call); /* "User:alice" */
int64_t face_now_ms(const struct kafka_face *face); /* monotonic */

/* ---- dispatch.c ---- */
typedef void kafka_handler(struct call *call, const void *request);

struct kafka_route {
    int16_t key;
    int16_t version_min; /* below it: error 35, though ApiVersions names it */
    bool keeps_request;  /* the handler goes on reading it after it returned */
    kafka_handler *fn;
};
const struct kafka_route *kafka_route_find(int16_t key);

/* ---- one file a family ---- */
/* ---- acls.c: may this client do that? Always, where no ACLs are in use. ---- */
bool call_may(const struct call *call, enum acl_operation operation, enum acl_resource resource,
              struct bytes name);
bool call_may_cluster(const struct call *call, enum acl_operation operation);
bool call_may_create(const struct call *call, struct bytes topic);
/* The same of what the request would be told of: a no is then no denial, and not counted as one. */
bool call_sees(const struct call *call, enum acl_operation operation, enum acl_resource resource,
               struct bytes name);
bool call_sees_cluster(const struct call *call, enum acl_operation operation);
/* To any resource of the kind. */
bool call_may_any(const struct call *call, enum acl_operation operation, enum acl_resource resource);
/* The bits of Kafka's authorized_operations. */
int32_t call_operations(const struct call *call, enum acl_resource resource, struct bytes name);
kafka_handler kafka_on_create_acls, kafka_on_describe_acls, kafka_on_delete_acls;

kafka_handler kafka_on_sasl_handshake, kafka_on_sasl_authenticate, /* auth.c */
    kafka_on_describe_user_scram_credentials, kafka_on_alter_user_scram_credentials;
kafka_handler kafka_on_api_versions, kafka_on_metadata, kafka_on_describe_cluster;
kafka_handler kafka_on_produce, kafka_on_init_producer_id;
kafka_handler kafka_on_fetch, kafka_on_list_offsets;
kafka_handler kafka_on_create_topics, kafka_on_delete_topics, kafka_on_create_partitions,
    kafka_on_delete_records;
kafka_handler kafka_on_describe_configs, kafka_on_alter_configs,
    kafka_on_incremental_alter_configs;
kafka_handler kafka_on_offset_for_leader_epoch, kafka_on_describe_log_dirs,
    kafka_on_describe_topic_partitions, kafka_on_describe_producers, kafka_on_elect_leaders,
    kafka_on_alter_partition_reassignments, kafka_on_list_partition_reassignments;
kafka_handler kafka_on_find_coordinator, kafka_on_join_group, kafka_on_sync_group,
    kafka_on_heartbeat, kafka_on_leave_group, kafka_on_describe_groups, kafka_on_list_groups,
    kafka_on_delete_groups;
kafka_handler kafka_on_describe_client_quotas, kafka_on_alter_client_quotas;
kafka_handler kafka_on_consumer_group_heartbeat, kafka_on_consumer_group_describe;
kafka_handler kafka_on_offset_commit, kafka_on_offset_fetch, kafka_on_offset_delete;

/* admit.c: what a topic's configuration asks of a batch that a client produces: keys, timestamps, the
 * codec. *records may be another, in the call's arena, afterwards. */
enum kafka_error face_admit(struct call *call, const struct log_topic_info *topic,
                            const struct batch_header *h, struct bytes *records,
                            struct kafka_produce_res_partition *out, const char **why);

/* features.c */
kafka_handler kafka_on_update_features;
bool features_has(const struct kafka_face *face, const char *name); /* its level is not 0 */
void features_name(struct call *call, struct kafka_api_versions_res *res);

/* An answer to ApiVersions in version 0 with error 35: the one thing every client can read. */
void kafka_refuse_api_versions(struct call *call);

/* fetch.c: waits, sessions */
void face_fetch_open(struct kafka_face *face);
void face_fetch_close(struct kafka_face *face);
/* While the log's memory is tight, closes clients that have not read their answers for seconds. */
void face_make_room(struct kafka_face *face);

/* groups.c */
void face_groups_open(struct kafka_face *face);
void face_groups_close(struct kafka_face *face);
void face_groups_arm(struct kafka_face *face); /* after any call of group.h */

/* quotas.c */
void face_quotas_open(struct kafka_face *face);
void face_quotas_close(struct kafka_face *face);
/* Counts a call that is to be answered (response NULL: with nothing) and gives how long its connection
 * is not to be read, in milliseconds, which the response then says. */
int64_t face_charge(struct call *call, void *response);
/* Before a change of so many partitions. THROTTLING_QUOTA_EXCEEDED, in versions that know it: not now. */
enum kafka_error face_may_mutate(struct call *call, int16_t strict_from, int64_t partitions);

/* consumers.c */
void face_consumers_open(struct kafka_face *face);
void face_consumers_close(struct kafka_face *face);
void face_consumers_expire(struct kafka_face *face);
/* Commits what has changed in groups of either kind, with what the entry holds already (NULL: only that). */
enum kafka_error face_consumers_save(struct kafka_face *face, struct log_entry *entry, uint64_t *lsn);
/* The id is wanted for a classic group. INCONSISTENT_GROUP_PROTOCOL: consumers are in it. */
enum kafka_error face_consumers_make_way(struct kafka_face *face, struct bytes group_id);

/* consumers_classic.c: somebody is in a group of consumers of this id, so classic requests are for that. */
bool face_consumers_live(const struct kafka_face *face, struct bytes group_id);
/* Answers; or false: the group has just become a classic one, where the join goes on under join->member_id. */
bool face_consumers_join(struct call *call, struct group_join *join);
void face_consumers_sync(struct call *call, const struct group_sync *sync);
void face_consumers_left(struct call *call, struct bytes group_id, struct kafka_leave_group_res *res);

/* migrate.c */
/* As Kafka's setting has it; a constant. */
const char *face_migration_name(enum kafka_migration policy);
/* A classic group that is in use becomes one of consumers, for a member that wants to join. Errors with why. */
enum kafka_error face_group_upgrade(struct kafka_face *face, struct bytes id, const char **why);
/* A group of consumers becomes a classic one if all who are in it are classic members, and the policy lets it: true. */
bool face_group_downgrade(struct kafka_face *face, struct bytes id);

/* Some member of the group, of protocol type "consumer", has subscribed to the topic. */
bool face_group_subscribes(const struct kafka_face *face, struct bytes group_id, struct bytes topic);

/* transactions.c: whether a transactional batch is part of what its producer has open. */
struct face_writer {
    struct bytes transactional_id; /* as the request names it */
    int64_t producer_id;
    int16_t epoch;
    const uint8_t *topic_id;
    uint32_t partition;
    int16_t version; /* of Produce */
};
enum kafka_error face_may_write(struct kafka_face *face, const struct face_writer *writer,
                                const char **why);
kafka_handler kafka_on_add_partitions_to_txn, kafka_on_add_offsets_to_txn, kafka_on_end_txn,
    kafka_on_write_txn_markers, kafka_on_describe_transactions, kafka_on_list_transactions,
    kafka_on_txn_offset_commit;

/* offsets.c */
void offsets_load_groups(struct kafka_face *face);
void offsets_forget_group(struct kafka_face *face, struct bytes group_id, struct log_entry *entry);
bool offsets_any(const struct kafka_face *face, struct bytes group_id);
void offsets_forget_topic(struct kafka_face *face, struct bytes topic);

/* topics.c: shared with Metadata */
struct log_topic *face_topic_visible(const struct kafka_face *face, struct bytes name,
                                     const uint8_t *id); /* by name, or by id if name is null */
enum kafka_error face_topic_auto_create(struct kafka_face *face, struct bytes name,
                                        struct log_topic **out, uint64_t *lsn);
struct log_partition *face_partition(const struct log_topic *topic, int32_t index); /* or NULL */

/* configs.c: configurations by Kafka's names */
enum config_resource { CONFIG_TOPIC = 2, CONFIG_BROKER = 4, CONFIG_GROUP = 32 };
enum config_type {
    CONFIG_BOOLEAN = 1,
    CONFIG_STRING,
    CONFIG_INT,
    CONFIG_SHORT,
    CONFIG_LONG,
    CONFIG_DOUBLE,
    CONFIG_LIST,
};
enum config_own { /* an option of the log's topics */
    CONFIG_KEPT, /* none: only kept and told again */
    CONFIG_CLEANUP,
    CONFIG_RETENTION_MS,
    CONFIG_RETENTION_BYTES,
    CONFIG_SEGMENT_BYTES,
    CONFIG_MESSAGE_BYTES,
    CONFIG_TIMESTAMP,
    CONFIG_DURABILITY,
    CONFIG_SEGMENT_MS,
    CONFIG_TOMBSTONE_MS,
    CONFIG_COMPACT_LAG_MS,
    CONFIG_DIRTY,
    CONFIG_COMPACT_LAG_MS_MAX,
    CONFIG_TIMESTAMP_BEFORE,
    CONFIG_TIMESTAMP_AFTER,
    CONFIG_CODEC,
};
struct config {
    const char *name;
    enum config_own own;
    enum config_type type;
    const char *fallback; /* Kafka's default */
    const char *broker;   /* of a topic's: the broker's configuration that is its default */
};
const struct config *configs_of(enum config_resource resource, int *count);
const struct config *config_find(enum config_resource resource, struct bytes name); /* or NULL */
/* NULL when it is a value of it, and then options (may be NULL) have it; else what a value is. */
const char *config_apply(const struct config *c, struct bytes value,
                         struct log_topic_options *options);
struct bytes config_value(const struct log_topic_options *o, enum config_own own,
                          struct arena *arena);

/* May the client do it (describe or alter them)? */
enum kafka_error config_right(const struct call *call, enum acl_operation operation, int8_t type,
                              struct bytes name);
/* Whose configurations are meant. */
struct config_target {
    enum config_resource resource;
    struct log_topic *topic;
};
enum kafka_error config_target(const struct kafka_face *face, int8_t type, struct bytes name,
                               struct config_target *out, struct diag *diag);

/* What was set; value ptr NULL: no longer. owner: the topic's name or group's id. */
void config_keep(struct log_entry *entry, enum config_resource resource, struct bytes owner,
                 const struct config *c, struct bytes value);
bool config_kept(const struct kafka_face *face, enum config_resource resource, struct bytes owner,
                 const struct config *c, struct bytes *value);
struct bytes config_default(const struct kafka_face *face, const struct config *c,
                            struct arena *arena);
/* The same, as the server was started: without what was set since. */
struct bytes config_initial(const struct kafka_face *face, const struct config *c,
                            struct arena *arena);
void configs_topic_defaults(const struct kafka_face *face, struct log_topic_options *options);

struct config_entry {
    const char *name;
    struct bytes value; /* ptr NULL: none */
    bool is_default, read_only;
    int8_t type, source;         /* Kafka's ConfigType, ConfigSource */
    const struct config *config; /* NULL: static, of the broker */
};
enum { CONFIG_ENTRIES_MAX = 64 };
int configs_of_topic(const struct kafka_face *face, const struct log_topic *topic,
                     struct arena *arena, struct config_entry out[CONFIG_ENTRIES_MAX]);
void configs_forget(struct kafka_face *face, struct bytes topic);

#endif
