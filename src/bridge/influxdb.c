/* influxdb.c: InfluxDB as a sink, 1.x and 2.x, by line protocol.
 *
 *     given                     asked                                       who we are
 *     'influxdb.database'       POST /write?db=&rp=&precision=              basic, or Bearer 'influxdb.token' (a JWT)
 *     'influxdb.bucket'         POST /api/v2/write?org=&bucket=&precision=  Token 'influxdb.token'
 *
 * A point is known by measurement, tags and time: written again it is itself, so a batch may be sent as often as
 * need be.
 *
 *     answer                                             then
 *     2xx                                                taken
 *     400, 422 with InfluxDB's error in it, 413          halves of the batch, down to the record: that is `never`
 *     all else, no answer                                later, and not before Retry-After
 *
 * Such an error of a whole batch may have left the good points of it there already ("partial write"): they are
 * written again, and are themselves.
 *
 * Library: libcurl.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "bridge/halve.h"
#include "bridge/http_call.h"
#include "bridge/influx_point.h"
#include "bridge/systems.h"

enum { OPT_URL, OPT_DATABASE, OPT_RETENTION, OPT_ORG, OPT_BUCKET, OPT_TOKEN, OPT_USER, OPT_PASSWORD, OPT_MEASUREMENT,
       OPT_MEASUREMENT_COLUMN, OPT_TAGS, OPT_TIME, OPT_PRECISION, OPT_DELETE, OPT_CA, OPT_CERT, OPT_KEY, OPT_PROXY,
       OPTIONS };
enum { DELETE_DEAD, DELETE_IGNORE };

static const struct bridge_option options[] = {
    [OPT_URL] = {"influxdb.url", BRIDGE_TEXT, NULL, NULL, 0, 0, "of the server, http://host:8086"},
    [OPT_DATABASE] = {"influxdb.database", BRIDGE_TEXT, "", NULL, 0, 0, "of InfluxDB 1.x: the database"},
    [OPT_RETENTION] = {"influxdb.retention.policy", BRIDGE_TEXT, "", NULL, 0, 0,
                       "its retention policy; default: the database's"},
    [OPT_ORG] = {"influxdb.org", BRIDGE_TEXT, "", NULL, 0, 0, "of InfluxDB 2.x: the organization, name or id"},
    [OPT_BUCKET] = {"influxdb.bucket", BRIDGE_TEXT, "", NULL, 0, 0, "its bucket, name or id"},
    [OPT_TOKEN] = {"influxdb.token", BRIDGE_SECRET, "", NULL, 0, 0, "of 2.x an API token, of 1.x a JWT"},
    [OPT_USER] = {"influxdb.user", BRIDGE_TEXT, "", NULL, 0, 0, "of 1.x, for basic authentication"},
    [OPT_PASSWORD] = {"influxdb.password", BRIDGE_SECRET, "", NULL, 0, 0, "its password"},
    [OPT_MEASUREMENT] = {"influxdb.measurement", BRIDGE_TEXT, "", NULL, 0, 0,
                         "that all rows go to; default: the table's name"},
    [OPT_MEASUREMENT_COLUMN] = {"influxdb.measurement.column", BRIDGE_TEXT, "", NULL, 0, 0,
                                "or the column that says it, row by row"},
    [OPT_TAGS] = {"influxdb.tags", BRIDGE_TEXT, "", NULL, 0, 0, "columns that are tags, by commas; others are fields"},
    [OPT_TIME] = {"influxdb.time.column", BRIDGE_TEXT, NULL, NULL, 0, 0, "the column that is the point's time"},
    [OPT_PRECISION] = {"influxdb.precision", BRIDGE_WORD, "us", "ns|us|ms|s", 0, 0,
                       "that times are written in; what is finer is cut"},
    [OPT_DELETE] = {"influxdb.delete", BRIDGE_WORD, "dead", "dead|ignore", 0, 0,
                    "of a row that is deleted: a dead letter, or nothing; its point stays"},
    [OPT_CA] = {"influxdb.cacert", BRIDGE_TEXT, "", NULL, 0, 0,
                "file of the authorities that are trusted; default: the system's"},
    [OPT_CERT] = {"influxdb.cert", BRIDGE_TEXT, "", NULL, 0, 0, "file of our own certificate (PEM)"},
    [OPT_KEY] = {"influxdb.key", BRIDGE_TEXT, "", NULL, 0, 0, "file of its key"},
    [OPT_PROXY] = {"influxdb.proxy", BRIDGE_TEXT, "", NULL, 0, 0, "URL of a proxy; default: none"},
};

struct bridge_influxdb_state {
    struct bridge base;
    struct arena arena; /* as long as the bridge */
    struct http_call *call;
    struct influx_point point;
    const char *headers[4];
    struct buf text;    /* the batch's lines, one after the other */
    size_t *starts;     /* of the records' lines, and where the last ends; none of one that is `never` or ignored */
    uint32_t starts_cap;
};

static bool takes_rows(const struct bridge_spec *spec)
{
    (void)spec;
    return true;
}

static bool takes_changes(const struct bridge_spec *spec)
{
    return spec->key_count > 0;
}

/* ---- opening ---- */

static enum status check_target(const struct bridge_spec *spec, struct diag *diag)
{
    const struct bridge_value *v = spec->values;
    bool one = v[OPT_DATABASE].text.len > 0, two = v[OPT_BUCKET].text.len > 0;

    if (one == two) {
        diag_hint(diag, "'influxdb.database' of 1.x, or 'influxdb.org' and 'influxdb.bucket' of 2.x");
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "connector 'influxdb' needs %s a database and a bucket",
                        one ? "one, not both, of" : "one of");
    }
    if (two && !v[OPT_ORG].text.len)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "'influxdb.bucket' needs 'influxdb.org' beside it");
    if (two && (v[OPT_USER].given || v[OPT_PASSWORD].given || v[OPT_RETENTION].given))
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "'influxdb.user', 'influxdb.password' and "
                        "'influxdb.retention.policy' go with 'influxdb.database', not with a bucket");
    if (one && v[OPT_ORG].given)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "'influxdb.org' goes with 'influxdb.bucket', not with a database");
    if (v[OPT_TOKEN].given && v[OPT_USER].given)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "'influxdb.token' and 'influxdb.user': one says who we are");
    return ST_OK;
}

static enum status check(const struct bridge_spec *spec, struct diag *diag)
{
    const struct bridge_value *v = spec->values;

    TRY(http_url_check(v[OPT_URL].text, "influxdb", diag));
    if (bytes_find(v[OPT_URL].text, '?', 0) < v[OPT_URL].text.len ||
        bytes_find(v[OPT_URL].text, '#', 0) < v[OPT_URL].text.len)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "'influxdb.url' is the server's address: the path and what is "
                        "asked are added to it");
    TRY(check_target(spec, diag));
    if (v[OPT_MEASUREMENT].given && v[OPT_MEASUREMENT_COLUMN].given)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "'influxdb.measurement' and 'influxdb.measurement.column': one says it");
    return ST_OK;
}

/* 1.x would take an unknown precision for nanoseconds, and "us" is unknown to it. */
static const char *write_url(struct bridge_influxdb_state *b)
{
    static const char *const first[] = {"ns", "u", "ms", "s"}, *const second[] = {"ns", "us", "ms", "s"};
    const struct bridge_value *v = b->base.spec->values;
    bool bucket = v[OPT_BUCKET].text.len > 0;
    struct bytes base = v[OPT_URL].text;
    struct buf url;

    while (base.len && base.ptr[base.len - 1] == '/')
        base.len--;
    buf_init(&url, 0);
    buf_bytes(&url, base);
    buf_str(&url, bucket ? "/api/v2/write" : "/write");
    http_query_add(&url, "precision", bytes_str((bucket ? second : first)[b->point.unit]));
    if (bucket) {
        http_query_add(&url, "org", v[OPT_ORG].text);
        http_query_add(&url, "bucket", v[OPT_BUCKET].text);
    } else {
        http_query_add(&url, "db", v[OPT_DATABASE].text);
        if (v[OPT_RETENTION].text.len)
            http_query_add(&url, "rp", v[OPT_RETENTION].text);
    }
    const char *text = arena_str(&b->arena, buf_view(&url));
    buf_deinit(&url);
    return text;
}

static enum status write_headers(struct bridge_influxdb_state *b, struct diag *diag)
{
    const struct bridge_value *v = b->base.spec->values;
    struct bytes bad;
    unsigned n = 0;

    b->headers[n++] = "Content-Type: text/plain; charset=utf-8";
    b->headers[n++] = "User-Agent: quickwater";
    if (!v[OPT_TOKEN].text.len)
        return ST_OK;
    b->headers[n] = arena_printf(&b->arena, "Authorization: %s %.*s", v[OPT_BUCKET].text.len ? "Token" : "Bearer",
                                 BYTES_FMT(v[OPT_TOKEN].text));
    if (http_headers_check(bytes_str(b->headers[n]), &bad) && !strchr(b->headers[n], '\n'))
        return ST_OK;
    return diag_set(diag, ST_INVALID, DIAG_VALUE, "'influxdb.token' is one line");
}

static enum status read_roles(struct bridge_influxdb_state *b, struct diag *diag)
{
    const struct bridge_spec *spec = b->base.spec;
    const struct bridge_value *v = spec->values;

    return influx_point_open(
        &(struct influx_roles){
            .measurement = v[OPT_MEASUREMENT].given ? v[OPT_MEASUREMENT].text : spec->table,
            .measurement_column = v[OPT_MEASUREMENT_COLUMN].text,
            .tags = v[OPT_TAGS].text,
            .time_column = v[OPT_TIME].text,
            .unit = (enum influx_unit)v[OPT_PRECISION].number,
        },
        &spec->schema, &b->arena, &b->point, diag);
}

static const char *optional(struct bridge_influxdb_state *b, int option)
{
    struct bytes text = b->base.spec->values[option].text;

    return text.len ? arena_str(&b->arena, text) : NULL;
}

static void influxdb_close(struct bridge *bridge)
{
    struct bridge_influxdb_state *b = (struct bridge_influxdb_state *)bridge;

    http_call_close(b->call);
    arena_deinit(&b->arena);
    buf_deinit(&b->text);
    free(b->starts);
    free(b);
}

static enum status influxdb_open(const struct bridge_spec *spec, struct bridge **out, struct diag *diag)
{
    TRY(check(spec, diag));
    struct bridge_influxdb_state *b = xcalloc(1, sizeof(*b));
    b->base = (struct bridge){&bridge_influxdb, spec};
    arena_init(&b->arena, ARENA_BUDGET_NONE);
    buf_init(&b->text, 0);
    enum status st = read_roles(b, diag);
    if (st == ST_OK)
        st = write_headers(b, diag);
    if (st != ST_OK) {
        influxdb_close(&b->base);
        return st;
    }
    b->call = http_call_open(&(struct http_call_options){.url = write_url(b),
                                                         .user = optional(b, OPT_USER),
                                                         .password = optional(b, OPT_PASSWORD),
                                                         .proxy = optional(b, OPT_PROXY),
                                                         .ca_file = optional(b, OPT_CA),
                                                         .cert_file = optional(b, OPT_CERT),
                                                         .key_file = optional(b, OPT_KEY),
                                                         .timeout_ms = spec->timeout_ms});
    *out = &b->base;
    return ST_OK;
}

/* ---- a batch ---- */

static void write_record(struct bridge_influxdb_state *b, struct bridge_batch *batch, struct bridge_record *r)
{
    if (r->never)
        return;
    if (r->value.ptr)
        r->never = influx_point_write(&b->point, &batch->rows, r->row, batch->arena, &b->text);
    else if (b->base.spec->values[OPT_DELETE].number == DELETE_DEAD)
        r->never =
            "the row was deleted, and a write to InfluxDB deletes nothing ('influxdb.delete' = 'ignore' passes "
            "over it)";
}

static void write_lines(struct bridge_influxdb_state *b, struct bridge_batch *batch)
{
    if (b->starts_cap <= batch->count) {
        b->starts_cap = batch->count + 1;
        b->starts = xrealloc(b->starts, b->starts_cap * sizeof(*b->starts));
    }
    buf_clear(&b->text);
    for (uint32_t i = 0; i < batch->count; i++) {
        b->starts[i] = b->text.len;
        write_record(b, batch, &batch->records[i]);
    }
    b->starts[batch->count] = b->text.len;
}

/* Whether it is InfluxDB that speaks, not something before it, and of the points. */
static bool is_the_points(const struct http_reply *reply)
{
    bool says = strstr(reply->text, "\"error\"") || strstr(reply->text, "\"message\"");

    return reply->status == 413 || ((reply->status == 400 || reply->status == 422) && says);
}

static enum halve_said send_lines(struct bridge *bridge, struct bridge_batch *batch, uint32_t count,
                                  const char **why)
{
    struct bridge_influxdb_state *b = (struct bridge_influxdb_state *)bridge;
    size_t from = b->starts[batch->settled], to = b->starts[batch->settled + count];
    struct http_reply reply;

    if (from == to)
        return HALVE_TAKEN;
    http_call_make(b->call,
                   &(struct http_request){
                       .method = "POST", .headers = b->headers, .body = bytes_of(b->text.ptr + from, to - from)},
                   &reply);
    if (reply.status / 100 == 2)
        return HALVE_TAKEN;
    if (is_the_points(&reply)) {
        *why = arena_printf(batch->arena, "InfluxDB answers %ld: %s", reply.status, reply.text);
        return HALVE_REFUSED;
    }
    http_reply_text(&reply, batch->trouble, sizeof(batch->trouble));
    batch->retry_after_ms = reply.retry_after_ms;
    return HALVE_LATER;
}

static void influxdb_deliver(struct bridge *bridge, struct bridge_batch *batch)
{
    struct bridge_influxdb_state *b = (struct bridge_influxdb_state *)bridge;

    write_lines(b, batch);
    halve_deliver(bridge, batch, batch->count, halve_now_ms() + bridge->spec->timeout_ms, send_lines);
}

const struct bridge_class bridge_influxdb = {
    .name = "influxdb",
    .ways = BRIDGE_SINK,
    .guarantee = "at least once; a point written again is itself, so effectively once",
    .options = options,
    .options_count = OPTIONS,
    .takes_rows = takes_rows,
    .takes_changes = takes_changes,
    .open = influxdb_open,
    .deliver = influxdb_deliver,
    .close = influxdb_close,
};
