/* quickwater acl: who may do what, of a running server or any Kafka cluster. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "app/cli/commands.h"
#include "app/cli/kafka_client.h"
#include "app/cli/rows.h"
#include "base/check.h"
#include "serve/security/acl.h"

enum { OPERATIONS_MAX = 16 };

struct acl_args {
    struct kafka_link link;
    const char *principal, *host, *operations, *topic, *group, *transactional_id, *user_resource, *pattern;
    bool cluster, deny, all, json;
};

static const struct row_column columns[] = {
    {"RESOURCE", "resource"}, {"NAME", "name"},           {"PATTERN", "pattern"},       {"PRINCIPAL", "principal"},
    {"HOST", "host"},         {"OPERATION", "operation"}, {"PERMISSION", "permission"}, {0}};

/* ---- words for Kafka's numbers ---- */

typedef const char *words_fn(int8_t number); /* "?" past the last */

static const char *resource_word(int8_t number)
{
    return acl_resource_name((enum acl_resource)number);
}

static const char *operation_word(int8_t number)
{
    return acl_operation_name((enum acl_operation)number);
}

static const char *pattern_word(int8_t number)
{
    return number == ACL_PATTERN_ANY ? "any"
           : number == ACL_MATCH     ? "match"
           : number == ACL_LITERAL   ? "literal"
           : number == ACL_PREFIXED  ? "prefixed"
                                     : "?";
}

static const char *permission_word(int8_t number)
{
    return number == ACL_DENY ? "deny" : number == ACL_ALLOW ? "allow" : "?";
}

/* "alter-configs", as well as Kafka's "AlterConfigs". */
static bool is_word(const char *word, struct bytes text)
{
    size_t i = 0;

    for (; *word && i < text.len; word++) {
        if (*word == '-' && text.ptr[i] != '-')
            continue;
        if ((text.ptr[i] | 0x20) != (*word | 0x20))
            return false;
        i++;
    }
    return !*word && i == text.len && i > 0;
}

/* 0: it is none. */
static int8_t number_of(words_fn *words, struct bytes text)
{
    for (int8_t n = 1; words(n)[0] != '?'; n++)
        if (is_word(words(n), text))
            return n;
    return 0;
}

/* ---- what is meant ---- */

struct bindings {
    struct acl at[OPERATIONS_MAX];
    int count;
};

/* One resource at most is named; what is left open is "any". */
static int read_resource(const struct acl_args *args, struct acl *out)
{
    const struct {
        const char *name;
        uint8_t resource;
    } given[] = {{args->topic, ACL_TOPIC},
                 {args->group, ACL_GROUP},
                 {args->transactional_id, ACL_TRANSACTIONAL_ID},
                 {args->user_resource, ACL_USER},
                 {args->cluster ? "kafka-cluster" : NULL, ACL_CLUSTER}};
    int count = 0;

    for (size_t i = 0; i < sizeof(given) / sizeof(*given); i++)
        if (given[i].name) {
            out->resource = given[i].resource;
            out->name = bytes_str(given[i].name);
            count++;
        }
    if (count > 1)
        return fail_user("acl: name one resource: --topic, --group, --transactional-id, --of-user or --cluster");
    if (args->pattern) {
        out->pattern = (uint8_t)number_of(pattern_word, bytes_str(args->pattern));
        if (!out->pattern)
            return fail_user("--pattern: '%s' is neither literal nor prefixed", args->pattern);
    }
    return 0;
}

static int read_bindings(const struct acl_args *args, struct bindings *out)
{
    struct acl one = {.resource = ACL_RESOURCE_ANY,
                      .pattern = ACL_PATTERN_ANY,
                      .operation = ACL_OPERATION_ANY,
                      .permission = args->deny ? ACL_DENY : ACL_PERMISSION_ANY};
    struct bytes rest = args->operations ? bytes_str(args->operations) : BYTES_LITERAL("any");
    int code = read_resource(args, &one);

    if (code)
        return code;
    one.principal = args->principal ? bytes_str(args->principal) : BYTES_NONE;
    one.host = args->host ? bytes_str(args->host) : BYTES_NONE;
    if (args->principal && bytes_find(one.principal, ':', 0) == one.principal.len)
        return fail_user("--principal: '%s' has no kind before it: User:%s", args->principal, args->principal);
    for (out->count = 0; rest.len;) {
        size_t comma = bytes_find(rest, ',', 0);
        struct bytes word = bytes_head(rest, comma);
        one.operation = (uint8_t)number_of(operation_word, word);
        if (!one.operation || out->count == OPERATIONS_MAX)
            return fail_user(
                "--operation: '%.*s' is none; operations are read, write, create, delete, alter, describe, "
                "describe-configs, alter-configs, cluster-action, idempotent-write, all",
                BYTES_FMT(word));
        out->at[out->count++] = one;
        rest = bytes_skip(rest, comma + (comma < rest.len));
    }
    return 0;
}

/* A new binding leaves nothing open. */
static int settle_new(const struct acl_args *args, struct bindings *b)
{
    if (!args->principal || !args->operations)
        return fail_user("acl add needs --principal User:NAME and --operation read,write,…");
    for (int i = 0; i < b->count; i++) {
        struct acl *a = &b->at[i];
        if (a->resource == ACL_RESOURCE_ANY)
            return fail_user("acl add needs a resource: --topic T, --group G, --transactional-id ID or --cluster");
        if (!args->pattern)
            a->pattern = ACL_LITERAL;
        if (a->pattern != ACL_LITERAL && a->pattern != ACL_PREFIXED)
            return fail_user("--pattern: an ACL that is added is literal or prefixed");
        if (a->operation == ACL_OPERATION_ANY)
            return fail_user("--operation: 'any' is for looking; 'all' allows everything");
        a->permission = args->deny ? ACL_DENY : ACL_ALLOW;
        if (!a->host.ptr)
            a->host = BYTES_LITERAL("*");
    }
    return 0;
}

/* ---- actions ---- */

static int list(const struct acl_args *args, struct kafka_client *client, const struct bindings *b)
{
    json_t *rows = json_array();
    int code = 0;

    for (int i = 0; i < b->count && code == 0; i++) {
        struct kafka_describe_acls_req req;
        const struct acl *f = &b->at[i];
        kafka_describe_acls_req_init(&req);
        req.resource_type_filter = (int8_t)f->resource;
        req.resource_name_filter = f->name;
        req.pattern_type_filter = (int8_t)f->pattern;
        req.principal_filter = f->principal;
        req.host_filter = f->host;
        req.operation = (int8_t)f->operation;
        req.permission_type = (int8_t)f->permission;
        const struct kafka_describe_acls_res *res =
            kafka_client_ask(client, KAFKA_NODE_ANY, KAFKA_DESCRIBE_ACLS, &req);
        if (!res)
            code = kafka_client_code(client);
        else if (res->error_code)
            code = kafka_fail(res->error_code, res->error_message, "the ACLs are not listed");
        for (int32_t r = 0; res && r < res->resources.count; r++)
            for (int32_t k = 0; k < res->resources.at[r].acls.count; k++) {
                const struct kafka_describe_acls_res_resource *on = &res->resources.at[r];
                const struct kafka_describe_acls_res_acl *a = &on->acls.at[k];
                json_array_append_new(
                    rows,
                    json_pack("{s:s, s:o, s:s, s:o, s:o, s:s, s:s}", "resource", resource_word(on->resource_type),
                              "name", rows_text(on->resource_name), "pattern", pattern_word(on->pattern_type),
                              "principal", rows_text(a->principal), "host", rows_text(a->host), "operation",
                              operation_word(a->operation), "permission", permission_word(a->permission_type)));
            }
    }
    if (code == 0 && args->json)
        rows_json(rows);
    else if (code == 0)
        rows_print(rows, columns);
    json_decref(rows);
    return code;
}

static int add(struct kafka_client *client, const struct bindings *b)
{
    struct kafka_create_acls_req_creation creations[OPERATIONS_MAX];
    struct kafka_create_acls_req req;

    for (int i = 0; i < b->count; i++) {
        const struct acl *a = &b->at[i];
        kafka_init(&kafka_create_acls_req_creation_type, &creations[i]);
        creations[i].resource_type = (int8_t)a->resource;
        creations[i].resource_name = a->name;
        creations[i].resource_pattern_type = (int8_t)a->pattern;
        creations[i].principal = a->principal;
        creations[i].host = a->host;
        creations[i].operation = (int8_t)a->operation;
        creations[i].permission_type = (int8_t)a->permission;
    }
    kafka_create_acls_req_init(&req);
    req.creations.at = creations;
    req.creations.count = b->count;
    const struct kafka_create_acls_res *res = kafka_client_ask(client, KAFKA_NODE_ANY, KAFKA_CREATE_ACLS, &req);
    if (!res)
        return kafka_client_code(client);
    for (int32_t i = 0; i < res->results.count && i < b->count; i++)
        if (res->results.at[i].error_code)
            return kafka_fail(res->results.at[i].error_code, res->results.at[i].error_message, "'%s' is not added",
                              operation_word((int8_t)b->at[i].operation));
    return 0;
}

static int delete (struct kafka_client *client, const struct bindings *b)
{
    struct kafka_delete_acls_req_filter filters[OPERATIONS_MAX];
    struct kafka_delete_acls_req req;
    int gone = 0;

    for (int i = 0; i < b->count; i++) {
        const struct acl *a = &b->at[i];
        kafka_init(&kafka_delete_acls_req_filter_type, &filters[i]);
        filters[i].resource_type_filter = (int8_t)a->resource;
        filters[i].resource_name_filter = a->name;
        filters[i].pattern_type_filter = (int8_t)a->pattern;
        filters[i].principal_filter = a->principal;
        filters[i].host_filter = a->host;
        filters[i].operation = (int8_t)a->operation;
        filters[i].permission_type = (int8_t)a->permission;
    }
    kafka_delete_acls_req_init(&req);
    req.filters.at = filters;
    req.filters.count = b->count;
    const struct kafka_delete_acls_res *res = kafka_client_ask(client, KAFKA_NODE_ANY, KAFKA_DELETE_ACLS, &req);
    if (!res)
        return kafka_client_code(client);
    for (int32_t i = 0; i < res->filter_results.count; i++) {
        const struct kafka_delete_acls_res_filter_result *f = &res->filter_results.at[i];
        if (f->error_code)
            return kafka_fail(f->error_code, f->error_message, "the ACLs are not deleted");
        for (int32_t k = 0; k < f->matching_acls.count; k++) {
            if (f->matching_acls.at[k].error_code)
                return kafka_fail(f->matching_acls.at[k].error_code, f->matching_acls.at[k].error_message,
                                  "an ACL is not deleted");
            gone++;
        }
    }
    printf("%d deleted\n", gone);
    return gone ? 0 : fail_user("no ACL is like that; see quickwater acl list");
}

static int run_action(const struct acl_args *args, const char *action)
{
    struct bindings b = {.count = 0};
    bool adds = strcmp(action, "add") == 0, deletes = strcmp(action, "delete") == 0;
    int code = read_bindings(args, &b);

    if (!adds && !deletes && strcmp(action, "list") != 0)
        return fail_user("acl: there is no '%s'; one of list, add, delete", action);
    if (code == 0 && adds)
        code = settle_new(args, &b);
    if (code)
        return code;
    if (deletes && !args->all && !args->principal && b.at[0].resource == ACL_RESOURCE_ANY)
        return fail_user(
            "acl delete without a resource or --principal would delete all: add --all if that is meant");
    struct kafka_client *client = kafka_client_open(&args->link);
    if (!client)
        return EXIT_USER;
    code = adds ? add(client, &b) : deletes ? delete (client, &b) : list(args, client, &b);
    kafka_client_close(client);
    return code;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct acl_args acl = {0};
    const struct arg args[] = {
        KAFKA_LINK_ARGS(&acl.link),
        {"--principal", "User:NAME", "whom it is about; User:* is everybody", ARG_TEXT, &acl.principal},
        {"--host", "ADDRESS", "from where; add: default all (*)", ARG_TEXT, &acl.host},
        {"--operation", "A,B,…",
         "read, write, create, delete, alter, describe, describe-configs, alter-configs, …, all", ARG_TEXT,
         &acl.operations},
        {"--topic", "T", "of this topic; * is all", ARG_TEXT, &acl.topic},
        {"--group", "G", "of this group", ARG_TEXT, &acl.group},
        {"--transactional-id", "ID", "of this transactional id", ARG_TEXT, &acl.transactional_id},
        {"--of-user", "NAME", "of this user's credentials", ARG_TEXT, &acl.user_resource},
        {"--cluster", NULL, "of the cluster", ARG_FLAG, &acl.cluster},
        {"--pattern", "literal|prefixed",
         "add: prefixed holds for all names that begin so; list, delete: match too", ARG_TEXT, &acl.pattern},
        {"--deny", NULL, "may not; it wins over what may", ARG_FLAG, &acl.deny},
        {"--all", NULL, "delete: all there are", ARG_FLAG, &acl.all},
        {"--json", NULL, "list: as JSON", ARG_FLAG, &acl.json},
        {0}};
    int count = args_parse(self, args, argc, argv);

    if (count < 0)
        return count == -1 ? 0 : EXIT_USER;
    if (count > 1)
        return fail_user("acl %s takes no argument '%s'; what it is about are options", argv[1], argv[2]);
    int code = kafka_link_settle(&acl.link);
    if (code == 0)
        code = run_action(&acl, count ? argv[1] : "list");
    kafka_link_forget(&acl.link);
    return code;
}

const struct command command_acl = {
    .name = "acl",
    .usage = "list | add … | delete …",
    .help = "access control lists: who may do what",
    .more = "list and delete take what add takes, each as far as it is given:\n"
            "quickwater acl add --principal User:ann --operation read,describe --topic orders --pattern prefixed",
    .actions = "list add delete",
    .run = run,
};
