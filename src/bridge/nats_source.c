/* nats_source.c: a stream of JetStream as a source.
 *
 * Where we stand is ours: a batch and the sequence after it are one entry of our log. The server keeps only a consumer
 * without acknowledgements, in memory, that begins at that sequence and is made again with each connection:
 *
 *     dial, STREAM.INFO         the stream as it is: is it the one that we know, does it still have what comes next?
 *     CONSUMER.CREATE           from that sequence on
 *     CONSUMER.MSG.NEXT         a batch, which is asked for again when it is over; heartbeats while there is nothing
 *
 * The consumer numbers what it sends: a number that is missing was lost on the way, and all begins again at our sequence.
 * A sequence of the stream that is missing is not there any more: one dead letter a poll names those. (Of a stream of which
 * some subjects are read, only what is below the stream's first sequence, when we connect: others' messages have numbers
 * too. And none that was gone before this table began.)
 *
 *     position   next sequence ' ' first sequence that is ours to name ' ' when the stream was made
 *
 * A message is a record: its payload the value, its time the timestamp, and headers: its own by their names, then subject,
 * sequence.
 */
#include <stdio.h>

#include "base/check.h"
#include "bridge/nats_inner.h"

enum { DEAD_KEPT = 64 << 10, REQUEST_MS = 30000 };

static struct bytes stream_of(const struct bridge_nats_state *b)
{
    return b->base.spec->values[OPT_STREAM].text;
}

static struct bytes filter_of(const struct bridge_nats_state *b)
{
    return b->base.spec->values[OPT_SUBJECT].text;
}

enum status nats_source_check(const struct bridge_spec *spec, struct diag *diag)
{
    const struct bridge_value *v = spec->values;

    if (!v[OPT_STREAM].text.len)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "`%.*s` is read: that needs 'nats.stream'", BYTES_FMT(spec->table));
    if (!nats_is_name(v[OPT_STREAM].text) || v[OPT_STREAM].text.len > BRIDGE_SPLIT_MAX)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "'nats.stream' is '%.*s', and that is no stream's name",
                        BYTES_FMT(bytes_head(v[OPT_STREAM].text, 60)));
    if (v[OPT_SUBJECT].text.len && !nats_is_filter(v[OPT_SUBJECT].text)) {
        diag_hint(diag, "words with dots between; * is any one of them, > at the end all that follow");
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "'nats.subject' of `%.*s`, which is read, is no subject: '%.*s'",
                        BYTES_FMT(spec->table), BYTES_FMT(bytes_head(v[OPT_SUBJECT].text, 60)));
    }
    if (v[OPT_START].number == NATS_TIMESTAMP && !v[OPT_START_MS].given)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "'scan.startup.mode' = 'timestamp' needs 'scan.startup.timestamp-millis'");
    return ST_OK;
}

/* ---- the position ---- */

static bool read_sequence(struct bytes *rest, uint64_t *out)
{
    size_t end = bytes_find(*rest, ' ', 0);
    int64_t n;
    bool good = bytes_to_i64(bytes_head(*rest, end), &n) && n > 0;

    *out = good ? (uint64_t)n : 0;
    *rest = bytes_skip(*rest, end < rest->len ? end + 1 : end);
    return good;
}

enum status nats_resume(struct bridge *bridge, struct bytes split, struct bytes position)
{
    struct bridge_nats_state *b = (struct bridge_nats_state *)bridge;

    if (!bytes_equal(split, stream_of(b)))
        return ST_OK; /* a stream that the table does not name any more */
    if (!read_sequence(&position, &b->next) || !read_sequence(&position, &b->began) || !position.len ||
        position.len >= NATS_CREATED_MAX)
        return ST_CORRUPT;
    snprintf(b->created, sizeof(b->created), "%.*s", BYTES_FMT(position));
    b->known = true;
    return ST_OK;
}

static void say_position(struct bridge_nats_state *b, struct bridge_poll *poll)
{
    char text[NATS_CREATED_MAX + 48];

    snprintf(text, sizeof(text), "%llu %llu %s", (unsigned long long)b->next, (unsigned long long)b->began, b->created);
    bridge_poll_moved(poll, stream_of(b), bytes_str(text));
}

/* ---- what is gone ---- */

/* One more dead letter; there is room where the poll is empty. */
static struct bridge_record *dead(struct bridge_poll *poll)
{
    struct bridge_record *r = bridge_poll_record(poll, 0);

    if (r) {
        r->timestamp_ms = -1;
        r->value = BYTES_LITERAL("");
    }
    return r;
}

/* Messages from `from` on, before `to`, are named by this poll. False: it has no room. */
static bool name_gone(struct bridge_nats_state *b, struct bridge_poll *poll, uint64_t from, uint64_t to)
{
    struct nats_gone *g = &b->gone;

    if (!g->record) {
        *g = (struct nats_gone){.record = dead(poll)};
        if (!g->record)
            return false;
    }
    size_t len = strlen(g->ranges), room = sizeof(g->ranges) - len;
    if (room > 50)
        snprintf(g->ranges + len, room, to - from == 1 ? "%s%llu" : "%s%llu to %llu", len ? ", " : "",
                 (unsigned long long)from, (unsigned long long)to - 1);
    else if (len && g->ranges[len - 1] != '.')
        snprintf(g->ranges + len, room, " ...");
    g->count += to - from;
    g->record->never = arena_printf(
        poll->arena, "not in the stream any more when they were to be read: sequences %s: %llu%s", g->ranges,
        (unsigned long long)g->count, filter_of(b).len ? ", those of other subjects among them" : "");
    return true;
}

/* ---- the consumer ---- */

static bool make_consumer(struct bridge_nats_state *b, struct bridge_poll *poll, const char *what, int64_t from_ms,
                          struct nats_consumer *c)
{
    *c = (struct nats_consumer){.stream = stream_of(b), .filter = filter_of(b), .name = nats_consumer_name(b, poll->arena, what),
                                .from = b->next, .from_ms = from_ms};
    return nats_make_consumer(b, poll->arena, c, poll->trouble);
}

static bool consume(struct bridge_nats_state *b, struct bridge_poll *poll)
{
    struct nats_consumer c;

    b->consumes = make_consumer(b, poll, "read", 0, &c);
    b->consumer_seq = 0;
    b->asked_left = 0;
    b->alone = b->asked_gave = false;
    return b->consumes;
}

/* ---- where to begin ---- */

static bool begin(struct bridge_nats_state *b, struct bridge_poll *poll, const struct nats_stream *s)
{
    const struct bridge_value *v = b->base.spec->values;
    uint64_t first = s->first ? s->first : 1, end = s->last + 1;

    b->next = v[OPT_START].number == NATS_LATEST ? end : first;
    if (v[OPT_START].number == NATS_TIMESTAMP && v[OPT_START_MS].number > 0) {
        struct nats_consumer c; /* the server knows what a time is in sequences */
        if (!make_consumer(b, poll, "begin", v[OPT_START_MS].number, &c))
            return false;
        b->next = c.begins;
    }
    b->began = s->messages == end - first ? first : end; /* with holes in it: those are not named */
    b->known = true;
    snprintf(b->created, sizeof(b->created), "%s", s->created);
    return true;
}

/* The stream is not what it was: what of it can be read, and what that means. */
static void begin_again(struct bridge_nats_state *b, struct bridge_poll *poll, const struct nats_stream *s, const char *what)
{
    struct bridge_record *r = dead(poll);

    CHECK(r); /* the poll is empty */
    r->never = arena_printf(poll->arena, "%s: what came after sequence %llu and was not read is gone; it is read on from %llu",
                            what, (unsigned long long)b->next - 1,
                            (unsigned long long)(strcmp(b->created, s->created) ? 1 : s->last + 1));
    b->next = b->began = strcmp(b->created, s->created) ? 1 : s->last + 1;
    snprintf(b->created, sizeof(b->created), "%s", s->created);
}

/* After each dialling. What is to be kept of it is kept before anything is read. */
static bool stand(struct bridge_nats_state *b, struct bridge_poll *poll)
{
    struct nats_stream s;
    uint64_t before = b->next;
    bool new = !b->known;

    if (!nats_ask_stream(b, poll->arena, stream_of(b), &s, poll->trouble))
        return false;
    if (!s.by_limits)
        return nats_trouble(b, poll->trouble, "",
                            BYTES_LITERAL("the stream drops what others have read: only retention 'limits' can be read"));
    if (new && !begin(b, poll, &s))
        return false;
    if (strcmp(b->created, s.created) != 0)
        begin_again(b, poll, &s, "the stream was deleted and made again");
    else if (s.last + 1 < b->next)
        begin_again(b, poll, &s, "the stream has lost its end (a restored copy, or a disk without power)");
    if (s.first > b->next && name_gone(b, poll, b->next, s.first))
        b->next = s.first;
    if (new || b->next != before || poll->count)
        say_position(b, poll);
    return true;
}

/* ---- what comes ---- */

enum taken { TAKEN, FULL, LOST };

static enum taken lost(bool never_good)
{
    CHECK(!never_good);
    return LOST;
}

/* False: the poll is full. */
static bool give(struct bridge_poll *poll, const struct nats_op *op, const struct nats_delivery *d)
{
    struct bytes payload = op->cut ? bytes_head(op->payload, DEAD_KEPT) : op->payload, rest = op->headers;
    struct bridge_record *r = bridge_poll_record(poll, payload.len + op->headers.len + op->subject.len);
    struct nats_header h;

    if (!r)
        return false;
    r->timestamp_ms = d->time_ns / 1000000;
    r->value = payload.len ? arena_copy(poll->arena, payload) : BYTES_LITERAL("");
    if (op->cut)
        r->never = arena_printf(poll->arena, "message %llu is of more than %d bytes: it is not taken",
                                (unsigned long long)d->stream_seq, NATS_MESSAGE_WHOLE);
    while (nats_header_next(&rest, &h))
        bridge_poll_header(poll, r, h.name, h.value);
    bridge_poll_header(poll, r, BYTES_LITERAL("subject"), op->subject);
    bridge_poll_header(poll, r, BYTES_LITERAL("sequence"),
                       bytes_str(arena_printf(poll->arena, "%llu", (unsigned long long)d->stream_seq)));
    return true;
}

static enum taken take_message(struct bridge_nats_state *b, struct bridge_poll *poll, const struct nats_op *op)
{
    struct nats_delivery d;

    if (!b->asked_left || !nats_read_delivery(op->reply, &d) || d.stream_seq < b->next)
        return lost(nats_unexpected(b, op, poll->trouble));
    if (d.consumer_seq != b->consumer_seq + 1)
        return lost(nats_trouble(b, poll->trouble, "", BYTES_LITERAL("messages were lost on the way: they are asked for again")));
    uint64_t from = b->next > b->began ? b->next : b->began;
    if (!filter_of(b).len && d.stream_seq > from) {
        if (!name_gone(b, poll, from, d.stream_seq))
            return FULL;
        b->next = d.stream_seq;
    }
    if (!give(poll, op, &d))
        return FULL;
    b->next = d.stream_seq + 1;
    b->consumer_seq = d.consumer_seq;
    b->behind = (int64_t)d.pending;
    b->asked_left--;
    b->asked_gave = true;
    return TAKEN;
}

/* That the consumer lives, and how many it has sent: all of them were to come before this. */
static enum taken take_heartbeat(struct bridge_nats_state *b, struct bridge_poll *poll, const struct nats_op *op)
{
    struct bytes text;
    int64_t sent;

    if (!nats_header_of(op, "Nats-Last-Consumer", &text) || !bytes_to_i64(text, &sent) || (uint64_t)sent == b->consumer_seq)
        return TAKEN;
    return lost(nats_trouble(b, poll->trouble, "", BYTES_LITERAL("messages were lost on the way: they are asked for again")));
}

/* A request is over, or the consumer is. */
static enum taken take_status(struct bridge_nats_state *b, struct bridge_poll *poll, const struct nats_op *op)
{
    static const char too_large[] = "Message Size Exceeds MaxBytes";
    char text[80];

    if (op->status == 100)
        return take_heartbeat(b, poll, op);
    if (op->status == 404 || op->status == 408) {
        b->asked_left = 0;
        return TAKEN;
    }
    if (op->status == 409 && bytes_is_nocase(op->status_text, too_large)) {
        b->alone = !b->asked_gave;
        b->asked_left = 0;
        return TAKEN;
    }
    snprintf(text, sizeof(text), "%u %.*s", op->status, BYTES_FMT(bytes_head(op->status_text, 60)));
    return lost(nats_trouble(b, poll->trouble, "the consumer", bytes_str(text)));
}

static enum taken take(struct bridge_nats_state *b, struct bridge_poll *poll, const struct nats_op *op)
{
    if (op->kind != NATS_MESSAGE)
        return lost(nats_unexpected(b, op, poll->trouble));
    uint64_t ask = nats_ask_of(b, op);
    if (!ask)
        return take_message(b, poll, op);
    if (!op->status)
        return lost(nats_unexpected(b, op, poll->trouble));
    return ask == b->asked_ask ? take_status(b, poll, op) : TAKEN; /* of one that is over: its end may be said twice */
}

/* A batch more. */
static bool ask(struct bridge_nats_state *b, struct bridge_poll *poll)
{
    int64_t beat_ms = b->base.spec->values[OPT_HEARTBEAT].number;
    struct nats_pull pull = {.stream = stream_of(b), .consumer = nats_consumer_name(b, poll->arena, "read"),
                             .batch = b->alone ? 1 : poll->records_max, .bytes_max = b->alone ? 0 : poll->bytes_max,
                             .beat_ms = beat_ms, .expires_ms = beat_ms * 3 > REQUEST_MS ? beat_ms * 3 : REQUEST_MS};

    nats_put_pull(b, poll->arena, &pull);
    b->asked_ask = b->asks;
    b->asked_left = pull.batch;
    b->alone = b->asked_gave = false;
    return nats_send(b, poll->trouble);
}

/* What comes until the poll is full, or nothing is there and something was taken, or the time is over. */
static void take_all(struct bridge_nats_state *b, struct bridge_poll *poll)
{
    int64_t until_ms = link_now_ms() + poll->wait_ms;
    struct nats_op op;

    while (poll->count < poll->records_max) {
        if (!b->asked_left && !ask(b, poll))
            return;
        enum link_got got = nats_peek(b, &op, poll->count ? 0 : until_ms, poll->trouble);
        if (got == LINK_NONE && !poll->count && b->silent_ms > 2 * b->base.spec->values[OPT_HEARTBEAT].number)
            nats_trouble(b, poll->trouble, "", BYTES_LITERAL("the consumer is silent ('nats.heartbeat')"));
        if (got != LINK_SOME || take(b, poll, &op) != TAKEN)
            return;
        nats_drop(b);
    }
}

void nats_poll(struct bridge *bridge, struct bridge_poll *poll)
{
    struct bridge_nats_state *b = (struct bridge_nats_state *)bridge;
    uint64_t before = b->next;

    b->gone = (struct nats_gone){0};
    if (!b->link) {
        b->behind = -1;
        if (!nats_dial(b, poll->trouble) || !stand(b, poll) || poll->moved_count)
            return; /* where it begins is kept first */
    }
    before = b->next;
    if (b->consumes || consume(b, poll))
        take_all(b, poll);
    if (b->next != before)
        say_position(b, poll);
    poll->behind = b->behind;
}
