/* crowd.c: many connections at once that mean no good, or nothing at all.
 *
 * usage: crowd KIND COUNT SECONDS HOST:PORT [TOPIC]
 *
 * Holds COUNT connections for SECONDS, each of 127.0.0.2 to 127.0.0.9 dialling an eighth of them; what the server
 * closes is dialled again, at most REDIALS_A_SECOND of them. KIND is
 *   idle      says nothing                          garbage   noise, as a frame of Kafka's
 *   dribble   a byte of a frame of 50 MB now and then          huge      lengths that no frame has
 *   unread    asks for TOPIC's records, with much to come, again and again, and never reads
 *   hello     the beginning of a TLS handshake, and no more
 *   head      HTTP: a byte of a header now and then  body      HTTP: bodies of 8 MB that never end
 *   socket    HTTP: a WebSocket that asks for everything and never reads
 * Prints `up` when all have been dialled, and in the end a line of JSON: how many are held and how many were closed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ADDRESSES = 8, REDIALS_A_SECOND = 200, STEP_MS = 100, BODY_CHUNK = 64 * 1024, PARTITION_BYTES = 50 << 20 };

struct peer {
    int fd; /* -1: none */
    uint32_t steps;
};

struct kind {
    const char *name;
    void (*begin)(struct peer *peer); /* the connection is up */
    void (*step)(struct peer *peer);  /* ten times a second; may be NULL */
};

static struct peer *peers;
static struct sockaddr_in server;
static const char *topic = "";
static long closed_count, dialled;

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What is not taken is dropped: who never reads is not read at last either. */
static void say(struct peer *peer, const void *bytes, size_t len)
{
    ssize_t n = send(peer->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)n;
}

static void say_text(struct peer *peer, const char *text)
{
    say(peer, text, strlen(text));
}

/* ---- kinds ---- */

static void begin_idle(struct peer *peer)
{
    (void)peer;
}

static void begin_dribble(struct peer *peer)
{
    static const uint8_t produce[] = {0x03, 0x00, 0x00, 0x00, 0, 0, 0, 9, 0, 0, 0, 1, 0xff, 0xff};
    say(peer, produce, sizeof(produce)); /* 50 MB announced */
}

static void step_byte(struct peer *peer)
{
    say_text(peer, "x");
}

/* A frame of a likely length whose bytes are noise. */
static void begin_garbage(struct peer *peer)
{
    uint8_t noise[260];

    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (uint8_t)rand();
    noise[0] = noise[1] = noise[2] = 0;
    say(peer, noise, sizeof(noise));
}

static void begin_huge(struct peer *peer)
{
    static const uint8_t lengths[][4] = {
        {0x7f, 0xff, 0xff, 0xff}, {0xff, 0xff, 0xff, 0xff}, {0x80, 0, 0, 0}, {0, 0, 0, 0}, {0x10, 0, 0, 0}};
    say(peer, lengths[rand() % 5], 4);
}

static size_t put(uint8_t *to, size_t at, uint32_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        to[at++] = (uint8_t)(value >> (8 * i));
    return at;
}

/* Fetch, version 4: partition 0 of the topic from offset 0. */
static void ask_for_much(struct peer *peer)
{
    uint8_t frame[512];
    size_t at = 4, len = strlen(topic);

    at = put(frame, at, 1, 2);           /* Fetch */
    at = put(frame, at, 4, 2);           /* version */
    at = put(frame, at, peer->steps, 4); /* correlation id */
    at = put(frame, at, 0xffff, 2);      /* no client id */
    at = put(frame, at, 0xffffffff, 4);  /* replica id */
    at = put(frame, at, 0, 4);           /* max wait */
    at = put(frame, at, 1, 4);           /* min bytes */
    at = put(frame, at, PARTITION_BYTES, 4);
    at = put(frame, at, 0, 1);           /* isolation level */
    at = put(frame, at, 1, 4);
    at = put(frame, at, (uint32_t)len, 2);
    memcpy(frame + at, topic, len);
    at = put(frame, at + len, 1, 4);
    at = put(frame, at, 0, 4);           /* partition */
    at = put(frame, at, 0, 4);           /* offset */
    at = put(frame, at, 0, 4);
    at = put(frame, at, PARTITION_BYTES, 4);
    put(frame, 0, (uint32_t)(at - 4), 4);
    say(peer, frame, at);
}

static void begin_hello(struct peer *peer)
{
    static const uint8_t hello[] = {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 1, 2, 3, 4, 5};
    say(peer, hello, sizeof(hello));
}

static void begin_head(struct peer *peer)
{
    say_text(peer, "GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
}

static void begin_body(struct peer *peer)
{
    say_text(peer, "POST /v1/topics/never HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8000000\r\n\r\n");
}

static void step_body(struct peer *peer)
{
    static char chunk[BODY_CHUNK];
    if (peer->steps < 8000000 / BODY_CHUNK - 1)
        say(peer, chunk, sizeof(chunk));
}

static void begin_socket(struct peer *peer)
{
    say_text(peer, "GET /v1/stream?overview&alerts HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                   "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
}

static const struct kind kinds[] = {
    {"idle", begin_idle, NULL},        {"dribble", begin_dribble, step_byte}, {"garbage", begin_garbage, NULL},
    {"huge", begin_huge, NULL},        {"unread", ask_for_much, ask_for_much}, {"hello", begin_hello, NULL},
    {"head", begin_head, step_byte},   {"body", begin_body, step_body},       {"socket", begin_socket, NULL},
};
static const struct kind *kind;

/* ---- dialling ---- */

static void dial(struct peer *peer, long n)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002u + (uint32_t)(n % ADDRESSES))};
    int small = 4096, on = 1;

    *peer = (struct peer){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (peer->fd < 0) {
        fprintf(stderr, "crowd: socket %ld: %s\n", n, strerror(errno));
        exit(2);
    }
    setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    setsockopt(peer->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    dialled++;
    if (bind(peer->fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
        connect(peer->fd, (struct sockaddr *)&server, sizeof(server)) != 0) {
        close(peer->fd);
        peer->fd = -1;
        return;
    }
    fcntl(peer->fd, F_SETFL, O_NONBLOCK);
    kind->begin(peer);
}

static bool is_gone(const struct peer *peer)
{
    struct pollfd p = {.fd = peer->fd, .events = POLLRDHUP};

    return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

static long look(long count)
{
    int redials = REDIALS_A_SECOND * STEP_MS / 1000;
    long held = 0;

    for (long i = 0; i < count; i++) {
        struct peer *peer = &peers[i];
        if (peer->fd >= 0 && is_gone(peer)) {
            close(peer->fd);
            peer->fd = -1;
            closed_count++;
        }
        if (peer->fd < 0 && redials-- > 0)
            dial(peer, i);
        if (peer->fd < 0)
            continue;
        held++;
        peer->steps++;
        if (kind->step)
            kind->step(peer);
    }
    return held;
}

static void aim(const char *address)
{
    const char *colon = strrchr(address, ':');
    char host[64];

    snprintf(host, sizeof(host), "%.*s", colon ? (int)(colon - address) : 0, address);
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)(colon ? atoi(colon + 1) : 0))};
    if (inet_pton(AF_INET, host, &server.sin_addr) != 1 || ntohl(server.sin_addr.s_addr) >> 24 != 127) {
        fprintf(stderr, "crowd: '%s' is not an address of this machine, as 127.0.0.1:9092\n", address);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct rlimit files;
    long count, held = 0;

    if (argc < 5)
        return fprintf(stderr, "usage: crowd KIND COUNT SECONDS HOST:PORT [TOPIC]\n"), 2;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].name, argv[1]) == 0)
            kind = &kinds[i];
    if (!kind)
        return fprintf(stderr, "crowd: there is no kind '%s'\n", argv[1]), 2;
    count = atol(argv[2]);
    aim(argv[4]);
    if (argc > 5)
        topic = argv[5];
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    peers = calloc((size_t)count, sizeof(*peers));
    for (long i = 0; i < count; i++)
        dial(&peers[i], i);
    puts("up");
    fflush(stdout);
    double until = now_s() + atof(argv[3]);
    do {
        held = look(count);
        usleep(STEP_MS * 1000);
    } while (now_s() < until);
    printf("{\"kind\":\"%s\",\"held\":%ld,\"closed\":%ld,\"dialled\":%ld}\n", kind->name, held, closed_count, dialled);
    return 0;
}
