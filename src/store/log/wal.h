/* wal.h: the write-ahead log as files: blocks, laps, one write and one sync at a time. It knows
 * entries only as bytes; what they mean is the business of log.c and recover.c.
 *
 * The LSN counts the bytes of blocks ever written, headers and padding too; a file holds a run of
 * them. Files are written full of zeros before their first use and go round: once all that stands
 * in one is filled into partition files, it is a spare. Every use and every opening has a higher
 * lap number, so what an earlier one left behind is never taken for today's.
 *
 * Layout: docs/format/wal.md; why so: docs/design/001-write-ahead-log.md.       Layer: store.
 * Owns:    its files and the slabs that are not written yet.
 * Threads: those of one shard.
 * Errors:  ST_NOSPACE from wal_reserve: no file to go on in, nothing is lost; ST_IO from wal_flush
 *          is final: nothing may be written after a failed write or sync.
 * Limits:  one entry at most WAL_ENTRY_BYTES_MAX.
 */
#ifndef QW_STORE_LOG_WAL_H
#define QW_STORE_LOG_WAL_H

#include "base/diag.h"
#include "os/os.h"
#include "store/log/entry.h"
#include "store/log/slab.h"

enum {
    WAL_BLOCK_HEADER = 56,
    WAL_LSN_FIRST = OS_BLOCK, /* so that 0 can mean "none" */
    WAL_ENTRY_BYTES_MAX = 1 << 28,
    WAL_SPARES_MAX = 9, /* what one cut frees: a log under load makes no new files */
};

struct wal;

/* Where recovery starts: the block that holds lsn, of a lap not below. */
struct wal_position {
    uint64_t lsn, lap;
};

struct wal_options {
    uint32_t file_bytes;       /* of a usual file */
    uint32_t first_file_bytes; /* of the first, so that a new directory opens at once */
    uint64_t salt;             /* of the directory: makes headers that users write into their
                                  records no headers of ours */
    struct wal_position keep;  /* files from here on stay, though recovery starts later */
    struct os_helper *helper;  /* makes new files; outlives the use of the WAL, not the WAL */
};

struct wal_damage_sink {
    log_check_fn *report;
    void *context;
};

/* One entry met by recovery, in order. The payload lies in slab, which may be retained; lsn is
 * where it starts, end_lsn where it ends. False: stop (the caller's bookkeeping says why). */
typedef void wal_replay_fn(void *context, const struct wal_entry *entry, uint64_t lsn,
                           uint64_t end_lsn, struct slab *slab);

/* Opens DIR/wal, replays every entry from the given position on, and stands ready to
 * write behind the last. Damage below what was synced goes to the sink and is stepped over. */
enum status wal_open(struct os *os, const char *dir, const struct wal_options *options,
                     struct slab_pool *pool, struct wal_position from, wal_replay_fn *fn,
                     void *context, const struct wal_damage_sink *sink, struct wal **out,
                     struct diag *diag) MUST_CHECK;
void wal_close(struct wal *wal); /* what is not flushed is gone */

/* The same walk for a directory that nobody has open; nothing is written. */
enum status wal_check(struct os *os, const char *dir, uint64_t salt, struct slab_pool *pool,
                      struct wal_position from, wal_replay_fn *fn, void *context,
                      const struct wal_damage_sink *sink, uint64_t *end_lsn) MUST_CHECK;

/* Room for an entry of that payload: it is written to at + WAL_ENTRY_HEADER and then sealed, before
 * the next call. */
struct wal_slot {
    uint8_t *at;
    struct slab *slab;
    uint64_t lsn;     /* where the entry starts */
    uint64_t end_lsn; /* durable when this is synced */
};
enum status wal_reserve(struct wal *wal, size_t payload_len, struct wal_slot *out) MUST_CHECK;

/* The checksum of a run of bytes in the last slot is known: the block's own need not read it again. The bytes
 * change no more. */
void wal_summed(struct wal *wal, struct bytes run, uint32_t crc);

/* Seals, writes and syncs all there is. */
enum status wal_flush(struct wal *wal) MUST_CHECK;

uint64_t wal_end_lsn(const struct wal *wal);
uint64_t wal_synced_lsn(const struct wal *wal);
uint64_t wal_bytes(const struct wal *wal); /* of the files in use */
uint64_t wal_bytes_unwritten(const struct wal *wal);
uint64_t wal_blocks(const struct wal *wal); /* written since the opening */
uint64_t wal_lap(const struct wal *wal);

/* Files that end at or below lsn become spares. */
void wal_cut(struct wal *wal, uint64_t lsn);
/* Has the next file made in time by the helper. */
void wal_work(struct wal *wal);

#endif
