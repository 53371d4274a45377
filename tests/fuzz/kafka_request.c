/* Requests (and, by the first byte, responses) of every API and version, from any bytes: decode
 * under a budget, and what decodes must encode and decode again. */
#include "base/check.h"
#include "wire/kafka/messages.h"
#include "lib/fuzz.h"

static void decode(const struct kafka_struct *type, int16_t version, struct bytes in)
{
    struct arena arena;
    struct buf out;
    struct reader r = reader_of(in);

    arena_init(&arena, 4 << 20);
    buf_init(&out, 0);
    void *message = arena_zalloc(&arena, type->size), *back = arena_zalloc(&arena, type->size);
    if (kafka_decode(type, version, &r, &arena, message) == ST_OK) {
        kafka_encode(type, version, message, &out, NULL);
        r = reader_of(buf_view(&out));
        enum status st = kafka_decode(type, version, &r, &arena, back);
        CHECK(st == ST_NOSPACE || (st == ST_OK && reader_left(&r) == 0));
    }
    buf_deinit(&out);
    arena_deinit(&arena);
}

FUZZ(kafka_request, data, size)
{
    struct kafka_request_header header;

    if (size < 1)
        return;
    struct reader r = reader_of(bytes_of(data + 1, size - 1));
    if (!kafka_request_header_read(&r, &header))
        return;
    const struct kafka_api *api = kafka_api_find(header.api_key);
    if (!api || header.api_version < api->first || header.api_version > api->last)
        return;
    decode(data[0] & 1 ? api->response : api->request, header.api_version, reader_rest(&r));
}
