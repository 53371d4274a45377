/* The loop: order of a pass, timers, hooks, deferred work, tasks from other threads, rest. */
#include "net/loop.h"

#include <stdio.h>

#include "base/check.h"
#include "base/rng.h"
#include "lib/test.h"

/* A callback's context is not const; these only read it. */
#define T(text) ((void *)(uintptr_t)(text))

static char trace[256];

static void add(const char *what)
{
    snprintf(trace + strlen(trace), sizeof(trace) - strlen(trace), "%s ", what);
}

static struct loop *start(void)
{
    struct loop *loop;

    trace[0] = 0;
    EXPECT_OK(loop_create(os_posix(), &loop));
    return loop;
}

static void add_text(void *context)
{
    add(context);
}

static int hook_left;

static bool hook_runs(void *context)
{
    add(context);
    return --hook_left > 0;
}

TEST(loop_pass_has_an_order)
{
    struct loop *loop = start();
    struct loop_timer *timer = loop_timer_create(loop, add_text, T("timer"));
    struct loop_defer defer = {.fn = add_text, .context = T("defer")};

    hook_left = 1;
    loop_hook_add(loop, hook_runs, T("hook"));
    loop_defer(loop, &defer);
    loop_defer(loop, &defer);
    loop_timer_set(timer, 0);
    loop_post(loop, add_text, T("task1"));
    loop_post(loop, add_text, T("task2"));
    loop_pass(loop, -1);
    EXPECT_STR(trace, "task1 task2 timer hook defer ");
    loop_hook_remove(loop, hook_runs, T("hook"));
    loop_post(loop, add_text, T("task"));
    loop_pass(loop, -1);
    EXPECT_STR(trace, "task1 task2 timer hook defer task ");
    loop_timer_destroy(timer);
    loop_destroy(loop);
}

TEST(loop_hook_with_work_keeps_the_loop_awake)
{
    struct loop *loop = start();

    hook_left = 3;
    loop_hook_add(loop, hook_runs, T("h"));
    for (int i = 0; i < 3; i++)
        loop_pass(loop, -1); /* would wait for ever otherwise */
    EXPECT_STR(trace, "h h h ");
    loop_again(loop);
    loop_pass(loop, -1);
    EXPECT_STR(trace, "h h h h ");
    loop_destroy(loop);
}

/* ---- timers against a naive twin ---- */

enum { TIMERS = 200 };

struct one_timer {
    struct loop_timer *timer;
    int64_t at; /* what the twin thinks; -1: not set */
    int order;
};

static struct one_timer timers[TIMERS];
static struct loop *timers_loop;
static int64_t last_at;
static int last_order, fired;

static void timer_fires(void *context)
{
    struct one_timer *t = context;

    EXPECT(t->at >= 0);
    EXPECT(t->at <= loop_mono_ns(timers_loop));
    EXPECT(t->at > last_at || (t->at == last_at && t->order > last_order));
    last_at = t->at;
    last_order = t->order;
    t->at = -1;
    fired++;
}

TEST(loop_timers_fire_in_order)
{
    struct loop *loop = start();
    struct rng rng = rng_seed(test_seed());
    int64_t from = os_mono_ns(os_posix());
    int set = 0;

    timers_loop = loop;
    for (int i = 0; i < TIMERS; i++) {
        timers[i].timer = loop_timer_create(loop, timer_fires, &timers[i]);
        timers[i].at = -1;
    }
    for (int i = 0; i < TIMERS * 10; i++) {
        struct one_timer *t = &timers[rng_below(&rng, TIMERS)];
        if (rng_chance(&rng, 0.3)) {
            loop_timer_clear(t->timer);
            t->at = -1;
        } else {
            t->at = from - 100 + (int64_t)rng_below(&rng, 100);
            t->order = i;
            loop_timer_set(t->timer, t->at);
        }
    }
    for (int i = 0; i < TIMERS; i++)
        set += timers[i].at >= 0;
    loop_pass(loop, -1);
    EXPECT_INT(fired, set);
    for (int i = 0; i < TIMERS; i++) {
        EXPECT_INT(timers[i].at, -1);
        loop_timer_destroy(timers[i].timer);
    }
    loop_destroy(loop);
}

static struct loop_timer *again_timer;
static int again_fired;

static void fire_again(void *context)
{
    again_fired++;
    loop_timer_set(again_timer, 0);
    (void)context;
}

TEST(loop_timer_set_for_the_past_by_itself_ends_the_pass)
{
    struct loop *loop = start();

    again_timer = loop_timer_create(loop, fire_again, NULL);
    loop_timer_set(again_timer, 0);
    loop_pass(loop, -1);
    EXPECT_INT(again_fired, 1);
    loop_pass(loop, -1);
    EXPECT_INT(again_fired, 2);
    loop_timer_destroy(again_timer);
    loop_destroy(loop);
}

TEST(loop_timer_wakes_the_sleeping_loop)
{
    struct loop *loop = start();
    struct loop_timer *timer = loop_timer_create(loop, add_text, T("t"));
    int passes = 0;

    loop_timer_set(timer, loop_mono_ns(loop) + 3000000);
    for (; !trace[0] && passes < 100; passes++)
        loop_pass(loop, -1);
    EXPECT_STR(trace, "t ");
    EXPECT(passes < 10); /* it slept, it did not spin */
    loop_timer_destroy(timer);
    loop_destroy(loop);
}

/* ---- other threads ---- */

enum { POSTERS = 3, POSTS = 5000 };

struct poster {
    struct loop *loop;
    int next; /* what the loop expects of this one */
};

struct posted {
    struct poster *poster;
    int number;
};

static struct posted posts[POSTERS][POSTS];
static int posts_left = POSTERS * POSTS;

static void take_post(void *context)
{
    struct posted *p = context;

    EXPECT_INT(p->number, p->poster->next);
    p->poster->next++;
    if (--posts_left == 0)
        loop_stop(p->poster->loop);
}

static struct poster posters[POSTERS];

static void post_all(void *context)
{
    struct poster *p = context;
    struct posted *mine = posts[p - posters];

    for (int i = 0; i < POSTS; i++) {
        mine[i] = (struct posted){p, i};
        loop_post(p->loop, take_post, &mine[i]);
    }
}

TEST(loop_thread_posts_arrive_in_order)
{
    struct loop *loop = start();
    struct os_thread *threads[POSTERS];

    for (int i = 0; i < POSTERS; i++) {
        posters[i].loop = loop;
        EXPECT_OK(os_thread_start(os_posix(), "poster", post_all, &posters[i], &threads[i]));
    }
    loop_run(loop);
    EXPECT_INT(posts_left, 0);
    for (int i = 0; i < POSTERS; i++)
        os_thread_join(os_posix(), threads[i]);
    loop_destroy(loop);
}

static void run_loop(void *context)
{
    loop_run(context);
}

TEST(loop_thread_idle_uses_no_cpu)
{
    struct loop *loop = start();
    struct os *os = os_posix();
    struct os_thread *thread;
    struct loop *clock = start();
    struct loop_timer *timer = loop_timer_create(clock, add_text, T("up"));
    int64_t cpu;

    EXPECT_OK(os_thread_start(os, "idle", run_loop, loop, &thread));
    cpu = os_cpu_ns(os);
    loop_timer_set(timer, loop_mono_ns(clock) + 300000000);
    while (!trace[0])
        loop_pass(clock, -1);
    cpu = os_cpu_ns(os) - cpu;
    EXPECT(cpu < 100000000); /* a spinning loop would have used all 300 ms */
    loop_stop(loop);
    os_thread_join(os, thread);
    loop_timer_destroy(timer);
    loop_destroy(clock);
    loop_destroy(loop);
}
