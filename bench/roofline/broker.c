/* broker.c: what a broker cannot do without, as bare loops: the CPU that is left if all else is free.
 *
 * usage: broker DIRECTORY [MIB] [PIECE_KIB]
 *
 * Producing: a child sends MIB mebibytes over a loopback socket in pieces, four of them unanswered at most. The parent
 * receives a piece, sums it (CRC-32C), keeps it, and answers. Ways of keeping:
 *
 *   receive   only received and summed
 *   cached    written to a file through the page cache, never synced (what Kafka's defaults ask of a broker)
 *   once      the same, and synced before the answer
 *   twice     copied, written past the page cache over an old log file and synced before the answer; then through the
 *             page cache to a file that is written out behind (what a log and partition files ask)
 *
 * Consuming: the child asks for a piece (one byte), the parent sends it.
 *
 *   sendfile  from a file in the page cache, by sendfile
 *   send      from memory
 *
 * Prints a JSON line each: the parent's CPU seconds a GiB, seconds. Files are removed at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/crc32c.h"

enum { UNANSWERED = 4, LOG_BYTES = 256 << 20, ALIGN = 4096, RECEIVE = 256 << 10, WRITE_OUT = 8 << 20 };

struct way {
    const char *name;
    bool cached, synced, logged; /* producing */
    bool sends, from_file;        /* consuming */
};

struct keeper {
    const struct way *way;
    int log, file;
    uint64_t log_pos, file_pos, written_out;
    uint8_t *piece, *copy;
    size_t piece_bytes;
};

static void fail(const char *what)
{
    fprintf(stderr, "broker: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now_s(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
        fail("connecting");
    return fd;
}

/* The consumer: pieces asked for one behind the other, received and let go. */
static void ask_for_pieces(int fd, long pieces, size_t piece_bytes)
{
    uint8_t *bytes = malloc(RECEIVE);

    for (long i = 0; bytes && i < pieces; i++) {
        if (send(fd, "", 1, 0) != 1)
            fail("asking");
        for (size_t got = 0; got < piece_bytes;) {
            ssize_t n = recv(fd, bytes, piece_bytes - got < RECEIVE ? piece_bytes - got : RECEIVE, 0);
            if (n <= 0)
                fail("consuming");
            got += (size_t)n;
        }
    }
    _exit(0);
}

/* The producer. */
static void send_pieces(int fd, long pieces, size_t piece_bytes)
{
    char *bytes = malloc(piece_bytes), answer;

    if (!bytes)
        fail("memory");
    memset(bytes, 'x', piece_bytes);
    for (long i = 0; i < pieces + UNANSWERED; i++) {
        for (size_t sent = 0; i < pieces && sent < piece_bytes;) {
            ssize_t n = send(fd, bytes + sent, piece_bytes - sent, 0);
            if (n <= 0)
                fail("sending");
            sent += (size_t)n;
        }
        if (i >= UNANSWERED && recv(fd, &answer, 1, 0) != 1)
            fail("waiting for an answer");
    }
    _exit(0);
}

static void write_all(int fd, const uint8_t *bytes, size_t len, uint64_t pos)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pwrite(fd, bytes + done, len - done, (off_t)(pos + done));
        if (n <= 0)
            fail("writing");
        done += (size_t)n;
    }
}

static void keep(struct keeper *k)
{
    if (k->way->logged) {
        memcpy(k->copy, k->piece, k->piece_bytes);
        write_all(k->log, k->copy, k->piece_bytes, k->log_pos);
        k->log_pos = k->log_pos + 2 * k->piece_bytes > LOG_BYTES ? 0 : k->log_pos + k->piece_bytes;
        if (fdatasync(k->log) != 0)
            fail("syncing the log");
    }
    if (!k->way->cached)
        return;
    write_all(k->file, k->way->logged ? k->copy : k->piece, k->piece_bytes, k->file_pos);
    k->file_pos += k->piece_bytes;
    if (k->way->synced && fdatasync(k->file) != 0)
        fail("syncing the file");
    if (k->way->logged && k->file_pos - k->written_out >= WRITE_OUT) {
        sync_file_range(k->file, (off_t)k->written_out, WRITE_OUT, SYNC_FILE_RANGE_WRITE);
        k->written_out += WRITE_OUT;
    }
}

static void receive(int fd, struct keeper *k, long pieces)
{
    static volatile uint32_t sum;

    for (long i = 0; i < pieces; i++) {
        for (size_t got = 0; got < k->piece_bytes;) {
            size_t want = k->piece_bytes - got < RECEIVE ? k->piece_bytes - got : RECEIVE;
            ssize_t n = recv(fd, k->piece + got, want, 0);
            if (n <= 0)
                fail("receiving");
            got += (size_t)n;
        }
        sum ^= crc32c(0, k->piece, k->piece_bytes);
        keep(k);
        if (send(fd, "", 1, 0) != 1)
            fail("answering");
    }
}

/* Pieces go round in a file of LOG_BYTES, or are the same memory. */
static void serve(int fd, struct keeper *k, long pieces)
{
    char asked;

    for (long i = 0; i < pieces; i++) {
        if (recv(fd, &asked, 1, 0) != 1)
            fail("being asked");
        off_t pos = (off_t)((uint64_t)i * k->piece_bytes % (LOG_BYTES - LOG_BYTES % k->piece_bytes));
        for (size_t sent = 0; sent < k->piece_bytes;) {
            size_t left = k->piece_bytes - sent;
            ssize_t n = k->way->from_file ? sendfile(fd, k->file, &pos, left) : send(fd, k->piece + sent, left, 0);
            if (n <= 0)
                fail("sending");
            sent += (size_t)n;
        }
    }
}

static int listen_on_loopback(uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 1) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        fail("listening");
    *port = at.sin_port;
    return fd;
}

static int open_in(const char *directory, const char *name, int flags)
{
    char path[4096];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    fd = open(path, O_RDWR | O_CREAT | flags, 0600);
    if (fd < 0)
        fail(path);
    unlink(path);
    return fd;
}

/* All blocks written: a log file that goes round, or what is consumed. */
static void write_once(const struct keeper *k, int file)
{
    for (uint64_t pos = 0; pos + k->piece_bytes <= LOG_BYTES; pos += k->piece_bytes)
        write_all(file, k->copy, k->piece_bytes, pos);
    if (fsync(file) != 0)
        fail("syncing");
}

static void run(const struct way *way, const char *directory, long pieces, size_t piece_bytes)
{
    struct keeper k = {.way = way, .piece_bytes = piece_bytes};
    uint16_t port;
    int listener = listen_on_loopback(&port), fd, ended;
    double cpu, wall;
    pid_t child;

    k.piece = aligned_alloc(ALIGN, piece_bytes), k.copy = aligned_alloc(ALIGN, piece_bytes);
    if (!k.piece || !k.copy)
        fail("memory");
    memset(k.piece, 0, piece_bytes), memset(k.copy, 0, piece_bytes);
    k.log = open_in(directory, "broker-log", O_DIRECT), k.file = open_in(directory, "broker-file", 0);
    if (way->logged || way->from_file)
        write_once(&k, way->logged ? k.log : k.file);
    child = fork();
    if (child == 0)
        (way->sends ? ask_for_pieces : send_pieces)(connect_to(port), pieces, piece_bytes);
    fd = accept(listener, NULL, NULL);
    cpu = now_s(CLOCK_PROCESS_CPUTIME_ID), wall = now_s(CLOCK_MONOTONIC);
    (way->sends ? serve : receive)(fd, &k, pieces);
    if (way->logged && fdatasync(k.file) != 0) // what was written out behind is part of it
        fail("syncing");
    cpu = now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu, wall = now_s(CLOCK_MONOTONIC) - wall;
    if (waitpid(child, &ended, 0) != child || ended != 0)
        exit(1);
    printf("{\"way\":\"%s\",\"piece_kib\":%zu,\"cpu_s_per_gib\":%.3f,\"seconds\":%.3f}\n", way->name, piece_bytes >> 10,
           cpu * (1 << 30) / ((double)pieces * (double)piece_bytes), wall);
    fflush(stdout);
    close(fd), close(listener), close(k.log), close(k.file);
    free(k.piece), free(k.copy);
}

int main(int argc, char **argv)
{
    static const struct way ways[] = {{.name = "receive"},
                                      {.name = "cached", .cached = true},
                                      {.name = "once", .cached = true, .synced = true},
                                      {.name = "twice", .cached = true, .logged = true},
                                      {.name = "sendfile", .sends = true, .from_file = true},
                                      {.name = "send", .sends = true}};
    long mib = argc > 2 ? atol(argv[2]) : 1024, kib = argc > 3 ? atol(argv[3]) : 1024;

    if (argc < 2 || mib < 1 || kib < 4 || kib % 4 != 0 || kib > LOG_BYTES >> 11) {
        fprintf(stderr, "usage: broker DIRECTORY [MIB] [PIECE_KIB, a multiple of 4]\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        run(&ways[i], argv[1], mib * 1024 / kib, (size_t)kib << 10);
    return 0;
}
