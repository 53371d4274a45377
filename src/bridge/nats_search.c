/* nats_search.c: what a stream has already of a batch that is to be written to it.
 *
 * After a crash, or an answer that was lost, some records of a batch may be there; the stream knows by itself for the time
 * of its duplicate window alone. So with each new connection its last messages are read, headers alone, and their
 * Nats-Msg-Ids are looked at. Batches go one after the other: where a message of an earlier one is met, all of this one is
 * behind it. Until that is met, or the stream's beginning, eight times as many are read, up to SPAN_MAX.
 *
 * The stream is 'nats.stream', or the one that has the subject, where that is one; else it is not known, and not searched.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "bridge/nats_inner.h"

enum { SPAN = 1024, SPAN_MAX = 65536, PULL = 512 };

struct search {
    struct bridge_nats_state *b;
    const struct bridge_batch *batch;
    bool *there;
    char *trouble;
    struct bytes stream, subject; /* subject: empty for all */
    char begin[64];
    bool earlier;                 /* a message of an earlier batch was met */
};

/* "OFFSET-TIME" of a record of the batch, which is there; or an offset before it. */
static void note(struct search *s, struct bytes id)
{
    const struct bridge_batch *batch = s->batch;
    size_t len = strlen(s->begin), dash;
    int64_t offset, time;

    if (id.len <= len || memcmp(id.ptr, s->begin, len) != 0)
        return;
    id = bytes_skip(id, len);
    dash = bytes_find(id, '-', 1);
    if (!bytes_to_i64(bytes_head(id, dash), &offset) || !bytes_to_i64(bytes_skip(id, dash + 1), &time))
        return;
    s->earlier |= offset < batch->records[0].offset;
    for (uint32_t low = 0, high = batch->count; low < high;) {
        uint32_t i = low + (high - low) / 2;
        if (batch->records[i].offset == offset) {
            s->there[i] |= batch->records[i].timestamp_ms == time;
            return;
        }
        if (batch->records[i].offset < offset)
            low = i + 1;
        else
            high = i;
    }
}

/* What one pull gives. False: trouble; *done: that was all. */
static bool read_pull(struct search *s, const struct nats_consumer *c, uint64_t last, bool *done)
{
    struct bridge_nats_state *b = s->b;
    struct nats_delivery d;
    struct nats_op op;
    struct bytes id;

    nats_put_pull(b, s->batch->arena, &(struct nats_pull){.stream = s->stream, .consumer = c->name, .batch = PULL});
    if (!nats_send(b, s->trouble))
        return false;
    for (unsigned n = 0; n < PULL && !*done;) {
        enum link_got got = nats_peek(b, &op, link_now_ms() + b->base.spec->timeout_ms, s->trouble);
        if (got == LINK_GONE)
            return false;
        if (got == LINK_NONE)
            return nats_trouble(b, s->trouble, "", BYTES_LITERAL("the stream gives nothing in time ('bridge.timeout')"));
        if (op.kind == NATS_MESSAGE && nats_ask_of(b, &op) == b->asks && (op.status == 404 || op.status == 408))
            *done = true;
        else if (op.kind == NATS_MESSAGE && !nats_ask_of(b, &op) && nats_read_delivery(op.reply, &d)) {
            if (nats_header_of(&op, "Nats-Msg-Id", &id))
                note(s, id);
            n++;
            *done = !d.pending || d.stream_seq >= last;
        } else
            return nats_unexpected(b, &op, s->trouble);
        nats_drop(b);
    }
    return true;
}

/* From a sequence to the last that is there. */
static bool read_from(struct search *s, uint64_t from, uint64_t last)
{
    const char *name = nats_consumer_name(s->b, s->batch->arena, "search");
    struct nats_consumer c = {.stream = s->stream, .filter = s->subject, .from = from, .headers_only = true,
                              .name = arena_printf(s->batch->arena, "%s-%llu", name, (unsigned long long)s->b->asks)};
    struct nats_answer ignored;

    if (!nats_make_consumer(s->b, s->batch->arena, &c, s->trouble))
        return false;
    for (bool done = !c.pending; !done;)
        if (!read_pull(s, &c, last, &done))
            return false;
    const char *drop = arena_printf(s->batch->arena, "CONSUMER.DELETE.%.*s.%s", BYTES_FMT(s->stream), c.name);
    return nats_request(s->b, s->batch->arena, drop, BYTES_NONE, &ignored, s->trouble);
}

static bool search(struct search *s)
{
    struct nats_stream stream;

    if (!s->stream.len && s->subject.len && !nats_stream_of(s->b, s->batch->arena, s->subject, &s->stream, s->trouble))
        return false;
    if (!s->stream.len)
        return true;
    if (!nats_ask_stream(s->b, s->batch->arena, s->stream, &stream, s->trouble))
        return false;
    for (uint64_t span = SPAN;; span *= 8) {
        uint64_t from = stream.last > span ? stream.last - span + 1 : 1;
        if (from < stream.first)
            from = stream.first;
        if (stream.messages && !read_from(s, from, stream.last))
            return false;
        if (!stream.messages || s->earlier || from <= stream.first || span >= SPAN_MAX)
            return true;
    }
}

bool nats_search(struct bridge_nats_state *b, const struct bridge_batch *batch, bool *there, char trouble[200])
{
    const struct bridge_spec *spec = b->base.spec;
    struct search s = {.b = b, .batch = batch, .there = there, .trouble = trouble, .stream = spec->values[OPT_STREAM].text};

    while (b->searched_count <= batch->partition) {
        b->searched = xrealloc(b->searched, (b->searched_count + 1) * sizeof(*b->searched));
        b->searched[b->searched_count++] = 0;
    }
    if (b->searched[batch->partition] == b->dials)
        return true;
    nats_id_begin(b, batch->partition, s.begin);
    if (!s.stream.len && !template_has_columns(b->subject_said))
        s.subject = b->subject_said;
    if (!search(&s))
        return false;
    b->searched[batch->partition] = b->dials;
    return true;
}
