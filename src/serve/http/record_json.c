/* {"partition","offset","time_ms","key","value","headers":[{"key","value"}], …}: docs/http.md. Bytes that
 * are text are a text; others are base64 under NAME_base64. What is longer than the cut is cut, and
 * NAME_bytes says how long it is. */
#include <stdio.h>

#include "base/base64.h"
#include "serve/http/pages.h"
#include "wire/kafka/batch.h"

enum { HEADERS_SHOWN = 32, CONTROL_KEY_BYTES = 4 };

/* At most cut bytes, and no half of a character at the end of what is text. */
static struct bytes cut_text(struct bytes b, size_t cut)
{
    if (b.len <= cut)
        return b;
    size_t len = cut;
    for (int i = 0; i < 3 && len && (b.ptr[len] & 0xc0) == 0x80; i++)
        len--;
    return bytes_is_utf8(bytes_head(b, len)) ? bytes_head(b, len) : bytes_head(b, cut);
}

static void write_bytes(struct json_writer *w, const char *name, struct bytes b, size_t cut)
{
    char key[32];
    struct bytes shown = cut_text(b, cut);
    struct buf coded;

    if (!b.ptr) {
        json_key(w, name);
        json_put_null(w);
        return;
    }
    if (bytes_is_utf8(shown)) {
        json_key_text(w, name, shown);
    } else {
        buf_init(&coded, 0);
        base64_encode(&coded, shown);
        snprintf(key, sizeof key, "%s_base64", name);
        json_key_text(w, key, buf_view(&coded));
        buf_deinit(&coded);
    }
    if (shown.len < b.len) {
        snprintf(key, sizeof key, "%s_bytes", name);
        json_key_u64(w, key, b.len);
    }
}

static void write_headers(struct json_writer *w, const struct record *r, size_t cut)
{
    struct reader at = reader_of(r->headers);
    struct record_header header;

    if (!r->headers_count)
        return;
    json_key(w, "headers");
    json_array_begin(w);
    for (uint32_t i = 0; i < r->headers_count && i < HEADERS_SHOWN && record_headers_next(&at, &header); i++) {
        json_object_begin(w);
        write_bytes(w, "key", header.key, cut);
        write_bytes(w, "value", header.value, cut);
        json_object_end(w);
    }
    json_array_end(w);
    if (r->headers_count > HEADERS_SHOWN)
        json_key_u64(w, "headers_count", r->headers_count);
}

static void write_place(struct json_writer *w, uint32_t partition, int64_t offset)
{
    json_key_u64(w, "partition", partition);
    json_key_i64(w, "offset", offset);
}

static void write_producer(struct json_writer *w, const struct batch_header *h,
                           const struct record_marks *marks)
{
    if (h->producer_id < 0)
        return;
    json_key_i64(w, "producer_id", h->producer_id);
    json_key_i64(w, "producer_epoch", h->producer_epoch);
    if (h->attributes & BATCH_TRANSACTIONAL)
        json_key_str(w, "transaction", marks->aborted ? "aborted" : marks->open ? "open" : "committed");
}

void write_record(struct json_writer *w, const struct batch_header *h, const struct record *r,
                  const struct record_marks *marks)
{
    static const char *const controls[] = {[CONTROL_ABORT] = "abort", [CONTROL_COMMIT] = "commit"};

    json_object_begin(w);
    write_place(w, marks->partition, r->offset);
    json_key_i64(w, "time_ms", r->timestamp_ms);
    if (h->attributes & BATCH_APPEND_TIME)
        json_key_str(w, "time_type", "append");
    if (h->attributes & BATCH_CONTROL) {
        int type = control_type_of(r->key);
        json_key_str(w, "control", type == CONTROL_OTHER ? "other" : controls[type]);
    } else {
        write_bytes(w, "key", r->key, marks->cut);
        write_bytes(w, "value", r->value, marks->cut);
        write_headers(w, r, marks->cut);
    }
    json_key_str(w, "codec", kafka_codec_name(batch_codec(h)));
    write_producer(w, h, marks);
    json_object_end(w);
}

void write_damaged(struct json_writer *w, const struct batch_header *h, uint32_t partition,
                   int64_t offset, enum status why)
{
    json_object_begin(w);
    write_place(w, partition, offset);
    json_key_i64(w, "time_ms", h->base_timestamp);
    json_key_i64(w, "to_offset", batch_last_offset(h));
    json_key_str(w, "damaged", status_text(why));
    json_object_end(w);
}
