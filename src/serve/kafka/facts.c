#include "serve/kafka/facts.h"

#include <stdlib.h>

#include "base/check.h"

enum { PROTOCOL_BYTES_MIN = 2 };

struct bytes fact_key(struct buf *key, struct bytes group, enum fact_kind kind, struct bytes rest)
{
    buf_clear(key);
    buf_u16_be(key, (uint16_t)group.len);
    buf_bytes(key, group);
    buf_u8(key, (uint8_t)kind);
    buf_bytes(key, rest);
    return buf_view(key);
}

bool fact_key_parse(struct bytes key, struct bytes *group, uint8_t *kind, struct bytes *rest)
{
    struct reader k = reader_of(key);

    *group = reader_bytes(&k, reader_u16_be(&k));
    *kind = reader_u8(&k);
    *rest = reader_rest(&k);
    return !k.bad && group->len > 0;
}

void fact_put_text(struct buf *out, struct bytes text)
{
    buf_uvarint(out, text.ptr ? text.len + 1 : 0);
    buf_bytes(out, text);
}

struct bytes fact_get_text(struct reader *r)
{
    uint64_t len = reader_uvarint(r);

    if (!len)
        return BYTES_NONE;
    if (len - 1 > reader_left(r)) {
        r->bad = true;
        return BYTES_NONE;
    }
    return bytes_keep(reader_bytes(r, (size_t)len - 1));
}

void fact_put_protocols(struct buf *out, const struct group_protocols *list)
{
    buf_uvarint(out, (uint64_t)list->count);
    for (int32_t i = 0; i < list->count; i++) {
        buf_sized(out, list->at[i].name);
        buf_sized(out, list->at[i].metadata);
    }
}

void fact_get_protocols(struct reader *r, struct group_protocols *out)
{
    uint64_t count = reader_uvarint(r);

    if (r->bad || count == 0 || count > reader_left(r) / PROTOCOL_BYTES_MIN) {
        r->bad = true;
        return;
    }
    struct group_protocols read = {xcalloc((size_t)count, sizeof(*read.at)), (int32_t)count};
    for (int32_t i = 0; i < read.count; i++) {
        read.at[i].name = reader_sized(r);
        read.at[i].metadata = reader_sized(r);
    }
    if (!r->bad)
        group_protocols_keep(out, &read);
    free(read.at);
}
