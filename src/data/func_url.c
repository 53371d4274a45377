/* PARSE_URL: parts of a URL, cut as java.net.URL does, since Flink asks it: a scheme of its own list, and what looks
 * wrong is no URL at all. */
#include "base/check.h"
#include "data/call.h"

struct url {
    struct bytes scheme, authority, user, host, path, query, ref;
    bool has_authority, has_user, has_query, has_ref;
};

static size_t find_in(struct bytes s, const char *what, size_t from)
{
    size_t len = strlen(what);
    const void *at = from <= s.len && len <= s.len - from ? memmem(s.ptr + from, s.len - from, what, len) : NULL;

    return at ? (size_t)((const uint8_t *)at - s.ptr) : SIZE_MAX;
}

static struct bytes between(struct bytes s, size_t from, size_t to)
{
    return bytes_of(s.ptr + from, to - from);
}

static struct bytes trimmed(struct bytes s)
{
    while (s.len && s.ptr[0] <= ' ')
        s = bytes_skip(s, 1);
    while (s.len && s.ptr[s.len - 1] <= ' ')
        s.len--;
    return s;
}

static bool scheme_known(struct bytes s)
{
    static const char *const known[] = {"http", "https", "ftp", "file"};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (bytes_is_nocase(s, known[i]))
            return true;
    return false;
}

/* Digits behind the host; none is fine. */
static bool port_fits(struct bytes port)
{
    int64_t value = 0;

    for (size_t i = 0; i < port.len; i++) {
        if (port.ptr[i] < '0' || port.ptr[i] > '9')
            return false;
        value = 10 * value + (port.ptr[i] - '0');
        if (value > INT32_MAX)
            return false;
    }
    return true;
}

/* authority -> [user '@'] host [':' port]; with two '@' it has no host */
static bool parse_authority(struct url *u)
{
    size_t at = find_in(u->authority, "@", 0);

    u->host = u->authority;
    if (at != SIZE_MAX && find_in(u->authority, "@", at + 1) != SIZE_MAX) {
        u->host = BYTES_LITERAL("");
        return true;
    }
    if (at != SIZE_MAX) {
        u->has_user = true;
        u->user = bytes_head(u->authority, at);
        u->host = bytes_skip(u->authority, at + 1);
    }
    size_t from = 0;
    if (u->host.len && u->host.ptr[0] == '[') {
        size_t end = find_in(u->host, "]", 0);
        if (end == SIZE_MAX || end <= 2)
            return false;
        from = end + 1;
        if (from < u->host.len && u->host.ptr[from] != ':')
            return false;
    }
    size_t colon = find_in(u->host, ":", from);
    if (colon == SIZE_MAX)
        return true;
    struct bytes port = bytes_skip(u->host, colon + 1);
    u->host = bytes_head(u->host, colon);
    return port_fits(port);
}

/* url -> scheme ':' ['//' authority] path ['?' query] ['#' ref]; false: it is none. */
static bool parse_url(struct bytes s, struct url *u)
{
    size_t colon = 0;

    *u = (struct url){0};
    s = trimmed(s);
    if (s.len >= 4 && bytes_is_nocase(bytes_head(s, 4), "url:"))
        s = bytes_skip(s, 4);
    while (colon < s.len && s.ptr[colon] != ':' && s.ptr[colon] != '/')
        colon++;
    if (colon >= s.len || s.ptr[colon] != ':' || s.ptr[0] == '#' || !scheme_known(bytes_head(s, colon)))
        return false;
    u->scheme = bytes_head(s, colon);
    s = bytes_skip(s, colon + 1);
    size_t hash = find_in(s, "#", 0);
    if (hash != SIZE_MAX) {
        u->has_ref = true;
        u->ref = bytes_skip(s, hash + 1);
        s = bytes_head(s, hash);
    }
    size_t mark = find_in(s, "?", 0);
    if (mark != SIZE_MAX) {
        u->has_query = true;
        u->query = bytes_skip(s, mark + 1);
        s = bytes_head(s, mark);
    }
    if (s.len >= 2 && memcmp(s.ptr, "//", 2) == 0 && !(s.len >= 4 && memcmp(s.ptr, "////", 4) == 0)) {
        size_t end = find_in(s, "/", 2);
        end = end == SIZE_MAX ? s.len : end;
        u->has_authority = true;
        u->authority = between(s, 2, end);
        if (!parse_authority(u))
            return false;
        s = bytes_skip(s, end);
    }
    u->path = s; /* dots in it stand */
    return true;
}

static bool file_of(struct call *call, const struct url *u, struct bytes *out)
{
    uint8_t *text = arena_try(call->ctx->arena, u->path.len + u->query.len + 2);

    if (!text)
        return call->no_memory = true, false;
    uint8_t *at = u->path.len ? mempcpy(text, u->path.ptr, u->path.len) : text;
    if (u->has_query) {
        *at++ = '?';
        at = u->query.len ? mempcpy(at, u->query.ptr, u->query.len) : at;
    }
    *out = bytes_of(text, (size_t)(at - text));
    return true;
}

static bool scheme_lower(struct call *call, const struct url *u, struct bytes *out)
{
    uint8_t *text = arena_try(call->ctx->arena, u->scheme.len + 1);

    for (size_t i = 0; text && i < u->scheme.len; i++)
        text[i] = (uint8_t)(u->scheme.ptr[i] | 0x20); /* letters only: it is known */
    *out = bytes_of(text, u->scheme.len);
    return text ? true : (call->no_memory = true, false);
}

/* The part by its name, in upper case; false: there is none. */
static bool part_of(struct call *call, const struct url *u, struct bytes name, struct bytes *out)
{
    const struct {
        const char *name;
        struct bytes part;
        bool there;
    } parts[] = {{"HOST", u->host, true},
                 {"PATH", u->path, true},
                 {"QUERY", u->query, u->has_query},
                 {"REF", u->ref, u->has_ref},
                 {"AUTHORITY", u->authority, u->has_authority},
                 {"USERINFO", u->user, u->has_user}};

    if (bytes_is(name, "FILE"))
        return file_of(call, u, out);
    if (bytes_is(name, "PROTOCOL"))
        return scheme_lower(call, u, out);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (!bytes_is(name, parts[i].name))
            continue;
        *out = parts[i].part;
        return parts[i].there;
    }
    return false;
}

/* The value of the first key=value of a query with that key. */
static bool query_value(struct bytes query, struct bytes key, struct bytes *out)
{
    for (size_t at = 0; at <= query.len;) {
        size_t end = find_in(query, "&", at);
        end = end == SIZE_MAX ? query.len : end;
        struct bytes pair = between(query, at, end);
        if (pair.len > key.len && pair.ptr[key.len] == '=' && bytes_equal(bytes_head(pair, key.len), key)) {
            *out = bytes_skip(pair, key.len + 1);
            return true;
        }
        at = end + 1;
    }
    return false;
}

static enum status parse_url_call(struct call *call)
{
    FOR_ROWS(call, row) {
        struct bytes name = arg_bytes(call, 1, row), part = BYTES_LITERAL("");
        struct url u;
        bool keyed = call->expr->args_count == 3;
        bool there = parse_url(arg_bytes(call, 0, row), &u) && (!keyed || bytes_is(name, "QUERY")) &&
                     part_of(call, &u, name, &part);
        if (there && keyed)
            there = query_value(part, arg_bytes(call, 2, row), &part);
        if (call->no_memory)
            return ST_NOSPACE;
        if (there)
            call_copy(call, row, part);
        else
            call_null(call, row);
    }
    return ST_OK;
}

const struct func func_url_table[] = {
    {.name = "PARSE_URL",
     .types = "ss?s>s",
     .kernel = parse_url_call,
     .flags = FUNC_CAREFUL,
     .signature = "PARSE_URL(url, part [, key])",
     .help = "HOST, PATH, QUERY, REF, PROTOCOL, FILE, AUTHORITY or USERINFO of a URL of http, https, ftp or file, or the "
             "value of a key of its QUERY; NULL when there is none."},
    {0},
};
