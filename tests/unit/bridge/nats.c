/* A stream as a source, against a server that drops, deletes, loses messages on the way, ends consumers and hangs up in the
 * middle of things, all drawn from a seed; and crashes of ours, that lose what a poll gave together with its position. Each
 * message that is still there comes once and in order, and the others are named, each once. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/json_reader.h"
#include "base/rng.h"
#include "bridge/options.h"
#include "bridge/systems.h"
#include "lib/test.h"

enum { MESSAGES = 2000 };

/* ---- the server: a process of its own ---- */

/* What both processes see. */
struct stream {
    uint64_t first, last;
    bool gone[MESSAGES + 2];
    uint64_t hangups, lost, ended; /* troubles that it made */
};

struct server {
    struct stream *stream;
    struct rng rng;
    FILE *in;
    int fd;
    uint64_t next, sent; /* of the consumer */
    uint64_t left;       /* of the pull request that is under way */
    char consumer[100], reply[100];
};

static bool is_there(const struct stream *s, uint64_t seq)
{
    return seq >= s->first && seq <= s->last && !s->gone[seq];
}

static void drop(struct stream *s, uint64_t seq)
{
    s->gone[seq] = true;
    while (s->first <= s->last && s->gone[s->first])
        s->first++;
}

enum { BEGINNING = 200 }; /* nothing goes until the reader has begun: what is gone by then is not its own to name */

/* Messages come, and some go: never the last there will be. */
static void time_passes(struct server *v)
{
    struct stream *s = v->stream;

    s->last += rng_below(&v->rng, 25);
    if (s->last > MESSAGES)
        s->last = MESSAGES;
    if (s->last < BEGINNING)
        return;
    for (uint64_t n = rng_chance(&v->rng, 0.1) ? rng_below(&v->rng, 12) : 0; n && s->first < s->last; n--)
        drop(s, s->first);
    if (rng_chance(&v->rng, 0.1) && s->last > s->first + 5)
        drop(s, s->last - 1 - rng_below(&v->rng, 4));
}

static void put(struct server *v, const char *text, size_t len)
{
    if (rng_chance(&v->rng, 0.004)) { /* in the middle of it */
        v->stream->hangups++;
        (void)!send(v->fd, text, rng_below(&v->rng, len), MSG_NOSIGNAL);
        shutdown(v->fd, SHUT_RDWR);
    } else
        (void)!send(v->fd, text, len, MSG_NOSIGNAL);
}

static void answer(struct server *v, const char *subject, const char *json)
{
    char text[800];
    int n = snprintf(text, sizeof(text), "MSG %s 1 %zu\r\n%s\r\n", subject, strlen(json), json);

    put(v, text, (size_t)n);
}

static void status(struct server *v, const char *words, const char *header)
{
    char head[200], text[400];
    int n = snprintf(head, sizeof(head), "NATS/1.0 %s\r\n%s\r\n", words, header);
    int all = snprintf(text, sizeof(text), "HMSG %s 1  %d %d\r\n%s\r\n", v->reply, n, n, head);

    put(v, text, (size_t)all);
}

static void info(struct server *v, const char *reply)
{
    char json[400];
    uint64_t there = 0;

    for (uint64_t i = v->stream->first; i <= v->stream->last; i++)
        there += is_there(v->stream, i);
    snprintf(json, sizeof(json), "{\"config\":{\"retention\":\"limits\"},\"created\":\"2026-01-01T00:00:00Z\",\"state\":"
             "{\"messages\":%llu,\"first_seq\":%llu,\"last_seq\":%llu}}", (unsigned long long)there,
             (unsigned long long)v->stream->first, (unsigned long long)v->stream->last);
    answer(v, reply, json);
}

static void create(struct server *v, const char *subject, const char *reply, struct bytes body)
{
    struct bytes config, from;
    int64_t n = 0;
    char json[200];

    CHECK(json_member(body, "config", &config) && json_member(config, "opt_start_seq", &from) && bytes_to_i64(from, &n));
    snprintf(v->consumer, sizeof(v->consumer), "%s", strrchr(subject, '.') + 1);
    v->next = (uint64_t)n;
    v->sent = v->left = 0;
    snprintf(json, sizeof(json), "{\"delivered\":{\"stream_seq\":%lld},\"num_pending\":0}", (long long)n - 1);
    answer(v, reply, json);
}

static void send_one(struct server *v)
{
    char text[400], body[32];
    int len = snprintf(body, sizeof(body), "%llu", (unsigned long long)v->next);

    v->sent++;
    int n = snprintf(text, sizeof(text), "MSG any.%llu 1 $JS.ACK.S.%s.1.%llu.%llu.17.%llu %d\r\n%s\r\n",
                     (unsigned long long)v->next % 3, v->consumer, (unsigned long long)v->next, (unsigned long long)v->sent,
                     (unsigned long long)(v->stream->last - v->next), len, body);
    if (rng_chance(&v->rng, 0.005))
        v->stream->lost++;
    else
        put(v, text, (size_t)n);
    v->next++;
    v->left--;
}

/* What there is; then the request ends, or goes on with a heartbeat. */
static void pull(struct server *v, const char *reply, struct bytes body)
{
    struct bytes batch;
    int64_t n = 0;
    char header[100];

    CHECK(json_member(body, "batch", &batch) && bytes_to_i64(batch, &n));
    snprintf(v->reply, sizeof(v->reply), "%s", reply);
    v->left = (uint64_t)n;
    for (; v->left && v->next <= v->stream->last; time_passes(v)) {
        while (v->next <= v->stream->last && !is_there(v->stream, v->next))
            v->next++;
        if (v->next <= v->stream->last)
            send_one(v);
    }
    snprintf(header, sizeof(header), "Nats-Last-Consumer: %llu\r\n", (unsigned long long)v->sent);
    if (rng_chance(&v->rng, 0.05)) {
        v->stream->ended++;
        status(v, "409 Consumer Deleted", "");
    } else if (v->left) {
        status(v, "100 Idle Heartbeat", header);
        status(v, "408 Request Timeout", "");
    }
}

static void published(struct server *v, char *line)
{
    char subject[200], reply[100], body[1000] = "";
    unsigned len;

    CHECK(sscanf(line, "PUB %199s %99s %u", subject, reply, &len) == 3 && len < sizeof(body));
    if (fread(body, 1, len, v->in) != len || !fgets(line, 1000, v->in))
        return;
    time_passes(v);
    if (strstr(subject, ".INFO."))
        info(v, reply);
    else if (strstr(subject, ".CREATE."))
        create(v, subject, reply, bytes_str(body));
    else if (strcmp(strrchr(subject, '.') + 1, v->consumer) == 0) /* of another: nobody answers */
        pull(v, reply, bytes_str(body));
}

static void talk(struct server *v)
{
    static const char greeting[] = "INFO {\"headers\":true,\"max_payload\":1000}\r\n";
    char line[1000];

    v->consumer[0] = 0;
    put(v, greeting, strlen(greeting));
    while (fgets(line, sizeof(line), v->in))
        if (strncmp(line, "PING", 4) == 0)
            put(v, "PONG\r\n", 6);
        else if (strncmp(line, "PUB", 3) == 0)
            published(v, line);
}

static pid_t serve(struct stream *stream, uint64_t seed, uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    EXPECT(bind(listener, (struct sockaddr *)&at, len) == 0 && listen(listener, 8) == 0);
    EXPECT(getsockname(listener, (struct sockaddr *)&at, &len) == 0);
    *port = ntohs(at.sin_port);
    pid_t pid = fork();
    if (pid) {
        close(listener);
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct server v = {.stream = stream, .rng = rng_seed(seed)};
    for (;;) {
        v.fd = accept(listener, NULL, NULL);
        (void)setsockopt(v.fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        v.in = fdopen(v.fd, "r");
        talk(&v);
        fclose(v.in);
    }
}

/* ---- a source ---- */

struct reader_side {
    struct bridge_spec spec;
    struct bridge_value values[40];
    struct bridge *bridge;
    struct arena arena;
    char trouble[200];
    char position[100]; /* what is kept in the log; empty: nothing is */
    uint64_t came, named, troubles;
    uint64_t next;      /* at least: of the next message that comes */
};

static void spec_of(struct reader_side *r, uint16_t port)
{
    static char port_text[8];
    struct diag diag = {0};

    snprintf(port_text, sizeof(port_text), "%u", port);
    struct bridge_given given[] = {{bytes_str("nats.port"), bytes_str(port_text)},
                                   {bytes_str("nats.stream"), bytes_str("S")},
                                   {bytes_str("nats.heartbeat"), bytes_str("100 ms")}};
    EXPECT(bridge_nats.options_count <= 40);
    EXPECT_OK(bridge_options_read("nats", bridge_nats.options, bridge_nats.options_count, given, 3, r->values, &diag));
    r->spec = (struct bridge_spec){.table = BYTES_LITERAL("t"), .identity = "i", .way = BRIDGE_SOURCE, .values = r->values,
                                   .format = BYTES_LITERAL("json"), .timeout_ms = 2000};
}

static void open_bridge(struct reader_side *r)
{
    struct diag diag = {0};

    EXPECT_OK(bridge_nats.open(&r->spec, &r->bridge, &diag));
    if (r->position[0])
        EXPECT_OK(bridge_nats.resume(r->bridge, BYTES_LITERAL("S"), bytes_str(r->position)));
}

/* What a poll gave is in the log, with the position after it. */
static void keep(struct reader_side *r, const struct stream *s, const struct bridge_poll *poll)
{
    int64_t n;

    for (uint32_t i = 0; i < poll->count; i++) {
        const struct bridge_record *record = &poll->records[i];
        if (record->never) {
            const char *count = strrchr(record->never, ':');
            EXPECT(count && bytes_to_i64(bytes_str(count + 2), &n) && n > 0);
            r->named += (uint64_t)n;
            continue;
        }
        EXPECT(bytes_to_i64(record->value, &n) && (uint64_t)n >= r->next && (uint64_t)n <= s->last);
        EXPECT_INT(record->headers_count, 2);
        r->next = (uint64_t)n + 1;
        r->came++;
    }
    EXPECT(!poll->count || poll->moved_count == 1);
    if (poll->moved_count)
        snprintf(r->position, sizeof(r->position), "%.*s", BYTES_FMT(poll->moved[0].position));
}

static void poll_once(struct reader_side *r, struct rng *rng, const struct stream *s)
{
    arena_reset(&r->arena);
    struct bridge_poll poll = {.arena = &r->arena, .records_max = 1 + (uint32_t)rng_below(rng, 40), .bytes_max = 10000,
                               .wait_ms = 5, .behind = -1};
    bridge_nats.poll(r->bridge, &poll);
    r->troubles += poll.trouble[0] != 0;
    snprintf(r->trouble, sizeof(r->trouble), "%s", poll.trouble);
    bool crash = r->position[0] && rng_chance(rng, 0.03);
    if (!crash)
        keep(r, s, &poll);
    if (!crash && !rng_chance(rng, 0.03))
        return;
    bridge_nats.close(r->bridge);
    open_bridge(r);
}

static void run(uint64_t seed)
{
    struct stream *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct reader_side r = {.next = 1};
    struct rng rng = rng_seed(seed);
    uint16_t port;

    EXPECT(s != MAP_FAILED);
    s->first = 1;
    pid_t pid = serve(s, seed + 1000, &port);
    arena_init(&r.arena, ARENA_BUDGET_NONE);
    spec_of(&r, port);
    open_bridge(&r);
    for (int turns = 0; r.next <= MESSAGES; turns++) {
        if (turns > 20000)
            test_fail(__FILE__, __LINE__, "seed %llu: it stands at %llu, position '%s': %s", (unsigned long long)seed,
                      (unsigned long long)r.next, r.position, r.trouble);
        poll_once(&r, &rng, s);
    }
    EXPECT_INT(r.came + r.named, MESSAGES);
    EXPECT(r.troubles && s->hangups + s->lost + s->ended && r.named);
    bridge_nats.close(r.bridge);
    arena_deinit(&r.arena);
    kill(pid, SIGKILL);
    EXPECT(waitpid(pid, NULL, 0) == pid);
    munmap(s, sizeof(*s));
}

TEST(nats_gives_each_message_once_and_names_those_that_are_gone)
{
    for (uint64_t seed = test_seed(); seed < test_seed() + 3; seed++)
        run(seed);
}

TEST(nats_positions_that_are_none)
{
    static const char *const bad[] = {"", "5", "5 1", "0 1 x", "-5 1 x", "5 x y", "5 1 0123456789012345678901234567890123456789"};
    struct reader_side r = {0};

    spec_of(&r, 1);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        open_bridge(&r);
        EXPECT_STATUS(bridge_nats.resume(r.bridge, BYTES_LITERAL("S"), bytes_str(bad[i])), ST_CORRUPT);
        bridge_nats.close(r.bridge);
    }
    open_bridge(&r);
    EXPECT_OK(bridge_nats.resume(r.bridge, BYTES_LITERAL("S"), BYTES_LITERAL("5 1 2026-01-01T00:00:00Z")));
    EXPECT_OK(bridge_nats.resume(r.bridge, BYTES_LITERAL("another"), BYTES_LITERAL("what of another is nobody's")));
    bridge_nats.close(r.bridge);
}
