/* wal_files.h: what the writer (wal.c) and the recovery (wal_scan.c) of the WAL share: its files
 * and the header of a block.       Layer: store. */
#ifndef QW_STORE_LOG_WAL_FILES_H
#define QW_STORE_LOG_WAL_FILES_H

#include "store/log/wal.h"

enum wal_file_state { WAL_FILE_ZEROING, WAL_FILE_SPARE, WAL_FILE_LIVE };

struct wal_file {
    struct os_file *file;
    enum wal_file_state state; /* ZEROING: file and the next four are a helper's */
    uint32_t number;           /* of its name */
    uint64_t size;             /* once it is ready */
    uint64_t zeroed;
    bool zeros_synced, ready;
    uint64_t base_lsn; /* the LSN that position 0 has or would have, while it is live */
    uint64_t end_lsn;  /* one past its last block */
    bool unsynced;
};

struct wal_file_set {
    struct os *os;
    char dir[OS_PATH_MAX]; /* DIR/wal */
    struct wal_file **files;
    uint32_t count, cap;
};

/*  0  magic "QWB1"            8  lap u64      32  length u32, header included, unpadded
 *  4  header checksum u32    16  LSN u64      36  body checksum u32
 *     of 8..56, salted       24  synced u64   40  zeros */
struct wal_block {
    uint64_t lap, lsn;
    uint64_t synced; /* known to be on disk when this was written */
    uint32_t length;
    uint32_t body_crc;
};

static inline uint64_t wal_padded(uint64_t length)
{
    return (length + OS_BLOCK - 1) / OS_BLOCK * OS_BLOCK;
}

void wal_block_seal(uint8_t *at, const struct wal_block *block, uint64_t salt); /* the body is summed already */
/* False: no header of ours. The body is not looked at. */
bool wal_block_read(const uint8_t *at, uint64_t salt, struct wal_block *out);
/* at holds block->length bytes. */
bool wal_block_body_holds(const uint8_t *at, const struct wal_block *block);

void wal_file_path(const struct wal_file_set *set, uint32_t number, char path[OS_PATH_MAX + 32]);
/* Opens every file there is, as spares; small or odd ones are removed, unless read_only. */
enum status wal_files_open(struct wal_file_set *set, struct os *os, const char *dir,
                           bool read_only) MUST_CHECK;
void wal_files_close(struct wal_file_set *set);
/* A new file, to be made by wal_file_make. */
struct wal_file *wal_file_add(struct wal_file_set *set, uint64_t size);
/* A step of making it: opened, some zeros written, synced, its name made durable. *more is false
 * once that many bytes of it are zeros, and after the last step, when it is ready and the owner may
 * make it a spare. Any thread: of the set it uses what stays. */
enum status wal_file_make(const struct wal_file_set *set, struct wal_file *f, uint64_t upto,
                          bool *more) MUST_CHECK;
void wal_file_remove(struct wal_file_set *set, struct wal_file *f);

/* ---- recovery's walk ---- */

struct wal_scan_end {
    uint64_t lsn;          /* where the valid prefix ends */
    uint64_t lap_max;      /* seen in any header */
    struct wal_file *file; /* that holds the last block, or NULL: none does */
    bool damaged;
};

enum status wal_scan(struct wal_file_set *set, uint64_t salt, struct slab_pool *pool,
                     struct wal_position keep, struct wal_position from, wal_replay_fn *fn,
                     void *context, const struct wal_damage_sink *sink,
                     struct wal_scan_end *out) MUST_CHECK;

#endif
