/* world.c: the simulated clock, the seed's faults, handles, and the ends of a process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "os/sim/internal.h"

#define WALL_START_US INT64_C(1767225600000000) /* 2026-01-01 */

struct os_sim_options os_sim_options_quiet(void)
{
    return (struct os_sim_options){
        .disk_bytes = (uint64_t)4 << 30,
        .crash_keep = 1.0 / 3,
        .crash_tear = 1.0 / 3,
        .net_buffer_bytes = 64 * 1024,
        .handles_max = 100000,
    };
}

struct os_sim_options os_sim_options_rough(void)
{
    struct os_sim_options o = os_sim_options_quiet();

    o.read_error = 0.0005;
    o.write_error = 0.0005;
    o.sync_error = 0.002;
    o.disk_delay_ns_max = 2000000;
    o.net_buffer_bytes = 16 * 1024;
    o.net_delay_ns_max = 5000000;
    o.net_cut = 0.3;
    o.net_reset = 0.001;
    return o;
}

/* ---- faults ---- */

enum status sim_failed(struct sim *sim, enum status st, const char *what, const char *name,
                       const char *reason)
{
    if (st != ST_AGAIN)
        snprintf(sim->error, sizeof(sim->error), "%s %s: %s", what, name, reason);
    return st;
}

bool sim_fault(struct sim *sim, struct rng *rng, double chance)
{
    if (chance <= 0 || !rng_chance(rng, chance))
        return false;
    sim->counts.faults++;
    return true;
}

void sim_disk_delay(struct sim *sim)
{
    if (sim->options.disk_delay_ns_max > 0)
        sim->world->mono_ns += rng_between(&sim->disk_rng, 0, sim->options.disk_delay_ns_max);
}

static bool is_step(const struct os_sim_step *step, const char *what, const char *name)
{
    return (!step->call || strcmp(step->call, what) == 0) &&
           (!step->path || strstr(name, step->path) != NULL);
}

/* Whether the power fails before this step. */
static bool strikes(const struct sim *sim, const char *what, const char *name)
{
    if (sim->off_at_step)
        return sim->counts.steps + 1 >= sim->off_at_step;
    return sim->off_aims && sim->off_aimed && is_step(&sim->off_before, what, name);
}

/* The step is made: may be what an aim waits for. */
static void take_aim(struct sim *sim, const char *what, const char *name)
{
    if (!sim->off_aims || sim->off_aimed || !is_step(&sim->off_after, what, name))
        return;
    sim->off_aimed = sim->off_skip == 0;
    sim->off_skip -= !sim->off_aimed;
}

static void disarm(struct sim *sim)
{
    sim->off_at_step = 0;
    sim->off_aims = sim->off_aimed = false;
}

enum status sim_step(struct sim *sim, uint64_t *count, const char *what, const char *name)
{
    if (!sim->off && strikes(sim, what, name)) {
        sim->off = true;
        disarm(sim);
        if (sim->on_off)
            sim->on_off(sim->on_off_context);
    }
    if (sim->off)
        return sim_failed(sim, ST_IO, what, name, "the power is off");
    take_aim(sim, what, name);
    sim->counts.steps++;
    ++*count;
    return ST_OK;
}

/* ---- handles ---- */

enum status sim_handle_check(struct sim *sim, const char *what)
{
    if (sim->off)
        return sim_failed(sim, ST_IO, what, "handle", "the power is off");
    if (sim->handles_len >= sim->options.handles_max)
        return sim_failed(sim, ST_NOSPACE, what, "handle", "too many are open");
    return ST_OK;
}

void sim_handle_open(struct sim *sim, struct sim_handle *handle,
                     void (*free_fn)(struct sim_handle *handle))
{
    *handle =
        (struct sim_handle){.sim = sim, .next = sim->handles, .free = free_fn, .life = sim->life};
    if (handle->next)
        handle->next->prev = handle;
    sim->handles = handle;
    sim->handles_len++;
}

void sim_handle_close(struct sim_handle *handle)
{
    struct sim *sim = handle->sim;

    if (handle->prev)
        handle->prev->next = handle->next;
    else
        sim->handles = handle->next;
    if (handle->next)
        handle->next->prev = handle->prev;
    if (handle->life == sim->life)
        sim->handles_len--;
}

/* ---- the table ---- */

static int64_t sim_mono(struct os *os)
{
    return sim_of(os)->world->mono_ns;
}

int64_t sim_wall_us(const struct sim *sim)
{
    return sim->wall_us + sim->world->mono_ns / 1000;
}

static int64_t sim_wall(struct os *os)
{
    return sim_wall_us(sim_of(os));
}

static int64_t sim_cpu(struct os *os)
{
    (void)os;
    return 0;
}

static uint64_t sim_memory_bytes(struct os *os)
{
    (void)os;
    return 0;
}

static void sim_random(struct os *os, void *to, size_t len)
{
    struct rng *rng = &sim_of(os)->entropy;

    for (size_t i = 0; i < len; i++)
        ((uint8_t *)to)[i] = (uint8_t)(rng_next(rng) >> 56);
}

static enum status sim_thread_start(struct os *os, const char *name, os_thread_fn *fn,
                                    void *context, struct os_thread **out)
{
    (void)fn;
    (void)context;
    *out = NULL;
    return sim_failed(sim_of(os), ST_UNSUPPORTED, "start thread", name,
                      "a simulation has one thread");
}

static void sim_thread_join(struct os *os, struct os_thread *thread)
{
    (void)os;
    (void)thread;
    UNREACHABLE(); /* none was ever given out */
}

static void sim_thread_end(struct os *os)
{
    (void)os;
    UNREACHABLE(); /* nor begun */
}

static void sim_word_wait(struct os *os, const atomic_uint *word, unsigned seen, int64_t timeout_ns)
{
    if (atomic_load(word) != seen)
        return;
    CHECK(timeout_ns >= 0); /* nobody is there to change it: a sleep without a bound never ends */
    sim_of(os)->world->mono_ns += timeout_ns;
}

static void sim_word_wake(struct os *os, const atomic_uint *word)
{
    (void)os;
    (void)word;
}

static const char *sim_error_text(struct os *os)
{
    return sim_of(os)->error;
}

static const struct os_class sim_class = {
    .mono_ns = sim_mono,
    .wall_us = sim_wall,
    .cpu_ns = sim_cpu,
    .memory_bytes = sim_memory_bytes,
    .random = sim_random,
    .file_open = sim_file_open,
    .path_stat = sim_path_stat,
    .rename = sim_rename,
    .remove = sim_remove,
    .mkdir = sim_mkdir,
    .list = sim_list,
    .sync_dir = sim_sync_dir,
    .space = sim_space,
    .poller_open = sim_poller_open,
    .listen = sim_listen,
    .connect = sim_connect,
    .thread_start = sim_thread_start,
    .thread_join = sim_thread_join,
    .thread_end = sim_thread_end,
    .word_wait = sim_word_wait,
    .word_wake = sim_word_wake,
    .helper_open = sim_helper_open,
    .error_text = sim_error_text,
};

/* ---- life ---- */

static struct sim *machine_new(struct sim_world *world, const struct os_sim_options *options)
{
    struct sim *sim = xcalloc(1, sizeof(*sim));

    sim->os.class = &sim_class;
    sim->world = world;
    sim->options = options ? *options : os_sim_options_quiet();
    sim->entropy = rng_seed(rng_next(&world->seeds));
    sim->disk_rng = rng_seed(rng_next(&world->seeds));
    sim->helper_rng = rng_seed(rng_next(&world->seeds));
    sim->wall_us = WALL_START_US;
    sim_names_init(sim);
    sim->next = world->machines;
    world->machines = sim;
    return sim;
}

struct os *os_sim_create(uint64_t seed, const struct os_sim_options *options)
{
    struct sim_world *world = xcalloc(1, sizeof(*world));

    world->seeds = rng_seed(seed);
    world->net_rng = rng_seed(rng_next(&world->seeds));
    world->mono_ns = 1000000000;
    world->net.next_port = 20000;
    return &machine_new(world, options)->os;
}

struct os *os_sim_machine(struct os *os, const struct os_sim_options *options)
{
    return &machine_new(sim_of(os)->world, options)->os;
}

void os_sim_destroy(struct os *os)
{
    struct sim_world *world = sim_of(os)->world;

    for (struct sim *sim = world->machines; sim; sim = sim->next)
        while (sim->handles)
            sim->handles->free(sim->handles);
    while (world->machines) {
        struct sim *sim = world->machines;
        world->machines = sim->next;
        sim_names_deinit(sim);
        free(sim);
    }
    free(world);
}

struct os_sim_options *os_sim_options(struct os *os)
{
    return &sim_of(os)->options;
}

const struct os_sim_counts *os_sim_counts(const struct os *os)
{
    return &sim_of(os)->counts;
}

void os_sim_advance(struct os *os, int64_t ns)
{
    CHECK(ns >= 0);
    sim_of(os)->world->mono_ns += ns;
}

void os_sim_wall_jump(struct os *os, int64_t us)
{
    sim_of(os)->wall_us += us;
}

bool os_sim_stuck(const struct os *os)
{
    return sim_of(os)->world->stuck;
}

void os_sim_off_at(struct os *os, uint64_t steps, void (*on_off)(void *context), void *context)
{
    struct sim *sim = sim_of(os);

    CHECK(steps > 0);
    disarm(sim);
    sim->off_at_step = sim->counts.steps + steps;
    sim->on_off = on_off;
    sim->on_off_context = context;
}

void os_sim_off_between(struct os *os, struct os_sim_step after, struct os_sim_step at, uint64_t skip)
{
    struct sim *sim = sim_of(os);

    disarm(sim);
    sim->off_aims = true;
    sim->off_after = after;
    sim->off_before = at;
    sim->off_skip = skip;
    sim->on_off = NULL;
}

bool os_sim_aimed(const struct os *os)
{
    return sim_of(os)->off_aims && sim_of(os)->off_aimed;
}

bool os_sim_is_off(const struct os *os)
{
    return sim_of(os)->off;
}

void os_sim_kill(struct os *os)
{
    struct sim *sim = sim_of(os);

    sim_socks_end(sim);
    sim->life++;
    sim->handles_len = 0; /* the dead do not count */
    sim->off = false;
    disarm(sim);
    sim->world->stuck = false;
    for (struct sim_node *n = sim->disk.nodes; n; n = n->next) {
        n->locked = false;
        n->handles = 0;
        if (!n->seen.dir)
            sim_cache_drop(n);
    }
}

void os_sim_crash(struct os *os)
{
    os_sim_kill(os);
    sim_names_crash(sim_of(os));
}
