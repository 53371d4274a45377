/* The Kafka face alone on a log, for tests of clients that need no more:
 *     kafka_server [--data DIR] [--kafka HOST:PORT] [--rebalance-delay MS]
 * Without --data everything is in memory. Prints "ready kafka=HOST:PORT"; SIGTERM stops it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/loop.h"
#include "serve/kafka/kafka.h"
#include "serve/security/security.h"
#include "store/log/log.h"

static struct loop *loop;

static void stop(int signal)
{
    (void)signal;
    loop_stop(loop);
}

static bool flush(void *context)
{
    (void)!log_flush(context);
    return false;
}

static bool work(void *context)
{
    return log_work(context);
}

static void helped(void *context)
{
    loop_wake(context);
}

static void wake(void *context)
{
    (void)context;
}

int main(int argc, char **argv)
{
    struct log_options log_options = {0};
    struct kafka_options options = {0};
    const char *address = "127.0.0.1:0", *dir = NULL;
    struct kafka_face *face;
    struct diag diag = {0};
    struct log *log;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--data"))
            dir = argv[i + 1];
        else if (!strcmp(argv[i], "--kafka"))
            address = argv[i + 1];
        else if (!strcmp(argv[i], "--rebalance-delay"))
            options.rebalance_delay_ms = atoi(argv[i + 1]);
    }
    log_options.in_memory = !dir;
    if (log_open(os_posix(), dir, &log_options, &log, &diag) != ST_OK) {
        fprintf(stderr, "kafka_server: %s\n", diag.message);
        return 1;
    }
    if (loop_create(os_posix(), &loop) != ST_OK)
        return 1;
    loop_hook_add(loop, flush, log);
    const struct security_options nobody = {0};
    if (security_open(os_posix(), log, &nobody, &options.security, &diag) != ST_OK)
        return 1;
    if (kafka_face_open(loop, log, address, &options, &face) != ST_OK) {
        fprintf(stderr, "kafka_server: cannot listen on %s\n", address);
        return 1;
    }
    loop_background_add(loop, work, log);
    log_on_work(log, helped, loop);
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    printf("ready kafka=%s\n", kafka_face_address(face));
    fflush(stdout);
    struct loop_timer *timer = loop_timer_create(loop, wake, NULL);
    loop_run(loop);
    loop_timer_destroy(timer);
    kafka_face_close(face);
    security_close(options.security);
    loop_hook_remove(loop, flush, log);
    loop_background_remove(loop, work, log);
    log_close(log);
    loop_destroy(loop);
    return 0;
}
