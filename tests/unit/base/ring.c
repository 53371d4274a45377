/* The ring: bounds and order alone, then between two threads (run under TSan, too). */
#include "base/ring.h"

#include "lib/test.h"
#include "os/os.h"

struct item {
    uint64_t number, twin; /* equal: an item torn in two would show */
    uint64_t *memory;      /* what the producer wrote there before must be seen */
};

TEST(ring_is_bounded_and_in_order)
{
    struct ring ring;
    int got;

    ring_init(&ring, sizeof(int), 4);
    EXPECT(!ring_pop(&ring, &got));
    for (int round = 0, next_in = 0, next_out = 0; round < 10; round++) {
        while (ring_push(&ring, &next_in))
            next_in++;
        EXPECT_INT(next_in - next_out, 4);
        EXPECT_INT(ring_size(&ring), 4);
        for (int i = 0; i < 3; i++) {
            EXPECT(ring_pop(&ring, &got));
            EXPECT_INT(got, next_out++);
        }
    }
    ring_deinit(&ring);
}

enum { ITEMS = 50000 };

static struct ring there, back;
static uint64_t values[ITEMS];

static void echo(void *context)
{
    struct os_poller *poller = context;
    struct os_ready ready;
    struct item item;

    for (uint64_t done = 0; done < ITEMS;) {
        if (!ring_pop(&there, &item)) {
            os_poller_wait(poller, &ready, 1, 100000);
            continue;
        }
        EXPECT(item.number == done && item.twin == done && *item.memory == done * 3);
        *item.memory = done * 5;
        while (!ring_push(&back, &item))
            os_poller_wait(poller, &ready, 1, 100000);
        done++;
    }
}

static bool take_back(uint64_t *done)
{
    struct item item;

    if (!ring_pop(&back, &item))
        return false;
    EXPECT(item.number == *done && item.twin == *done && *item.memory == *done * 5);
    ++*done;
    return true;
}

TEST(ring_thread_round_trip)
{
    struct os *os = os_posix();
    struct os_poller *poller, *mine;
    struct os_thread *thread;
    struct os_ready ready;
    uint64_t sent = 0, done = 0;

    ring_init(&there, sizeof(struct item), 1024);
    ring_init(&back, sizeof(struct item), 256);
    EXPECT_OK(os_poller_open(os, &poller));
    EXPECT_OK(os_poller_open(os, &mine));
    EXPECT_OK(os_thread_start(os, "echo", echo, poller, &thread));
    while (done < ITEMS) {
        struct item item = {sent, sent, &values[sent < ITEMS ? sent : 0]};
        bool moved = false;
        if (sent < ITEMS) {
            *item.memory = sent * 3;
            moved = ring_push(&there, &item);
            sent += moved;
        }
        moved |= take_back(&done);
        if (!moved)
            os_poller_wait(mine, &ready, 1, 100000);
    }
    os_thread_join(os, thread);
    EXPECT_INT(ring_size(&there) + ring_size(&back), 0);
    os_poller_close(poller);
    os_poller_close(mine);
    ring_deinit(&there);
    ring_deinit(&back);
}
