/* source_filesystem.c: files of lines (csv, json), read once to their end. Of a table that is PARTITIONED BY they are in
 * folders, whose names say the values of those columns (folders.h).
 *
 * A split is a file (those of a folder in order of name, hidden ones left out), a position a byte. What
 * is taken ends behind a newline, or at the end of the file as it was when the source was opened.
 * A line that cannot be decoded goes to the topic TABLE.errors.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "data/parse.h"
#include "flow/folders.h"
#include "flow/sources.h"
#include "flow/with.h"

enum { FILE_READ_BYTES = 256 << 10, FILE_LINE_BYTES_MAX = 16 << 20 };

/* A value of a column of PARTITIONED BY. */
struct folder {
    union value value;
    bool null;
};

struct one_file {
    char *path;
    uint64_t size;
    struct os_file *file;
    const struct folder *folders; /* by table.partition */
};

struct source_file {
    struct source base;
    const struct plan_node *scan;
    struct source_env *env;
    struct with with;
    struct one_file *files;
    uint32_t files_count;
    char *dir;              /* while listing, and how many levels of folders it is below the table's */
    uint16_t level;
    struct folder *folders; /* their values */
    enum status status;
    struct diag *diag;
    uint16_t decoded;       /* columns of the scan that the lines have; the others stand behind these in the builder */
    uint16_t *builder_of;   /* by column of the scan: its place in the builder */
    struct format_decoder *decoder;
    const struct type **types;
    struct arena arena, chunk_arena;
    struct chunk_builder builder;
    struct origin *origins; /* of the builder's rows; NULL: nobody asks */
    struct buf bytes;
};

static void add_file(struct source_file *s, const char *path, uint64_t size)
{
    uint16_t levels = s->with.table->partition_count;
    struct folder *folders = ARENA_ARRAY(&s->arena, struct folder, levels + 1u);

    if (levels)
        memcpy(folders, s->folders, levels * sizeof(*folders));
    s->files = xrealloc(s->files, (s->files_count + 1) * sizeof(*s->files));
    s->files[s->files_count++] = (struct one_file){arena_str(&s->arena, bytes_str(path)), size, NULL, folders};
}

static void list_folder(struct source_file *s, char *dir);

static bool folder_put(const struct type *type, struct bytes text, struct folder *folder)
{
    if (!type_is_text(type->kind))
        return folder->null || value_parse(type, text, 0, &folder->value);
    folder->value.str = (struct str){(const char *)text.ptr, (uint32_t)text.len, 0};
    return true;
}

/* The folder's value becomes that of its level; one that is named otherwise is left out. */
static void enter_folder(struct source_file *s, char *path, const char *name)
{
    const struct table *table = s->with.table;
    const struct table_column *column = &table->columns[table->partition[s->level]];
    struct folder *folder = &s->folders[s->level];
    struct buf value;

    buf_init(&value, 0);
    if (folder_value(bytes_str(name), column->name, &value, &folder->null)) {
        if (!folder_put(column->type, arena_copy(&s->arena, buf_view(&value)), folder))
            s->status = diag_set(s->diag, ST_INVALID, DIAG_VALUE, "`%.*s`: the folder '%s' names no %s", BYTES_FMT(table->name),
                                 path, type_text(&s->arena, type_not_null(&s->arena, column->type, false)));
        s->level++;
        list_folder(s, path);
        s->level--;
    }
    buf_deinit(&value);
}

static void add_listed(void *context, const char *name, const struct os_stat *stat)
{
    struct source_file *s = context;
    char path[OS_PATH_MAX];
    bool folder = s->level < s->with.table->partition_count;
    int n = snprintf(path, sizeof(path), "%s/%s", s->dir, name);

    if (s->status != ST_OK || stat->is_dir != folder || name[0] == '.' || name[0] == '_' || n >= OS_PATH_MAX)
        return;
    if (folder)
        enter_folder(s, path, name);
    else
        add_file(s, path, stat->size);
}

static void list_folder(struct source_file *s, char *dir)
{
    char *outer = s->dir;

    s->dir = dir;
    if (s->status == ST_OK)
        s->status = os_list(s->env->os, dir, add_listed, s);
    s->dir = outer;
}

static enum status find_files(struct source_file *s, struct diag *diag)
{
    struct bytes path = with_get(&s->with, "path", "");
    struct os_stat stat;
    if (path.len > 7 && memcmp(path.ptr, "file://", 7) == 0)
        path = bytes_skip(path, 7);
    s->dir = arena_str(&s->arena, path);
    enum status st = path.len ? os_path_stat(s->env->os, s->dir, &stat) : ST_NOTFOUND;
    if (st != ST_OK)
        return diag_set(diag, st, DIAG_VALUE, "`%.*s`: there is no file '%s'",
                        BYTES_FMT(s->with.table->name), s->dir);
    if (!stat.is_dir && s->with.table->partition_count)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "`%.*s` is PARTITIONED BY, and '%s' is no folder",
                        BYTES_FMT(s->with.table->name), s->dir);
    if (!stat.is_dir) {
        add_file(s, s->dir, stat.size);
        return ST_OK;
    }
    s->diag = diag;
    list_folder(s, s->dir);
    if (s->status == ST_OK && !s->files_count)
        add_file(s, "", 0); /* an empty folder is an empty table */
    return s->status;
}

/* Columns that the lines have come first in the builder, those that folders say behind them. */
static void place_columns(struct source_file *s)
{
    uint16_t count = s->scan->columns_count, at = 0;

    s->builder_of = ARENA_ARRAY(&s->arena, uint16_t, count + 1u);
    for (int folders = 0; folders < 2; folders++) {
        for (uint16_t i = 0; i < count; i++) {
            if (table_partitions_by(s->with.table, s->scan->scan.columns[i].table_column) != folders)
                continue;
            s->types[at] = s->scan->scan.columns[i].type;
            s->builder_of[i] = at++;
        }
        if (!folders)
            s->decoded = at;
    }
}

static enum status open_decoder(struct source_file *s, struct diag *diag)
{
    const struct table *table = s->with.table;
    uint16_t count = s->scan->columns_count, physical = 0;
    struct format_spec spec;
    struct type_field *fields = ARENA_ARRAY(&s->arena, struct type_field, count + 1);
    uint16_t *positions = ARENA_ARRAY(&s->arena, uint16_t, count + 1);
    uint16_t *place = ARENA_ARRAY(&s->arena, uint16_t, table->columns_count + 1);
    for (uint16_t c = 0; c < table->columns_count; c++)
        if (table->columns[c].kind == COLUMN_PHYSICAL && !table_partitions_by(table, c))
            place[c] = physical++;
    s->types = ARENA_ARRAY(&s->arena, const struct type *, count + 1);
    place_columns(s);
    for (uint16_t i = 0; i < count; i++) {
        const struct plan_scan_column *column = &s->scan->scan.columns[i];
        if (table->columns[column->table_column].kind != COLUMN_PHYSICAL)
            return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                            "metadata columns of the filesystem connector");
        if (s->builder_of[i] >= s->decoded)
            continue;
        fields[s->builder_of[i]] = (struct type_field){.name = table->columns[column->table_column].name,
                                                       .type = column->type};
        positions[s->builder_of[i]] = place[column->table_column];
    }
    with_format(&s->with, "value", &s->arena, &spec);
    struct schema *schema = ARENA_NEW(&s->arena, struct schema);
    *schema = (struct schema){s->decoded, fields};
    spec.schema = schema;
    spec.positions = positions;
    spec.record_fields = physical;
    if (!spec.name.len)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "table `%.*s` needs the option 'format'",
                        BYTES_FMT(table->name));
    return format_decoder_open(&spec, &s->decoder, diag);
}

static enum status file_open(const struct plan_node *scan, struct source_env *env,
                             struct source **out, struct diag *diag)
{
    struct source_file *s = xcalloc(1, sizeof(*s));
    s->base.class = &source_filesystem_class;
    s->scan = scan;
    s->env = env;
    s->with = with_scan(&scan->scan);
    arena_init(&s->arena, ARENA_BUDGET_NONE);
    arena_init(&s->chunk_arena, ARENA_BUDGET_NONE);
    buf_init(&s->bytes, 0);
    s->folders = ARENA_ARRAY(&s->arena, struct folder, s->with.table->partition_count + 1u);
    if (scan->origins)
        s->origins = ARENA_ARRAY(&s->arena, struct origin, CHUNK_ROWS);
    enum status st = find_files(s, diag);
    if (st == ST_OK)
        st = open_decoder(s, diag);
    for (uint32_t i = 0; i < s->files_count && st == ST_OK; i++)
        if (s->files[i].size)
            st = os_file_open(env->os, s->files[i].path, OS_READ, &s->files[i].file);
    *out = &s->base;
    if (st != ST_OK)
        s->base.class->close(&s->base);
    return st;
}

static void file_close(struct source *source)
{
    struct source_file *s = (struct source_file *)source;
    for (uint32_t i = 0; i < s->files_count; i++)
        if (s->files[i].file)
            os_file_close(s->files[i].file);
    free(s->files);
    format_decoder_close(s->decoder);
    buf_deinit(&s->bytes);
    arena_deinit(&s->chunk_arena);
    arena_deinit(&s->arena);
    free(s);
}

static uint32_t file_splits(struct source *source)
{
    return ((struct source_file *)source)->files_count;
}

static int64_t file_start(struct source *source, uint32_t split)
{
    (void)source;
    (void)split;
    return 0;
}

static int64_t file_bound(struct source *source, uint32_t split)
{
    return (int64_t)((struct source_file *)source)->files[split].size;
}

/* Fills s->bytes with the file's [position, position + len), or less at its end. */
static enum status fill(struct source_file *s, uint32_t split, int64_t position, size_t len)
{
    struct one_file *file = &s->files[split];
    buf_clear(&s->bytes);
    while (len) {
        uint8_t *to = buf_reserve(&s->bytes, len);
        size_t got = 0;
        TRY(os_file_read(file->file, (uint64_t)position, to, len, &got));
        if (!got)
            break;
        buf_advance(&s->bytes, got);
        position += (int64_t)got;
        len -= got;
    }
    return ST_OK;
}

static int64_t file_take(struct source *source, uint32_t split, int64_t position,
                         uint32_t rows_max, uint64_t bytes_max, int64_t now_us, int64_t *wake_us)
{
    struct source_file *s = (struct source_file *)source;
    int64_t bound = file_bound(source, split);
    (void)now_us;
    (void)wake_us;
    size_t want = bytes_max < FILE_READ_BYTES ? (size_t)bytes_max : FILE_READ_BYTES;
    for (;; want *= 2) { /* until one line is in */
        int64_t left = bound - position;
        bool all = left <= (int64_t)want;
        if (fill(s, split, position, all ? (size_t)left : want) != ST_OK)
            return position;
        size_t end = 0;
        uint32_t rows = 0;
        for (size_t at = 0; rows < rows_max; rows++) {
            size_t newline = bytes_find(buf_view(&s->bytes), '\n', at);
            if (newline == s->bytes.len)
                break;
            end = at = newline + 1;
        }
        if (all && rows < rows_max)
            return bound;
        if (end)
            return position + (int64_t)end;
        if (want > FILE_LINE_BYTES_MAX)
            return position + (int64_t)want; /* a line that long is cut, and cannot be decoded */
    }
}

static enum status emit(struct source_file *s)
{
    struct column *cols = ARENA_ARRAY(&s->chunk_arena, struct column, s->scan->columns_count + 1u);

    if (!s->builder.rows)
        return ST_OK;
    struct chunk chunk = chunk_builder_done(&s->builder);
    for (uint16_t i = 0; i < s->scan->columns_count; i++)
        cols[i] = chunk.cols[s->builder_of[i]];
    chunk.cols = cols;
    chunk.origins = s->origins;
    return op_emit(s->env->ctx, &chunk);
}

/* What the names of the file's folders say of each of its rows. */
static void put_folders(struct source_file *s, uint32_t split)
{
    const struct table *table = s->with.table;

    for (uint16_t i = 0; i < s->scan->columns_count; i++) {
        uint16_t level = 0, at = s->builder_of[i];
        if (at < s->decoded)
            continue;
        while (table->partition[level] != s->scan->scan.columns[i].table_column)
            level++;
        const struct folder *folder = &s->files[split].folders[level];
        if (folder->null)
            column_put_null(&s->builder.cols[at]);
        else
            column_put_value(&s->builder.cols[at], &folder->value);
    }
}

static void fresh(struct source_file *s)
{
    arena_reset(&s->chunk_arena);
    chunk_builder_init(&s->builder, &s->chunk_arena, s->types, s->scan->columns_count, CHUNK_ROWS);
}

static enum status one_line(struct source_file *s, uint32_t split, int64_t position,
                            struct bytes line)
{
    struct diag diag = {0};
    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (!line.len)
        return ST_OK;
    switch (format_decode(s->decoder, line, s->builder.cols, &diag)) {
    case FORMAT_ROW:
        if (s->origins)
            s->origins[s->builder.rows] = origin_of(s->scan->id, split, position);
        put_folders(s, split);
        chunk_builder_row(&s->builder, ROW_INSERT);
        return ST_OK;
    case FORMAT_BAD:
        s->env->on_error(s->env->on_error_context,
                         &(struct source_error){s->with.table->name, (int32_t)split, position, BYTES_NONE, line,
                                                diag.message});
        break;
    case FORMAT_SKIP:
        break;
    }
    chunk_builder_undo(&s->builder);
    return ST_OK;
}

/* A chunk's lines; the next call fills anew from where they end. */
static enum status file_run(struct source *source, uint32_t split, int64_t *position, int64_t end)
{
    struct source_file *s = (struct source_file *)source;
    TRY(fill(s, split, *position, (size_t)(end - *position)));
    fresh(s);
    struct bytes all = buf_view(&s->bytes);
    size_t at = 0;
    while (at < all.len && !chunk_builder_full(&s->builder)) {
        size_t newline = bytes_find(all, '\n', at);
        TRY(one_line(s, split, *position + (int64_t)at, bytes_of(all.ptr + at, newline - at)));
        at = newline + 1;
    }
    *position = at < all.len ? *position + (int64_t)at : end;
    return emit(s);
}

const struct source_class source_filesystem_class = {
    .connector = "filesystem",
    .open = file_open, .splits = file_splits, .start = file_start, .take = file_take,
    .run = file_run, .bound = file_bound, .close = file_close,
};
