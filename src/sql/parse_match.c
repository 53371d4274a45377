/* MATCH_RECOGNIZE ( … ) behind a table. */
#include "sql/parser.h"

/* measures -> expr AS name { ',' … } */
static void parse_measures(struct parser *p, struct ast_match *match)
{
    struct list list = {0};

    do {
        struct ast_measure *m = LIST_ADD(p, &list, struct ast_measure);
        if (is_word(p->at, "RUNNING"))
            parser_unsupported(p, p->at, "RUNNING in MEASURES");
        p->in_measures = true;
        m->expr = parse_expr(p);
        p->in_measures = false;
        expect_word(p, "AS");
        m->at = p->at;
        m->name = expect_name(p, "a measure's name");
    } while (!p->failed && accept_sign(p, ","));
    match->measures = list.items;
    match->measures_count = (uint16_t)list.count;
}

/* rows -> ONE ROW PER MATCH */
static void parse_rows_per_match(struct parser *p)
{
    if (is_word(p->at, "ALL")) {
        parser_unsupported(p, p->at, "ALL ROWS PER MATCH");
        return;
    }
    if (!accept_word(p, "ONE"))
        return;
    expect_word(p, "ROW");
    expect_word(p, "PER");
    expect_word(p, "MATCH");
}

/* skip -> AFTER MATCH SKIP ( PAST LAST ROW | TO ( NEXT ROW | FIRST name | [ LAST ] name ) ) */
static void parse_skip(struct parser *p, struct ast_match *match)
{
    if (!accept_word(p, "AFTER"))
        return;
    expect_word(p, "MATCH");
    expect_word(p, "SKIP");
    if (accept_word(p, "PAST")) {
        expect_word(p, "LAST");
        expect_word(p, "ROW");
        match->skip = SKIP_PAST_LAST;
        return;
    }
    expect_word(p, "TO");
    if (at_word(p, "NEXT") && is_word(p->at + 1, "ROW")) {
        p->at += 2;
        return;
    }
    match->skip = accept_word(p, "FIRST") ? SKIP_TO_FIRST : SKIP_TO_LAST;
    if (match->skip == SKIP_TO_LAST)
        accept_word(p, "LAST");
    match->skip_at = p->at;
    match->skip_to = expect_name(p, "a variable of the pattern");
}

/* ---- PATTERN ---- */

/* A count in { }; they are more than any pattern has states for, which the binder says. */
static int64_t parse_count(struct parser *p)
{
    return expect_integer(p, "a number of rows");
}

/* braces -> '{' n '}' | '{' n ',' [ m ] '}' */
static void parse_braces(struct parser *p, struct ast_pattern *out)
{
    if (is_sign(p->at, ",")) {
        parser_unsupported(p, p->at, "{,m} in a PATTERN");
        diag_hint(p->diag, "write {0,m}");
        return;
    }
    out->least = out->most = parse_count(p);
    if (accept_sign(p, ","))
        out->most = is_sign(p->at, "}") ? -1 : parse_count(p);
    expect_sign(p, "}");
}

/* quantifier -> ( '*' | '+' | '?' | braces ) [ '?' ] */
static bool parse_quantifier(struct parser *p, struct ast_pattern *out)
{
    if (accept_sign(p, "*")) {
        out->least = 0, out->most = -1;
    } else if (accept_sign(p, "+")) {
        out->least = 1, out->most = -1;
    } else if (accept_sign(p, "?")) {
        out->least = 0, out->most = 1;
    } else if (is_sign(p->at, "{") && !is_sign(p->at + 1, "-")) {
        parser_next(p);
        parse_braces(p, out);
    } else {
        return false;
    }
    out->quantified = true;
    out->reluctant = accept_sign(p, "?");
    return true;
}

static void parse_pattern(struct parser *p, struct list *out);

/* What SQL has for a pattern and Flink does not run. */
static bool refuse_in_pattern(struct parser *p)
{
    const char *what = NULL;

    if (is_sign(p->at, "|") || is_sign(p->at, "||"))
        what = "alternation (A | B) in a PATTERN";
    else if (is_sign(p->at, "^"))
        what = "the anchor ^ in a PATTERN";
    else if (is_sign(p->at, "{") && is_sign(p->at + 1, "-"))
        what = "exclusion {- … -} in a PATTERN";
    else if (is_word(p->at, "PERMUTE") && is_sign(p->at + 1, "("))
        what = "PERMUTE in a PATTERN";
    if (what)
        parser_unsupported(p, p->at, what);
    return what != NULL;
}

/* A group of one variable is that variable; one of several can have no quantifier. */
static void parse_group(struct parser *p, struct list *out)
{
    const struct token *at = parser_next(p);
    uint32_t before = out->count;
    struct ast_pattern ignored;

    if (!parser_enter(p))
        return;
    parse_pattern(p, out);
    expect_sign(p, ")");
    parser_leave(p);
    if (p->failed)
        return;
    struct ast_pattern *last = (struct ast_pattern *)out->items + out->count - 1;
    bool single = out->count == before + 1 && !last->quantified;
    if (parse_quantifier(p, single ? last : &ignored) && !single)
        parser_unsupported(p, at, "a quantifier behind a group of several variables");
}

/* pattern -> { name [ quantifier ] | '(' pattern ')' [ quantifier ] } */
static void parse_pattern(struct parser *p, struct list *out)
{
    do {
        if (refuse_in_pattern(p))
            return;
        if (is_sign(p->at, "(")) {
            parse_group(p, out);
            continue;
        }
        struct ast_pattern *item = LIST_ADD(p, out, struct ast_pattern);
        item->at = p->at;
        item->name = expect_name(p, "a variable of the pattern");
        item->least = item->most = 1;
        parse_quantifier(p, item);
    } while (!p->failed && !is_sign(p->at, ")"));
}

/* ---- DEFINE ---- */

/* defines -> name AS expr { ',' … } */
static void parse_defines(struct parser *p, struct ast_match *match)
{
    struct list list = {0};

    do {
        struct ast_measure *d = LIST_ADD(p, &list, struct ast_measure);
        d->at = p->at;
        d->name = expect_name(p, "a variable of the pattern");
        expect_word(p, "AS");
        d->expr = parse_expr(p);
    } while (!p->failed && accept_sign(p, ","));
    match->defines = list.items;
    match->defines_count = (uint16_t)list.count;
}

/* match -> MATCH_RECOGNIZE '(' [ PARTITION BY exprs ] [ ORDER BY sorts ] [ MEASURES measures ] [ rows ] [ skip ]
 *          PATTERN '(' pattern ')' [ WITHIN interval ] DEFINE defines ')' */
struct ast_match *parse_match(struct parser *p)
{
    struct ast_match *match = ARENA_NEW(p->arena, struct ast_match);
    struct list pattern = {0};

    match->at = parser_next(p);
    expect_sign(p, "(");
    if (accept_words(p, "PARTITION", "BY"))
        match->partition = parse_exprs(p, &match->partition_count);
    if (accept_words(p, "ORDER", "BY"))
        match->order = parse_sorts(p, &match->order_count);
    if (accept_word(p, "MEASURES"))
        parse_measures(p, match);
    parse_rows_per_match(p);
    parse_skip(p, match);
    expect_word(p, "PATTERN");
    expect_sign(p, "(");
    parse_pattern(p, &pattern);
    expect_sign(p, ")");
    match->pattern = pattern.items;
    match->pattern_count = (uint16_t)pattern.count;
    if (accept_word(p, "WITHIN")) {
        match->within_at = p->at;
        match->within = parse_expr(p);
    }
    if (is_word(p->at, "SUBSET"))
        parser_unsupported(p, p->at, "SUBSET");
    expect_word(p, "DEFINE");
    parse_defines(p, match);
    expect_sign(p, ")");
    return p->failed ? NULL : match;
}
