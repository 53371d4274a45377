#include "serve/kafka/quota.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"

enum { SAMPLES = 11, SAMPLE_MS = 1000, IDLE_MS = 60000, WAIT_REQUEST_MS_MAX = 1000 };

static const char *const names[] = {"producer_byte_rate", "consumer_byte_rate", "request_percentage",
                                    "controller_mutation_rate"};

struct limits {
    double of[QUOTA_KINDS]; /* 0: none */
};

struct rate {
    int64_t begun_ms[SAMPLES]; /* of each sample; in a ring, at is the current one */
    double sum[SAMPLES];
    int at, count;
};

struct quota_client {
    struct quotas *quotas;
    struct bytes id; /* as the map has it */
    struct limits limits;
    uint64_t version; /* of the quotas when limits were looked up */
    struct rate rates[QUOTA_KINDS];
    double tokens;
    int64_t filled_ms, used_ms;
    uint32_t takers;
};

struct quotas {
    struct map limits; /* "=id" or "*" -> struct limits */
    struct map clients;
    struct quota_client *others; /* all beyond QUOTA_CLIENTS */
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
    map_init(&q->clients);
    return q;
}

void quotas_destroy(struct quotas *q)
{
    for (struct map_entry *e = map_first(&q->limits); e; e = map_next(&q->limits, e))
        free(e->value);
    for (struct map_entry *e = map_first(&q->clients); e; e = map_next(&q->clients, e))
        free(e->value);
    map_deinit(&q->limits);
    map_deinit(&q->clients);
    free(q->others);
    free(q);
}

/* ---- what is set ---- */

static struct bytes key_of(struct bytes client, uint8_t **memory)
{
    *memory = xmalloc(client.len + 1);
    (*memory)[0] = client.ptr ? '=' : '*';
    if (client.len)
        memcpy(*memory + 1, client.ptr, client.len);
    return bytes_of(*memory, client.len + 1);
}

static struct limits *limits_find(const struct quotas *q, struct bytes client)
{
    uint8_t *memory;
    struct limits *l = map_get(&q->limits, key_of(client, &memory));

    free(memory);
    return l;
}

void quotas_set(struct quotas *q, struct bytes client, enum quota_kind kind, double value)
{
    uint8_t *memory;
    struct bytes key = key_of(client, &memory);
    struct limits *l = map_get(&q->limits, key);
    double all = 0;

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
    free(memory);
    q->version++;
}

void quotas_each(const struct quotas *q, quota_fn *fn, void *context)
{
    for (struct map_entry *e = map_first(&q->limits); e; e = map_next(&q->limits, e)) {
        const struct limits *l = e->value;
        fn(context, e->key.ptr[0] == '=' ? bytes_skip(e->key, 1) : BYTES_NONE, l->of);
    }
}

/* ---- clients ---- */

/* Each kind: the client's own quota, or the default. */
static void look_up(struct quota_client *c, struct bytes id)
{
    const struct limits *own = limits_find(c->quotas, id), *usual = limits_find(c->quotas, BYTES_NONE);

    for (int i = 0; i < QUOTA_KINDS; i++) {
        c->limits.of[i] = own && own->of[i] > 0 ? own->of[i] : usual ? usual->of[i] : 0;
    }
    c->version = c->quotas->version;
}

static void forget_idle(struct quotas *q, int64_t now_ms)
{
    for (struct map_entry *e = map_first(&q->clients); e; e = map_next(&q->clients, e)) {
        struct quota_client *c = e->value;
        if (c->takers || now_ms - c->used_ms < IDLE_MS)
            continue;
        map_remove(&q->clients, e->key);
        free(c);
    }
}

static struct quota_client *client_new(struct quotas *q, int64_t now_ms)
{
    struct quota_client *c = xcalloc(1, sizeof(*c));

    c->quotas = q;
    c->filled_ms = now_ms - SAMPLES * SAMPLE_MS; /* full to begin with */
    return c;
}

static struct quota_client *client_of(struct quotas *q, struct bytes id, int64_t now_ms)
{
    struct quota_client *c = map_get(&q->clients, id);

    if (c)
        return c;
    if (map_size(&q->clients) >= QUOTA_CLIENTS)
        forget_idle(q, now_ms);
    if (map_size(&q->clients) >= QUOTA_CLIENTS) {
        if (!q->others)
            q->others = client_new(q, now_ms);
        return q->others;
    }
    c = client_new(q, now_ms);
    map_put(&q->clients, id, c);
    return c;
}

struct quota_client *quotas_take(struct quotas *q, struct bytes id, int64_t now_ms)
{
    if (map_size(&q->limits) == 0)
        return NULL;
    id = bytes_head(id.ptr ? id : BYTES_LITERAL(""), QUOTA_ID_BYTES);
    if (!limits_find(q, id) && !limits_find(q, BYTES_NONE))
        return NULL;
    struct quota_client *c = client_of(q, id, now_ms);
    if (c->version != q->version || c == q->others)
        look_up(c, id);
    c->used_ms = now_ms;
    c->takers++;
    return c;
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
    c->tokens += quota * (double)(now_ms - c->filled_ms) / 1000;
    if (c->tokens > most)
        c->tokens = most;
    c->filled_ms = now_ms;
    return c->tokens < 0 ? wait_of(-c->tokens / quota * 1000) : 0;
}

int64_t quota_charge(struct quota_client *c, enum quota_kind kind, double amount, int64_t now_ms)
{
    double quota = c->limits.of[kind];
    int64_t window_ms;

    if (quota <= 0)
        return 0;
    if (kind == QUOTA_MUTATION) {
        (void)quota_debt(c, now_ms);
        c->tokens -= amount;
        return quota_debt(c, now_ms);
    }
    rate_add(&c->rates[kind], amount, now_ms);
    double sum = rate_sum(&c->rates[kind], now_ms, &window_ms);
    int64_t wait_ms = wait_of(sum / quota * 1000 - (double)window_ms);
    if (kind == QUOTA_REQUEST && wait_ms > WAIT_REQUEST_MS_MAX)
        wait_ms = WAIT_REQUEST_MS_MAX;
    return wait_ms;
}
