/* floor.c: what the machine itself allows: one synced request at a time through one event loop.
 *
 * usage: floor DIR [REQUESTS] [BYTES] [RATE]
 *
 * A client thread sends BYTES over a loopback connection; a server thread reads them, writes 4 KiB to a
 * file that was filled with zeros before (O_DIRECT where it is allowed), syncs it and answers.
 * A request is due every 1/RATE s and is measured from then (no coordinated omission), as events are in
 * latency.c: what the disk holds up for a while costs all that was due meanwhile. Prints one JSON line of the
 * round trips in microseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/histogram.h"

enum { BLOCK = 4096, FILE_BLOCKS = 1024, MESSAGE_MAX = 65536 };

struct setup {
    int listener, file, requests;
    size_t bytes;
    double rate;
};

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void read_whole(int fd, char *to, size_t len)
{
    while (len > 0) {
        ssize_t got = read(fd, to, len);
        if (got <= 0)
            die("read");
        to += got;
        len -= (size_t)got;
    }
}

static void no_delay(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void *serve(void *context)
{
    struct setup *s = context;
    static char message[MESSAGE_MAX];
    char *block = aligned_alloc(BLOCK, BLOCK);
    int fd = accept(s->listener, NULL, NULL);

    no_delay(fd);
    memset(block, 1, BLOCK);
    for (int i = 0; i < s->requests; i++) {
        read_whole(fd, message, s->bytes);
        if (pwrite(s->file, block, BLOCK, (off_t)(i % FILE_BLOCKS) * BLOCK) != BLOCK)
            die("write");
        if (fdatasync(s->file))
            die("sync");
        if (write(fd, message, s->bytes) != (ssize_t)s->bytes)
            die("answer");
    }
    close(fd);
    free(block);
    return NULL;
}

static int open_zeroed(const char *dir)
{
    char path[1024];
    char *zeros = aligned_alloc(BLOCK, BLOCK);

    snprintf(path, sizeof(path), "%s/floor.tmp", dir);
    int fd = open(path, O_CREAT | O_RDWR | O_DIRECT, 0600);
    if (fd < 0)
        fd = open(path, O_CREAT | O_RDWR, 0600);
    if (fd < 0)
        die(path);
    unlink(path);
    memset(zeros, 0, BLOCK);
    for (int i = 0; i < FILE_BLOCKS; i++)
        if (pwrite(fd, zeros, BLOCK, (off_t)i * BLOCK) != BLOCK)
            die("zeros");
    fsync(fd);
    free(zeros);
    return fd;
}

static int listen_loopback(struct sockaddr_in *address)
{
    socklen_t len = sizeof(*address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    *address = (struct sockaddr_in){.sin_family = AF_INET,
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (struct sockaddr *)address, len) || listen(fd, 1) ||
        getsockname(fd, (struct sockaddr *)address, &len))
        die("listen");
    return fd;
}

static void sleep_until(uint64_t when_ns)
{
    struct timespec t = {(time_t)(when_ns / 1000000000), (long)(when_ns % 1000000000)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void measure(int fd, const struct setup *s, struct histogram *h)
{
    static char message[MESSAGE_MAX];
    uint64_t start = now_ns();

    prctl(PR_SET_TIMERSLACK, 1ul);
    for (int i = 0; i < s->requests; i++) {
        uint64_t due = start + (uint64_t)(i * 1e9 / s->rate);
        if (due > now_ns())
            sleep_until(due);
        if (write(fd, message, s->bytes) != (ssize_t)s->bytes)
            die("request");
        read_whole(fd, message, s->bytes);
        histogram_add(h, (now_ns() - due) / 1000);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return fprintf(stderr, "usage: floor DIR [REQUESTS] [BYTES] [RATE]\n"), 2;
    struct setup s = {.requests = argc > 2 ? atoi(argv[2]) : 4000,
                      .bytes = argc > 3 ? (size_t)atoi(argv[3]) : 100,
                      .rate = argc > 4 ? atof(argv[4]) : 1000};
    static struct histogram h;
    struct sockaddr_in address;
    pthread_t server;

    s.file = open_zeroed(argv[1]);
    s.listener = listen_loopback(&address);
    pthread_create(&server, NULL, serve, &s);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
        die("connect");
    no_delay(fd);
    measure(fd, &s, &h);
    pthread_join(server, NULL);
    printf("{\"p50_us\":%lu,\"p99_us\":%lu,\"p999_us\":%lu,\"p9999_us\":%lu}\n",
           histogram_quantile(&h, 0.5), histogram_quantile(&h, 0.99), histogram_quantile(&h, 0.999),
           histogram_quantile(&h, 0.9999));
    return 0;
}
