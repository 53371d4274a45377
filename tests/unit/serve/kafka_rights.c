/* What a client may do: every API that the face serves, asked by every kind of principal. Requests
 * are made from the table of messages and answers searched for codes, so that an API without a row
 * here is a failure. */
#include <stdio.h>

#include "lib/kafka_auth.h"
#include "lib/test.h"

enum { TOPIC_TYPE = 2, BROKER_TYPE = 4, GROUP_TYPE = 32, RIGHTS_MAX = 3 };
enum {
    NO_TOPIC = KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED,
    NO_GROUP = KAFKA_ERR_GROUP_AUTHORIZATION_FAILED,
    NO_CLUSTER = KAFKA_ERR_CLUSTER_AUTHORIZATION_FAILED,
    NO_ID = KAFKA_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED
};

struct right {
    uint8_t operation, resource;
    int16_t code; /* of its want */
};

/* One request, and what it takes; the first right is what Kafka looks at first. */
struct row {
    int16_t key, version;
    int8_t type;          /* of a configuration's resource, or a coordinator's key */
    bool without_id;      /* no transactional id */
    const char *topic;    /* NULL: "rt", which is there */
    const char *resource; /* a configuration's; NULL: the topic */
    struct right rights[RIGHTS_MAX];
};

#define TOPIC(op)                                                                                  \
    {                                                                                              \
        ACL_##op, ACL_TOPIC, NO_TOPIC                                                              \
    }
#define GROUP(op)                                                                                  \
    {                                                                                              \
        ACL_##op, ACL_GROUP, NO_GROUP                                                              \
    }
#define CLUSTER(op)                                                                                \
    {                                                                                              \
        ACL_##op, ACL_CLUSTER, NO_CLUSTER                                                          \
    }
#define ID(op)                                                                                     \
    {                                                                                              \
        ACL_##op, ACL_TRANSACTIONAL_ID, NO_ID                                                      \
    }

static const struct row rows[] = {
    {.key = KAFKA_PRODUCE, .version = 11, .rights = {ID(WRITE), TOPIC(WRITE)}},
    {.key = KAFKA_PRODUCE, .version = 7, .without_id = true, .rights = {TOPIC(WRITE)}},
    {.key = KAFKA_FETCH, .version = 12, .rights = {TOPIC(READ)}},
    {.key = KAFKA_LIST_OFFSETS, .version = 10, .rights = {TOPIC(DESCRIBE)}},
    {.key = KAFKA_METADATA, .version = 12, .rights = {TOPIC(DESCRIBE)}},
    {.key = KAFKA_METADATA,
     .version = 4,
     .topic = "rnew4",
     .rights = {TOPIC(DESCRIBE), TOPIC(CREATE)}},
    {.key = KAFKA_OFFSET_COMMIT, .version = 8, .rights = {GROUP(READ), TOPIC(READ)}},
    {.key = KAFKA_OFFSET_FETCH, .version = 9, .rights = {GROUP(DESCRIBE), TOPIC(DESCRIBE)}},
    {.key = KAFKA_OFFSET_FETCH, .version = 7, .rights = {GROUP(DESCRIBE), TOPIC(DESCRIBE)}},
    {.key = KAFKA_OFFSET_FETCH, .version = 1, .rights = {GROUP(DESCRIBE), TOPIC(DESCRIBE)}},
    {.key = KAFKA_FIND_COORDINATOR, .version = 4, .rights = {GROUP(DESCRIBE)}},
    {.key = KAFKA_FIND_COORDINATOR, .version = 3, .rights = {GROUP(DESCRIBE)}},
    {.key = KAFKA_FIND_COORDINATOR, .version = 4, .type = 1, .rights = {ID(DESCRIBE)}},
    {.key = KAFKA_JOIN_GROUP, .version = 9, .rights = {GROUP(READ)}},
    {.key = KAFKA_HEARTBEAT, .version = 4, .rights = {GROUP(READ)}},
    {.key = KAFKA_LEAVE_GROUP, .version = 5, .rights = {GROUP(READ)}},
    {.key = KAFKA_SYNC_GROUP, .version = 5, .rights = {GROUP(READ)}},
    {.key = KAFKA_DESCRIBE_GROUPS, .version = 5, .rights = {GROUP(DESCRIBE)}},
    {.key = KAFKA_LIST_GROUPS, .version = 5},
    {.key = KAFKA_SASL_HANDSHAKE, .version = -1},
    {.key = KAFKA_SASL_AUTHENTICATE, .version = -1},
    {.key = KAFKA_API_VERSIONS, .version = 4},
    {.key = KAFKA_CREATE_TOPICS, .version = 7, .topic = "rnew7", .rights = {TOPIC(CREATE)}},
    {.key = KAFKA_CREATE_TOPICS,
     .version = 2,
     .topic = "rnew2",
     .rights = {{ACL_CREATE, ACL_CLUSTER, NO_TOPIC}}},
    {.key = KAFKA_DELETE_TOPICS, .version = 6, .topic = "rgone", .rights = {TOPIC(DELETE)}},
    {.key = KAFKA_DELETE_TOPICS, .version = 5, .topic = "rgone", .rights = {TOPIC(DELETE)}},
    {.key = KAFKA_DELETE_RECORDS, .version = 2, .rights = {TOPIC(DELETE)}},
    {.key = KAFKA_INIT_PRODUCER_ID, .version = 4, .rights = {ID(WRITE)}},
    {.key = KAFKA_INIT_PRODUCER_ID,
     .version = 4,
     .without_id = true,
     .rights = {CLUSTER(IDEMPOTENT_WRITE)}},
    {.key = KAFKA_OFFSET_FOR_LEADER_EPOCH, .version = 4, .rights = {TOPIC(DESCRIBE)}},
    {.key = KAFKA_ADD_PARTITIONS_TO_TXN, .version = 3, .rights = {ID(WRITE), TOPIC(WRITE)}},
    {.key = KAFKA_ADD_PARTITIONS_TO_TXN, .version = 5, .rights = {CLUSTER(CLUSTER_ACTION)}},
    {.key = KAFKA_ADD_OFFSETS_TO_TXN, .version = 4, .rights = {ID(WRITE), GROUP(READ)}},
    {.key = KAFKA_END_TXN, .version = 4, .rights = {ID(WRITE)}},
    {.key = KAFKA_WRITE_TXN_MARKERS, .version = 1, .rights = {CLUSTER(CLUSTER_ACTION)}},
    {.key = KAFKA_WRITE_TXN_MARKERS, .version = 1, .rights = {CLUSTER(ALTER)}},
    {.key = KAFKA_TXN_OFFSET_COMMIT, .version = 4, .rights = {ID(WRITE), GROUP(READ), TOPIC(READ)}},
    {.key = KAFKA_DESCRIBE_ACLS, .version = 3, .rights = {CLUSTER(DESCRIBE)}},
    {.key = KAFKA_CREATE_ACLS, .version = 3, .rights = {CLUSTER(ALTER)}},
    {.key = KAFKA_DELETE_ACLS, .version = 3, .rights = {CLUSTER(ALTER)}},
    {.key = KAFKA_DESCRIBE_CONFIGS,
     .version = 4,
     .type = TOPIC_TYPE,
     .rights = {TOPIC(DESCRIBE_CONFIGS)}},
    {.key = KAFKA_DESCRIBE_CONFIGS,
     .version = 4,
     .type = BROKER_TYPE,
     .resource = "1",
     .rights = {CLUSTER(DESCRIBE_CONFIGS)}},
    {.key = KAFKA_DESCRIBE_CONFIGS,
     .version = 4,
     .type = GROUP_TYPE,
     .resource = "rg",
     .rights = {GROUP(DESCRIBE_CONFIGS)}},
    {.key = KAFKA_ALTER_CONFIGS,
     .version = 2,
     .type = TOPIC_TYPE,
     .rights = {TOPIC(ALTER_CONFIGS)}},
    {.key = KAFKA_ALTER_CONFIGS,
     .version = 2,
     .type = BROKER_TYPE,
     .resource = "1",
     .rights = {CLUSTER(ALTER_CONFIGS)}},
    {.key = KAFKA_INCREMENTAL_ALTER_CONFIGS,
     .version = 1,
     .type = TOPIC_TYPE,
     .rights = {TOPIC(ALTER_CONFIGS)}},
    {.key = KAFKA_INCREMENTAL_ALTER_CONFIGS,
     .version = 1,
     .type = GROUP_TYPE,
     .resource = "rg",
     .rights = {GROUP(ALTER_CONFIGS)}},
    {.key = KAFKA_DESCRIBE_LOG_DIRS, .version = 4, .rights = {CLUSTER(DESCRIBE)}},
    {.key = KAFKA_CREATE_PARTITIONS, .version = 3, .rights = {TOPIC(ALTER)}},
    {.key = KAFKA_DELETE_GROUPS, .version = 2, .rights = {GROUP(DELETE)}},
    {.key = KAFKA_ELECT_LEADERS, .version = 2, .rights = {CLUSTER(ALTER)}},
    {.key = KAFKA_ALTER_PARTITION_REASSIGNMENTS, .version = 0, .rights = {CLUSTER(ALTER)}},
    {.key = KAFKA_LIST_PARTITION_REASSIGNMENTS, .version = 0, .rights = {CLUSTER(DESCRIBE)}},
    {.key = KAFKA_OFFSET_DELETE, .version = 0, .rights = {GROUP(DELETE), TOPIC(READ)}},
    {.key = KAFKA_DESCRIBE_CLIENT_QUOTAS, .version = 1, .rights = {CLUSTER(DESCRIBE_CONFIGS)}},
    {.key = KAFKA_ALTER_CLIENT_QUOTAS, .version = 1, .rights = {CLUSTER(ALTER_CONFIGS)}},
    {.key = KAFKA_DESCRIBE_USER_SCRAM_CREDENTIALS, .version = 0, .rights = {CLUSTER(DESCRIBE)}},
    {.key = KAFKA_ALTER_USER_SCRAM_CREDENTIALS, .version = 0, .rights = {CLUSTER(ALTER)}},
    {.key = KAFKA_DESCRIBE_CLUSTER, .version = 2},
    {.key = KAFKA_DESCRIBE_PRODUCERS, .version = 0, .rights = {TOPIC(READ)}},
    {.key = KAFKA_DESCRIBE_TRANSACTIONS, .version = 0, .rights = {ID(DESCRIBE)}},
    {.key = KAFKA_LIST_TRANSACTIONS, .version = 2},
    {.key = KAFKA_CONSUMER_GROUP_HEARTBEAT, .version = 1, .rights = {GROUP(READ), TOPIC(DESCRIBE)}},
    {.key = KAFKA_CONSUMER_GROUP_DESCRIBE, .version = 1, .rights = {GROUP(DESCRIBE)}},
    {.key = KAFKA_UPDATE_FEATURES, .version = 1, .rights = {CLUSTER(ALTER)}},
    {.key = KAFKA_END_TXN, .version = 5, .rights = {ID(WRITE)}},
    {.key = KAFKA_TXN_OFFSET_COMMIT, .version = 5, .rights = {ID(WRITE), GROUP(READ), TOPIC(READ)}},
    {.key = KAFKA_DESCRIBE_TOPIC_PARTITIONS, .version = 0, .rights = {TOPIC(DESCRIBE)}},
};
enum { ROWS = sizeof(rows) / sizeof(*rows) };

/* ---- requests from the table of messages ---- */

static bool has_word(const char *name, const char *word)
{
    return strstr(name, word) != NULL;
}

static struct bytes text_for(const struct row *row, const char *field)
{
    if (has_word(field, "transactional"))
        return row->without_id ? BYTES_NONE : BYTES_LITERAL("rx");
    if (has_word(field, "resource_name"))
        return bytes_str(row->resource ? row->resource : row->topic ? row->topic : "rt");
    if (strcmp(field, "coordinator_keys") == 0 || strcmp(field, "key") == 0)
        return row->type == 1 ? BYTES_LITERAL("rx") : BYTES_LITERAL("rg");
    if (has_word(field, "group"))
        return BYTES_LITERAL("rg");
    return bytes_str(row->topic ? row->topic : "rt");
}

static int64_t number_for(const struct row *row, const struct kafka_field *f)
{
    if (strcmp(f->name, "acks") == 0)
        return -1;
    if (strcmp(f->name, "resource_type") == 0 || strcmp(f->name, "key_type") == 0)
        return row->type;
    return f->fallback;
}

static void fill(struct arena *arena, const struct row *row, const struct kafka_struct *type,
                 void *message);

static void fill_value(struct arena *arena, const struct row *row, const struct kafka_field *f,
                       void *at)
{
    bool may_be_null = f->null_first <= f->null_last && !f->array;
    int64_t number = number_for(row, f);

    switch (f->type) {
    case KAFKA_TYPE_STRING:
        if (!may_be_null || strcmp(f->name, "name") == 0 || has_word(f->name, "transactional"))
            *(struct bytes *)at = text_for(row, f->name);
        break;
    case KAFKA_TYPE_I8: *(int8_t *)at = (int8_t)number; break;
    case KAFKA_TYPE_I16: *(int16_t *)at = (int16_t)number; break;
    case KAFKA_TYPE_BYTES: *(struct bytes *)at = BYTES_LITERAL("x"); break;
    case KAFKA_TYPE_STRUCT:
        if (!may_be_null)
            fill(arena, row, f->of, at);
        break;
    default: break;
    }
}

static size_t size_of(const struct kafka_field *f)
{
    switch (f->type) {
    case KAFKA_TYPE_STRUCT: return f->of->size;
    case KAFKA_TYPE_UUID: return 16;
    case KAFKA_TYPE_STRING:
    case KAFKA_TYPE_BYTES: return sizeof(struct bytes);
    default: return 8;
    }
}

/* One element in each list, and names that this row's rights are about. */
static void fill(struct arena *arena, const struct row *row, const struct kafka_struct *type,
                 void *message)
{
    kafka_init(type, message);
    for (uint16_t i = 0; i < type->fields_count; i++) {
        const struct kafka_field *f = &type->fields[i];
        char *at = (char *)message + f->at;
        if (row->version < f->first || row->version > f->last)
            continue;
        if (!f->array) {
            fill_value(arena, row, f, at);
            continue;
        }
        struct kafka_array *list = (struct kafka_array *)(void *)at;
        list->at = arena_zalloc(arena, size_of(f));
        list->count = 1;
        fill_value(arena, row, f, list->at);
    }
}

/* ---- answers ---- */

struct codes {
    int16_t at[64];
    int count;
};

static void gather(const struct kafka_struct *type, const void *message, struct codes *codes)
{
    for (uint16_t i = 0; i < type->fields_count; i++) {
        const struct kafka_field *f = &type->fields[i];
        const char *at = (const char *)message + f->at;
        if (f->type == KAFKA_TYPE_I16 && has_word(f->name, "error_code") && codes->count < 64)
            codes->at[codes->count++] = *(const int16_t *)(const void *)at;
        if (f->type != KAFKA_TYPE_STRUCT)
            continue;
        if (f->array) {
            const struct kafka_array *list = (const struct kafka_array *)(const void *)at;
            for (int32_t k = 0; k < list->count; k++)
                gather(f->of, (const char *)list->at + (size_t)k * f->of->size, codes);
        } else if (f->null_first > f->null_last) {
            gather(f->of, at, codes);
        }
    }
}

/* The first code that says that something is not allowed; 0: none. */
static int16_t refused(struct peer *p, const struct row *row)
{
    const struct kafka_api *api = kafka_api_find(row->key);
    void *req = arena_zalloc(&p->rig->arena, api->request->size);
    void *res = arena_zalloc(&p->rig->arena, api->response->size);
    struct codes codes = {.count = 0};

    fill(&p->rig->arena, row, api->request, req);
    peer_call(p, row->key, row->version, req, res);
    gather(api->response, res, &codes);
    for (int i = 0; i < codes.count; i++)
        if (codes.at[i] == NO_TOPIC || codes.at[i] == NO_GROUP || codes.at[i] == NO_CLUSTER ||
            codes.at[i] == NO_ID || codes.at[i] == KAFKA_ERR_SECURITY_DISABLED)
            return codes.at[i];
    return 0;
}

/* ---- rights ---- */

static struct acl acl_for(const struct row *row, const struct right *right,
                          enum acl_pattern pattern, enum acl_permission permission,
                          const char *principal)
{
    static const char *const names[] = {[ACL_TOPIC] = "rt",
                                        [ACL_GROUP] = "rg",
                                        [ACL_CLUSTER] = "kafka-cluster",
                                        [ACL_TRANSACTIONAL_ID] = "rx"};
    const char *name = names[right->resource];

    if (right->resource == ACL_TOPIC && row->topic)
        name = row->topic;
    if (pattern == ACL_PREFIXED && right->resource != ACL_CLUSTER)
        name = "r";
    return (struct acl){right->resource,     (uint8_t)pattern, right->operation,
                        (uint8_t)permission, bytes_str(name),  bytes_str(principal),
                        BYTES_LITERAL("*")};
}

static void clear(struct rig *rig)
{
    struct acls *acls = security_acls(rig->security);

    acls_close(acls);
    acls_open(acls, rig->log);
}

/* All that the row takes, but not the right of number `but`. */
static void give(struct rig *rig, const struct row *row, enum acl_pattern pattern, int but,
                 const char *principal)
{
    for (int i = 0; i < RIGHTS_MAX && row->rights[i].operation; i++) {
        const struct acl acl = acl_for(row, &row->rights[i], pattern, ACL_ALLOW, principal);
        if (i != but)
            acls_add(security_acls(rig->security), &acl);
    }
}

static void deny(struct rig *rig, const struct row *row, int which, enum acl_pattern pattern)
{
    const struct acl acl = acl_for(row, &row->rights[which], pattern, ACL_DENY, "User:*");
    acls_add(security_acls(rig->security), &acl);
}

static void expect_code(struct peer *p, const struct row *row, int16_t want, const char *who)
{
    int16_t got = refused(p, row);

    if (got != want)
        test_fail(__FILE__, __LINE__, "%s v%d %s: code %d, expected %d",
                  kafka_api_find(row->key)->name, row->version, who, got, want);
}

static void expect_row(struct rig *rig, struct peer *bob, struct peer *super, const struct row *row)
{
    clear(rig);
    expect_code(bob, row, row->rights[0].code, "without rights");
    for (int i = 0; i < RIGHTS_MAX && row->rights[i].operation; i++) {
        int16_t code = row->rights[i].code;
        clear(rig);
        give(rig, row, ACL_LITERAL, i, "User:bob");
        expect_code(bob, row, code, "with all rights but one");
        give(rig, row, ACL_LITERAL, -1, "User:bob");
        deny(rig, row, i, ACL_LITERAL);
        expect_code(bob, row, code, "with all rights, one denied");
        clear(rig);
        give(rig, row, ACL_LITERAL, -1, "User:bob");
        deny(rig, row, i, ACL_PREFIXED);
        expect_code(bob, row, code, "with all rights, one denied by a prefix");
    }
    clear(rig);
    give(rig, row, ACL_LITERAL, -1, "User:carl");
    expect_code(bob, row, row->rights[0].code, "with another's rights");
    expect_code(super, row, 0, "as a super user");
    clear(rig);
    give(rig, row, ACL_PREFIXED, -1, "User:*");
    expect_code(bob, row, 0, "with all rights by prefix, for everybody");
    clear(rig);
    give(rig, row, ACL_LITERAL, -1, "User:bob");
    expect_code(bob, row, 0, "with all rights");
}

static void commit_offset(struct peer *p)
{
    static const struct row row = {.key = KAFKA_OFFSET_COMMIT, .version = 2};

    EXPECT_INT(refused(p, &row), 0);
}

static const struct security_options with_acls = {
    .sasl = "PLAIN", .users = "users", .acls = true, .super_users = "User:CN=x,O=y;User:admin"};

TEST_SECONDS(kafka_rights_of_every_api, 60)
{
    struct rig rig;
    bool seen[128] = {false};

    kafka_rig_open(&rig);
    rig_file(&rig, "users", "admin:a\nbob:b\n");
    rig_secure(&rig, &with_acls);
    struct peer *super = peer_open_as(&rig, "admin", "a"), *bob = peer_open_as(&rig, "bob", "b");
    kafka_rig_make_topic(super, "rt", 1);
    for (int i = 0; i < ROWS; i++) {
        seen[rows[i].key] = true;
        commit_offset(super); /* so that there is a group */
        if (rows[i].version >= 0)
            expect_row(&rig, bob, super, &rows[i]);
    }
    for (int i = 0; i < kafka_apis_count; i++)
        if (!seen[kafka_apis[i].key])
            test_fail(__FILE__, __LINE__, "no row says what %s takes", kafka_apis[i].name);
    peer_end(super);
    peer_end(bob);
    kafka_rig_close(&rig);
}

/* Without SASL nobody says who it is; what is given to User:ANONYMOUS or to all may be done. */
TEST_SECONDS(kafka_rights_of_the_anonymous, 60)
{
    struct rig rig;
    const struct security_options options = {.acls = true};

    kafka_rig_open(&rig);
    struct peer *maker = peer_open(&rig);
    kafka_rig_make_topic(maker, "rt", 1);
    commit_offset(maker);
    peer_end(maker);
    rig_secure(&rig, &options);
    struct peer *p = peer_open(&rig);
    for (int i = 0; i < ROWS; i++) {
        if (rows[i].version < 0 || rows[i].key == KAFKA_DELETE_GROUPS)
            continue;
        clear(&rig);
        expect_code(p, &rows[i], rows[i].rights[0].code, "anonymous without rights");
        give(&rig, &rows[i], ACL_LITERAL, -1, "User:ANONYMOUS");
        expect_code(p, &rows[i], 0, "anonymous with rights");
    }
    peer_end(p);
    kafka_rig_close(&rig);
}

/* ---- what is hidden ---- */

static struct kafka_metadata_res metadata(struct peer *p)
{
    struct kafka_metadata_req req;
    struct kafka_metadata_res res;

    kafka_metadata_req_init(&req);
    req.topics.count = -1;
    req.include_topic_authorized_operations = req.include_cluster_authorized_operations = true;
    peer_call(p, KAFKA_METADATA, 10, &req, &res);
    return res;
}

static void add_acl(struct rig *rig, enum acl_resource resource, enum acl_pattern pattern,
                    const char *name, enum acl_operation operation)
{
    const struct acl acl = {(uint8_t)resource, (uint8_t)pattern, (uint8_t)operation,
                            ACL_ALLOW,         bytes_str(name),  BYTES_LITERAL("User:bob"),
                            BYTES_LITERAL("*")};
    acls_add(security_acls(rig->security), &acl);
}

static int32_t groups_listed(struct peer *p)
{
    struct kafka_list_groups_req req;
    struct kafka_list_groups_res res;

    kafka_list_groups_req_init(&req);
    peer_call(p, KAFKA_LIST_GROUPS, 4, &req, &res);
    EXPECT_INT(res.error_code, 0);
    return res.groups.count;
}

TEST(kafka_rights_hide_what_may_not_be_described)
{
    struct rig rig;
    struct kafka_metadata_res res;

    kafka_rig_open(&rig);
    rig_file(&rig, "users", "admin:a\nbob:b\n");
    rig_secure(&rig, &with_acls);
    struct peer *super = peer_open_as(&rig, "admin", "a"), *bob = peer_open_as(&rig, "bob", "b");
    kafka_rig_make_topic(super, "rt", 1);
    kafka_rig_make_topic(super, "other", 1);
    commit_offset(super);
    EXPECT_INT(metadata(super).topics.count, 2);
    res = metadata(bob);
    EXPECT_INT(res.topics.count, 0);
    EXPECT_INT(res.cluster_authorized_operations, 0);
    EXPECT_INT(groups_listed(bob), 0);
    add_acl(&rig, ACL_TOPIC, ACL_PREFIXED, "ot", ACL_READ); /* lets it be described, too */
    res = metadata(bob);
    EXPECT_INT(res.topics.count, 1);
    EXPECT(bytes_is(res.topics.at[0].name, "other"));
    EXPECT_INT(res.topics.at[0].topic_authorized_operations, 1 << ACL_READ | 1 << ACL_DESCRIBE);
    add_acl(&rig, ACL_CLUSTER, ACL_LITERAL, "kafka-cluster", ACL_ALTER);
    EXPECT_INT(metadata(bob).cluster_authorized_operations, 1 << ACL_ALTER | 1 << ACL_DESCRIBE);
    EXPECT_INT(groups_listed(bob), 1); /* who may describe the cluster sees all groups */
    peer_end(super);
    peer_end(bob);
    kafka_rig_close(&rig);
}

/* ---- ACLs over the protocol ---- */

static int16_t create(struct peer *p, const struct acl *acl)
{
    struct kafka_create_acls_req req;
    struct kafka_create_acls_res res;

    kafka_create_acls_req_init(&req);
    req.creations.at = kafka_create_acls_req_creation_new(&p->rig->arena, 1);
    req.creations.count = 1;
    req.creations.at[0] = (struct kafka_create_acls_req_creation){
        (int8_t)acl->resource,  acl->name, (int8_t)acl->pattern,
        acl->principal,         acl->host, (int8_t)acl->operation,
        (int8_t)acl->permission};
    peer_call(p, KAFKA_CREATE_ACLS, 3, &req, &res);
    EXPECT_INT(res.results.count, 1);
    return res.results.at[0].error_code;
}

static const struct acl everything = {ACL_RESOURCE_ANY,   ACL_PATTERN_ANY, ACL_OPERATION_ANY,
                                      ACL_PERMISSION_ANY, {NULL, 0},       {NULL, 0},
                                      {NULL, 0}};

static int32_t described(struct peer *p, const struct acl *f)
{
    struct kafka_describe_acls_req req = {(int8_t)f->resource,  f->name, (int8_t)f->pattern,
                                          f->principal,         f->host, (int8_t)f->operation,
                                          (int8_t)f->permission};
    struct kafka_describe_acls_res res;
    int32_t count = 0;

    peer_call(p, KAFKA_DESCRIBE_ACLS, 3, &req, &res);
    if (res.error_code)
        return -res.error_code;
    for (int32_t i = 0; i < res.resources.count; i++)
        count += res.resources.at[i].acls.count;
    return count;
}

static int32_t deleted(struct peer *p, const struct acl *f)
{
    struct kafka_delete_acls_req req;
    struct kafka_delete_acls_res res;

    kafka_delete_acls_req_init(&req);
    req.filters.at = kafka_delete_acls_req_filter_new(&p->rig->arena, 1);
    req.filters.count = 1;
    req.filters.at[0] =
        (struct kafka_delete_acls_req_filter){(int8_t)f->resource,  f->name, (int8_t)f->pattern,
                                              f->principal,         f->host, (int8_t)f->operation,
                                              (int8_t)f->permission};
    peer_call(p, KAFKA_DELETE_ACLS, 3, &req, &res);
    return res.filter_results.at[0].error_code ? -res.filter_results.at[0].error_code
                                               : res.filter_results.at[0].matching_acls.count;
}

static struct acl on_topic(enum acl_pattern pattern, const char *name, enum acl_operation operation)
{
    return (struct acl){ACL_TOPIC,       (uint8_t)pattern,          (uint8_t)operation, ACL_ALLOW,
                        bytes_str(name), BYTES_LITERAL("User:bob"), BYTES_LITERAL("*")};
}

TEST(kafka_acls_are_made_kept_and_dropped)
{
    struct rig rig;
    struct acl acl, filter;

    kafka_rig_open(&rig);
    rig_file(&rig, "users", "admin:a\nbob:b\n");
    rig_secure(&rig, &with_acls);
    struct peer *p = peer_open_as(&rig, "admin", "a");
    acl = on_topic(ACL_LITERAL, "orders", ACL_READ);
    EXPECT_INT(create(p, &acl), 0);
    EXPECT_INT(create(p, &acl), 0); /* twice is once */
    acl = on_topic(ACL_PREFIXED, "ord", ACL_WRITE);
    EXPECT_INT(create(p, &acl), 0);
    acl = on_topic(ACL_LITERAL, "*", ACL_DESCRIBE);
    EXPECT_INT(create(p, &acl), 0);
    EXPECT_INT(described(p, &everything), 3);
    peer_end(p);
    rig_secure(&rig, &with_acls); /* a restart */
    p = peer_open_as(&rig, "admin", "a");
    EXPECT_INT(described(p, &everything), 3);
    filter = everything;
    filter.resource = ACL_TOPIC;
    filter.name = BYTES_LITERAL("orders");
    EXPECT_INT(described(p, &filter), 1);
    filter.pattern = ACL_MATCH;
    EXPECT_INT(described(p, &filter), 3);
    filter.pattern = ACL_PREFIXED;
    EXPECT_INT(described(p, &filter), 0);
    filter.pattern = ACL_MATCH;
    filter.operation = ACL_WRITE;
    EXPECT_INT(deleted(p, &filter), 1);
    EXPECT_INT(described(p, &everything), 2);
    filter.operation = 99;
    EXPECT_INT(described(p, &filter), -KAFKA_ERR_INVALID_REQUEST);
    EXPECT_INT(deleted(p, &filter), -KAFKA_ERR_INVALID_REQUEST);
    acl = on_topic(ACL_MATCH, "x", ACL_READ);
    EXPECT_INT(create(p, &acl), KAFKA_ERR_INVALID_REQUEST);
    acl = on_topic(ACL_LITERAL, "", ACL_READ);
    EXPECT_INT(create(p, &acl), KAFKA_ERR_INVALID_REQUEST);
    acl = on_topic(ACL_LITERAL, "x", ACL_READ);
    acl.principal = BYTES_LITERAL("bob");
    EXPECT_INT(create(p, &acl), KAFKA_ERR_INVALID_REQUEST);
    acl.principal = BYTES_LITERAL("User:bob");
    acl.resource = ACL_CLUSTER;
    EXPECT_INT(create(p, &acl), KAFKA_ERR_INVALID_REQUEST);
    EXPECT_INT(deleted(p, &everything), 2);
    peer_end(p);
    rig_secure(&rig, &with_acls);
    p = peer_open_as(&rig, "admin", "a");
    EXPECT_INT(described(p, &everything), 0);
    peer_end(p);
    struct security_options without = with_acls;
    without.acls = false;
    rig_secure(&rig, &without);
    p = peer_open_as(&rig, "bob", "b");
    EXPECT_INT(described(p, &everything), -KAFKA_ERR_SECURITY_DISABLED);
    EXPECT_INT(deleted(p, &everything), -KAFKA_ERR_SECURITY_DISABLED);
    EXPECT_INT(create(p, &acl), KAFKA_ERR_SECURITY_DISABLED);
    EXPECT_INT(metadata(p).cluster_authorized_operations != 0, 1);
    peer_end(p);
    kafka_rig_close(&rig);
}

/* ---- the authorizer alone ---- */

static struct acls acls;

static void say(enum acl_permission permission, enum acl_operation operation,
                enum acl_pattern pattern, const char *name, const char *principal, const char *host)
{
    const struct acl acl = {ACL_TOPIC,           (uint8_t)pattern, (uint8_t)operation,
                            (uint8_t)permission, bytes_str(name),  bytes_str(principal),
                            bytes_str(host)};
    EXPECT(!acl_error(&acl));
    acls_add(&acls, &acl);
}

static enum acl_answer ask(enum acl_operation operation, const char *name)
{
    const struct acl_question q = {BYTES_LITERAL("User:bob"), BYTES_LITERAL("10.0.0.1"), operation,
                                   ACL_TOPIC, bytes_str(name)};
    return acls_ask(&acls, &q);
}

static enum acl_answer ask_any(void)
{
    const struct acl_question q = {BYTES_LITERAL("User:bob"), BYTES_LITERAL("10.0.0.1"), ACL_WRITE,
                                   ACL_TOPIC, BYTES_NONE};
    return acls_ask_any(&acls, &q);
}

TEST(acls_as_kafka_reads_them)
{
    struct rig rig;

    kafka_rig_open(&rig);
    acls_open(&acls, rig.log);
    EXPECT_INT(ask(ACL_READ, "a"), ACL_NOBODY_SAID);
    EXPECT_INT(ask_any(), ACL_NOBODY_SAID);
    say(ACL_ALLOW, ACL_READ, ACL_LITERAL, "a", "User:carl", "*");
    EXPECT_INT(ask(ACL_READ, "a"), ACL_NOT_SAID); /* something is said of it, and not to bob */
    EXPECT_INT(ask(ACL_READ, "ab"), ACL_NOBODY_SAID);
    say(ACL_ALLOW, ACL_READ, ACL_LITERAL, "a", "User:bob", "10.0.0.2");
    EXPECT_INT(ask(ACL_READ, "a"), ACL_NOT_SAID);
    say(ACL_ALLOW, ACL_READ, ACL_LITERAL, "a", "User:bob", "10.0.0.1");
    EXPECT_INT(ask(ACL_READ, "a"), ACL_ALLOWED);
    EXPECT_INT(ask(ACL_DESCRIBE, "a"), ACL_ALLOWED); /* implied */
    EXPECT_INT(ask(ACL_WRITE, "a"), ACL_NOT_SAID);
    EXPECT_INT(ask_any(), ACL_NOT_SAID);
    say(ACL_DENY, ACL_DESCRIBE, ACL_LITERAL, "a", "User:*", "*");
    EXPECT_INT(ask(ACL_DESCRIBE, "a"), ACL_DENIED);
    EXPECT_INT(ask(ACL_READ, "a"), ACL_ALLOWED); /* a deny implies nothing */
    say(ACL_ALLOW, ACL_ALTER_CONFIGS, ACL_PREFIXED, "b", "User:bob", "*");
    EXPECT_INT(ask(ACL_DESCRIBE_CONFIGS, "bc"), ACL_ALLOWED);
    EXPECT_INT(ask(ACL_DESCRIBE, "bc"), ACL_NOT_SAID);
    say(ACL_ALLOW, ACL_ALL, ACL_PREFIXED, "c", "User:bob", "*");
    EXPECT_INT(ask(ACL_DELETE, "cde"), ACL_ALLOWED);
    EXPECT_INT(ask_any(), ACL_ALLOWED);
    say(ACL_DENY, ACL_ALL, ACL_PREFIXED, "cd", "User:bob", "*");
    EXPECT_INT(ask(ACL_DELETE, "cde"), ACL_DENIED);
    EXPECT_INT(ask(ACL_DELETE, "ce"), ACL_ALLOWED);
    EXPECT_INT(ask_any(), ACL_ALLOWED); /* the deny leaves some */
    say(ACL_DENY, ACL_WRITE, ACL_PREFIXED, "c", "User:bob", "*");
    EXPECT_INT(ask_any(), ACL_NOT_SAID);
    say(ACL_ALLOW, ACL_WRITE, ACL_LITERAL, "*", "User:*", "*");
    EXPECT_INT(ask(ACL_WRITE, "zzz"), ACL_ALLOWED);
    EXPECT_INT(ask_any(), ACL_ALLOWED);
    say(ACL_DENY, ACL_WRITE, ACL_LITERAL, "*", "User:bob", "*");
    EXPECT_INT(ask(ACL_WRITE, "zzz"), ACL_DENIED);
    EXPECT_INT(ask_any(), ACL_DENIED);
    acls_close(&acls);
    kafka_rig_close(&rig);
}
