/* post.c: POST /v1/topics/{t}: JSON values into the log, all of them or none.
 *
 * The body is a JSON value, or an array of them, or values one after the other (JSON lines); each is a
 * record, its text kept as it was sent. All batches of a request are one entry of the log.
 *
 *   ?key=FIELD       the record's key is that member's value (a string's characters, else its JSON
 *                    text); a record without it, or with null, has no key
 *   ?partition=N     all to that partition; else by key as Kafka's clients do it, and what has no key
 *                    goes, a request at a time, to one partition after the other
 *   Idempotency-Key  what was answered is remembered for a day in the same entry, so that a retry is
 *                    answered alike and appends nothing
 *
 * The remembered answer must be written before the entry gives out offsets: posting.h knows them.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/endian.h"
#include "base/hash.h"
#include "base/json_reader.h"
#include "serve/http/face.h"
#include "serve/http/posting.h"
#include "wire/http/uri.h"

enum {
    KEY_MAX = 255,      /* of Idempotency-Key */
    EXPIRE_AT_ONCE = 4, /* old answers dropped with each new one: faster than they come */
};
#define REMEMBER_US ((int64_t)24 * 3600 * 1000000)

struct post {
    struct exchange *x;
    struct log_topic *topic;
    const struct log_topic_info *info;
    struct buf key_field;
    int64_t fixed_partition; /* -1: none */
    struct posting in;
    struct posting_topic *to;
    struct buf key;
    struct diag diag;
};

static void post_deinit(struct post *p)
{
    posting_deinit(&p->in);
    buf_deinit(&p->key_field);
    buf_deinit(&p->key);
}

/* ---- the topic ---- */

static enum status find_topic(struct post *p, struct bytes name)
{
    struct http_face *face = p->x->face;

    p->topic = log_topic_find(face->log, name);
    if (!p->topic && face->options.no_auto_create)
        return diag_set(&p->diag, ST_NOTFOUND, DIAG_NAME, "there is no topic '%.*s'", BYTES_FMT(name));
    if (!p->topic)
        TRY(log_topic_create(face->log, name, face->options.partitions_default, NULL, &p->topic, NULL,
                             &p->diag));
    p->info = log_topic_info(p->topic);
    if (p->info->options.internal)
        return diag_set(&p->diag, ST_INVALID, DIAG_STATE,
                        "topic '%.*s' is the server's own: it is read, not written, by others",
                        BYTES_FMT(name));
    return ST_OK;
}

static enum status choose_partition(struct post *p)
{
    struct buf text;

    p->fixed_partition = -1;
    buf_init(&text, 0);
    bool given = query_get(p->x->request->query, "partition", &text);
    bool ok = !given || (bytes_to_i64(buf_view(&text), &p->fixed_partition) && p->fixed_partition >= 0 &&
                         p->fixed_partition < p->info->partitions);
    buf_deinit(&text);
    if (!ok)
        return diag_set(&p->diag, ST_INVALID, DIAG_VALUE, "?partition= must be 0 to %u",
                        p->info->partitions - 1);
    return ST_OK;
}

/* ---- records into batches ---- */

/* The key of a record, in p->key, or none. */
static struct bytes record_key(struct post *p, struct bytes value)
{
    struct bytes member;
    char name[256];

    if (!p->key_field.len || json_kind_of(value) != JSON_OBJECT)
        return BYTES_NONE;
    memcpy(name, p->key_field.ptr, p->key_field.len);
    name[p->key_field.len] = 0;
    if (!json_member(value, name, &member) || json_kind_of(member) == JSON_NULL)
        return BYTES_NONE;
    if (json_kind_of(member) != JSON_STRING)
        return member;
    buf_clear(&p->key);
    buf_reserve(&p->key, 1); /* an empty key is a key */
    json_string_decode(member, &p->key);
    return buf_view(&p->key);
}

static enum status add_record(struct post *p, struct bytes value)
{
    return posting_add(&p->in, p->to, p->fixed_partition, record_key(p, value), value, &p->diag);
}

static enum status bad_json(struct post *p, const struct json_cursor *c)
{
    struct bytes text = c->text;

    p->diag.line = 1;
    size_t line_from = 0;
    for (size_t i = 0; i < c->pos && i < text.len; i++)
        if (text.ptr[i] == '\n') {
            p->diag.line++;
            line_from = i + 1;
        }
    p->diag.column = (unsigned)(c->pos - line_from) + 1;
    return diag_set(&p->diag, ST_INVALID, DIAG_SYNTAX, "the body is not JSON at line %u, column %u: %s",
                    p->diag.line, p->diag.column, c->error);
}

/* body -> array | value (value)* */
static enum status cut_body(struct post *p, struct bytes body)
{
    struct json_cursor c = json_cursor_of(body);
    struct bytes first, value;

    if (!json_next(&c, &first)) {
        if (!c.error)
            c.error = "it is empty";
        return bad_json(p, &c);
    }
    bool more = json_next(&c, &value);
    if (!more && c.error)
        return bad_json(p, &c);
    if (!more && json_kind_of(first) == JSON_ARRAY) {
        struct json_iter it = json_iter_of(first);
        while (json_array_next(&it, &value))
            TRY(add_record(p, value));
        return ST_OK;
    }
    TRY(add_record(p, first));
    for (; more; more = json_next(&c, &value))
        TRY(add_record(p, value));
    return c.error ? bad_json(p, &c) : ST_OK;
}

/* ---- remembering answers ----
 *   'k' topic 00 key -> body hash u64, time u64, answer      't' time u64, 'k' … -> 1 byte   (big-endian) */

static void kv_key(struct buf *out, struct bytes topic, struct bytes key)
{
    buf_u8(out, 'k');
    buf_bytes(out, topic);
    buf_u8(out, 0);
    buf_bytes(out, key);
}

/* True: a retry, which is answered here. */
static bool answer_retry(struct exchange *x, struct bytes topic, struct bytes key)
{
    struct buf name, body;
    struct bytes known;

    buf_init(&name, 0);
    kv_key(&name, topic, key);
    bool found = log_kv_get(x->face->log, LOG_KV_HTTP, buf_view(&name), &known) && known.len > 16;
    buf_deinit(&name);
    if (!found)
        return false;
    struct reader r = reader_of(known);
    uint64_t hash = reader_u64_be(&r);
    reader_u64_be(&r);
    if (hash != hash_bytes(x->request->body)) {
        reply_error(x, 422, "idempotency", "this Idempotency-Key was used with another body");
        return true;
    }
    buf_init(&body, 0);
    buf_bytes(&body, reader_rest(&r));
    reply_when_durable(x, log_end_lsn(x->face->log), 200, &body); /* the first may be under way still */
    return true;
}

struct expiry {
    struct log_entry *entry;
    int64_t before_us;
    unsigned left;
};

static bool expire_one(void *context, struct bytes key, struct bytes value)
{
    struct expiry *e = context;
    struct reader r = reader_of(bytes_skip(key, 1));

    (void)value;
    if ((int64_t)reader_u64_be(&r) >= e->before_us || e->left-- == 0)
        return false;
    log_entry_kv(e->entry, LOG_KV_HTTP, reader_rest(&r), BYTES_NONE);
    log_entry_kv(e->entry, LOG_KV_HTTP, key, BYTES_NONE);
    return true;
}

static void remember(struct post *p, struct log_entry *entry, struct bytes key, struct bytes answer)
{
    struct expiry e = {entry, p->in.now_us - REMEMBER_US, EXPIRE_AT_ONCE};
    struct buf name, value, by_time;

    log_kv_scan(p->x->face->log, LOG_KV_HTTP, BYTES_LITERAL("t"), expire_one, &e);
    buf_init(&name, 0);
    buf_init(&value, 0);
    buf_init(&by_time, 0);
    kv_key(&name, p->info->name, key);
    buf_u64_be(&value, hash_bytes(p->x->request->body));
    buf_u64_be(&value, (uint64_t)p->in.now_us);
    buf_bytes(&value, answer);
    buf_u8(&by_time, 't');
    buf_u64_be(&by_time, (uint64_t)p->in.now_us);
    buf_bytes(&by_time, buf_view(&name));
    log_entry_kv(entry, LOG_KV_HTTP, buf_view(&name), buf_view(&value));
    log_entry_kv(entry, LOG_KV_HTTP, buf_view(&by_time), BYTES_LITERAL("1"));
    buf_deinit(&name);
    buf_deinit(&value);
    buf_deinit(&by_time);
}

/* ---- the entry ---- */

static void write_answer(const struct post *p, struct buf *out)
{
    struct json_writer w;

    json_writer_init(&w, out);
    json_object_begin(&w);
    json_key_text(&w, "topic", p->info->name);
    json_key_u64(&w, "records", p->in.records);
    if (p->in.batches_count) {
        json_key_u64(&w, "partition", p->in.batches[0].partition);
        json_key_i64(&w, "offset", p->in.batches[0].base);
    }
    json_key(&w, "offsets");
    json_array_begin(&w);
    for (uint32_t i = 0; i < p->in.batches_count; i++) {
        json_object_begin(&w);
        json_key_u64(&w, "partition", p->in.batches[i].partition);
        json_key_i64(&w, "offset", p->in.batches[i].base);
        json_key_i64(&w, "count", p->in.batches[i].count);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_object_end(&w);
}

static enum status append_all(struct post *p, struct bytes key, struct bytes answer, uint64_t *lsn)
{
    struct log_entry *entry = log_entry_begin(p->x->face->log);

    if (key.ptr)
        remember(p, entry, key, answer);
    return posting_commit(&p->in, entry, lsn, &p->diag);
}

static enum status collect(struct post *p)
{
    struct exchange *x = p->x;
    struct log_stats stats;

    log_stats(x->face->log, &stats);
    if (stats.refusing)
        return diag_set(&p->diag, ST_NOSPACE, DIAG_LIMIT,
                        "the disk is nearly full: nothing is taken in until there is room");
    if (!log_topic_name_valid(x->params[0]))
        return diag_set(&p->diag, ST_INVALID, DIAG_VALUE,
                        "a topic's name is 1 to 249 letters, digits, '.', '_' or '-'");
    if (query_get(x->request->query, "key", &p->key_field) && p->key_field.len > 255)
        return diag_set(&p->diag, ST_INVALID, DIAG_VALUE, "?key= names a field of at most 255 bytes");
    if (!json_next(&(struct json_cursor){.text = x->request->body}, &(struct bytes){0}))
        return cut_body(p, x->request->body); /* refused before a topic is made for it */
    TRY(find_topic(p, x->params[0]));
    TRY(choose_partition(p));
    p->to = posting_topic(&p->in, p->topic, &p->x->face->rotor);
    TRY(cut_body(p, x->request->body));
    return posting_close(&p->in);
}

/* Write it, and make it if it is not there, as the Kafka face has it. */
static bool may_post(struct exchange *x)
{
    struct bytes name = x->params[0];

    if (!exchange_may(x, ACL_WRITE, ACL_TOPIC, name))
        return false;
    return log_topic_find(x->face->log, name) || exchange_can(x, ACL_CREATE, ACL_CLUSTER, ACL_CLUSTER_NAME) ||
           exchange_may(x, ACL_CREATE, ACL_TOPIC, name);
}

void post_topic(struct exchange *x)
{
    struct post p = {.x = x};
    struct bytes key = http_header_get(x->request, "idempotency-key");
    struct buf answer;
    uint64_t lsn = 0;

    if (!may_post(x))
        return;
    if (key.ptr && (key.len == 0 || key.len > KEY_MAX)) {
        reply_error(x, 400, "idempotency", "Idempotency-Key is 1 to 255 bytes");
        return;
    }
    if (key.ptr && answer_retry(x, x->params[0], key))
        return;
    posting_init(&p.in, x->face->log, loop_wall_us(x->face->loop));
    buf_init(&p.key_field, 0);
    buf_init(&p.key, 0);
    buf_init(&answer, 0);
    enum status st = collect(&p);
    if (st == ST_OK) {
        write_answer(&p, &answer);
        st = append_all(&p, key, buf_view(&answer), &lsn);
    }
    x->face->counts.posted_records += st == ST_OK ? p.in.records : 0;
    post_deinit(&p);
    if (st == ST_OK) {
        reply_when_durable(x, lsn, 200, &answer);
        return;
    }
    buf_deinit(&answer);
    reply_diag(x, st, &p.diag);
}
