/* acl.h: who may do what to which: Kafka's access control lists, as its authorizer reads them.
 *
 * A binding says that a principal, from a host, may (or may not) do an operation to the resources a
 * pattern names. Asked about one resource: a DENY that matches wins; then an ALLOW that matches,
 * where Read, Write, Delete and Alter allow Describe too, and AlterConfigs DescribeConfigs; where
 * nothing is said of the resource at all, the setting. Numbers are Kafka's own.
 *
 * Owns:    an index in memory of what is kept as facts of the log (LOG_KV_SECURITY,
 * docs/format/kafka.md). Threads: the loop's.   Layer: serve. Limits:  ACLS_MAX bindings.
 */
#ifndef QW_SERVE_SECURITY_ACL_H
#define QW_SERVE_SECURITY_ACL_H

#include "base/map.h"
#include "store/log/log.h"

enum { ACLS_MAX = 100000 };

enum acl_resource {
    ACL_RESOURCE_ANY = 1,
    ACL_TOPIC = 2,
    ACL_GROUP = 3,
    ACL_CLUSTER = 4,
    ACL_TRANSACTIONAL_ID = 5,
    ACL_DELEGATION_TOKEN = 6,
    ACL_USER = 7,
};
#define ACL_CLUSTER_NAME BYTES_LITERAL("kafka-cluster")

enum acl_pattern { ACL_PATTERN_ANY = 1, ACL_MATCH = 2, ACL_LITERAL = 3, ACL_PREFIXED = 4 };

enum acl_operation {
    ACL_OPERATION_ANY = 1,
    ACL_ALL = 2,
    ACL_READ,
    ACL_WRITE,
    ACL_CREATE,
    ACL_DELETE,
    ACL_ALTER,
    ACL_DESCRIBE,
    ACL_CLUSTER_ACTION,
    ACL_DESCRIBE_CONFIGS,
    ACL_ALTER_CONFIGS,
    ACL_IDEMPOTENT_WRITE,
    ACL_CREATE_TOKENS,
    ACL_DESCRIBE_TOKENS,
    ACL_TWO_PHASE_COMMIT,
    ACL_OPERATION_LAST = ACL_TWO_PHASE_COMMIT,
};

const char *acl_resource_name(enum acl_resource resource);    /* "topic", "transactional-id"; "?" */
const char *acl_operation_name(enum acl_operation operation); /* "describe-configs"; "?" */

enum acl_permission { ACL_PERMISSION_ANY = 1, ACL_DENY = 2, ACL_ALLOW = 3 };

/* A binding, or a filter over them: there _ANY, ACL_MATCH and texts with ptr NULL leave open. */
struct acl {
    uint8_t resource, pattern, operation, permission;
    struct bytes name, principal, host;
};

struct acl_set; /* of one resource and pattern */

struct acls {
    struct log *log;
    struct map sets;            /* resource, pattern, name: to a struct acl_set */
    struct acl_length *lengths; /* of prefixes in use */
    uint32_t lengths_count, count;
};

void acls_open(struct acls *acls, struct log *log); /* reads the facts */
void acls_close(struct acls *acls);

/* NULL: it can be kept; else what is wrong with it. */
const char *acl_error(const struct acl *acl);
const char *acl_filter_error(const struct acl *filter);

/* In two steps, for the log may refuse: the fact into an entry, and when that is committed the
 * index. */
void acl_keep(struct log_entry *entry, const struct acl *acl);
void acl_drop(struct log_entry *entry, const struct acl *acl);
void acls_add(struct acls *acls, const struct acl *acl); /* nothing when it is there */
void acls_remove(struct acls *acls, const struct acl *acl);

/* Those that the filter lets through, a resource's together. Views live until the index changes. */
typedef void acl_fn(void *context, const struct acl *acl);
void acls_each(const struct acls *acls, const struct acl *filter, acl_fn *fn, void *context);

struct acl_question {
    struct bytes principal, host; /* "User:alice", "127.0.0.1" */
    enum acl_operation operation;
    enum acl_resource resource;
    struct bytes name;
};
enum acl_answer { ACL_NOT_SAID, ACL_ALLOWED, ACL_DENIED, ACL_NOBODY_SAID };
/* ACL_NOT_SAID: there are entries for the resource, none of which is about this; ACL_NOBODY_SAID:
 * none. */
enum acl_answer acls_ask(const struct acls *acls, const struct acl_question *q);
/* May it be done to any resource of the kind? The name is not looked at. */
enum acl_answer acls_ask_any(const struct acls *acls, const struct acl_question *q);

#endif
