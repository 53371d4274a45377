/* crew.c: how a ring is never lost: every ring counts the host's word up, and a host sleeps only
 * while the word is what it was before it last looked. Whether it sleeps is a second variable, so that a
 * ring for one that is awake costs no call of the system.
 */
#include "flow/crew.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

/* Looking around costs less than a sleep while something comes within it. */
enum { REST_NS = 30000, REST_ROUNDS = 64, LINE_BYTES = 64 };

struct host {
    _Alignas(LINE_BYTES) atomic_uint word; /* rings */
    atomic_bool asleep;
    _Atomic(struct crew_work *) posted;    /* the newest first */
    struct crew_work *works;               /* being turned */
    struct crew *crew;
    struct os_thread *thread;
};

struct crew {
    struct os *os;
    void (*on_wake)(void *context);
    void *context;
    uint32_t hosts_count;
    struct host *hosts;
    bool started, refused; /* by the system */
    bool handled;          /* the loop's thread has a handler for failed checks */
    atomic_bool stop;
    /* the check that failed on a host's thread */
    atomic_bool failed;
    const char *expression, *file;
    int line;
};

struct crew *crew_create(struct os *os, uint32_t hosts, void (*on_wake)(void *context),
                         void *context)
{
    struct crew *crew = xcalloc(1, sizeof(*crew));
    CHECK(hosts > 1);
    crew->os = os;
    crew->on_wake = on_wake;
    crew->context = context;
    crew->hosts_count = hosts;
    crew->hosts = aligned_alloc(LINE_BYTES, hosts * sizeof(struct host));
    CHECK(crew->hosts);
    for (uint32_t h = 0; h < hosts; h++) {
        crew->hosts[h] = (struct host){.crew = crew};
        atomic_init(&crew->hosts[h].asleep, false);
    }
    return crew;
}

uint32_t crew_hosts(const struct crew *crew)
{
    return crew->hosts_count;
}

void crew_ring(struct crew *crew, uint32_t host)
{
    struct host *h = &crew->hosts[host];
    atomic_fetch_add(&h->word, 1);
    if (!atomic_load(&h->asleep) || !atomic_exchange(&h->asleep, false))
        return;
    os_word_wake(crew->os, &h->word);
    if (host == 0)
        crew->on_wake(crew->context);
}

static void breathe(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Until the word is another: true; or for a moment. */
static bool look_around(struct host *h, unsigned seen)
{
    int64_t until = os_mono_ns(h->crew->os) + REST_NS;
    do {
        for (int i = 0; i < REST_ROUNDS; i++) {
            if (atomic_load(&h->word) != seen)
                return true;
            breathe();
        }
    } while (os_mono_ns(h->crew->os) < until);
    return false;
}

static void sleep_on(struct host *h, unsigned seen)
{
    atomic_store(&h->asleep, true);
    os_word_wait(h->crew->os, &h->word, seen, -1);
    atomic_store(&h->asleep, false);
}

/* ---- a host's thread ---- */

static void take_posted(struct host *h)
{
    struct crew_work *newest = atomic_exchange(&h->posted, NULL), *oldest = NULL;
    while (newest) {
        struct crew_work *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    struct crew_work **end = &h->works;
    while (*end)
        end = &(*end)->next;
    *end = oldest;
}

/* Each of its works has a turn. False: none has moved. */
static bool host_turn(struct host *h)
{
    bool moved = false;
    for (struct crew_work **at = &h->works; *at;) {
        struct crew_work *work = *at;
        enum crew_turn turn = work->turn(work);
        moved |= turn != CREW_WAITS;
        if (turn == CREW_DONE) {
            *at = work->next;
            work->left(work);
        } else {
            at = &work->next;
        }
    }
    return moved;
}

/* Nothing on this thread is to be trusted any more: the loop is told, and decides. */
static void host_failed(void *context, const char *expression, const char *file, int line)
{
    struct crew *crew = context;
    bool first = !atomic_exchange(&crew->stop, true);
    if (first) {
        crew->expression = expression;
        crew->file = file;
        crew->line = line;
        atomic_store(&crew->failed, true);
        crew_ring(crew, 0);
        crew->on_wake(crew->context); /* it may be asleep elsewhere */
    }
    os_thread_end(crew->os);
}

static void host_main(void *context)
{
    struct host *h = context;
    if (h->crew->handled)
        check_set_handler(host_failed, h->crew);
    while (!atomic_load(&h->crew->stop)) {
        unsigned seen = atomic_load(&h->word);
        take_posted(h);
        if (!host_turn(h) && !look_around(h, seen))
            sleep_on(h, seen);
    }
}

/* ---- life ---- */

void crew_stop(struct crew *crew)
{
    atomic_store(&crew->stop, true);
    for (uint32_t h = 1; h < crew->hosts_count; h++)
        crew_ring(crew, h);
    for (uint32_t h = 1; h < crew->hosts_count; h++)
        if (crew->hosts[h].thread)
            os_thread_join(crew->os, crew->hosts[h].thread);
    for (uint32_t h = 1; h < crew->hosts_count; h++)
        crew->hosts[h].thread = NULL;
    crew->started = false;
}

bool crew_start(struct crew *crew)
{
    char name[32];
    if (crew->started || crew->refused)
        return crew->started;
    crew->handled = check_has_handler();
    crew->started = true;
    for (uint32_t h = 1; h < crew->hosts_count && !crew->refused; h++) {
        snprintf(name, sizeof(name), "qw-shard-%u", h);
        crew->refused = os_thread_start(crew->os, name, host_main, &crew->hosts[h],
                                        &crew->hosts[h].thread) != ST_OK;
    }
    if (crew->refused)
        crew_stop(crew);
    return crew->started;
}

void crew_destroy(struct crew *crew)
{
    crew_stop(crew);
    free(crew->hosts);
    free(crew);
}

void crew_post(struct crew *crew, uint32_t host, struct crew_work *work)
{
    struct host *h = &crew->hosts[host];
    CHECK(crew->started && host > 0 && host < crew->hosts_count);
    work->next = atomic_load(&h->posted);
    while (!atomic_compare_exchange_weak(&h->posted, &work->next, work))
        ;
    crew_ring(crew, host);
}

/* ---- the loop's thread ---- */

unsigned crew_home_seen(struct crew *crew)
{
    return atomic_load(&crew->hosts[0].word);
}

bool crew_home_rest(struct crew *crew, unsigned seen)
{
    struct host *home = &crew->hosts[0];
    if (look_around(home, seen))
        return true;
    atomic_store(&home->asleep, true);
    return atomic_load(&home->word) != seen;
}

void crew_home_wait(struct crew *crew, unsigned seen)
{
    if (!look_around(&crew->hosts[0], seen))
        sleep_on(&crew->hosts[0], seen);
}

void crew_check(struct crew *crew)
{
    if (atomic_load(&crew->failed))
        check_failed(crew->expression, crew->file, crew->line);
}
