/*  0  "QWLOGDIR"   8  version u32   12  zeros   16  cluster id   32  salt u64   40  CRC-32C of
 * 0..40 and the same again at 4096. */
#include "store/log/identity.h"

#include <stdio.h>

#include "base/crc32c.h"
#include "base/endian.h"

enum { BYTES = 44, VERSION = 1, COPY_AT = OS_BLOCK, FILE_BYTES = 2 * OS_BLOCK };

static enum status parse(const uint8_t *at, uint8_t cluster_id[LOG_ID_BYTES], uint64_t *salt)
{
    if (memcmp(at, "QWLOGDIR", 8) != 0 || load_u32_le(at + 40) != crc32c(0, at, 40))
        return ST_CORRUPT;
    if (load_u32_le(at + 8) != VERSION)
        return ST_UNSUPPORTED;
    memcpy(cluster_id, at + 16, LOG_ID_BYTES);
    *salt = load_u64_le(at + 32);
    return ST_OK;
}

static enum status read_copy(struct os_file *file, uint64_t pos, uint8_t cluster_id[LOG_ID_BYTES],
                             uint64_t *salt)
{
    uint8_t bytes[BYTES];
    size_t got;

    TRY(os_file_read(file, pos, bytes, BYTES, &got));
    return got == BYTES ? parse(bytes, cluster_id, salt) : ST_CORRUPT;
}

enum status identity_read(struct os *os, const char *dir, uint8_t cluster_id[LOG_ID_BYTES],
                          uint64_t *salt)
{
    char path[OS_PATH_MAX + 8];
    struct os_file *file;

    snprintf(path, sizeof(path), "%s/id", dir);
    TRY(os_file_open(os, path, OS_READ, &file));
    enum status st = read_copy(file, 0, cluster_id, salt);
    if (st == ST_CORRUPT)
        st = read_copy(file, COPY_AT, cluster_id, salt);
    os_file_close(file);
    return st;
}

static enum status write_file(struct os *os, const char *path, const uint8_t bytes[BYTES])
{
    static const uint8_t zeros[FILE_BYTES];
    struct os_file *file;

    TRY(os_file_open(os, path, OS_WRITE | OS_CREATE | OS_TRUNCATE, &file));
    enum status st = os_file_write(file, 0, zeros, FILE_BYTES);
    if (st == ST_OK)
        st = os_file_write(file, 0, bytes, BYTES);
    if (st == ST_OK)
        st = os_file_write(file, COPY_AT, bytes, BYTES);
    if (st == ST_OK)
        st = os_file_sync(file);
    os_file_close(file);
    return st;
}

static enum status identity_make(struct os *os, const char *dir)
{
    char path[OS_PATH_MAX + 8], fresh[OS_PATH_MAX + 8];
    uint8_t bytes[BYTES] = "QWLOGDIR";

    store_u32_le(bytes + 8, VERSION);
    os_random(os, bytes + 16, LOG_ID_BYTES + 8);
    store_u32_le(bytes + 40, crc32c(0, bytes, 40));
    snprintf(path, sizeof(path), "%s/id", dir);
    snprintf(fresh, sizeof(fresh), "%s/id.tmp", dir);
    TRY(write_file(os, fresh, bytes));
    TRY(os_rename(os, fresh, path));
    return os_sync_dir(os, dir);
}

enum status identity_open(struct os *os, const char *dir, uint8_t cluster_id[LOG_ID_BYTES],
                          uint64_t *salt, struct diag *diag)
{
    char wal[OS_PATH_MAX + 8];
    struct os_stat stat;
    enum status st = identity_read(os, dir, cluster_id, salt);

    snprintf(wal, sizeof(wal), "%s/wal", dir);
    if (st == ST_NOTFOUND && os_path_stat(os, wal, &stat) == ST_NOTFOUND) {
        st = identity_make(os, dir);
        if (st == ST_OK)
            st = identity_read(os, dir, cluster_id, salt);
    }
    switch (st) {
    case ST_OK: return ST_OK;
    case ST_UNSUPPORTED:
        return diag_set(diag, st, DIAG_UNSUPPORTED,
                        "%s was written by another version of the format", dir);
    case ST_NOTFOUND:
    case ST_CORRUPT:
        return diag_set(diag, ST_CORRUPT, DIAG_STATE,
                        "%s/id is %s, so its log cannot be read; restore that file", dir,
                        st == ST_CORRUPT ? "damaged" : "missing");
    default:
        return diag_set(diag, st, DIAG_STATE, "cannot read %s/id: %s", dir,
                        st == ST_IO ? os_error_text(os) : status_text(st));
    }
}
