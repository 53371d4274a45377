/* Recovery of a data directory whose bytes are not ours: a WAL file as it is, entries inside a
 * block whose checksums hold, or a snapshot whose checksum holds. Whatever they say, the log opens
 * or refuses, and can be read, checked and closed.
 *
 * The first byte of the input chooses. Entries: type u8, topic u8, partition u8, group u8, length
 * u8, payload. */
#include <stdlib.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/endian.h"
#include "base/reader.h"
#include "os/sim/sim.h"
#include "store/log/log.h"
#include "store/log/wal_files.h"
#include "lib/fuzz.h"

enum { FILE_BYTES = 64 * 1024, ENTRIES_MAX = 24 };

static void write_file(struct os *os, const char *path, const void *bytes, size_t len)
{
    struct os_file *file;

    if (os_file_open(os, path, OS_WRITE | OS_CREATE, &file) != ST_OK)
        abort();
    if (os_file_write(file, 0, bytes, len) != ST_OK || os_file_sync(file) != ST_OK)
        abort();
    os_file_close(file);
}

static size_t add_entries(uint8_t *block, struct bytes in)
{
    struct reader r = reader_of(in);
    size_t at = WAL_BLOCK_HEADER;

    for (int i = 0; i < ENTRIES_MAX && reader_left(&r) > 5; i++) {
        struct wal_entry e = {.type = (enum wal_type)(1 + reader_u8(&r) % (WAL_TYPE_END - 1))};
        e.topic = reader_u8(&r);
        e.partition = reader_u8(&r);
        e.group = reader_u8(&r) % 4;
        size_t len = reader_u8(&r);
        e.payload = reader_bytes(&r, len < reader_left(&r) ? len : reader_left(&r));
        if (at + WAL_ENTRY_HEADER + e.payload.len > FILE_BYTES)
            break;
        if (e.payload.len)
            memcpy(block + at + WAL_ENTRY_HEADER, e.payload.ptr, e.payload.len);
        wal_entry_seal(block + at, &e);
        at += WAL_ENTRY_HEADER + e.payload.len;
    }
    return at;
}

static void make_wal(struct os *os, uint64_t salt, bool whole, struct bytes in)
{
    uint8_t *file = calloc(1, FILE_BYTES);
    struct wal_block block = {.lap = 1, .lsn = WAL_LSN_FIRST, .synced = WAL_LSN_FIRST};

    if (whole) {
        block.length = (uint32_t)add_entries(file, in);
        block.body_crc = crc32c(0, file + WAL_BLOCK_HEADER, block.length - WAL_BLOCK_HEADER);
        wal_block_seal(file, &block, salt);
    } else if (in.len) {
        memcpy(file, in.ptr, in.len < FILE_BYTES ? in.len : FILE_BYTES);
    }
    (void)os_mkdir(os, "data/wal");
    write_file(os, "data/wal/00000001.wal", file, FILE_BYTES);
    free(file);
}

static void make_snapshot(struct os *os, struct bytes in)
{
    uint8_t *file = calloc(1, in.len + 24);

    memcpy(file, "QWSNAP\r\n", 8);
    store_u32_le(file + 8, 1);
    store_u64_le(file + 12, in.len);
    store_u32_le(file + 20, crc32c(0, in.ptr, in.len));
    if (in.len)
        memcpy(file + 24, in.ptr, in.len);
    write_file(os, "data/snapshot", file, in.len + 24);
    free(file);
}

/* The identity that the directory would have, with a salt known here. */
static uint64_t make_identity(struct os *os)
{
    uint8_t bytes[44] = "QWLOGDIR";

    store_u32_le(bytes + 8, 1);
    store_u32_le(bytes + 40, crc32c(0, bytes, 40));
    (void)os_mkdir(os, "data");
    write_file(os, "data/id", bytes, sizeof(bytes));
    return 0;
}

static void read_some(struct log *log)
{
    struct log_view view;
    struct log_offsets o;

    for (struct log_topic *t = log_topic_next(log, NULL); t; t = log_topic_next(log, t)) {
        for (uint32_t i = 0; i < log_topic_info(t)->partitions && i < 8; i++) {
            struct log_partition *p = log_partition_of(t, i);
            log_offsets(p, &o);
            if (log_read(log, p, o.start, 1000, LOG_TO_DURABLE, &view, NULL) == ST_OK)
                log_view_release(&view);
        }
    }
}

FUZZ(log_wal, data, size)
{
    struct os *os = os_sim_create(1, NULL);
    struct log_options options = {.wal_bytes_max = 1 << 20, .disk_reserve_bytes = 1};
    struct log *log;
    struct bytes in = bytes_of(data, size);
    uint8_t how = size ? data[0] % 3 : 0;

    if (size < 1 || size > 16384) {
        os_sim_destroy(os);
        return;
    }
    in = bytes_skip(in, 1);
    uint64_t salt = make_identity(os);
    make_wal(os, salt, how == 1, how == 2 ? BYTES_NONE : in);
    if (how == 2)
        make_snapshot(os, in);
    (void)!log_check(os, "data", NULL, NULL);
    if (log_open(os, "data", &options, &log, NULL) == ST_OK) {
        read_some(log);
        log_close(log);
    }
    os_sim_destroy(os);
}
