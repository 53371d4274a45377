/* Files of the WAL. A new one is written full of zeros, synced, and its name made durable before it
 * carries a block: an overwrite in place needs no journal of the file system, which halves a sync
 * and takes its tail away (docs/design/001-write-ahead-log.md has the figures). */
#include "store/log/wal_files.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/endian.h"

enum {
    ZERO_BYTES = 64 * 1024,   /* so little that a sync of the log beside it waits for few of them */
    ZERO_MOST = 1024 * 1024,  /* where as much is due: the log's own writes are as large then */
};

static const uint8_t magic[4] = {'Q', 'W', 'B', '1'};

static uint32_t header_crc(const uint8_t *at, uint64_t salt)
{
    uint8_t salt_bytes[8];

    store_u64_le(salt_bytes, salt);
    return crc32c(crc32c(0, salt_bytes, 8), at + 8, WAL_BLOCK_HEADER - 8);
}

void wal_block_seal(uint8_t *at, const struct wal_block *block, uint64_t salt)
{
    CHECK(block->length >= WAL_BLOCK_HEADER);
    CHECK(block->lsn % OS_BLOCK == 0);
    memset(at, 0, WAL_BLOCK_HEADER);
    memcpy(at, magic, 4);
    store_u64_le(at + 8, block->lap);
    store_u64_le(at + 16, block->lsn);
    store_u64_le(at + 24, block->synced);
    store_u32_le(at + 32, block->length);
    store_u32_le(at + 36, block->body_crc);
    store_u32_le(at + 4, header_crc(at, salt));
}

bool wal_block_read(const uint8_t *at, uint64_t salt, struct wal_block *out)
{
    if (memcmp(at, magic, 4) != 0 || load_u32_le(at + 4) != header_crc(at, salt))
        return false;
    out->lap = load_u64_le(at + 8);
    out->lsn = load_u64_le(at + 16);
    out->synced = load_u64_le(at + 24);
    out->length = load_u32_le(at + 32);
    out->body_crc = load_u32_le(at + 36);
    return out->length >= WAL_BLOCK_HEADER && out->length <= 2u * WAL_ENTRY_BYTES_MAX &&
           out->lsn % OS_BLOCK == 0 && out->lsn >= WAL_LSN_FIRST && out->lsn < INT64_MAX / 2;
}

bool wal_block_body_holds(const uint8_t *at, const struct wal_block *block)
{
    return crc32c(0, at + WAL_BLOCK_HEADER, block->length - WAL_BLOCK_HEADER) == block->body_crc;
}

void wal_file_path(const struct wal_file_set *set, uint32_t number, char path[OS_PATH_MAX + 32])
{
    snprintf(path, OS_PATH_MAX + 32, "%s/%08u.wal", set->dir, number);
}

static struct wal_file *add_file(struct wal_file_set *set, uint32_t number)
{
    if (set->count == set->cap) {
        set->cap = set->cap ? set->cap * 2 : 8;
        set->files = xrealloc(set->files, set->cap * sizeof(struct wal_file *));
    }
    struct wal_file *f = xcalloc(1, sizeof(*f));
    f->number = number;
    set->files[set->count++] = f;
    return f;
}

static void list_file(void *context, const char *name, const struct os_stat *stat)
{
    struct wal_file_set *set = context;
    uint32_t number = 0;
    int end = 0;

    if (stat->is_dir || sscanf(name, "%8u.wal%n", &number, &end) != 1 || end == 0 || name[end])
        return;
    add_file(set, number)->size = stat->size;
}

/* A file that was being zeroed when the process died may be of any size; use what is whole. */
static enum status open_listed(struct wal_file_set *set, struct wal_file *f, bool read_only)
{
    char path[OS_PATH_MAX + 32];

    f->size -= f->size % OS_BLOCK;
    f->zeroed = f->size;
    f->state = WAL_FILE_SPARE;
    wal_file_path(set, f->number, path);
    return os_file_open(set->os, path, (read_only ? OS_READ : OS_WRITE) | OS_DIRECT, &f->file);
}

enum status wal_files_open(struct wal_file_set *set, struct os *os, const char *dir, bool read_only)
{
    *set = (struct wal_file_set){.os = os};
    snprintf(set->dir, sizeof(set->dir), "%.*s/wal", OS_PATH_MAX - 8, dir);
    if (!read_only) {
        TRY(os_mkdir(os, set->dir));
        TRY(os_sync_dir(os, dir)); /* or a power cut could take the whole folder */
    }
    TRY(os_list(os, set->dir, list_file, set));
    for (uint32_t i = 0; i < set->count; i++) {
        enum status st = open_listed(set, set->files[i], read_only);
        if (st != ST_OK) {
            wal_files_close(set);
            return st;
        }
    }
    return read_only ? ST_OK : os_sync_dir(os, set->dir);
}

void wal_files_close(struct wal_file_set *set)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->files[i]->file)
            os_file_close(set->files[i]->file);
        free(set->files[i]);
    }
    free(set->files);
    set->files = NULL;
    set->count = set->cap = 0;
}

void wal_file_remove(struct wal_file_set *set, struct wal_file *f)
{
    char path[OS_PATH_MAX + 32];

    wal_file_path(set, f->number, path);
    if (f->file)
        os_file_close(f->file);
    if (os_remove(set->os, path) == ST_OK) /* if it stays, the next opening finds a spare */
        (void)os_sync_dir(set->os, set->dir);
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->files[i] == f) {
            memmove(set->files + i, set->files + i + 1,
                    (set->count - i - 1) * sizeof(struct wal_file *));
            set->count--;
            break;
        }
    }
    free(f);
}

struct wal_file *wal_file_add(struct wal_file_set *set, uint64_t size)
{
    uint32_t number = 1;

    CHECK(size % OS_BLOCK == 0);
    for (uint32_t i = 0; i < set->count; i++)
        if (set->files[i]->number >= number)
            number = set->files[i]->number + 1;
    struct wal_file *f = add_file(set, number);
    f->size = size;
    f->state = WAL_FILE_ZEROING;
    return f;
}

static enum status create_file(const struct wal_file_set *set, struct wal_file *f)
{
    char path[OS_PATH_MAX + 32];

    wal_file_path(set, f->number, path);
    return os_file_open(set->os, path, OS_WRITE | OS_CREATE | OS_TRUNCATE | OS_DIRECT, &f->file);
}

static _Alignas(OS_BLOCK) uint8_t zeros[ZERO_MOST]; /* not const: a program file need not hold them */

/* A call costs the disk and the processor the same whatever its length, nearly. */
static enum status write_zeros(struct wal_file *f, uint64_t upto)
{
    uint64_t left = f->size - f->zeroed, len = upto > f->zeroed ? (upto - f->zeroed) / ZERO_BYTES * ZERO_BYTES : 0;

    len = len < ZERO_BYTES ? ZERO_BYTES : len < ZERO_MOST ? len : ZERO_MOST;
    len = len < left ? len : left;
    TRY(os_file_write(f->file, f->zeroed, zeros, len));
    f->zeroed += len;
    return ST_OK;
}

enum status wal_file_make(const struct wal_file_set *set, struct wal_file *f, uint64_t upto,
                          bool *more)
{
    CHECK(f->state == WAL_FILE_ZEROING);
    if (!f->file) {
        *more = true;
        return create_file(set, f);
    }
    if (f->zeroed < f->size) {
        TRY(write_zeros(f, upto));
        *more = f->zeroed == f->size || f->zeroed < upto;
        return ST_OK;
    }
    *more = !f->zeros_synced;
    if (!f->zeros_synced) {
        f->zeros_synced = true;
        return os_file_sync(f->file);
    }
    TRY(os_sync_dir(set->os, set->dir));
    f->ready = true;
    return ST_OK;
}
