#include "serve/kafka/quota.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/map.h"
#include "base/reader.h"

enum { SAMPLES = 11, SAMPLE_MS = 1000, IDLE_MS = 60000, WAIT_REQUEST_MS_MAX = 1000, WAIT_CONNECT_MS_MAX = 1000 };

static const char *const names[] = {"producer_byte_rate", "consumer_byte_rate", "request_percentage",
                                    "controller_mutation_rate", "connection_creation_rate"};

struct limits {
    double of[QUOTA_KINDS]; /* 0: none */
};

struct rate {
    int64_t begun_ms[SAMPLES]; /* of each sample; in a ring, at is the current one */
    double sum[SAMPLES];
    int at, count;
};

/* What those did whom an entity does not tell apart. */
struct meter {
    struct bytes key; /* as the map has it; none: of all beyond QUOTA_CLIENTS */
    uint32_t users;   /* clients that count here */
    struct rate rates[QUOTA_KINDS];
    double tokens;
    int64_t filled_ms;
};

struct quota_client {
    struct quotas *quotas;
    struct limits limits;
    struct meter *meters[QUOTA_KINDS]; /* NULL where there is no limit */
    uint64_t version; /* of the quotas when these were looked up; 0: never */
    int64_t used_ms;
    uint32_t takers;
};

struct quotas {
    struct map limits;  /* entity -> struct limits */
    struct map meters;  /* entity, its defaults made names -> struct meter */
    struct map clients; /* user and client, or address -> struct quota_client */
    struct quota_client *others; /* all beyond QUOTA_CLIENTS */
    struct meter *others_meter;
    uint64_t version;
};

const char *quota_name(enum quota_kind kind)
{
    return names[kind];
}

bool quota_find(struct bytes name, enum quota_kind *kind)
{
    for (int i = 0; i < QUOTA_KINDS; i++) {
        *kind = (enum quota_kind)i;
        if (bytes_is(name, names[i]))
            return true;
    }
    return false;
}

struct quotas *quotas_create(void)
{
    struct quotas *q = xcalloc(1, sizeof(*q));

    map_init(&q->limits);
    map_init(&q->meters);
    map_init(&q->clients);
    q->version = 1;
    return q;
}

static void free_all(struct map *map)
{
    for (struct map_entry *e = map_first(map); e; e = map_next(map, e))
        free(e->value);
    map_deinit(map);
}

void quotas_destroy(struct quotas *q)
{
    free_all(&q->limits);
    free_all(&q->meters);
    free_all(&q->clients);
    free(q->others);
    free(q->others_meter);
    free(q);
}

/* ---- entities as keys ---- */

/* For each type u8 what it is, u16 length, name. */
static struct bytes key_of(const struct quota_entity *entity, struct buf *to)
{
    buf_clear(to);
    for (int i = 0; i < QUOTA_TYPES; i++) {
        const struct quota_part *part = &entity->of[i];
        struct bytes name = part->is == QUOTA_NAMED ? part->name : BYTES_NONE;
        buf_u8(to, (uint8_t)part->is);
        buf_u16_be(to, (uint16_t)name.len);
        buf_bytes(to, name);
    }
    return buf_view(to);
}

static struct quota_entity entity_of(struct bytes key)
{
    struct reader r = reader_of(key);
    struct quota_entity entity;

    for (int i = 0; i < QUOTA_TYPES; i++) {
        uint8_t is = reader_u8(&r);
        uint16_t len = reader_u16_be(&r);
        entity.of[i] = (struct quota_part){.is = is, .name = reader_bytes(&r, len)};
    }
    CHECK(!r.bad);
    return entity;
}

/* ---- what is set ---- */

void quotas_set(struct quotas *q, const struct quota_entity *entity, enum quota_kind kind, double value)
{
    struct buf text;
    double all = 0;

    buf_init(&text, 0);
    struct bytes key = key_of(entity, &text);
    struct limits *l = map_get(&q->limits, key);
    if (!l) {
        l = xcalloc(1, sizeof(*l));
        map_put(&q->limits, key, l);
    }
    l->of[kind] = value;
    for (int i = 0; i < QUOTA_KINDS; i++)
        all += l->of[i];
    if (all <= 0) {
        map_remove(&q->limits, key);
        free(l);
    }
    buf_deinit(&text);
    q->version++;
}

void quotas_each(const struct quotas *q, quota_fn *fn, void *context)
{
    for (struct map_entry *e = map_first(&q->limits); e; e = map_next(&q->limits, e)) {
        struct quota_entity entity = entity_of(e->key);
        fn(context, &entity, ((const struct limits *)e->value)->of);
    }
}

/* ---- whose quota holds ---- */

static void meter_leave(struct quotas *q, struct meter *m)
{
    if (!m || m == q->others_meter || --m->users > 0)
        return;
    map_remove(&q->meters, m->key);
    free(m);
}

static struct meter *meter_join(struct quotas *q, struct bytes key, int64_t now_ms)
{
    struct meter *m = map_get(&q->meters, key);

    if (!m) {
        m = xcalloc(1, sizeof(*m) + key.len);
        m->key = bytes_of((uint8_t *)(m + 1), key.len);
        memcpy(m + 1, key.ptr, key.len);
        m->filled_ms = now_ms - SAMPLES * SAMPLE_MS; /* full to begin with */
        map_put(&q->meters, m->key, m);
    }
    m->users++;
    return m;
}

/* The nth entity in the order of precedence: bit t of it says whether the type is named, is the default, or
 * neither. */
enum { N = QUOTA_NOT_NAMED, D = QUOTA_DEFAULT, X = QUOTA_NAMED };
static const uint8_t precedence[][QUOTA_TYPES] = {
    {X, X, N}, {X, D, N}, {X, N, N}, {D, X, N}, {D, D, N}, {D, N, N}, {N, X, N}, {N, D, N}, {N, N, X}, {N, N, D},
};
enum { PRECEDENCE = sizeof(precedence) / sizeof(precedence[0]) };

/* who: all of it named. */
static void look_up_kind(struct quota_client *c, const struct quota_entity *who, enum quota_kind kind,
                         int64_t now_ms, struct buf *text)
{
    struct quotas *q = c->quotas;

    for (int n = 0; n < PRECEDENCE; n++) {
        struct quota_entity entity = *who, measured = *who;
        bool fits = true;
        for (int t = 0; t < QUOTA_TYPES; t++) {
            fits &= precedence[n][t] == N || who->of[t].is == QUOTA_NAMED;
            entity.of[t].is = precedence[n][t];
            if (precedence[n][t] == N)
                measured.of[t].is = QUOTA_NOT_NAMED; /* not told apart by it */
        }
        const struct limits *l = fits ? map_get(&q->limits, key_of(&entity, text)) : NULL;
        if (!l || l->of[kind] <= 0)
            continue;
        c->limits.of[kind] = l->of[kind];
        c->meters[kind] =
            c == q->others ? q->others_meter : meter_join(q, key_of(&measured, text), now_ms);
        return;
    }
}

static void forget_meters(struct quota_client *c)
{
    for (int i = 0; i < QUOTA_KINDS; i++) {
        meter_leave(c->quotas, c->meters[i]);
        c->meters[i] = NULL;
        c->limits.of[i] = 0;
    }
}

static void look_up(struct quota_client *c, const struct quota_entity *who, int64_t now_ms, struct buf *text)
{
    struct meter *before[QUOTA_KINDS];

    memcpy(before, c->meters, sizeof(before)); /* left after the new ones are joined: they may be the same */
    memset(c->meters, 0, sizeof(c->meters));
    memset(&c->limits, 0, sizeof(c->limits));
    for (int i = 0; i < QUOTA_KINDS; i++)
        look_up_kind(c, who, (enum quota_kind)i, now_ms, text);
    for (int i = 0; i < QUOTA_KINDS; i++)
        meter_leave(c->quotas, before[i]);
    c->version = c->quotas->version;
}

/* ---- clients ---- */

static void forget_idle(struct quotas *q, int64_t now_ms)
{
    for (struct map_entry *e = map_first(&q->clients); e; e = map_next(&q->clients, e)) {
        struct quota_client *c = e->value;
        if (c->takers || now_ms - c->used_ms < IDLE_MS)
            continue;
        map_remove(&q->clients, e->key);
        forget_meters(c);
        free(c);
    }
}

static struct quota_client *client_new(struct quotas *q)
{
    struct quota_client *c = xcalloc(1, sizeof(*c));

    c->quotas = q;
    return c;
}

static struct quota_client *others(struct quotas *q, int64_t now_ms)
{
    if (!q->others) {
        q->others = client_new(q);
        q->others_meter = xcalloc(1, sizeof(*q->others_meter));
        q->others_meter->filled_ms = now_ms - SAMPLES * SAMPLE_MS;
    }
    return q->others;
}

static struct quota_client *client_of(struct quotas *q, const struct quota_entity *who, int64_t now_ms)
{
    struct buf text;

    buf_init(&text, 0);
    struct bytes key = key_of(who, &text);
    struct quota_client *c = map_get(&q->clients, key);
    if (!c && map_size(&q->clients) >= QUOTA_CLIENTS)
        forget_idle(q, now_ms);
    if (!c && map_size(&q->clients) >= QUOTA_CLIENTS)
        c = others(q, now_ms);
    if (!c) {
        c = client_new(q);
        map_put(&q->clients, key, c);
    }
    if (c->version != q->version || c == q->others)
        look_up(c, who, now_ms, &text);
    c->used_ms = now_ms;
    buf_deinit(&text);
    return c;
}

static struct quota_part named(struct bytes name)
{
    return (struct quota_part){.is = QUOTA_NAMED,
                               .name = bytes_head(name.ptr ? name : BYTES_LITERAL(""), QUOTA_ID_BYTES)};
}

struct quota_client *quotas_take(struct quotas *q, struct bytes user, struct bytes client, int64_t now_ms)
{
    const struct quota_entity who = {.of = {[QUOTA_USER] = named(user), [QUOTA_CLIENT] = named(client)}};

    if (map_size(&q->limits) == 0)
        return NULL;
    struct quota_client *c = client_of(q, &who, now_ms);
    for (int i = 0; i < QUOTA_KINDS; i++) {
        if (c->limits.of[i] > 0) {
            c->takers++;
            return c;
        }
    }
    return NULL;
}

void quotas_release(struct quota_client *c)
{
    CHECK(c->takers > 0);
    c->takers--;
}

bool quota_is_set(const struct quota_client *c, enum quota_kind kind)
{
    return c->limits.of[kind] > 0;
}

size_t quota_burst(const struct quota_client *c, enum quota_kind kind)
{
    double bytes = c->limits.of[kind] * (SAMPLES - 1);

    return bytes <= 0 || bytes >= (double)INT32_MAX ? SIZE_MAX : bytes < 1 ? 1 : (size_t)bytes;
}

/* ---- measuring ---- */

static void rate_add(struct rate *r, double amount, int64_t now_ms)
{
    if (r->count == 0 || now_ms - r->begun_ms[r->at] >= SAMPLE_MS) {
        r->at = r->count ? (r->at + 1) % SAMPLES : 0;
        r->count = r->count < SAMPLES ? r->count + 1 : SAMPLES;
        r->begun_ms[r->at] = now_ms;
        r->sum[r->at] = 0;
    }
    r->sum[r->at] += amount;
}

/* The sum of what is not too old, and the time over which it counts. */
static double rate_sum(const struct rate *r, int64_t now_ms, int64_t *window_ms)
{
    int64_t oldest = now_ms;
    double sum = 0;

    for (int i = 0; i < r->count; i++) {
        if (now_ms - r->begun_ms[i] >= SAMPLES * SAMPLE_MS)
            continue;
        sum += r->sum[i];
        oldest = r->begun_ms[i] < oldest ? r->begun_ms[i] : oldest;
    }
    *window_ms = now_ms - oldest;
    if (*window_ms / SAMPLE_MS < SAMPLES - 1)
        *window_ms += (SAMPLES - 1 - *window_ms / SAMPLE_MS) * SAMPLE_MS;
    return sum;
}

static int64_t wait_of(double ms)
{
    return ms >= (double)INT32_MAX ? INT32_MAX : ms > 0 ? (int64_t)(ms + 0.5) : 0;
}

int64_t quota_debt(struct quota_client *c, int64_t now_ms)
{
    double quota = c->limits.of[QUOTA_MUTATION], most = quota * SAMPLES;

    if (quota <= 0)
        return 0;
    struct meter *m = c->meters[QUOTA_MUTATION];
    m->tokens += quota * (double)(now_ms - m->filled_ms) / 1000;
    if (m->tokens > most)
        m->tokens = most;
    m->filled_ms = now_ms;
    return m->tokens < 0 ? wait_of(-m->tokens / quota * 1000) : 0;
}

int64_t quota_charge(struct quota_client *c, enum quota_kind kind, double amount, int64_t now_ms)
{
    double quota = c->limits.of[kind];
    int64_t window_ms;

    if (quota <= 0)
        return 0;
    if (kind == QUOTA_MUTATION) {
        (void)quota_debt(c, now_ms);
        c->meters[kind]->tokens -= amount;
        return quota_debt(c, now_ms);
    }
    struct rate *r = &c->meters[kind]->rates[kind];
    rate_add(r, amount, now_ms);
    double sum = rate_sum(r, now_ms, &window_ms);
    int64_t wait_ms = wait_of(sum / quota * 1000 - (double)window_ms);
    if (kind == QUOTA_REQUEST && wait_ms > WAIT_REQUEST_MS_MAX)
        wait_ms = WAIT_REQUEST_MS_MAX;
    return wait_ms;
}

int64_t quotas_connect(struct quotas *q, struct bytes ip, int64_t now_ms)
{
    const struct quota_entity who = {.of = {[QUOTA_IP] = named(ip)}};

    if (map_size(&q->limits) == 0)
        return 0;
    struct quota_client *c = client_of(q, &who, now_ms);
    int64_t wait_ms = quota_charge(c, QUOTA_CONNECT, 1, now_ms);
    if (wait_ms > 0)
        rate_add(&c->meters[QUOTA_CONNECT]->rates[QUOTA_CONNECT], -1, now_ms);
    return wait_ms < WAIT_CONNECT_MS_MAX ? wait_ms : WAIT_CONNECT_MS_MAX;
}
