/* Files: random calls on the real world and on the simulated one give the same answers. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/rng.h"
#include "lib/test.h"
#include "os/sim/sim.h"

enum { HANDLES = 6, CALLS = 3000, BYTES_MAX = 20000 };

/* One world: where its tree begins, and what is open. */
struct side {
    struct os *os;
    char dir[256];
    struct os_file *open[HANDLES];
    enum status st;
    uint64_t answer; /* beyond the status */
    uint8_t bytes[BYTES_MAX];
    char names[2000];
};

struct call {
    int kind, handle;
    unsigned flags;
    uint64_t pos;
    size_t len;
    char path[64], other[64];
};

static void random_path(struct rng *rng, char path[64])
{
    static const char *const names[] = {"a", "b", "c", "d/a", "d/b", "d", "d/e", "d/e/a", "x/a"};

    snprintf(path, 64, "%s", names[rng_below(rng, sizeof(names) / sizeof(names[0]))]);
}

static struct call random_call(struct rng *rng)
{
    struct call c = {.kind = (int)rng_below(rng, 12), .handle = (int)rng_below(rng, HANDLES)};

    random_path(rng, c.path);
    random_path(rng, c.other);
    c.flags = OS_WRITE | (rng_chance(rng, 0.7) ? OS_CREATE : 0) |
              (rng_chance(rng, 0.1) ? OS_TRUNCATE : 0) | (rng_chance(rng, 0.1) ? OS_LOCK : 0);
    if ((c.flags & OS_CREATE) && rng_chance(rng, 0.2))
        c.flags |= OS_EXCLUSIVE;
    c.pos = rng_below(rng, rng_chance(rng, 0.9) ? 10000 : 1000000);
    c.len = 1 + (size_t)rng_below(rng, BYTES_MAX);
    return c;
}

static void note_name(void *context, const char *name, const struct os_stat *st)
{
    struct side *s = context;
    size_t len = strlen(s->names);

    snprintf(s->names + len, sizeof(s->names) - len, "%s %d %d\n", name, st->is_dir,
             st->is_dir ? 0 : (int)st->size);
}

static void do_open(struct side *s, const struct call *c, const char *path)
{
    if (s->open[c->handle])
        os_file_close(s->open[c->handle]);
    s->st = os_file_open(s->os, path, c->flags, &s->open[c->handle]);
}

static void do_file(struct side *s, const struct call *c)
{
    struct os_file *f = s->open[c->handle];
    struct os_stat st;
    size_t got = 0;

    if (!f)
        return;
    if (c->kind <= 2) {
        for (size_t i = 0; i < c->len; i++)
            s->bytes[i] = (uint8_t)(c->pos + i * 3);
        s->st = os_file_write(f, c->pos, s->bytes, c->len);
    } else if (c->kind <= 4) {
        memset(s->bytes, 0, sizeof(s->bytes));
        s->st = os_file_read(f, c->pos, s->bytes, c->len, &got);
        s->answer = got;
    } else if (c->kind == 5) {
        s->st = os_file_truncate(f, c->pos);
    } else {
        s->st = os_file_stat(f, &st);
        s->answer = st.size;
    }
}

static void do_call(struct side *s, const struct call *c)
{
    char path[400], other[400];
    struct os_stat st = {0};

    snprintf(path, sizeof(path), "%s/%s", s->dir, c->path);
    snprintf(other, sizeof(other), "%s/%s", s->dir, c->other);
    s->st = ST_OK;
    s->answer = 0;
    s->names[0] = 0;
    switch (c->kind) {
    case 7: do_open(s, c, path); break;
    case 8: s->st = os_rename(s->os, path, other); break;
    case 9: s->st = os_remove(s->os, path); break;
    case 10: s->st = os_mkdir(s->os, path); break;
    case 11:
        s->st = os_list(s->os, path, note_name, s);
        if (s->st == ST_OK)
            s->st = os_path_stat(s->os, path, &st);
        break;
    default: do_file(s, c); break;
    }
}

/* Which error it is may differ where several hold; whether it is one may not. */
static void compare(const struct side *real, const struct side *sim, const struct call *c, int at)
{
    if ((real->st == ST_OK) != (sim->st == ST_OK) || real->answer != sim->answer ||
        strcmp(real->names, sim->names) != 0 || memcmp(real->bytes, sim->bytes, BYTES_MAX) != 0)
        test_fail(__FILE__, __LINE__, "call %d kind %d %s %s: %s %d, simulated %s %d", at, c->kind,
                  c->path, c->other, status_text(real->st), (int)real->answer, status_text(sim->st),
                  (int)sim->answer);
}

static void close_all(struct side *s)
{
    for (int i = 0; i < HANDLES; i++)
        if (s->open[i])
            os_file_close(s->open[i]);
}

TEST(files_model_real_and_simulated_agree)
{
    for (uint64_t seed = test_seed(); seed < test_seed() + 5; seed++) {
        struct side *real = xcalloc(1, sizeof(*real)), *sim = xcalloc(1, sizeof(*sim));
        struct rng rng = rng_seed(seed);
        real->os = os_posix();
        sim->os = os_sim_create(seed, NULL);
        snprintf(real->dir, sizeof(real->dir), "%s/%d", test_dir(), (int)seed);
        snprintf(sim->dir, sizeof(sim->dir), "/t");
        EXPECT_OK(os_mkdir(real->os, real->dir));
        EXPECT_OK(os_mkdir(sim->os, sim->dir));
        for (int i = 0; i < CALLS; i++) {
            struct call call = random_call(&rng);
            do_call(real, &call);
            do_call(sim, &call);
            compare(real, sim, &call, i);
        }
        close_all(real);
        close_all(sim);
        os_sim_destroy(sim->os);
        free(real);
        free(sim);
    }
}
