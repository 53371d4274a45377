/* route.c: from method and path to a handler; and who may ask at all.
 *
 * A web page elsewhere can make its visitor's browser send requests here. Two checks stop it. Host
 * must be an address or a name known to be ours: a foreign name that was pointed at us (DNS
 * rebinding) is refused. Origin, which browsers put on every request that can change something, must
 * be the same as Host. Programs send no Origin and need none. */
#include "base/check.h"
#include "serve/http/face.h"
#include "wire/http/uri.h"

/* Who may: those who may everything; or the handler asks, thing by thing. */
enum rights { RIGHTS_ALL, RIGHTS_OWN };

/* "{}" stands for one part of the path. */
static const struct {
    const char *path;
    handler_fn *get, *post, *del, *put;
    enum rights rights;
} routes[] = {
    {"/", get_page, NULL, NULL, NULL, RIGHTS_OWN},
    {"/ui/{}", get_page_file, NULL, NULL, NULL, RIGHTS_OWN},
    {"/health", get_health, NULL, NULL, NULL, RIGHTS_OWN},
    {"/metrics", get_metrics, NULL, NULL, NULL, RIGHTS_ALL},
    {"/v1/topics", get_topics, post_topics, NULL, NULL, RIGHTS_OWN},
    {"/v1/topics/{}", get_topic, post_topic, delete_topic, NULL, RIGHTS_OWN},
    {"/v1/topics/{}/records", get_records, post_record, NULL, NULL, RIGHTS_OWN},
    {"/v1/topics/{}/{}", NULL, post_topic_action, NULL, NULL, RIGHTS_OWN},
    {"/v1/groups", get_groups, NULL, NULL, NULL, RIGHTS_OWN},
    {"/v1/groups/{}", get_group, NULL, delete_group, NULL, RIGHTS_OWN},
    {"/v1/groups/{}/offsets", NULL, post_group_offsets, NULL, NULL, RIGHTS_OWN},
    {"/v1/transactions", get_transactions, NULL, NULL, NULL, RIGHTS_OWN},
    {"/v1/transactions/{}/abort", NULL, post_transaction_abort, NULL, NULL, RIGHTS_OWN},
    {"/v1/sql", NULL, post_sql, NULL, NULL, RIGHTS_ALL},
    {"/v1/views", get_views, NULL, NULL, NULL, RIGHTS_ALL},
    {"/v1/views/{}", get_view, NULL, NULL, NULL, RIGHTS_ALL},
    {"/v1/views/{}/changes", get_changes, NULL, NULL, NULL, RIGHTS_ALL},
    {"/v1/jobs", get_jobs, NULL, NULL, NULL, RIGHTS_ALL},
    {"/v1/jobs/{}", get_job, NULL, delete_job, NULL, RIGHTS_ALL},
    {"/v1/jobs/{}/{}", NULL, post_job_action, NULL, NULL, RIGHTS_ALL},
    {"/v1/bridges", get_bridges, NULL, NULL, NULL, RIGHTS_ALL},
    {"/v1/bridges/{}", get_bridge, NULL, NULL, NULL, RIGHTS_ALL},
    {"/v1/bridges/{}/state", NULL, post_bridge_state, NULL, NULL, RIGHTS_ALL},
    {"/v1/stream", get_stream, NULL, NULL, NULL, RIGHTS_OWN},
    /* the schema registry: Confluent's addresses, without our prefix */
    {"/subjects", get_subjects, NULL, NULL, NULL, RIGHTS_OWN},
    {"/subjects/{}", NULL, post_subject, delete_subject, NULL, RIGHTS_OWN},
    {"/subjects/{}/versions", get_subject_versions, post_subject_version, NULL, NULL, RIGHTS_OWN},
    {"/subjects/{}/versions/{}", get_subject_version, NULL, delete_subject_version, NULL, RIGHTS_OWN},
    {"/subjects/{}/versions/{}/schema", get_subject_version_schema, NULL, NULL, NULL, RIGHTS_OWN},
    {"/subjects/{}/versions/{}/referencedby", get_referenced_by, NULL, NULL, NULL, RIGHTS_OWN},
    {"/schemas", get_schemas, NULL, NULL, NULL, RIGHTS_OWN},
    {"/schemas/types", get_schema_types, NULL, NULL, NULL, RIGHTS_OWN},
    {"/schemas/ids/{}", get_schema_by_id, NULL, NULL, NULL, RIGHTS_OWN},
    {"/schemas/ids/{}/{}", get_schema_id_part, NULL, NULL, NULL, RIGHTS_OWN},
    {"/config", get_schema_config, NULL, delete_schema_config, put_schema_config, RIGHTS_OWN},
    {"/config/{}", get_schema_config, NULL, delete_schema_config, put_schema_config, RIGHTS_OWN},
    {"/mode", get_schema_mode, NULL, delete_schema_mode, put_schema_mode, RIGHTS_OWN},
    {"/mode/{}", get_schema_mode, NULL, delete_schema_mode, put_schema_mode, RIGHTS_OWN},
    {"/compatibility/subjects/{}/versions", NULL, post_compatibility, NULL, NULL, RIGHTS_OWN},
    {"/compatibility/subjects/{}/versions/{}", NULL, post_compatibility, NULL, NULL, RIGHTS_OWN},
    /* InfluxDB's clients: its addresses */
    {"/ping", get_influx_ping, NULL, NULL, NULL, RIGHTS_OWN},
    {"/query", post_influx_query, post_influx_query, NULL, NULL, RIGHTS_OWN},
    {"/write", NULL, post_influx_write, NULL, NULL, RIGHTS_OWN},
    {"/api/v2/write", NULL, post_influx_write, NULL, NULL, RIGHTS_OWN},
};
enum { ROUTES = sizeof routes / sizeof *routes };

/* Whether the path has that form; the parts that "{}" stands for go to params, still encoded. */
static bool match(struct bytes path, const char *pattern, struct bytes params[PARAMS_MAX])
{
    struct bytes form = bytes_str(pattern), part, want;
    unsigned n = 0;

    if (form.len == 1 || path.len == 1)
        return bytes_equal(form, path);
    while (path_next(&form, &want)) {
        if (!path_next(&path, &part) || !part.len)
            return false;
        if (bytes_is(want, "{}"))
            params[n++] = part;
        else if (!bytes_equal(want, part))
            return false;
    }
    return path.len == 0;
}

static bool decode_params(struct exchange *x, struct bytes params[PARAMS_MAX])
{
    for (int i = 0; i < PARAMS_MAX; i++) {
        struct buf text;
        x->params[i] = BYTES_NONE;
        if (!params[i].ptr)
            continue;
        buf_init(&text, 0);
        bool ok = uri_decode(params[i], URI_PLUS_LITERAL, &text);
        x->params[i] = arena_copy(&x->arena, buf_view(&text));
        buf_deinit(&text);
        if (!ok)
            return false;
    }
    return true;
}

/* ---- who may ask ---- */

/* Host without its port; of an IPv6 address without its brackets. */
static struct bytes host_name(struct bytes host)
{
    if (host.len && host.ptr[0] == '[')
        return bytes_of(host.ptr + 1, bytes_find(host, ']', 0) - 1);
    return bytes_head(host, bytes_find(host, ':', 0));
}

/* An address in figures: whoever sends it has not been misled by a name. */
static bool is_address(struct bytes host, struct bytes name)
{
    if (host.len && host.ptr[0] == '[')
        return true;
    for (size_t i = 0; i < name.len; i++)
        if ((name.ptr[i] < '0' || name.ptr[i] > '9') && name.ptr[i] != '.')
            return false;
    return name.len > 0;
}

static bool is_listed(const char *list, struct bytes name)
{
    struct bytes rest = list ? bytes_str(list) : BYTES_NONE;

    while (rest.len) {
        size_t comma = bytes_find(rest, ',', 0);
        char one[256] = {0};
        if (comma < sizeof one) {
            memcpy(one, rest.ptr, comma);
            if (bytes_is_nocase(name, one))
                return true;
        }
        rest = comma < rest.len ? bytes_skip(rest, comma + 1) : BYTES_NONE;
    }
    return false;
}

static bool host_is_ours(const struct exchange *x)
{
    struct bytes host = x->request->host, name = host_name(host);

    if (!host.ptr)
        return true; /* HTTP/1.0: no browser */
    return bytes_is_nocase(name, "localhost") || is_address(host, name) ||
           is_listed(x->face->options.hosts, name);
}

static bool origin_is_ours(const struct exchange *x)
{
    struct bytes origin = http_header_get(x->request, "origin");
    struct bytes site = http_header_get(x->request, "sec-fetch-site");

    if (origin.ptr) {
        size_t skip = 0;
        if (origin.len > 7 && !memcmp(origin.ptr, "http://", 7))
            skip = 7;
        if (origin.len > 8 && !memcmp(origin.ptr, "https://", 8))
            skip = 8;
        return skip && bytes_equal(bytes_skip(origin, skip), x->request->host);
    }
    /* a page's links may lead here from anywhere; what it embeds or fetches may not */
    return !site.ptr || !bytes_is(site, "cross-site") ||
           bytes_is(http_header_get(x->request, "sec-fetch-mode"), "navigate");
}

/* ---- choosing ---- */

static void allow(struct exchange *x, int at, unsigned status)
{
    const char *lines = arena_printf(&x->arena, "Allow: OPTIONS%s%s%s%s\r\n",
                                     routes[at].get ? ", GET, HEAD" : "",
                                     routes[at].post ? ", POST" : "", routes[at].del ? ", DELETE" : "",
                                     routes[at].put ? ", PUT" : "");
    struct buf body;
    struct json_writer w;

    if (status == 204) {
        reply(x, 204, NULL, lines, BYTES_NONE);
        return;
    }
    buf_init(&body, 0);
    json_writer_init(&w, &body);
    json_object_begin(&w);
    write_error(&w, "method",
                arena_printf(&x->arena, "%.*s is not a method of this address",
                             BYTES_FMT(x->request->method_text)),
                NULL);
    json_object_end(&w);
    reply_take(x, status, "application/json", lines, &body);
}

static handler_fn *handler_of(int at, enum http_method method)
{
    switch (method) {
    case HTTP_GET:
    case HTTP_HEAD: return routes[at].get;
    case HTTP_POST: return routes[at].post;
    case HTTP_DELETE: return routes[at].del;
    case HTTP_PUT: return routes[at].put;
    default: return NULL;
    }
}

void route(struct exchange *x)
{
    struct bytes params[PARAMS_MAX] = {BYTES_NONE, BYTES_NONE};
    enum http_method method = x->request->method;
    int at = 0;

    if (!host_is_ours(x)) {
        reply_error(x, 421, "host", "this server does not answer for the host '%.*s'",
                    BYTES_FMT(bytes_head(x->request->host, 100)));
        return;
    }
    if (!origin_is_ours(x)) {
        reply_error(x, 403, "origin", "requests from pages of other sites are refused");
        return;
    }
    if (!exchange_knows(x))
        return;
    while (at < ROUTES && !match(x->request->path, routes[at].path, params)) {
        params[0] = params[1] = BYTES_NONE;
        at++;
    }
    if (at == ROUTES) {
        reply_error(x, 404, "not_found", "there is nothing at %.*s; the addresses are in docs/http.md",
                    BYTES_FMT(bytes_head(x->request->path, 200)));
        return;
    }
    if (routes[at].rights == RIGHTS_ALL && !exchange_may_all(x))
        return;
    handler_fn *handler = handler_of(at, method);
    if (!handler)
        allow(x, at, method == HTTP_OPTIONS ? 204 : 405);
    else if (!decode_params(x, params))
        reply_error(x, 400, "request", "the path has a '%%' without two hexadecimal digits");
    else
        handler(x);
}
