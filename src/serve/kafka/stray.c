#include "serve/kafka/stray.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

struct stray {
    char host[STRAY_HOST_MAX];
    uint8_t id[STRAY_ID_MAX]; /* its first bytes */
    uint8_t id_len;
    bool used;
    uint32_t asked; /* since first_ns */
    int64_t first_ns, seen_ns;
    int64_t reached_ns, reported_ns; /* 0: never */
};

struct strays {
    struct stray clients[STRAY_CLIENTS];
    int64_t reported_ns; /* of whomever; 0: never */
};

struct strays *strays_create(void)
{
    return xcalloc(1, sizeof(struct strays));
}

void strays_destroy(struct strays *strays)
{
    free(strays);
}

static bool is(const struct stray *s, const char *host, struct bytes id)
{
    return s->used && bytes_equal(bytes_of(s->id, s->id_len), id) &&
           strncmp(s->host, host, STRAY_HOST_MAX - 1) == 0;
}

/* The client's place; a new one takes a free place, or that of who was not seen for longest. */
static struct stray *place_of(struct strays *strays, const char *host, struct bytes id, int64_t now_ns)
{
    struct stray *oldest = &strays->clients[0];

    id = bytes_head(id, STRAY_ID_MAX);
    for (int i = 0; i < STRAY_CLIENTS; i++) {
        struct stray *s = &strays->clients[i];
        if (is(s, host, id)) {
            s->seen_ns = now_ns;
            return s;
        }
        if (oldest->used && (!s->used || s->seen_ns < oldest->seen_ns))
            oldest = s;
    }
    *oldest = (struct stray){.used = true, .id_len = (uint8_t)id.len, .seen_ns = now_ns};
    if (id.len)
        memcpy(oldest->id, id.ptr, id.len);
    snprintf(oldest->host, sizeof(oldest->host), "%s", host);
    return oldest;
}

bool strays_asked(struct strays *strays, const char *host, struct bytes client_id, int64_t now_ns)
{
    struct stray *s = place_of(strays, host, client_id, now_ns);

    if (s->reached_ns && now_ns - s->reached_ns < STRAY_REACHED_NS) {
        s->asked = 0;
        return false;
    }
    if (s->asked == 0 || now_ns - s->first_ns > STRAY_WINDOW_NS) {
        s->asked = 0;
        s->first_ns = now_ns;
    }
    s->asked++;
    if (s->asked < STRAY_LOOKUPS || now_ns - s->first_ns < STRAY_SPAN_NS)
        return false;
    if ((s->reported_ns && now_ns - s->reported_ns < STRAY_SILENCE_NS) ||
        (strays->reported_ns && now_ns - strays->reported_ns < STRAY_PAUSE_NS))
        return false;
    s->reported_ns = strays->reported_ns = now_ns;
    return true;
}

void strays_reached(struct strays *strays, const char *host, struct bytes client_id, int64_t now_ns)
{
    place_of(strays, host, client_id, now_ns)->reached_ns = now_ns;
}
