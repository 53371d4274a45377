#include "store/log/producers.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"

enum { CAP_MIN = 8 };

/* Sequences go from 0 to 2^31 - 1 and begin again. */
static int32_t sequence_plus(int32_t sequence, int64_t delta)
{
    return (int32_t)(((int64_t)sequence + delta) & 0x7FFFFFFF);
}

static struct producer **slot_of(const struct producers *p, int64_t id)
{
    uint32_t mask = p->cap - 1;

    for (uint32_t i = (uint32_t)hash_u64((uint64_t)id) & mask;; i = (i + 1) & mask)
        if (!p->slots[i] || p->slots[i]->id == id)
            return &p->slots[i];
}

static struct producer *find(const struct producers *p, int64_t id)
{
    return p->cap ? *slot_of(p, id) : NULL;
}

static const struct producer_batch *newest(const struct producer *one)
{
    return &one->batches[one->newest];
}

void producers_deinit(struct producers *p)
{
    for (uint32_t i = 0; i < p->cap; i++)
        free(p->slots[i]);
    free(p->slots);
    *p = (struct producers){0};
}

enum log_sequence producers_check(const struct producers *p, const struct batch_header *h,
                                  struct producer_batch *first)
{
    const struct producer *one = find(p, h->producer_id);
    int32_t last = sequence_plus(h->base_sequence, h->last_offset_delta);

    if (!one)
        return LOG_SEQ_NEW;
    if (h->producer_epoch < one->epoch)
        return LOG_SEQ_FENCED;
    if (one->transaction_first >= 0 && !(h->attributes & BATCH_TRANSACTIONAL))
        return LOG_SEQ_TRANSACTION;
    if (h->producer_epoch > one->epoch || one->count == 0)
        return h->base_sequence == 0 ? LOG_SEQ_NEW : LOG_SEQ_GAP;
    for (int i = 0; i < one->count; i++) {
        const struct producer_batch *b = &one->batches[i];
        if (b->first_sequence == h->base_sequence && b->last_sequence == last) {
            *first = *b;
            return LOG_SEQ_DUPLICATE;
        }
    }
    return h->base_sequence == sequence_plus(newest(one)->last_sequence, 1) ? LOG_SEQ_NEW
                                                                            : LOG_SEQ_GAP;
}

/* ---- growing, and forgetting ---- */

static void rehash(struct producers *p, uint32_t cap)
{
    struct producers bigger = *p;

    bigger.slots = xcalloc(cap, sizeof(struct producer *));
    bigger.cap = cap;

    for (uint32_t i = 0; i < p->cap; i++)
        if (p->slots[i])
            *slot_of(&bigger, p->slots[i]->id) = p->slots[i];
    free(p->slots);
    *p = bigger;
}

static int by_offset(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static bool may_go(const struct producer *one)
{
    return one && one->transaction_first < 0;
}

/* Drops the tenth that wrote least lately, by offset, so that a recovery drops the same ones. */
static void forget_oldest(struct producers *p)
{
    int64_t *offsets = xmalloc(p->count * sizeof(*offsets));
    uint32_t n = 0;

    for (uint32_t i = 0; i < p->cap; i++)
        if (may_go(p->slots[i]))
            offsets[n++] = p->slots[i]->last_offset;
    if (n == 0) {
        free(offsets);
        return; /* all have something open: the table grows */
    }
    qsort(offsets, n, sizeof(*offsets), by_offset);
    int64_t bound = offsets[n / 10];
    free(offsets);
    for (uint32_t i = 0; i < p->cap; i++) {
        if (may_go(p->slots[i]) && p->slots[i]->last_offset <= bound) {
            free(p->slots[i]);
            p->slots[i] = NULL;
            p->count--;
        }
    }
    rehash(p, p->cap);
}

static struct producer *add(struct producers *p, int64_t id)
{
    if (p->count >= PRODUCERS_MAX)
        forget_oldest(p);
    if ((p->count + 1) * 2 > p->cap)
        rehash(p, p->cap ? p->cap * 2 : CAP_MIN);
    struct producer *one = xcalloc(1, sizeof(*one));
    one->id = id;
    one->transaction_first = -1;
    one->newest = PRODUCER_BATCHES - 1;
    *slot_of(p, id) = one;
    p->count++;
    return one;
}

/* ---- transactions ---- */

static void open_transaction(struct producers *p, struct producer *one, int64_t first)
{
    CHECK_IF(p->open_last, p->open_last->transaction_first < first);
    one->transaction_first = first;
    one->open_next = NULL;
    one->open_prev = p->open_last;
    if (p->open_last)
        p->open_last->open_next = one;
    else
        p->open_first = one;
    p->open_last = one;
}

static void close_transaction(struct producers *p, struct producer *one)
{
    if (one->open_prev)
        one->open_prev->open_next = one->open_next;
    else
        p->open_first = one->open_next;
    if (one->open_next)
        one->open_next->open_prev = one->open_prev;
    else
        p->open_last = one->open_prev;
    one->open_next = one->open_prev = NULL;
    one->transaction_first = -1;
}

static void set_epoch(struct producer *one, int16_t epoch)
{
    if (epoch != one->epoch)
        one->count = 0;
    one->epoch = epoch;
}

int64_t producers_end(struct producers *p, const struct batch_header *marker)
{
    struct producer *one = find(p, marker->producer_id);

    if (!one)
        one = add(p, marker->producer_id);
    int64_t first = one->transaction_first;
    if (first >= 0)
        close_transaction(p, one);
    if (marker->producer_epoch > one->epoch)
        set_epoch(one, marker->producer_epoch);
    one->last_offset = marker->base_offset;
    return first;
}

void producers_note(struct producers *p, const struct batch_header *h, int64_t base_offset,
                    int64_t timestamp_ms)
{
    struct producer *one = find(p, h->producer_id);

    if (!one)
        one = add(p, h->producer_id);
    set_epoch(one, h->producer_epoch);
    one->last_offset = base_offset + h->last_offset_delta;
    if ((h->attributes & BATCH_TRANSACTIONAL) && one->transaction_first < 0)
        open_transaction(p, one, base_offset);
    one->newest = (uint8_t)((one->newest + 1) % PRODUCER_BATCHES);
    if (one->count == 0)
        one->newest = 0;
    if (one->count < PRODUCER_BATCHES)
        one->count++;
    one->batches[one->newest] = (struct producer_batch){
        .first_sequence = h->base_sequence,
        .last_sequence = sequence_plus(h->base_sequence, h->last_offset_delta),
        .base_offset = base_offset,
        .last_offset = base_offset + h->last_offset_delta,
        .timestamp_ms = timestamp_ms};
}

int16_t producers_epoch(const struct producers *p, int64_t id)
{
    const struct producer *one = find(p, id);

    return one ? one->epoch : -1;
}

void producers_each(const struct producers *p, log_producer_fn *fn, void *context)
{
    for (uint32_t i = 0; i < p->cap; i++) {
        const struct producer *one = p->slots[i];
        if (!one)
            continue;
        const struct log_producer info = {
            .id = one->id,
            .epoch = one->epoch,
            .last_sequence = one->count ? newest(one)->last_sequence : -1,
            .last_timestamp_ms = one->count ? newest(one)->timestamp_ms : -1,
            .transaction_start = one->transaction_first,
        };
        fn(context, &info);
    }
}

/* ---- in a snapshot ---- */

static int by_id(const void *a, const void *b)
{
    int64_t x = (*(struct producer *const *)a)->id, y = (*(struct producer *const *)b)->id;

    return x < y ? -1 : x > y;
}

static void save_one(const struct producer *one, struct buf *to)
{
    buf_u64_le(to, (uint64_t)one->id);
    buf_u16_le(to, (uint16_t)one->epoch);
    buf_u8(to, one->count);
    for (int i = 0; i < one->count; i++) { /* the oldest first */
        int at = (one->newest + 1 + PRODUCER_BATCHES - one->count + i) % PRODUCER_BATCHES;
        const struct producer_batch *b = &one->batches[at];
        buf_u32_le(to, (uint32_t)b->first_sequence);
        buf_u32_le(to, (uint32_t)(b->last_offset - b->base_offset));
        buf_u64_le(to, (uint64_t)b->base_offset);
        buf_u64_le(to, (uint64_t)b->timestamp_ms);
    }
    buf_u64_le(to, (uint64_t)one->last_offset);
    buf_u64_le(to, (uint64_t)one->transaction_first);
}

void producers_save(const struct producers *p, struct buf *to)
{
    struct producer **sorted = xmalloc((p->count + 1) * sizeof(*sorted));
    uint32_t n = 0;

    for (uint32_t i = 0; i < p->cap; i++)
        if (p->slots[i])
            sorted[n++] = p->slots[i];
    qsort(sorted, n, sizeof(*sorted), by_id);
    buf_uvarint(to, n);
    for (uint32_t i = 0; i < n; i++)
        save_one(sorted[i], to);
    free(sorted);
}

static void load_batches(struct producers *p, struct batch_header *h, struct reader *from)
{
    int count = reader_u8(from);

    for (int k = 0; k < count && !from->bad; k++) {
        h->base_sequence = (int32_t)reader_u32_le(from);
        h->last_offset_delta = (int32_t)reader_u32_le(from);
        int64_t base = (int64_t)reader_u64_le(from), at_ms = (int64_t)reader_u64_le(from);
        if (base < 0 || base > INT64_MAX / 2 || h->last_offset_delta < 0)
            from->bad = true;
        if (!from->bad)
            producers_note(p, h, base, at_ms);
    }
}

static int by_first(const void *a, const void *b)
{
    int64_t x = (*(struct producer *const *)a)->transaction_first;
    int64_t y = (*(struct producer *const *)b)->transaction_first;

    return x < y ? -1 : x > y;
}

/* Those that were loaded with a first offset, linked in its order. */
static enum status link_open(struct producers *p)
{
    struct producer **open = xmalloc((p->count + 1) * sizeof(*open));
    uint32_t n = 0;

    for (uint32_t i = 0; i < p->cap; i++)
        if (p->slots[i] && p->slots[i]->transaction_first >= 0)
            open[n++] = p->slots[i];
    qsort(open, n, sizeof(*open), by_first);
    bool twice = false;
    for (uint32_t i = 0; i < n; i++) {
        twice |= i > 0 && open[i - 1]->transaction_first == open[i]->transaction_first;
        if (!twice)
            open_transaction(p, open[i], open[i]->transaction_first);
    }
    free(open);
    return twice ? ST_CORRUPT : ST_OK;
}

enum status producers_load(struct producers *p, struct reader *from, bool with_transactions)
{
    uint64_t n = reader_uvarint(from);

    for (uint64_t i = 0; i < n && !from->bad; i++) {
        struct batch_header h = {.producer_id = (int64_t)reader_u64_le(from),
                                 .producer_epoch = (int16_t)reader_u16_le(from)};
        load_batches(p, &h, from);
        if (from->bad || !with_transactions)
            continue;
        struct producer *one = find(p, h.producer_id);
        if (!one)
            one = add(p, h.producer_id);
        set_epoch(one, h.producer_epoch);
        one->last_offset = (int64_t)reader_u64_le(from);
        one->transaction_first = (int64_t)reader_u64_le(from);
        if (one->transaction_first < -1 || one->last_offset < 0)
            from->bad = true;
    }
    return from->bad ? ST_CORRUPT : link_open(p);
}
