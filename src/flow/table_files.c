/* table_files.c: see table_files.h. */
#include "flow/table_files.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/reader.h"

static const char suffix[] = ".descriptor-file";

static struct bytes key_of(struct buf *key, struct bytes table, struct bytes path)
{
    buf_clear(key);
    buf_bytes(key, table);
    buf_u8(key, 0);
    buf_bytes(key, path);
    return buf_view(key);
}

static bool names_file(struct bytes option)
{
    size_t len = sizeof(suffix) - 1;

    return option.len > len && bytes_is(bytes_skip(option, option.len - len), suffix);
}

static enum status refuse(struct bytes path, const char *why, struct diag *diag)
{
    diag_hint(diag, "it is a path on the server, of what protoc --descriptor_set_out=FILE --include_imports writes");
    return diag_set(diag, ST_INVALID, DIAG_VALUE, "the file '%.*s' %s", BYTES_FMT(bytes_head(path, 200)), why);
}

static enum status file_read(struct os *os, struct bytes path, struct buf *out, struct diag *diag)
{
    char name[OS_PATH_MAX];
    struct os_file *file;
    size_t got = 0;

    if (!path.len || path.len >= sizeof(name) || bytes_find(path, 0, 0) < path.len)
        return refuse(path, "is no path", diag);
    snprintf(name, sizeof(name), "%.*s", BYTES_FMT(path));
    if (os_file_open(os, name, OS_READ, &file) != ST_OK)
        return refuse(path, "is not there, or cannot be read", diag);
    enum status st = os_file_read(file, 0, buf_reserve(out, TABLE_FILE_MAX + 1), TABLE_FILE_MAX + 1, &got);
    os_file_close(file);
    if (st != ST_OK)
        return refuse(path, "cannot be read", diag);
    if (!got || got > TABLE_FILE_MAX)
        return refuse(path, got ? "has more than 1 MiB" : "is empty", diag);
    buf_advance(out, got);
    return ST_OK;
}

static enum status keep(struct os *os, struct log *log, struct bytes table, struct bytes path, struct diag *diag)
{
    struct buf key, value;
    uint64_t lsn;

    buf_init(&key, 0);
    buf_init(&value, 0);
    enum status st = file_read(os, path, &value, diag);
    if (st == ST_OK) {
        st = log_kv_put(log, LOG_KV_FILES, key_of(&key, table, path), buf_view(&value), &lsn);
        if (st != ST_OK)
            diag_set(diag, st, DIAG_INTERNAL, "the log takes no file: %s", status_text(st));
    }
    buf_deinit(&key);
    buf_deinit(&value);
    return st;
}

enum status table_files_keep(struct os *os, struct log *log, const struct table *table, struct diag *diag)
{
    TRY(table_files_forget(log, table->name));
    for (uint16_t i = 0; i < table->options_count; i++)
        if (names_file(table->options[i].key))
            TRY(keep(os, log, table->name, table->options[i].value, diag));
    return ST_OK;
}

struct forget {
    struct buf keys; /* sized */
};

static bool note_key(void *context, struct bytes key, struct bytes value)
{
    (void)value;
    buf_sized(&((struct forget *)context)->keys, key);
    return true;
}

enum status table_files_forget(struct log *log, struct bytes table)
{
    struct forget f;
    struct buf prefix;
    enum status st = ST_OK;
    uint64_t lsn;

    buf_init(&f.keys, 0);
    buf_init(&prefix, 0);
    log_kv_scan(log, LOG_KV_FILES, key_of(&prefix, table, BYTES_NONE), note_key, &f);
    for (struct reader r = reader_of(buf_view(&f.keys)); st == ST_OK && reader_left(&r);)
        st = log_kv_put(log, LOG_KV_FILES, reader_sized(&r), BYTES_NONE, &lsn);
    buf_deinit(&prefix);
    buf_deinit(&f.keys);
    return st;
}

enum status table_file(const struct log *log, struct bytes table, struct bytes path, struct bytes *out, struct diag *diag)
{
    struct buf key;

    buf_init(&key, 0);
    bool there = log_kv_get(log, LOG_KV_FILES, key_of(&key, table, path), out);
    buf_deinit(&key);
    if (there)
        return ST_OK;
    return diag_set(diag, ST_NOTFOUND, DIAG_NAME, "the file '%.*s' is none that `%.*s` named when it was made",
                    BYTES_FMT(bytes_head(path, 200)), BYTES_FMT(table));
}
