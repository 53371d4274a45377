/* Who asks over HTTP: users by Basic, tokens by Bearer, and what ACLs leave. */
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "lib/test.h"
#include "serve/security/security.h"
#include "unit/serve/http_server.h"

struct place {
    struct log *log; /* of the users */
    struct security *security;
    struct http_server server;
};

static void place_open(struct place *p, const char *sasl, bool acls)
{
    static char path[512];
    struct diag diag = {0};

    snprintf(path, sizeof(path), "%s/users", test_dir());
    FILE *file = fopen(path, "w");
    EXPECT(file && fputs("admin:top:secret\nbob:b\n", file) >= 0 && fclose(file) == 0);
    const struct security_options options = {.sasl = sasl,
                                             .users = path,
                                             .acls = acls,
                                             .super_users = "User:admin",
                                             .token_unsigned = true};
    EXPECT_OK(log_open(os_posix(), NULL, &(struct log_options){.in_memory = true}, &p->log, &diag));
    EXPECT_OK(security_open(os_posix(), p->log, &options, &p->security, &diag));
    http_server_open(&p->server, NULL, &(struct http_options){.security = p->security});
}

static void place_close(struct place *p)
{
    http_server_close(&p->server);
    security_close(p->security);
    log_close(p->log);
}

/* "Authorization: Basic …" of that pair; NULL: no header. */
static const char *basic(const char *pair)
{
    static char header[256];
    struct buf coded;

    if (!pair)
        return "";
    buf_init(&coded, 0);
    base64_encode(&coded, bytes_str(pair));
    snprintf(header, sizeof(header), "Authorization: Basic %.*s\r\n", BYTES_FMT(buf_view(&coded)));
    buf_deinit(&coded);
    return header;
}

static void expect_status(struct place *p, const char *path, const char *header, int want,
                          const char *contains)
{
    struct http_client c;
    int got = http_ask(&c, &p->server, "GET", path, header, NULL);

    if (got != want)
        test_fail(__FILE__, __LINE__, "%s with '%s' gave %d, expected %d", path, header, got, want);
    if (contains && !strstr((char *)c.in.ptr, contains))
        test_fail(__FILE__, __LINE__, "\"%s\" is not in:\n%s", contains, (char *)c.in.ptr);
    http_client_close(&c);
}

TEST(http_auth_every_address_wants_it)
{
    static const char *const paths[] = {"/",
                                        "/ui/app.js",
                                        "/metrics",
                                        "/v1/topics",
                                        "/v1/views",
                                        "/v1/views/x",
                                        "/v1/jobs",
                                        "/v1/jobs/x",
                                        "/v1/views/x/changes",
                                        "/v1/stream",
                                        "/v1/bridges",
                                        "/v1/bridges/x",
                                        "/v1/bridges/x/state",
                                        "/subjects",
                                        "/schemas/ids/1",
                                        "/config",
                                        "/mode",
                                        "/nothing",
                                        "/write?db=x",
                                        "/query?q=x",
                                        "/api/v2/write?bucket=x"};
    struct place p;

    place_open(&p, "SCRAM-SHA-256", false);
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        expect_status(&p, paths[i], "", 401, "WWW-Authenticate: Basic realm=");
        expect_status(&p, paths[i], basic("bob:x"), 401, "\"code\":\"who\"");
    }
    expect_status(&p, "/health", "", 200, NULL); /* for who watches whether it lives */
    expect_status(&p, "/ping", "", 204, NULL);
    expect_status(&p, "/v1/topics", basic("bob:b"), 200, NULL);
    expect_status(&p, "/v1/topics", basic("admin:top:secret"), 200, NULL);
    expect_status(&p, "/v1/topics", basic("nobody:b"), 401, NULL);
    expect_status(&p, "/v1/topics", basic("bob"), 401, NULL);
    expect_status(&p, "/v1/topics", basic(":b"), 401, NULL);
    expect_status(&p, "/v1/topics", "Authorization: Basic ***\r\n", 401, NULL);
    expect_status(&p, "/v1/topics", "Authorization: Digest x\r\n", 401, NULL);
    expect_status(&p, "/v1/topics", "Authorization: Bearer a.b.c\r\n", 401, NULL);
    place_close(&p);
}

/* One that was right does not open the connection to the next, who is not. */
TEST(http_auth_is_asked_for_each_request)
{
    struct place p;
    struct http_client c;
    char request[512];

    place_open(&p, "PLAIN", false);
    http_client_open(&c, &p.server);
    for (int i = 0; i < 3; i++) {
        snprintf(request, sizeof(request), "GET /v1/topics HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
                 basic("bob:b"));
        http_client_send(&c, request);
        http_client_expect(&c, "HTTP/1.1 200 OK");
    }
    http_client_send(&c, "GET /v1/topics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    http_client_expect(&c, "HTTP/1.1 401 Unauthorized");
    snprintf(request, sizeof(request), "GET /v1/topics HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
             basic("bob:c"));
    http_client_send(&c, request);
    http_client_expect(&c, "HTTP/1.1 401 Unauthorized");
    http_client_close(&c);
    place_close(&p);
}

TEST(http_auth_by_token)
{
    struct place p;

    /* {"alg":"none"} . {"sub":"ann","exp":9999999999} */
    place_open(&p, "OAUTHBEARER", false);
    expect_status(
        &p, "/v1/topics",
        "Authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4iLCJleHAiOjk5OTk5OTk5OTl9.\r\n",
        200, NULL);
    expect_status(&p, "/v1/topics", "Authorization: Bearer eyJhbGciOiJub25lIn0.e30.\r\n", 401,
                  "WWW-Authenticate: Bearer");
    expect_status(&p, "/v1/topics", basic("bob:b"), 401, NULL); /* passwords are off */
    place_close(&p);
}

/* ACLs without users: nobody in particular may not. */
TEST(http_auth_of_the_anonymous)
{
    struct place p;
    const struct acl acl = {ACL_CLUSTER,       ACL_LITERAL,      ACL_ALTER,
                            ACL_ALLOW,         ACL_CLUSTER_NAME, BYTES_LITERAL("User:ANONYMOUS"),
                            BYTES_LITERAL("*")};

    place_open(&p, NULL, true);
    expect_status(&p, "/v1/jobs", "", 403, "User:ANONYMOUS may not");
    expect_status(&p, "/v1/jobs", basic("admin:top:secret"), 403, NULL); /* no users here */
    expect_status(&p, "/health", "", 200, NULL);
    acls_add(security_acls(p.security), &acl);
    expect_status(&p, "/v1/jobs", "", 200, NULL);
    place_close(&p);
}

TEST(http_auth_with_acls)
{
    struct place p;
    const struct acl acl = {ACL_CLUSTER,
                            ACL_LITERAL,
                            ACL_ALTER,
                            ACL_ALLOW,
                            ACL_CLUSTER_NAME,
                            BYTES_LITERAL("User:bob"),
                            BYTES_LITERAL("127.0.0.1")};

    place_open(&p, "PLAIN", true);
    expect_status(&p, "/v1/jobs", basic("admin:top:secret"), 200, NULL);
    expect_status(&p, "/v1/jobs", basic("bob:b"), 403, "may alter the cluster");
    acls_add(security_acls(p.security), &acl);
    expect_status(&p, "/v1/jobs", basic("bob:b"), 200, NULL);
    place_close(&p);
}

/* A request with a body, as a user. */
static void expect_answer(struct place *p, const char *method, const char *path, const char *pair, const char *body,
                          int want, const char *contains)
{
    struct http_client c;
    int got = http_ask(&c, &p->server, method, path, basic(pair), body);

    buf_u8(&c.in, 0);
    if (got != want || !strstr((char *)c.in.ptr, contains))
        test_fail(__FILE__, __LINE__, "%s %s as %s gave %d, expected %d and '%s':\n%s", method, path, pair, got, want, contains,
                  (char *)c.in.ptr);
    http_client_close(&c);
}

/* To hold a bridge is to alter the cluster; so is to look at it. */
TEST(http_auth_of_bridges)
{
    static const char state[] = "{\"state\":\"FORCED_OPEN\"}";
    struct place p;

    place_open(&p, "PLAIN", true);
    expect_answer(&p, "POST", "/v1/bridges/x/state", "bob:b", state, 403, "may alter the cluster");
    expect_answer(&p, "GET", "/v1/bridges/x", "bob:b", NULL, 403, "may alter the cluster");
    expect_answer(&p, "POST", "/v1/bridges/x/state", "admin:top:secret", state, 404, "no table 'x'");
    place_close(&p);
}

/* A schema's subject is judged as its topic; what is of all subjects is the cluster's. */
TEST(http_auth_of_the_schema_registry)
{
    static const char admin[] = "admin:top:secret", bob[] = "bob:b", body[] = "{\"schema\":\"\\\"int\\\"\"}";
    struct place p;
    struct acl acl = {ACL_TOPIC, ACL_LITERAL, ACL_DESCRIBE, ACL_ALLOW, BYTES_LITERAL("t"), BYTES_LITERAL("User:bob"),
                      BYTES_LITERAL("127.0.0.1")};

    place_open(&p, "PLAIN", true);
    expect_answer(&p, "POST", "/subjects/t-value/versions", admin, body, 200, "{\"id\":1}");
    expect_answer(&p, "POST", "/subjects/other-key/versions", admin, "{\"schema\":\"\\\"long\\\"\"}", 200, "{\"id\":2}");
    expect_answer(&p, "GET", "/subjects/t-value/versions", bob, NULL, 403, "may not describe the topic 't'");
    expect_answer(&p, "GET", "/subjects", bob, NULL, 200, "[]");
    expect_answer(&p, "GET", "/schemas/ids/1", bob, NULL, 404, "40403");
    acls_add(security_acls(p.security), &acl);
    expect_answer(&p, "GET", "/subjects", bob, NULL, 200, "[\"t-value\"]");
    expect_answer(&p, "GET", "/subjects/t-value/versions/1", bob, NULL, 200, "\"id\":1");
    expect_answer(&p, "GET", "/schemas/ids/1", bob, NULL, 200, "int");
    expect_answer(&p, "GET", "/schemas/ids/2", bob, NULL, 404, "40403");
    expect_answer(&p, "POST", "/subjects/t-value/versions", bob, body, 403, "may not write the topic 't'");
    expect_answer(&p, "DELETE", "/subjects/t-value", bob, NULL, 403, "may not delete the topic 't'");
    expect_answer(&p, "PUT", "/config/t-value", bob, "{\"compatibility\":\"NONE\"}", 403, "may not alter-configs the topic 't'");
    expect_answer(&p, "PUT", "/config", bob, "{\"compatibility\":\"NONE\"}", 403, "may alter the cluster");
    expect_answer(&p, "PUT", "/mode", bob, "{\"mode\":\"READONLY\"}", 403, "may alter the cluster");
    expect_answer(&p, "DELETE", "/config", bob, NULL, 403, "may alter the cluster");
    acl.operation = ACL_WRITE;
    acls_add(security_acls(p.security), &acl);
    expect_answer(&p, "POST", "/subjects/t-value/versions", bob, body, 200, "{\"id\":1}");
    expect_answer(&p, "POST", "/subjects/t-key/versions", bob, body, 200, "{\"id\":1}");
    place_close(&p);
}

/* As InfluxDB's clients say who they are. */
TEST(http_auth_of_influxdbs_clients)
{
    struct place p;
    struct acl acl = {ACL_TOPIC,
                      ACL_LITERAL,
                      ACL_WRITE,
                      ACL_ALLOW,
                      BYTES_LITERAL("cpu"),
                      BYTES_LITERAL("User:bob"),
                      BYTES_LITERAL("127.0.0.1")};
    static const char cpu[] = "cpu v=1i 1", both[] = "cpu v=1i 1\nmem v=1i 1", lines[] = "/write?db=x";

    place_open(&p, "SCRAM-SHA-256,OAUTHBEARER", true);
    expect_status(&p, "/query?q=SHOW+DATABASES&u=bob&p=b", "", 200, NULL);
    expect_status(&p, "/query?q=SHOW+DATABASES&u=bob&p=x", "", 401, NULL);
    expect_status(&p, "/query?q=SHOW+DATABASES&u=bob", "", 401, NULL);
    expect_status(&p, "/query?q=SHOW+DATABASES", "Authorization: Token bob:b\r\n", 200, NULL);
    expect_status(&p, "/query?q=SHOW+DATABASES&u=bob&p=b", "Authorization: Token bob:x\r\n", 401, NULL);
    expect_status(&p, "/query?q=SHOW+DATABASES", "Authorization: Token bob\r\n", 401, NULL);
    expect_status(&p, "/query?q=SHOW+DATABASES",
                  "Authorization: Token eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4iLCJleHAiOjk5OTk5OTk5OTl9.\r\n", 200,
                  NULL);
    expect_status(&p, "/v1/topics?u=bob&p=b", "", 401, NULL); /* nowhere else */
    expect_answer(&p, "POST", lines, "bob:b", cpu, 403, "may not write the topic 'cpu'");
    acls_add(security_acls(p.security), &acl);
    expect_answer(&p, "POST", lines, "bob:b", cpu, 403, "may not create the topic 'cpu'");
    expect_answer(&p, "POST", lines, "admin:top:secret", both, 204, "");
    expect_answer(&p, "POST", lines, "bob:b", cpu, 204, "");
    expect_answer(&p, "POST", lines, "bob:b", both, 403, "may not write the topic 'mem'");
    expect_answer(&p, "GET", "/v1/topics/cpu", "admin:top:secret", NULL, 200, "\"records\":2");
    place_close(&p);
}
