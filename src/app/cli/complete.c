#include "app/cli/complete.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/cli/client.h"
#include "base/check.h"

static const char *const keywords[] = {
    "ALTER",     "AND",       "AS",       "BETWEEN",   "BY",       "CASE",         "CAST",
    "CREATE",    "DELETE",    "DESCRIBE", "DESCRIPTOR", "DISTINCT", "DROP",        "ELSE",
    "END",       "EXISTS",    "EXPLAIN",  "FILTER",    "FROM",     "FUNCTION",     "GROUP",
    "HAVING",    "HOP",       "INNER",    "INSERT",    "INTERVAL", "INTO",         "JOIN",
    "JOBS",      "LEFT",      "LIKE",     "LIMIT",     "MATERIALIZED", "METADATA", "NOT",
    "NULL",      "ON",        "OR",       "ORDER",     "OVER",     "PARTITION",    "PRIMARY",
    "KEY",       "SELECT",    "SET",      "SHOW",      "TABLE",    "TABLES",       "TEMPORARY",
    "THEN",      "TIMESTAMP", "TOPICS",   "TUMBLE",    "UNION",    "VALUES",       "VIEW",
    "WATERMARK", "WHEN",      "WHERE",    "WITH",      "EXECUTE",  "STATEMENT",    "BEGIN",
};

static void add(struct completer *c, const char *word)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->words[i], word) == 0)
            return;
    if (c->count == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 128;
        c->words = xrealloc(c->words, c->cap * sizeof(*c->words));
    }
    c->words[c->count++] = xstrdup(word);
}

static void forget(struct completer *c)
{
    for (size_t i = 0; i < c->count; i++)
        free(c->words[i]);
    c->count = 0;
}

void completer_init(struct completer *c, const char *url)
{
    *c = (struct completer){.url = url};
}

void completer_deinit(struct completer *c)
{
    forget(c);
    free(c->words);
}

void completer_refresh(struct completer *c)
{
    c->fresh = false;
}

/* The first column of each row of an answer. */
static void add_answer(struct completer *c, const char *sql)
{
    struct client_answer answer;
    size_t i;
    json_t *row;

    client_request(c->url, "POST", "/v1/sql", "text/plain", sql, strlen(sql), &answer);
    json_t *result = json_array_get(json_object_get(answer.json, "results"), 0);
    json_array_foreach(json_object_get(result, "rows"), i, row)
    {
        const char *word = json_string_value(json_array_get(row, 0));
        if (word)
            add(c, word);
    }
    client_free(&answer);
}

static void load(struct completer *c)
{
    size_t tables, from;
    char *sql;

    forget(c);
    for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
        add(c, keywords[i]);
    from = c->count;
    add_answer(c, "SHOW TABLES");
    tables = c->count;
    for (size_t i = from; i < tables && i < from + 50; i++) {
        CHECK(asprintf(&sql, "DESCRIBE `%s`", c->words[i]) >= 0);
        add_answer(c, sql);
        free(sql);
    }
    add_answer(c, "SHOW FUNCTIONS");
    c->fresh = true;
}

static bool is_word(char ch)
{
    return isalnum((unsigned char)ch) || ch == '_' || ch == '$' || (ch & 0x80);
}

static void list(struct completer *c, const char *start, size_t len)
{
    putchar('\n');
    for (size_t i = 0; i < c->count; i++)
        if (strncasecmp(c->words[i], start, len) == 0)
            printf("%s  ", c->words[i]);
    putchar('\n');
}

bool completer_complete(struct completer *c, EditLine *edit)
{
    const LineInfo *line = el_line(edit);
    const char *start = line->cursor;
    const char *shared = NULL;
    size_t len, shared_len = 0, found = 0;
    char typed[128];

    if (!c->fresh)
        load(c);
    while (start > line->buffer && is_word(start[-1]))
        start--;
    len = (size_t)(line->cursor - start);
    if (len == 0 || len >= sizeof(typed))
        return false;
    memcpy(typed, start, len);
    typed[len] = 0;
    for (size_t i = 0; i < c->count; i++) {
        const char *word = c->words[i];
        if (strncasecmp(word, typed, len) != 0)
            continue;
        if (found++ == 0) {
            shared = word;
            shared_len = strlen(word);
        }
        for (size_t k = len; k < shared_len; k++)
            if (word[k] != shared[k])
                shared_len = k;
    }
    if (found == 0)
        return false;
    if (found > 1 && shared_len == len) {
        list(c, typed, len);
        return true;
    }
    char *insert = strndup(shared, shared_len);
    el_deletestr(edit, (int)len);
    el_insertstr(edit, insert);
    if (found == 1)
        el_insertstr(edit, " ");
    free(insert);
    return true;
}
