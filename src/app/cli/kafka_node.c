#include "app/cli/kafka_node.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/endian.h"

enum { CONNECT_MS_MAX = 5000, CONNECT_QUIET_MS_MAX = 1000, LENGTH_BYTES = 4, ERROR_BYTES_MAX = CURL_ERROR_SIZE };

bool kafka_node_fail(struct kafka_node *node, int code, const char *format, ...)
{
    char text[1024];
    va_list args;

    node->code = code;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (!node->link->quiet)
        fail_user("%s", text);
    return false;
}

void kafka_node_init(struct kafka_node *node, const struct kafka_link *link, struct arena *arena, int32_t id,
                     const char *address)
{
    *node = (struct kafka_node){.link = link, .arena = arena, .id = id, .address = xstrdup(address)};
    for (int i = 0; i < KAFKA_API_KEYS; i++)
        node->versions[i].last = -1;
}

void kafka_node_deinit(struct kafka_node *node)
{
    if (node->curl)
        curl_easy_cleanup(node->curl);
    free(node->address);
}

/* ---- the connection ---- */

static void set_text(CURL *curl, CURLoption option, const char *value)
{
    if (value)
        curl_easy_setopt(curl, option, value);
}

static bool dial(struct kafka_node *node)
{
    char *url = NULL, error[ERROR_BYTES_MAX] = "";
    const struct kafka_link *link = node->link;
    CURL *curl = curl_easy_init();

    CHECK(curl != NULL && asprintf(&url, "%s://%s", link->tls ? "https" : "http", node->address) >= 0);
    node->curl = curl;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(link->quiet ? CONNECT_QUIET_MS_MAX : CONNECT_MS_MAX));
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*"); /* a server is named, not looked for */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_ENABLE_ALPN, 0L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    set_text(curl, CURLOPT_CAINFO, link->ca);
    set_text(curl, CURLOPT_SSLCERT, link->certificate);
    set_text(curl, CURLOPT_SSLKEY, link->key ? link->key : link->certificate);
    CURLcode rc = curl_easy_perform(curl);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
    free(url);
    if (rc == CURLE_OK)
        return true;
    return kafka_node_fail(node, EXIT_USER,
                           "no server answers at %s: %s\n  start one with 'quickwater serve', or name "
                           "another with --kafka",
                           node->address, error[0] ? error : curl_easy_strerror(rc));
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The socket can go on before the deadline. */
static bool ready(struct kafka_node *node, short events, int64_t until_ms)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    int64_t left = until_ms - now_ms();

    curl_easy_getinfo(node->curl, CURLINFO_ACTIVESOCKET, &fd);
    struct pollfd p = {fd, events, 0};
    if (fd != CURL_SOCKET_BAD && left > 0 && poll(&p, 1, (int)left) != 0)
        return true;
    return kafka_node_fail(node, EXIT_USER, "the server at %s does not answer within %d s", node->address,
                           KAFKA_ANSWER_MS_MAX / 1000);
}

static bool gone(struct kafka_node *node)
{
    const struct kafka_link *link = node->link;

    return kafka_node_fail(node, EXIT_USER, "the server at %s has closed the connection%s%s", node->address,
                           link->tls ? "" : "; if it speaks TLS, add --tls",
                           link->user ? "" : "; if it asks who we are, add --user and --password-file");
}

static bool send_all(struct kafka_node *node, struct bytes data, int64_t until_ms)
{
    while (data.len) {
        size_t sent = 0;
        CURLcode rc = curl_easy_send(node->curl, data.ptr, data.len, &sent);
        if (rc == CURLE_AGAIN) {
            if (!ready(node, POLLOUT, until_ms))
                return false;
            continue;
        }
        if (rc != CURLE_OK)
            return gone(node);
        data = bytes_skip(data, sent);
    }
    return true;
}

static bool receive_all(struct kafka_node *node, uint8_t *to, size_t len, int64_t until_ms)
{
    while (len) {
        size_t got = 0;
        CURLcode rc = curl_easy_recv(node->curl, to, len, &got);
        if (rc == CURLE_AGAIN) {
            if (!ready(node, POLLIN, until_ms))
                return false;
            continue;
        }
        if (rc != CURLE_OK || got == 0)
            return gone(node);
        to += got;
        len -= got;
    }
    return true;
}

/* One frame, in the arena, without its length. */
static bool receive_frame(struct kafka_node *node, struct bytes *out, int64_t until_ms)
{
    uint8_t length[LENGTH_BYTES];

    if (!receive_all(node, length, sizeof(length), until_ms))
        return false;
    uint32_t len = load_u32_be(length);
    if (len > KAFKA_ANSWER_BYTES_MAX)
        return kafka_node_fail(node, EXIT_USER, "what answers at %s does not speak Kafka's protocol%s",
                               node->address, node->link->tls ? "" : "; if it speaks TLS, add --tls");
    uint8_t *frame = arena_alloc(node->arena, len ? len : 1);
    *out = bytes_of(frame, len);
    return receive_all(node, frame, len, until_ms);
}

/* ---- questions ---- */

static void encode(struct kafka_node *node, const struct kafka_api *api, int16_t version, const void *request,
                   struct buf *out)
{
    const struct kafka_request_header header = {api->key, version, ++node->correlation_id,
                                                BYTES_LITERAL("quickwater")};

    buf_init(out, 0);
    buf_u32_be(out, 0);
    kafka_request_header_write(out, &header);
    kafka_encode(api->request, version, request, out, NULL);
    buf_patch_u32_be(out, 0, (uint32_t)(out->len - LENGTH_BYTES));
}

/* The number, and the tags that newer answers have behind it. */
static bool header_read(const struct kafka_node *node, const struct kafka_api *api, int16_t version,
                        struct reader *r)
{
    bool right = reader_u32_be(r) == (uint32_t)node->correlation_id;

    if (version >= api->flexible && api->key != KAFKA_API_VERSIONS) {
        uint64_t tags = reader_uvarint(r);
        for (uint64_t i = 0; i < tags && !r->bad; i++) {
            (void)reader_uvarint(r);
            (void)reader_sized(r);
        }
    }
    return right && !r->bad;
}

static void *ask_in(struct kafka_node *node, const struct kafka_api *api, int16_t version, const void *request)
{
    void *response = arena_zalloc(node->arena, api->response->size);
    int64_t until_ms = now_ms() + KAFKA_ANSWER_MS_MAX;
    struct bytes frame = BYTES_NONE;
    struct buf out;

    encode(node, api, version, request, &out);
    bool ok = send_all(node, buf_view(&out), until_ms) && receive_frame(node, &frame, until_ms);
    buf_deinit(&out);
    if (!ok) {
        node->up = false;
        return NULL;
    }
    struct reader r = reader_of(frame);
    if (header_read(node, api, version, &r) &&
        kafka_decode(api->response, version, &r, node->arena, response) == ST_OK)
        return response;
    node->up = false;
    kafka_node_fail(node, EXIT_OURS, "the answer of %s to %s, version %d, cannot be read", node->address, api->name,
                    version);
    return NULL;
}

void *kafka_node_ask(struct kafka_node *node, enum kafka_api_key key, const void *request)
{
    const struct kafka_api *api = kafka_api_find((int16_t)key);

    CHECK(api != NULL && api->key < KAFKA_API_KEYS);
    int16_t last = node->versions[key].last < api->last ? node->versions[key].last : api->last;
    if (last < api->first || last < node->versions[key].first) {
        kafka_node_fail(node, EXIT_USER, "the server at %s does not speak %s in a version that we speak",
                        node->address, api->name);
        return NULL;
    }
    return ask_in(node, api, last, request);
}

/* Version 0 is one that every server can answer. */
static bool learn_versions(struct kafka_node *node)
{
    struct kafka_api_versions_req req;

    kafka_api_versions_req_init(&req);
    const struct kafka_api_versions_res *res = ask_in(node, kafka_api_find(KAFKA_API_VERSIONS), 0, &req);
    if (!res)
        return false;
    if (res->error_code)
        return kafka_node_fail(node, EXIT_USER, "the server at %s does not tell what it speaks: %s", node->address,
                               kafka_error_name((enum kafka_error)res->error_code));
    for (int32_t i = 0; i < res->api_keys.count; i++) {
        const struct kafka_api_versions_res_api_version *v = &res->api_keys.at[i];
        if (v->api_key >= 0 && v->api_key < KAFKA_API_KEYS) {
            node->versions[v->api_key].first = v->min_version;
            node->versions[v->api_key].last = v->max_version;
        }
    }
    return true;
}

bool kafka_node_up(struct kafka_node *node)
{
    if (node->up)
        return true;
    if (node->curl)
        curl_easy_cleanup(node->curl);
    node->curl = NULL;
    node->up = dial(node) && learn_versions(node) && (!node->link->user || kafka_node_authenticate(node));
    return node->up;
}
