/* quickwater user: who may log in by SCRAM or PLAIN, of a running server or any Kafka cluster. */
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/cli/commands.h"
#include "app/cli/kafka_client.h"
#include "app/cli/rows.h"
#include "base/check.h"
#include "serve/security/scram.h"

enum { SALT_BYTES = 32 };

struct user_args {
    struct kafka_link link;
    const char *new_password_file, *mechanism;
    int64_t iterations;
    bool json;
};

static const struct row_column columns[] = {
    {"USER", "user"}, {"MECHANISM", "mechanism"}, {"ITERATIONS", "iterations"}, {0}};

static const char *mechanism_name(int8_t mechanism)
{
    return mechanism == SCRAM_SHA_256 ? "SCRAM-SHA-256" : mechanism == SCRAM_SHA_512 ? "SCRAM-SHA-512" : "?";
}

static int list(const struct user_args *args, struct kafka_client *client)
{
    struct kafka_describe_user_scram_credentials_req req;

    kafka_describe_user_scram_credentials_req_init(&req);
    req.users.count = -1; /* all */
    const struct kafka_describe_user_scram_credentials_res *res =
        kafka_client_ask(client, KAFKA_NODE_ANY, KAFKA_DESCRIBE_USER_SCRAM_CREDENTIALS, &req);
    if (!res)
        return kafka_client_code(client);
    if (res->error_code)
        return kafka_fail(res->error_code, res->error_message, "the users are not listed");
    json_t *rows = json_array();
    for (int32_t i = 0; i < res->results.count; i++)
        for (int32_t k = 0; k < res->results.at[i].credential_infos.count; k++) {
            const struct kafka_describe_user_scram_credentials_res_credential_info *c =
                &res->results.at[i].credential_infos.at[k];
            json_array_append_new(rows, json_pack("{s:o, s:s, s:i}", "user", rows_text(res->results.at[i].user),
                                                  "mechanism", mechanism_name(c->mechanism), "iterations",
                                                  c->iterations));
        }
    if (args->json)
        rows_json(rows);
    else
        rows_print(rows, columns);
    json_decref(rows);
    return 0;
}

static int outcome(struct kafka_client *client, const struct kafka_alter_user_scram_credentials_req *req,
                   const char *what, const char *name)
{
    const struct kafka_alter_user_scram_credentials_res *res =
        kafka_client_ask(client, KAFKA_NODE_ANY, KAFKA_ALTER_USER_SCRAM_CREDENTIALS, req);

    if (!res)
        return kafka_client_code(client);
    for (int32_t i = 0; i < res->results.count; i++) {
        if (res->results.at[i].error_code == KAFKA_ERR_RESOURCE_NOT_FOUND)
            return fail_user("user '%s' has no such password; see quickwater user list", name);
        if (res->results.at[i].error_code)
            return kafka_fail(res->results.at[i].error_code, res->results.at[i].error_message,
                              "user '%s' is not %s", name, what);
    }
    return 0;
}

/* The mechanisms that are meant: one, or both. */
static bool is_meant(const struct user_args *args, enum scram_hash hash)
{
    return !args->mechanism || strcmp(args->mechanism, mechanism_name((int8_t)hash)) == 0;
}

static int set(const struct user_args *args, struct kafka_client *client, const char *name, const char *password)
{
    struct kafka_alter_user_scram_credentials_req_scram_credential_upsertion of[2];
    uint8_t salt[2][SALT_BYTES], salted[2][SCRAM_HASH_MAX];
    struct kafka_alter_user_scram_credentials_req req;
    int count = 0;

    for (enum scram_hash hash = SCRAM_SHA_256; hash <= SCRAM_SHA_512; hash++) {
        if (!is_meant(args, hash))
            continue;
        CHECK(RAND_bytes(salt[count], SALT_BYTES) == 1);
        scram_salt_password(hash, bytes_str(password), bytes_of(salt[count], SALT_BYTES),
                            (uint32_t)args->iterations, salted[count]);
        kafka_init(&kafka_alter_user_scram_credentials_req_scram_credential_upsertion_type, &of[count]);
        of[count].name = bytes_str(name);
        of[count].mechanism = (int8_t)hash;
        of[count].iterations = (int32_t)args->iterations;
        of[count].salt = bytes_of(salt[count], SALT_BYTES);
        of[count].salted_password = bytes_of(salted[count], scram_hash_len(hash));
        count++;
    }
    kafka_alter_user_scram_credentials_req_init(&req);
    req.upsertions.at = of;
    req.upsertions.count = count;
    int code = outcome(client, &req, "set", name);
    OPENSSL_cleanse(salted, sizeof(salted));
    return code;
}

/* What the user has of the mechanisms that are meant. */
static int delete (const struct user_args *args, struct kafka_client *client, const char *name)
{
    struct kafka_alter_user_scram_credentials_req_scram_credential_deletion of[2];
    struct kafka_describe_user_scram_credentials_req_user_name who = {bytes_str(name)};
    struct kafka_describe_user_scram_credentials_req ask;
    struct kafka_alter_user_scram_credentials_req req;
    int count = 0;

    kafka_describe_user_scram_credentials_req_init(&ask);
    ask.users.at = &who;
    ask.users.count = 1;
    const struct kafka_describe_user_scram_credentials_res *has =
        kafka_client_ask(client, KAFKA_NODE_ANY, KAFKA_DESCRIBE_USER_SCRAM_CREDENTIALS, &ask);
    if (!has)
        return kafka_client_code(client);
    if (has->error_code)
        return kafka_fail(has->error_code, has->error_message, "user '%s' is not deleted", name);
    for (int32_t i = 0; has->results.count == 1 && i < has->results.at[0].credential_infos.count && count < 2;
         i++) {
        int8_t mechanism = has->results.at[0].credential_infos.at[i].mechanism;
        if (!is_meant(args, (enum scram_hash)mechanism))
            continue;
        kafka_init(&kafka_alter_user_scram_credentials_req_scram_credential_deletion_type, &of[count]);
        of[count].name = bytes_str(name);
        of[count++].mechanism = mechanism;
    }
    if (count == 0)
        return fail_user("user '%s' has no such password; see quickwater user list", name);
    kafka_alter_user_scram_credentials_req_init(&req);
    req.deletions.at = of;
    req.deletions.count = count;
    return outcome(client, &req, "deleted", name);
}

static int run_action(const struct user_args *args, int count, char **argv)
{
    const char *action = count ? argv[1] : "list";
    bool lists = strcmp(action, "list") == 0, sets = strcmp(action, "set") == 0;
    char *password = NULL;

    if (!lists && !sets && strcmp(action, "delete") != 0)
        return fail_user("user: there is no '%s'; one of list, set, delete", action);
    if (count > (lists ? 1 : 2) || (!lists && count < 2))
        return lists ? fail_user("user list takes no argument '%s'", argv[2])
                     : fail_user("user %s needs one name: quickwater user %s NAME", action, action);
    if (args->mechanism && strcmp(args->mechanism, "SCRAM-SHA-256") != 0 &&
        strcmp(args->mechanism, "SCRAM-SHA-512") != 0)
        return fail_user("--mechanism: '%s' is neither SCRAM-SHA-256 nor SCRAM-SHA-512", args->mechanism);
    if (args->iterations < SCRAM_ITERATIONS_MIN || args->iterations > SCRAM_ITERATIONS_MAX)
        return fail_user("--iterations: %lld is not from %d to %d", (long long)args->iterations,
                         SCRAM_ITERATIONS_MIN, SCRAM_ITERATIONS_MAX);
    if (sets && !args->new_password_file)
        return fail_user("user set needs --new-password-file FILE, whose first line is the password");
    if (sets && !(password = secret_read("--new-password-file", args->new_password_file)))
        return EXIT_USER;
    struct kafka_client *client = kafka_client_open(&args->link);
    int code = EXIT_USER;
    if (client) {
        code = lists  ? list(args, client)
               : sets ? set(args, client, argv[2], password)
                      : delete (args, client, argv[2]);
        kafka_client_close(client);
    }
    secret_free(password);
    return code;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct user_args user = {.iterations = SCRAM_ITERATIONS_MIN};
    const struct arg args[] = {
        KAFKA_LINK_ARGS(&user.link),
        {"--new-password-file", "FILE", "set: the password; /dev/stdin: from standard input", ARG_TEXT,
         &user.new_password_file},
        {"--mechanism", "MECHANISM", "SCRAM-SHA-256 or SCRAM-SHA-512 alone (default: both)", ARG_TEXT,
         &user.mechanism},
        {"--iterations", "N", "set: rounds of hashing (default 4096)", ARG_NUMBER, &user.iterations},
        {"--json", NULL, "list: as JSON", ARG_FLAG, &user.json},
        {0}};
    int count = args_parse(self, args, argc, argv);

    if (count < 0)
        return count == -1 ? 0 : EXIT_USER;
    int code = kafka_link_settle(&user.link);
    if (code == 0)
        code = run_action(&user, count, argv);
    kafka_link_forget(&user.link);
    return code;
}

const struct command command_user = {
    .name = "user",
    .usage = "list | set NAME --new-password-file FILE | delete NAME",
    .help = "users and their passwords, for SCRAM and PLAIN",
    .more = "set makes a user or gives a new password; the password itself is not sent: what is\n"
            "sent is salted and hashed. Users of the server's own file (--users) are not listed.",
    .actions = "list set delete",
    .run = run,
};
