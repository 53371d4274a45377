/* influx.c: what InfluxDB's clients and Telegraf speak, so that they write here unchanged.
 *
 *   POST /write?db=&precision=                    line protocol (1.x), also gzip
 *   POST /api/v2/write?bucket=&org=&precision=    the same (2.x)
 *   GET  /ping                                    204
 *   GET, POST /query?q=CREATE DATABASE …          done, for there is nothing to do
 *
 * A line is a record of the topic of its measurement: of the table of that name, if there is one over a topic of this
 * server, else of the topic of that name, which is made where posts may make topics.
 *
 *   cpu,host=a idle=97.5,n=3i 1700000000000000000
 *   key    cpu,host=a                             as it was sent: a series stays in order, in one partition
 *   value  {"time":"2023-11-14 22:13:20.000000000","host":"a","idle":97.5,"n":3}
 *
 * Good lines are taken though others are bad, all in one entry of the log; the answer is 400 then and says which
 * those were, as InfluxDB's "partial write". A right that is missing refuses the request.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "data/datetime.h"
#include "data/number.h"
#include "serve/http/face.h"
#include "serve/http/posting.h"
#include "wire/http/uri.h"
#include "wire/influx/line.h"
#include "wire/kafka/compress.h"

enum {
    TOPICS_MADE_MAX = 256,    /* by one request */
    MEASUREMENTS_MAX = 10000, /* of one request: what is remembered of each is bounded so */
    BAD_SHOWN_MAX = 20,       /* lines */
    BAD_LINE_SHOWN = 200,     /* bytes of each */
};
#define SPOKEN "1.8.0" /* the version whose addresses these are */

/* Where the lines of a measurement go. */
struct measurement {
    struct posting_topic *to;
    const char *bad; /* nowhere, and why; in the exchange's arena */
    bool unknown;    /* because there is no such topic */
};

struct write {
    struct exchange *x;
    bool second; /* who asks speaks 2.x */
    int64_t unit_ns;
    struct posting in;
    struct map measurements; /* by their escaped names; the values are the arena's */
    struct map topics;       /* struct posting_topic by the topic's name */
    unsigned topics_made;
    struct bytes refused; /* a topic that who asks may not write; ptr NULL: none */
    enum acl_operation refused_operation;
    struct buf body, record, name, report;
    uint64_t bad, unknown;
    struct diag diag;
};

/* ---- answers as InfluxDB gives them ---- */

static void reply_influx(struct exchange *x, bool second, unsigned status, struct bytes message, uint64_t lsn)
{
    struct buf body;
    struct json_writer w;

    buf_init(&body, 0);
    json_writer_init(&w, &body);
    json_object_begin(&w);
    if (second)
        json_key_str(&w, "code", status == 404 ? "not found" : status == 413 ? "request too large" : "invalid");
    json_key_text(&w, second ? "message" : "error", message);
    json_object_end(&w);
    if (lsn)
        reply_when_durable(x, lsn, status, &body);
    else
        reply_json(x, status, &body);
}

static void refuse(struct write *wr, unsigned status, const char *message)
{
    reply_influx(wr->x, wr->second, status, bytes_str(message), 0);
}

void get_influx_ping(struct exchange *x)
{
    reply(x, 204, NULL, "X-Influxdb-Version: " SPOKEN "\r\nX-Influxdb-Build: quickwater\r\n", BYTES_NONE);
}

/* ---- queries ---- */

/* Of the query, or of a form in the body. */
static bool asked(struct exchange *x, struct buf *q)
{
    return query_get(x->request->query, "q", q) ||
           (x->request->method == HTTP_POST && query_get(x->request->body, "q", q));
}

static bool begins(struct bytes text, const char *words)
{
    while (text.len && (text.ptr[0] == ' ' || text.ptr[0] == '\n' || text.ptr[0] == '\t'))
        text = bytes_skip(text, 1);
    return bytes_is_nocase(bytes_head(text, strlen(words)), words);
}

/* Databases are names that lead nowhere else: whoever makes one sees it done. */
void post_influx_query(struct exchange *x)
{
    struct buf q, body;

    buf_init(&q, 0);
    buf_init(&body, 0);
    bool given = asked(x, &q);
    if (given && begins(buf_view(&q), "CREATE DATABASE "))
        buf_str(&body, "{\"results\":[{\"statement_id\":0}]}");
    else if (given && begins(buf_view(&q), "SHOW DATABASES"))
        buf_str(&body,
                "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"databases\",\"columns\":[\"name\"],"
                "\"values\":[[\"quickwater\"]]}]}]}");
    buf_deinit(&q);
    if (body.len) {
        reply_json(x, 200, &body);
        return;
    }
    buf_deinit(&body);
    reply_influx(x, false, 400,
                 given
                     ? BYTES_LITERAL("of InfluxQL there are CREATE DATABASE and SHOW DATABASES; SQL is at /v1/sql")
                     : BYTES_LITERAL("missing required parameter \"q\""),
                 0);
}

/* ---- what is asked ---- */

static bool read_precision(struct write *wr)
{
    static const struct {
        const char *name;
        int64_t ns;
        bool second;
    } units[] = {{"ns", 1, true},         {"n", 1, false},           {"us", 1000, true},
                 {"u", 1000, false},      {"\xc2\xb5", 1000, false}, {"ms", 1000000, true},
                 {"s", 1000000000, true}, {"m", 60000000000, false}, {"h", 3600000000000, false}};
    struct buf text;

    buf_init(&text, 0);
    bool given = query_get(wr->x->request->query, "precision", &text) && text.len;
    wr->unit_ns = given ? 0 : 1;
    for (size_t i = 0; i < sizeof units / sizeof *units && given; i++)
        if (bytes_is(buf_view(&text), units[i].name) && (units[i].second || !wr->second))
            wr->unit_ns = units[i].ns;
    buf_deinit(&text);
    if (!wr->unit_ns)
        refuse(wr, 400,
               wr->second ? "invalid precision: it is one of ns, us, ms, s"
                          : "invalid precision: it is one of ns, u, ms, s, m, h");
    return wr->unit_ns != 0;
}

/* The lines, without the coding that they came in. */
static bool read_body(struct write *wr, struct bytes *lines)
{
    struct bytes coding = http_header_get(wr->x->request, "content-encoding");

    *lines = wr->x->request->body;
    if (!coding.len || bytes_is_nocase(coding, "identity"))
        return true;
    if (!bytes_is_nocase(coding, "gzip")) {
        refuse(wr, 400, "Content-Encoding is gzip, or there is none");
        return false;
    }
    enum status st = kafka_decompress(KAFKA_CODEC_GZIP, *lines, &wr->body);
    *lines = buf_view(&wr->body);
    if (st == ST_NOSPACE)
        refuse(wr, 413, "the body is larger than this server takes when it is unfolded");
    else if (st != ST_OK)
        refuse(wr, 400, "the body is not gzip, as its Content-Encoding says, or is cut short");
    return st == ST_OK;
}

static bool read_request(struct write *wr, struct bytes *lines)
{
    const char *place = wr->second ? "bucket" : "db";
    struct log_stats stats;
    struct buf text;

    buf_init(&text, 0);
    bool given = query_get(wr->x->request->query, place, &text) && text.len;
    buf_deinit(&text);
    if (!given) {
        refuse(wr, 400, wr->second ? "bucket is required" : "database is required");
        return false;
    }
    log_stats(wr->x->face->log, &stats);
    if (stats.refusing) {
        refuse(wr, 503, "the disk is nearly full: nothing is taken in until there is room");
        return false;
    }
    return read_precision(wr) && read_body(wr, lines);
}

/* ---- where a line goes ---- */

/* Of the table of that name over a topic of ours, or the name itself. */
static struct bytes topic_name(struct write *wr, struct bytes name)
{
    const struct table *table = catalog_find(engine_catalog(wr->x->face->engine), name);
    struct bytes topic = table ? table_topic(table) : BYTES_NONE;

    return topic.ptr ? topic : name;
}

static bool may(struct write *wr, struct bytes topic, bool there)
{
    struct exchange *x = wr->x;

    wr->refused_operation = ACL_WRITE;
    bool ok = exchange_can(x, ACL_WRITE, ACL_TOPIC, topic);
    if (ok && !there) {
        wr->refused_operation = ACL_CREATE;
        ok = exchange_can(x, ACL_CREATE, ACL_CLUSTER, ACL_CLUSTER_NAME) ||
             exchange_can(x, ACL_CREATE, ACL_TOPIC, topic);
    }
    if (!ok)
        wr->refused = arena_copy(&x->arena, topic);
    return ok;
}

/* Why there is none; NULL with the topic. */
static const char *find_topic_of(struct write *wr, struct bytes name, struct measurement *m,
                                 struct log_topic **topic)
{
    struct http_face *face = wr->x->face;

    if (!log_topic_name_valid(name))
        return "the measurement's name is no topic's: 1 to 249 letters, digits, '.', '_' or '-'";
    *topic = log_topic_find(face->log, name);
    m->unknown = !*topic && face->options.no_auto_create;
    if (m->unknown)
        return arena_printf(&wr->x->arena, "there is no topic '%.*s', and none is made unasked", BYTES_FMT(name));
    if (!may(wr, name, *topic != NULL))
        return "rights are missing";
    if (!*topic && wr->topics_made++ >= TOPICS_MADE_MAX)
        return "one request makes 256 topics at most: send the rest again";
    if (!*topic &&
        log_topic_create(face->log, name, face->options.partitions_default, NULL, topic, NULL, &wr->diag) != ST_OK)
        return arena_printf(&wr->x->arena, "the topic cannot be made: %s", wr->diag.message);
    if (log_topic_info(*topic)->options.internal)
        return "the topic is the server's own: it is read, not written, by others";
    return NULL;
}

static void route_measurement(struct write *wr, struct bytes escaped, struct measurement *m)
{
    struct log_topic *topic;

    buf_clear(&wr->name);
    line_plain(escaped, &wr->name);
    struct bytes name = topic_name(wr, buf_view(&wr->name));
    m->bad = find_topic_of(wr, name, m, &topic);
    if (m->bad)
        return;
    m->to = map_get(&wr->topics, name);
    if (m->to)
        return;
    m->to = posting_topic(&wr->in, topic, &wr->x->face->rotor);
    map_put(&wr->topics, name, m->to);
}

static struct measurement *measurement_of(struct write *wr, struct bytes escaped)
{
    static struct measurement too_many = {.bad = "the request has more than 10000 measurements: send it in parts"};
    struct measurement *m = map_get(&wr->measurements, escaped);

    if (!m && map_size(&wr->measurements) == MEASUREMENTS_MAX)
        return &too_many;
    if (!m) {
        m = ARENA_NEW(&wr->x->arena, struct measurement);
        route_measurement(wr, escaped, m);
        map_put(&wr->measurements, escaped, m);
    }
    return m;
}

/* ---- a line as JSON ---- */

/* In UTC, with nine digits of a second: what a column of TIMESTAMP and of TIMESTAMP_LTZ reads. */
static void write_ns(struct json_writer *w, int64_t ns)
{
    char text[DATETIME_TEXT_MAX + 4];
    size_t len = timestamp_text(floor_div(ns, 1000), 6, ' ', text);

    len += (size_t)snprintf(text + len, 4, "%03d", (int)floor_mod(ns, 1000));
    json_key(w, "time");
    json_bytes(w, bytes_of(text, len));
}

static struct bytes plain(struct write *wr, struct bytes escaped)
{
    buf_clear(&wr->name);
    line_plain(escaped, &wr->name);
    return buf_view(&wr->name);
}

/* "1.", ".5" and "00.5" are numbers of line protocol's and none of JSON's; others stay as they were sent. */
static void write_float(struct json_writer *w, struct bytes digits)
{
    struct bytes whole = bytes_skip(digits, digits.ptr[0] == '-');
    size_t point = bytes_find(digits, '.', 0);
    bool first = whole.len && whole.ptr[0] >= '1' && whole.ptr[0] <= '9';
    bool zero = whole.len && whole.ptr[0] == '0' && (whole.len == 1 || whole.ptr[1] == '.');
    bool fraction = point == digits.len ||
                    (point + 1 < digits.len && digits.ptr[point + 1] >= '0' && digits.ptr[point + 1] <= '9');
    double value = 0;

    if ((first || zero) && fraction) {
        json_raw(w, digits);
        return;
    }
    CHECK(f64_parse(digits, &value));
    json_f64(w, value);
}

static void write_field(struct write *wr, struct json_writer *w, const struct line_field *f)
{
    int64_t whole = 0;

    json_key_bytes(w, plain(wr, f->name));
    switch (f->kind) {
    case LINE_FLOAT: write_float(w, f->value); break;
    case LINE_BOOLEAN: json_bool(w, f->yes); break;
    case LINE_INTEGER:
        CHECK(bytes_to_i64(f->value, &whole));
        json_i64(w, whole);
        break;
    case LINE_UNSIGNED: {
        struct bytes digits = f->value;
        while (digits.len > 1 && digits.ptr[0] == '0')
            digits = bytes_skip(digits, 1);
        json_raw(w, digits);
        break;
    }
    case LINE_STRING:
        buf_clear(&wr->name);
        line_plain_text(f->value, &wr->name);
        json_bytes(w, buf_view(&wr->name));
        break;
    }
}

static void write_record(struct write *wr, const struct line *line, int64_t time_ns)
{
    struct bytes tags = line->tags, fields = line->fields, name, value;
    struct line_field f;
    struct json_writer w;

    buf_clear(&wr->record);
    json_writer_init(&w, &wr->record);
    json_object_begin(&w);
    write_ns(&w, time_ns);
    while (line_tag_next(&tags, &name, &value)) {
        json_key_bytes(&w, plain(wr, name));
        json_bytes(&w, plain(wr, value));
    }
    while (line_field_next(&fields, &f))
        write_field(wr, &w, &f);
    json_object_end(&w);
}

/* ---- all lines ---- */

static void report_bad(struct write *wr, const struct line *line, const char *why)
{
    if (wr->bad++ >= BAD_SHOWN_MAX)
        return;
    buf_printf(&wr->report, "%sunable to parse '%.*s%s': %s", wr->report.len ? "\n" : "",
               BYTES_FMT(bytes_head(line->text, BAD_LINE_SHOWN)), line->text.len > BAD_LINE_SHOWN ? "…" : "", why);
}

static enum status take_line(struct write *wr, const struct line *line)
{
    const char *bad = line->bad;
    int64_t ns = wr->in.now_us * 1000;
    struct measurement *m = NULL;

    if (!bad && line->has_time && __builtin_mul_overflow(line->time, wr->unit_ns, &ns))
        bad = "time outside range";
    if (!bad) {
        m = measurement_of(wr, line->measurement);
        bad = m->bad;
        wr->unknown += m->unknown;
    }
    if (bad) {
        report_bad(wr, line, bad);
        return ST_OK;
    }
    write_record(wr, line, ns);
    struct diag diag = {0};
    enum status st = posting_add(&wr->in, m->to, -1, line->series, buf_view(&wr->record), &diag);
    if (st == ST_OK || diag.code != DIAG_LIMIT)
        return st;
    report_bad(wr, line, diag.message);
    return ST_OK;
}

static enum status take_lines(struct write *wr, struct bytes lines, uint64_t *lsn)
{
    struct line line;

    while (!wr->refused.ptr && line_next(&lines, &line))
        TRY(take_line(wr, &line));
    if (wr->refused.ptr || !wr->in.records)
        return ST_OK;
    TRY(posting_close(&wr->in));
    return posting_commit(&wr->in, log_entry_begin(wr->x->face->log), lsn, &wr->diag);
}

/* Some bad, or all; 404 where all that is wrong is that their topics are not there, for then they may come again. */
static void reply_bad(struct write *wr, uint64_t lsn)
{
    bool unknown = !wr->in.records && wr->unknown == wr->bad;
    struct buf text;

    buf_init(&text, 0);
    buf_str(&text, unknown ? "database not found: " : wr->in.records ? "partial write: " : "");
    buf_bytes(&text, buf_view(&wr->report));
    if (wr->bad > BAD_SHOWN_MAX)
        buf_printf(&text, "\nand %llu more", (unsigned long long)(wr->bad - BAD_SHOWN_MAX));
    if (wr->in.records)
        buf_printf(&text, " dropped=%llu", (unsigned long long)wr->bad);
    reply_influx(wr->x, wr->second, unknown ? 404 : 400, buf_view(&text), lsn);
    buf_deinit(&text);
}

static void answer(struct write *wr, enum status st, uint64_t lsn)
{
    struct exchange *x = wr->x;
    struct buf nothing;

    if (st != ST_OK) {
        reply_diag(x, st, &wr->diag);
    } else if (wr->refused.ptr) {
        if (exchange_may(x, wr->refused_operation, ACL_TOPIC, wr->refused))
            reply_error(x, 403, "rights", "the right was given meanwhile: try again");
    } else if (wr->bad) {
        reply_bad(wr, lsn);
    } else if (lsn) {
        buf_init(&nothing, 0);
        reply_when_durable(x, lsn, 204, &nothing);
    } else {
        reply(x, 204, NULL, NULL, BYTES_NONE);
    }
}

void post_influx_write(struct exchange *x)
{
    struct write wr = {.x = x, .second = bytes_is(x->request->path, "/api/v2/write")};
    struct bytes lines;
    uint64_t lsn = 0;

    posting_init(&wr.in, x->face->log, loop_wall_us(x->face->loop));
    map_init(&wr.measurements);
    map_init(&wr.topics);
    buf_init(&wr.body, x->face->options.body_bytes_max);
    buf_init(&wr.record, 0);
    buf_init(&wr.name, 0);
    buf_init(&wr.report, 0);
    if (read_request(&wr, &lines)) {
        enum status st = take_lines(&wr, lines, &lsn);
        x->face->counts.posted_records += st == ST_OK && lsn ? wr.in.records : 0;
        answer(&wr, st, lsn);
    }
    posting_deinit(&wr.in);
    map_deinit(&wr.measurements);
    map_deinit(&wr.topics);
    buf_deinit(&wr.body);
    buf_deinit(&wr.record);
    buf_deinit(&wr.name);
    buf_deinit(&wr.report);
}
