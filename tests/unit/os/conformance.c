/* The same cases on every implementation of os.h: what a caller may rely on anywhere. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "lib/test.h"
#include "os/sim/sim.h"

struct world {
    struct os *os;
    char dir[OS_PATH_MAX / 2];
    char path[4][OS_PATH_MAX];
    int next;
};

static const char *at(struct world *w, const char *name)
{
    char *to = w->path[w->next++ % 4];

    snprintf(to, OS_PATH_MAX, "%s/%s", w->dir, name);
    return to;
}

static void put(struct world *w, const char *name, const char *text)
{
    struct os_file *f;

    EXPECT_OK(os_file_open(w->os, at(w, name), OS_WRITE | OS_CREATE | OS_TRUNCATE, &f));
    EXPECT_OK(os_file_write(f, 0, text, strlen(text)));
    os_file_close(f);
}

static void expect_text(struct world *w, const char *name, const char *text)
{
    struct os_file *f;
    char got[256];
    size_t len;

    EXPECT_OK(os_file_open(w->os, at(w, name), OS_READ, &f));
    EXPECT_OK(os_file_read(f, 0, got, sizeof(got), &len));
    EXPECT_BYTES(bytes_of(got, len), bytes_str(text));
    os_file_close(f);
}

static void case_written_out_is_read_and_synced(struct world *w)
{
    struct os_file *f;

    put(w, "out", "given to the disk");
    EXPECT_OK(os_file_open(w->os, at(w, "out"), OS_WRITE, &f));
    EXPECT_OK(os_file_write_out(f, 0, 5));
    EXPECT_OK(os_file_write_out(f, 5, 1 << 20)); /* past the end: what there is */
    EXPECT_OK(os_file_sync(f));
    os_file_close(f);
    expect_text(w, "out", "given to the disk");
}

/* ---- clocks and randomness ---- */

static void case_clocks(struct world *w)
{
    int64_t before = os_mono_ns(w->os);
    uint8_t a[64], b[64];

    for (int i = 0; i < 1000; i++) {
        int64_t now = os_mono_ns(w->os);
        EXPECT(now >= before);
        before = now;
    }
    EXPECT(os_wall_us(w->os) > INT64_C(1500000000000000));
    EXPECT(os_cpu_ns(w->os) >= 0);
    os_random(w->os, a, sizeof(a));
    os_random(w->os, b, sizeof(b));
    EXPECT(memcmp(a, b, sizeof(a)) != 0);
}

/* ---- files ---- */

static void case_open_flags(struct world *w)
{
    struct os_file *f, *g;

    EXPECT_STATUS(os_file_open(w->os, at(w, "none"), OS_READ, &f), ST_NOTFOUND);
    EXPECT(f == NULL);
    EXPECT_STATUS(os_file_open(w->os, at(w, "none"), OS_WRITE, &f), ST_NOTFOUND);
    EXPECT_STATUS(os_file_open(w->os, at(w, "no/dir"), OS_WRITE | OS_CREATE, &f), ST_NOTFOUND);
    EXPECT_OK(os_file_open(w->os, at(w, "a"), OS_WRITE | OS_CREATE | OS_EXCLUSIVE, &f));
    os_file_close(f);
    EXPECT_STATUS(os_file_open(w->os, at(w, "a"), OS_WRITE | OS_CREATE | OS_EXCLUSIVE, &f),
                  ST_EXISTS);
    put(w, "a", "hello");
    EXPECT_OK(os_file_open(w->os, at(w, "a"), OS_WRITE | OS_CREATE, &f));
    os_file_close(f);
    expect_text(w, "a", "hello");
    EXPECT_OK(os_file_open(w->os, at(w, "a"), OS_WRITE | OS_TRUNCATE, &f));
    os_file_close(f);
    expect_text(w, "a", "");
    EXPECT_OK(os_mkdir(w->os, at(w, "dir")));
    EXPECT_STATUS(os_file_open(w->os, at(w, "dir"), OS_READ, &f), ST_IO);
    EXPECT(os_error_text(w->os)[0] != 0);
    EXPECT_OK(os_file_open(w->os, at(w, "lock"), OS_WRITE | OS_CREATE | OS_LOCK, &f));
    EXPECT_OK(os_file_write(f, 0, "kept", 4));
    EXPECT_STATUS(os_file_open(w->os, at(w, "lock"), OS_WRITE | OS_TRUNCATE | OS_LOCK, &g),
                  ST_AGAIN);
    expect_text(w, "lock", "kept"); /* refused before it was cut */
    os_file_close(f);
    EXPECT_OK(os_file_open(w->os, at(w, "lock"), OS_WRITE | OS_LOCK, &g));
    os_file_close(g);
}

static void case_positions(struct world *w)
{
    struct os_file *f;
    struct os_stat st;
    uint8_t got[64];
    size_t len;

    EXPECT_OK(os_file_open(w->os, at(w, "f"), OS_WRITE | OS_CREATE, &f));
    EXPECT_OK(os_file_write(f, 10, "tail", 4)); /* a hole reads as zeros */
    EXPECT_OK(os_file_stat(f, &st));
    EXPECT_INT(st.size, 14);
    EXPECT(!st.is_dir);
    EXPECT(st.modified_us > 0);
    EXPECT_OK(os_file_read(f, 8, got, sizeof(got), &len));
    EXPECT_BYTES(bytes_of(got, len), bytes_of("\0\0tail", 6));
    EXPECT_OK(os_file_read(f, 14, got, sizeof(got), &len));
    EXPECT_INT(len, 0);
    EXPECT_OK(os_file_read(f, 1000, got, sizeof(got), &len));
    EXPECT_INT(len, 0);
    EXPECT_OK(os_file_write(f, 11, "AI", 2));
    EXPECT_OK(os_file_read(f, 10, got, 4, &len));
    EXPECT_BYTES(bytes_of(got, len), BYTES_LITERAL("tAIl"));
    EXPECT_OK(os_file_truncate(f, 12));
    EXPECT_OK(os_file_truncate(f, 16)); /* what was cut does not come back */
    EXPECT_OK(os_file_read(f, 10, got, sizeof(got), &len));
    EXPECT_BYTES(bytes_of(got, len), bytes_of("tA\0\0\0\0", 6));
    EXPECT_OK(os_file_write(f, 0, "", 0));
    EXPECT_OK(os_file_sync(f));
    os_file_close(f);
}

static void case_handles(struct world *w)
{
    struct os_file *a, *b;
    struct os_stat st;
    char got[8];
    size_t len;

    EXPECT_OK(os_file_open(w->os, at(w, "f"), OS_WRITE | OS_CREATE, &a));
    EXPECT_OK(os_file_open(w->os, at(w, "f"), OS_READ, &b));
    EXPECT_OK(os_file_write(a, 0, "shared", 6));
    EXPECT_OK(os_file_read(b, 0, got, sizeof(got), &len));
    EXPECT_BYTES(bytes_of(got, len), BYTES_LITERAL("shared"));
    EXPECT_OK(os_remove(w->os, at(w, "f"))); /* a file lives while a handle does */
    EXPECT_STATUS(os_path_stat(w->os, at(w, "f"), &st), ST_NOTFOUND);
    EXPECT_OK(os_file_read(b, 0, got, sizeof(got), &len));
    EXPECT_INT(len, 6);
    EXPECT_OK(os_file_write(a, 0, "S", 1));
    EXPECT_OK(os_file_sync(a));
    os_file_close(a);
    os_file_close(b);
}

static void case_direct(struct world *w)
{
    uint8_t *block = aligned_alloc(OS_BLOCK, OS_BLOCK * 2);
    struct os_file *f;
    size_t len;

    EXPECT_OK(os_file_open(w->os, at(w, "d"), OS_WRITE | OS_CREATE | OS_DIRECT, &f));
    memset(block, 'x', OS_BLOCK * 2);
    EXPECT_OK(os_file_write(f, 0, block, OS_BLOCK * 2));
    EXPECT_OK(os_file_sync(f));
    memset(block, 'y', OS_BLOCK);
    EXPECT_OK(os_file_write(f, OS_BLOCK, block, OS_BLOCK));
    EXPECT_OK(os_file_read(f, 0, block, OS_BLOCK * 2, &len));
    EXPECT_INT(len, OS_BLOCK * 2);
    EXPECT_INT(block[OS_BLOCK - 1], 'x');
    EXPECT_INT(block[OS_BLOCK], 'y');
    EXPECT_OK(os_file_truncate(f, OS_BLOCK + 100));
    EXPECT_OK(os_file_read(f, 0, block, OS_BLOCK * 2, &len));
    EXPECT_INT(len, OS_BLOCK + 100);
    os_file_close(f);
    free(block);
}

/* ---- names ---- */

static void note_name(void *context, const char *name, const struct os_stat *st)
{
    char *all = context;

    snprintf(all + strlen(all), 200 - strlen(all), "%s%s%d ", name, st->is_dir ? "/" : "=",
             st->is_dir ? 0 : (int)st->size);
}

static void case_names(struct world *w)
{
    char all[200] = "";
    struct os_stat st;

    EXPECT_OK(os_mkdir(w->os, at(w, "d")));
    EXPECT_OK(os_mkdir(w->os, at(w, "d")));
    EXPECT_STATUS(os_mkdir(w->os, at(w, "no/d")), ST_NOTFOUND);
    put(w, "d/b", "22");
    put(w, "d/a", "1");
    put(w, "d/B", "333");
    EXPECT_OK(os_mkdir(w->os, at(w, "d/c")));
    EXPECT_STATUS(os_mkdir(w->os, at(w, "d/a")), ST_EXISTS);
    EXPECT_OK(os_list(w->os, at(w, "d"), note_name, all));
    EXPECT_STR(all, "B=3 a=1 b=2 c/0 ");
    EXPECT_STATUS(os_list(w->os, at(w, "none"), note_name, all), ST_NOTFOUND);
    EXPECT_STATUS(os_list(w->os, at(w, "d/a"), note_name, all), ST_NOTFOUND);

    EXPECT_OK(os_rename(w->os, at(w, "d/a"), at(w, "d/b"))); /* replaces */
    expect_text(w, "d/b", "1");
    EXPECT_STATUS(os_rename(w->os, at(w, "d/a"), at(w, "d/x")), ST_NOTFOUND);
    EXPECT_OK(os_rename(w->os, at(w, "d/b"), at(w, "d/c/b")));
    EXPECT_STATUS(os_remove(w->os, at(w, "d/c")), ST_EXISTS);
    EXPECT_OK(os_rename(w->os, at(w, "d/c"), at(w, "e"))); /* a folder with what is in it */
    expect_text(w, "e/b", "1");
    EXPECT_OK(os_remove(w->os, at(w, "e/b")));
    EXPECT_OK(os_remove(w->os, at(w, "e")));
    EXPECT_STATUS(os_remove(w->os, at(w, "e")), ST_NOTFOUND);
    EXPECT_OK(os_sync_dir(w->os, at(w, "d")));
    EXPECT_STATUS(os_sync_dir(w->os, at(w, "e")), ST_NOTFOUND);
    EXPECT_OK(os_path_stat(w->os, at(w, "d"), &st));
    EXPECT(st.is_dir);
}

static void case_space(struct world *w)
{
    uint64_t available = 0, total = 0;

    EXPECT_OK(os_space(w->os, w->dir, &available, &total));
    EXPECT(total > 0);
    EXPECT(available <= total);
}

/* ---- sockets ---- */

struct pair {
    struct os_poller *poller;
    struct os_sock *listener, *client, *server;
};

static int tag_listener, tag_client, tag_server;

/* Waits until this tag has this event. */
static void await(struct pair *p, void *tag, unsigned event)
{
    for (int tries = 0; tries < 100000; tries++) {
        struct os_ready ready[8];
        int count = os_poller_wait(p->poller, ready, 8, INT64_C(1000000000));
        for (int i = 0; i < count; i++)
            if (ready[i].tag == tag && (ready[i].events & event))
                return;
    }
    EXPECT(!"the event comes");
}

static void pair_open(struct world *w, struct pair *p)
{
    char address[64], remote[64];

    EXPECT_OK(os_poller_open(w->os, &p->poller));
    EXPECT_OK(os_listen(w->os, "127.0.0.1:0", &p->listener));
    os_sock_address(p->listener, address, remote, sizeof(address));
    EXPECT(strncmp(address, "127.0.0.1:", 10) == 0 && atoi(address + 10) > 0);
    EXPECT_STATUS(os_sock_accept(p->listener, &p->server), ST_AGAIN);
    EXPECT_OK(os_sock_watch(p->listener, p->poller, OS_IN, &tag_listener));
    EXPECT_OK(os_connect(w->os, address, &p->client));
    EXPECT_OK(os_sock_watch(p->client, p->poller, OS_OUT, &tag_client));
    await(p, &tag_client, OS_OUT);
    EXPECT_OK(os_sock_watch(p->client, p->poller, 0, NULL));
    await(p, &tag_listener, OS_IN);
    EXPECT_OK(os_sock_accept(p->listener, &p->server));
    os_sock_address(p->client, remote, address, sizeof(address));
    char server_local[64], server_remote[64];
    os_sock_address(p->server, server_local, server_remote, sizeof(server_local));
    EXPECT_STR(server_local, address);
    EXPECT_STR(server_remote, remote);
}

static void pair_close(struct pair *p)
{
    if (p->client)
        os_sock_close(p->client);
    if (p->server)
        os_sock_close(p->server);
    os_sock_close(p->listener);
    os_poller_close(p->poller);
}

static enum status send_text(struct os_sock *sock, const char *text, size_t *sent)
{
    struct bytes part = bytes_str(text);

    return os_sock_send(sock, &part, 1, sent);
}

/* Reads until len bytes are there or the end. */
static size_t recv_all(struct pair *p, struct os_sock *sock, void *tag, uint8_t *to, size_t len)
{
    size_t done = 0, got;

    EXPECT_OK(os_sock_watch(sock, p->poller, OS_IN, tag));
    while (done < len) {
        enum status st = os_sock_recv(sock, to + done, len - done, &got);
        if (st == ST_END)
            break;
        if (st == ST_AGAIN) {
            await(p, tag, OS_IN);
            continue;
        }
        EXPECT_OK(st);
        EXPECT(got > 0);
        done += got;
    }
    EXPECT_OK(os_sock_watch(sock, p->poller, 0, NULL));
    return done;
}

static void case_sockets(struct world *w)
{
    struct bytes parts[3] = {BYTES_LITERAL("one "), BYTES_NONE, BYTES_LITERAL("two")};
    struct pair p;
    uint8_t got[64];
    size_t n;

    pair_open(w, &p);
    EXPECT_STATUS(os_sock_recv(p.server, got, sizeof(got), &n), ST_AGAIN);
    EXPECT_OK(os_sock_send(p.client, parts, 3, &n));
    EXPECT(n >= 1 && n <= 7);
    if (n < 7)
        parts[2] = bytes_skip(BYTES_LITERAL("one two"), n),
        EXPECT_OK(os_sock_send(p.client, parts + 2, 1, &n));
    EXPECT_INT(recv_all(&p, p.server, &tag_server, got, 7), 7);
    EXPECT_BYTES(bytes_of(got, 7), BYTES_LITERAL("one two"));

    os_sock_finish(p.client); /* half-close: the other way stays open */
    EXPECT_INT(recv_all(&p, p.server, &tag_server, got, 1), 0);
    EXPECT_STATUS(os_sock_recv(p.server, got, 1, &n), ST_END);
    EXPECT_STATUS(send_text(p.client, "x", &n), ST_CLOSED);
    EXPECT_OK(send_text(p.server, "bye", &n));
    EXPECT_INT(recv_all(&p, p.client, &tag_client, got, 3), 3);
    os_sock_close(p.server);
    p.server = NULL;
    EXPECT_INT(recv_all(&p, p.client, &tag_client, got, 3), 0);
    pair_close(&p);
}

/* A sender meets a bound, and goes on when the reader has read. */
static void case_back_pressure(struct world *w)
{
    static uint8_t chunk[65536];
    struct bytes part = bytes_of(chunk, sizeof(chunk));
    size_t queued = 0, n;
    struct pair p;
    enum status st;

    pair_open(w, &p);
    while ((st = os_sock_send(p.client, &part, 1, &n)) == ST_OK)
        queued += n;
    EXPECT_STATUS(st, ST_AGAIN);
    EXPECT(queued > 0);
    for (size_t left = queued; left > 0; left -= n) {
        n = recv_all(&p, p.server, &tag_server, chunk, left < sizeof(chunk) ? left : sizeof(chunk));
        EXPECT(n > 0);
    }
    EXPECT_OK(os_sock_watch(p.client, p.poller, OS_OUT, &tag_client));
    await(&p, &tag_client, OS_OUT);
    EXPECT_OK(send_text(p.client, "more", &n));
    pair_close(&p);
}

static void case_poller(struct world *w)
{
    struct os_ready ready[4];
    struct pair p;
    size_t n;
    int64_t from;

    pair_open(w, &p);
    EXPECT_INT(os_poller_wait(p.poller, ready, 4, 0), 0);
    from = os_mono_ns(w->os);
    while (os_mono_ns(w->os) - from < 2000000)
        EXPECT_INT(os_poller_wait(p.poller, ready, 4, 2000000), 0);
    os_poller_wake(p.poller);
    os_poller_wake(p.poller);
    EXPECT_INT(os_poller_wait(p.poller, ready, 4, -1), 1);
    EXPECT(ready[0].tag == NULL);
    EXPECT_INT(os_poller_wait(p.poller, ready, 4, 0), 0);

    EXPECT_OK(send_text(p.client, "xy", &n));
    EXPECT_OK(os_sock_watch(p.server, p.poller, OS_IN, &tag_server));
    await(&p, &tag_server, OS_IN);
    await(&p, &tag_server, OS_IN); /* level-triggered: still so */
    EXPECT_OK(os_sock_watch(p.server, p.poller, OS_IN | OS_OUT, &tag_server));
    await(&p, &tag_server, OS_OUT);
    EXPECT_OK(os_sock_watch(p.server, p.poller, 0, NULL));
    EXPECT_INT(os_poller_wait(p.poller, ready, 4, 0), 0);
    pair_close(&p);
}

/* Closing with unread input resets: the peer hears of it even when it only asks for OS_HUP. */
static void case_reset(struct world *w)
{
    struct pair p;
    uint8_t got[8];
    size_t n;

    pair_open(w, &p);
    EXPECT_OK(send_text(p.client, "unread", &n));
    EXPECT_OK(os_sock_watch(p.server, p.poller, OS_IN, &tag_server));
    await(&p, &tag_server, OS_IN);
    EXPECT_OK(os_sock_watch(p.client, p.poller, OS_HUP, &tag_client));
    os_sock_close(p.server);
    p.server = NULL;
    await(&p, &tag_client, OS_HUP);
    EXPECT_STATUS(os_sock_recv(p.client, got, sizeof(got), &n), ST_CLOSED);
    EXPECT_STATUS(send_text(p.client, "x", &n), ST_CLOSED);
    pair_close(&p);
}

static void case_refused(struct world *w)
{
    struct os_sock *sock, *other;
    struct pair p = {0};
    char address[64], remote[64];
    uint8_t got[8];
    size_t n;

    EXPECT_OK(os_listen(w->os, "127.0.0.1:0", &sock));
    os_sock_address(sock, address, remote, sizeof(address));
    EXPECT_STATUS(os_listen(w->os, address, &other), ST_EXISTS);
    EXPECT(other == NULL);
    os_sock_close(sock);
    EXPECT_OK(os_poller_open(w->os, &p.poller));
    enum status st = os_connect(w->os, address, &sock); /* nobody listens there now */
    if (st == ST_OK) {
        EXPECT_OK(os_sock_watch(sock, p.poller, OS_IN, &tag_client));
        await(&p, &tag_client, OS_HUP);
        EXPECT_STATUS(os_sock_recv(sock, got, sizeof(got), &n), ST_CLOSED);
        os_sock_close(sock);
    } else {
        EXPECT_STATUS(st, ST_CLOSED);
    }
    os_poller_close(p.poller);
    EXPECT_STATUS(os_listen(w->os, "127.0.0.1", &sock), ST_INVALID);
    EXPECT_STATUS(os_listen(w->os, "127.0.0.1:99999", &sock), ST_INVALID);
    EXPECT_STATUS(os_connect(w->os, "127.0.0.1:", &sock), ST_INVALID);
    EXPECT_STATUS(os_connect(w->os, "::1:80", &sock), ST_INVALID);
}

/* ---- helpers ---- */

struct piece {
    struct os_work work;
    struct world *w;
    int steps, made;
    char *order; /* a letter a piece that is done */
    char letter;
};

static bool piece_step(struct os_work *work)
{
    struct piece *p = (struct piece *)work;

    if (++p->made == 1 && p->letter == 'a')
        put(p->w, "piece", "by a helper");
    if (p->made < p->steps)
        return true;
    p->order[strlen(p->order)] = p->letter;
    return false;
}

static void woken(void *context)
{
    atomic_fetch_add((atomic_int *)context, 1);
}

static void case_helper(struct world *w)
{
    char order[8] = "";
    struct piece pieces[3];
    struct os_helper *helper;
    atomic_int wakes = 0;

    os_helper_open(w->os, "conformance", woken, &wakes, &helper);
    for (int i = 0; i < 3; i++) {
        pieces[i] = (struct piece){.work.step = piece_step, .w = w, .steps = 1 + 20 * i,
                                   .order = order, .letter = (char)('a' + i)};
        os_helper_submit(helper, &pieces[i].work);
    }
    while (!os_helper_done(helper, &pieces[0].work))
        ;
    os_helper_wait(helper, &pieces[1].work);
    EXPECT(os_helper_done(helper, &pieces[1].work));
    EXPECT_INT(pieces[1].made, 21);
    EXPECT_INT(pieces[0].made, 1);
    expect_text(w, "piece", "by a helper");
    os_helper_wait(helper, &pieces[2].work);
    pieces[0].made = 1;
    os_helper_submit(helper, &pieces[0].work); /* again */
    os_helper_close(helper);                   /* nothing is left undone */
    EXPECT(!atomic_load(&pieces[0].work.pending));
    EXPECT_BYTES(bytes_str(order), BYTES_LITERAL("abca"));
    EXPECT_INT(atomic_load(&wakes), 4);
    os_helper_open(w->os, "conformance", NULL, NULL, &helper);
    os_helper_close(helper); /* never used */
}

/* ---- all of them ---- */

static const struct {
    const char *name;
    void (*run)(struct world *);
} cases[] = {
    {"clocks", case_clocks}, {"write out", case_written_out_is_read_and_synced}, {"open", case_open_flags}, {"positions", case_positions},
    {"handles", case_handles}, {"direct", case_direct},   {"names", case_names},
    {"space", case_space},     {"sockets", case_sockets}, {"pressure", case_back_pressure},
    {"poller", case_poller},   {"reset", case_reset},     {"refused", case_refused},
    {"helper", case_helper},
};

static void run_cases(struct os *os, const char *dir)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world *w = xcalloc(1, sizeof(*w));
        w->os = os;
        snprintf(w->dir, sizeof(w->dir), "%s/%s", dir, cases[i].name);
        if (getenv("QW_CASES"))
            fprintf(stderr, "case %s\n", cases[i].name);
        EXPECT_OK(os_mkdir(os, w->dir));
        cases[i].run(w);
        free(w);
    }
}

TEST(os_conformance_posix)
{
    run_cases(os_posix(), test_dir());
}

TEST(os_conformance_sim)
{
    struct os_sim_options options = os_sim_options_quiet();

    for (uint64_t seed = test_seed(); seed < test_seed() + 20; seed++) {
        struct os *os = os_sim_create(seed, &options);
        EXPECT_OK(os_mkdir(os, "/tests"));
        run_cases(os, "/tests");
        os_sim_destroy(os);
        options.net_delay_ns_max = 3000000; /* from the second seed on */
        options.disk_delay_ns_max = 100000;
    }
}

static void add_one(void *context)
{
    ++*(int *)context;
}

TEST(os_posix_thread_runs)
{
    struct os_thread *thread;
    int count = 0;

    EXPECT_OK(os_thread_start(os_posix(), "a name that is too long", add_one, &count, &thread));
    os_thread_join(os_posix(), thread);
    EXPECT_INT(count, 1);
}
