/* A partition's file and its index whose bytes are not ours: sound batches with bytes of the input laid over
 * them, behind an index that the input wrote, its sums made right or not. Whatever they say, every read, seek
 * and verification ends, and what is read is whole, sound batches in order within bounds.
 *
 * Input: batches u8, how u8 (bit 0: the index' sums are made right; bit 1: the overlaid batch's sum too),
 * overlay position u16, overlay length u8, overlay; the rest is the index. */
#include <stdlib.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/endian.h"
#include "base/reader.h"
#include "lib/fuzz.h"
#include "os/sim/sim.h"
#include "store/log/segment.h"

enum { BASE = 7, VALUE_BYTES = 3000, RECORDS = 3, MARK_BYTES = 32, INPUT_MAX = 8192 };
enum { LENGTH_FROM = 12, CRC_AT = 17, CRC_FROM = 21 };

struct world {
    struct os *os;
    struct segment_files files;
    struct slab_pool pool;
    struct buf log;
    int64_t end, max_timestamp;
};

static void must(enum status st)
{
    CHECK(st == ST_OK);
}

static void write_file(struct os *os, const char *path, struct bytes bytes)
{
    struct os_file *file;

    must(os_file_open(os, path, OS_WRITE | OS_CREATE, &file));
    if (bytes.len)
        must(os_file_write(file, 0, bytes.ptr, bytes.len));
    os_file_close(file);
}

/* Enough bytes for several marks when there are many. */
static void add_batches(struct world *w, uint32_t count)
{
    static char value[VALUE_BYTES];
    struct batch_builder builder;

    w->end = BASE;
    batch_builder_init(&builder, KAFKA_CODEC_NONE);
    for (uint32_t i = 0; i < count; i++) {
        batch_builder_clear(&builder);
        builder.base_offset = w->end;
        for (int n = 0; n < RECORDS; n++)
            batch_builder_add(&builder, 1000 + i * 10 + n, BYTES_NONE, bytes_of(value, VALUE_BYTES), NULL, 0);
        must(batch_builder_finish(&builder, &w->log));
        w->end += RECORDS;
        w->max_timestamp = 1000 + i * 10 + RECORDS - 1;
    }
    batch_builder_deinit(&builder);
}

/* The sum of the batch that the position lies in, as the undamaged headers place it. */
static void seal_batch(struct buf *log, size_t pos)
{
    for (size_t at = 0; at + CRC_FROM < log->len;) {
        size_t size = LENGTH_FROM + load_u32_be(log->ptr + at + 8);
        if (size > log->len - at || size <= CRC_FROM)
            return;
        if (pos < at + size) {
            uint8_t *batch = log->ptr + at;
            store_u32_be(batch + CRC_AT, crc32c(0, batch + CRC_FROM, size - CRC_FROM));
            return;
        }
        at += size;
    }
}

static void overlay(struct world *w, struct reader *r, bool seal)
{
    size_t pos = (size_t)reader_u8(r) << 8, len;

    pos |= reader_u8(r);
    len = reader_u8(r);
    struct bytes bytes = reader_bytes(r, len < reader_left(r) ? len : reader_left(r));
    for (size_t i = 0; i < bytes.len && pos + i < w->log.len; i++)
        w->log.ptr[pos + i] = bytes.ptr[i];
    if (seal)
        seal_batch(&w->log, pos);
}

static void write_index(struct world *w, struct bytes in, bool seal)
{
    uint8_t *marks = malloc(in.len + 1);

    if (in.len)
        memcpy(marks, in.ptr, in.len);
    for (size_t at = 0; seal && at + MARK_BYTES <= in.len; at += MARK_BYTES)
        store_u32_le(marks + at + 24, crc32c(BASE, marks + at, 24));
    write_file(w->os, "p/00000000000000000007.index", bytes_of(marks, in.len));
    free(marks);
}

static void read_from(struct world *w, struct segment *seg, struct segment_place at, int64_t offset)
{
    struct segment_read read = {.offset = offset, .to = w->end, .bytes_max = 20000, .pool = &w->pool};
    struct batch_header h;
    struct bytes batch;
    int64_t last = -1;

    if (segment_read(seg, at, &read, NULL) != ST_OK)
        return;
    struct bytes run = read.run;
    CHECK(run.len == 0 || read.next_offset > offset);
    while (run.len) {
        must(batch_next(&run, &h, &batch));
        must(batch_validate(batch, &h));
        CHECK(h.base_offset > last && batch_last_offset(&h) < w->end);
        last = batch_last_offset(&h);
    }
    CHECK(last == -1 || last + 1 == read.next_offset);
    if (read.hold)
        slab_release(read.hold);
}

static void use(struct world *w, struct segment *seg)
{
    struct segment_place at = {w->os, "p", &w->files};
    struct segment_sync sync;
    uint64_t bad;
    int64_t offset;

    for (int64_t from = BASE; from <= w->end; from += 4)
        read_from(w, seg, at, from);
    for (int64_t t = 990; t < w->max_timestamp + 20; t += 15)
        (void)!segment_seek_time(seg, at, t, &offset);
    (void)!segment_verify(seg, at, NULL, &w->pool, &bad);
    segment_sync_begin(seg, &sync);
    for (bool more = true; more;)
        must(segment_write_out_step(w->os, "p", &sync, &more));
    must(segment_sync_step(w->os, "p", &sync));
    segment_sync_end(seg, &sync, true);
}

FUZZ(segment, data, size)
{
    struct reader r = reader_of(bytes_of(data, size));

    if (size < 2 || size > INPUT_MAX)
        return;
    struct world w = {.os = os_sim_create(1, NULL)};
    slab_pool_init(&w.pool, 1 << 16);
    buf_init(&w.log, 0);
    must(os_mkdir(w.os, "p"));
    add_batches(&w, reader_u8(&r) % 16);
    uint8_t how = reader_u8(&r);
    overlay(&w, &r, how & 2);
    write_file(w.os, "p/00000000000000000007.log", buf_view(&w.log));
    write_index(&w, reader_bytes(&r, reader_left(&r)), how & 1);
    for (int again = 0; again < 2; again++) { /* the second time with the index that was saved */
        struct segment *seg = segment_known(BASE, w.end, w.log.len, w.max_timestamp);
        use(&w, seg);
        segment_free(seg);
    }
    buf_deinit(&w.log);
    slab_pool_deinit(&w.pool);
    os_sim_destroy(w.os);
}
