/* The hint STATE_TTL('a' = '1 d', …) behind SELECT: how long the state of a join's side, or of an aggregate, is kept. The names are
 * those of what stands in FROM: an alias, or else the table or view; not what is within a view or a query in brackets. */
#include "base/suggest.h"
#include "sql/bind.h"

struct bytes input_name(const struct ast_from *from)
{
    if (from->alias.len > 0)
        return from->alias;
    return from->kind == FROM_TABLE ? from->name : BYTES_NONE;
}

enum { INPUTS_MAX = 64 }; /* that are looked through for what was meant */

struct inputs {
    struct binder *b;
    const char *names[INPUTS_MAX];
    size_t count;
    struct bytes wanted;
    bool found;
};

static void inputs_walk(struct inputs *in, const struct ast_from *from)
{
    struct bytes name = input_name(from);

    if (name.len == 0 && from->kind == FROM_JOIN) {
        inputs_walk(in, from->left);
        inputs_walk(in, from->right);
        return;
    }
    in->found |= name.len > 0 && bytes_equal(name, in->wanted);
    if (name.len > 0 && in->count < INPUTS_MAX)
        in->names[in->count++] = arena_str(in->b->arena, bytes_head(name, 60));
}

static void refuse_name(struct binder *b, const struct ast_option *ttl, const struct inputs *in)
{
    const char *near_name = suggest(ttl->key, in->names, in->count);

    bind_error(b, ttl->at, DIAG_NAME, "STATE_TTL: nothing in FROM is called `%.*s`",
               BYTES_FMT(bytes_head(ttl->key, 60)));
    if (near_name)
        bind_hint(b, "did you mean '%s'?", near_name);
    else
        bind_hint(b, "the names are the aliases of FROM, or else its tables and views; those within a view or a query in "
                     "brackets have hints of their own");
}

void ttl_check(struct binder *b, const struct ast_options *ttls, const struct ast_from *from)
{
    for (uint16_t i = 0; i < ttls->count && !b->failed; i++) {
        const struct ast_option *ttl = &ttls->items[i];
        struct inputs in = {.b = b, .wanted = ttl->key};
        if (from)
            inputs_walk(&in, from);
        if (!in.found)
            refuse_name(b, ttl, &in);
        else if (settings_duration_us(ttl->value) < 0)
            bind_error(b, ttl->at, DIAG_VALUE, "STATE_TTL of `%.*s` takes a duration such as 6 h, 1 d, 0 s, not '%.*s'",
                       BYTES_FMT(bytes_head(ttl->key, 60)), BYTES_FMT(bytes_head(ttl->value, 60)));
    }
}

void ttl_hint(const struct ast_options *ttls, const struct ast_from *from, struct plan_input *input)
{
    struct bytes name = from ? input_name(from) : BYTES_NONE;

    for (uint16_t i = 0; ttls && name.len > 0 && i < ttls->count; i++) {
        if (!bytes_equal(ttls->items[i].key, name))
            continue;
        input->ttl_us = ttl_of(settings_duration_us(ttls->items[i].value));
        input->ttl_hinted = true;
    }
}
