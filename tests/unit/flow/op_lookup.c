/* Lookup joins on an outside system: rows ask, wait, and are told in order with what was answered. */
#include <stdio.h>

#include "data/format/format.h"
#include "data/func.h"
#include "lib/ops.h"
#include "lib/test.h"

static struct arena plans;
static struct table_lookup rules;
static struct table table;
static struct plan_lookup lookup;

/* o(k, n) with c(k, v): the left asks by k for k2 and v. */
static struct plan_node *lookup_node(enum join_kind kind)
{
    arena_deinit(&plans);
    arena_init(&plans, ARENA_BUDGET_NONE);
    struct plan_node *left = rig_input(&plans, "k text, n bigint");
    struct plan_node *right = rig_input(&plans, "k text, asked bigint, kind int");
    struct plan_node *node = rig_node(&plans, PLAN_LOOKUP_JOIN, "k text, n bigint, k2 text, v bigint", left, right);
    struct type_field *fields = ARENA_ARRAY(&plans, struct type_field, 2);

    fields[0] = (struct type_field){.name = BYTES_LITERAL("k2"), .type = type_simple(TYPE_VARCHAR)};
    fields[1] = (struct type_field){.name = BYTES_LITERAL("v"), .type = type_simple(TYPE_BIGINT)};
    rules = (struct table_lookup){.connector = "twin"};
    table.lookup = &rules;
    lookup = (struct plan_lookup){.table = &table, .keys_count = 1, .columns_count = 2,
                                  .row = type_row(&plans, fields, 2)};
    right->columns[right->columns_count++] = (struct plan_column){
        .name = BYTES_LITERAL("rows"), .type = type_list(&plans, TYPE_ARRAY, lookup.row, NULL)};
    node->join = (struct plan_join){.kind = kind, .left_keys = rig_columns(&plans, "0"), .lookup = &lookup,
                                    .right_keys = rig_columns(&plans, "0"), .keys_count = 1};
    return node;
}

/* Answers as JSON, a line each: {"k":"a","asked":1,"kind":0,"rows":[{"k2":"a","v":1}]} */
static void answer(struct op_rig *rig, const char *lines)
{
    const struct plan_node *of = rig->node->inputs[1].node;
    struct type_field fields[4];
    struct schema schema = {4, fields};
    struct format_spec spec = {.name = BYTES_LITERAL("json"), .schema = &schema};
    struct format_decoder *decoder;
    struct chunk_builder b;
    struct diag diag = {0};
    struct bytes text = bytes_str(lines);
    struct arena arena;

    arena_init(&arena, ARENA_BUDGET_NONE);
    for (int i = 0; i < 4; i++)
        fields[i] = (struct type_field){.name = of->columns[i].name, .type = of->columns[i].type};
    EXPECT_OK(format_decoder_open(&spec, &decoder, &diag));
    chunk_builder_init_schema(&b, &arena, &schema, 100);
    while (text.len) {
        size_t end = bytes_find(text, '\n', 0);
        EXPECT_INT(format_decode(decoder, bytes_head(text, end), b.cols, &diag), FORMAT_ROW);
        chunk_builder_row(&b, ROW_INSERT);
        text = bytes_skip(text, end < text.len ? end + 1 : end);
    }
    struct chunk chunk = chunk_builder_done(&b);
    rig_chunk(rig, 1, &chunk);
    format_decoder_close(decoder);
    arena_deinit(&arena);
}

static void tick(struct op_rig *rig, uint64_t number, int64_t now_ms)
{
    rig->ctx.tick = number;
    rig_clock(rig, now_ms);
}

static void begin(struct op_rig *rig, struct plan_node *node)
{
    rig_open(rig, node);
    tick(rig, 1, 1000);
}

#define ROW(k, asked, rows) "{\"k\":\"" k "\",\"asked\":" #asked ",\"kind\":0,\"rows\":[" rows "]}"
#define OF(k, v)            "{\"k2\":\"" k "\",\"v\":" #v "}"

TEST(a_row_asks_once_a_tick_waits_and_is_told_in_order)
{
    struct op_rig rig;
    begin(&rig, lookup_node(JOIN_INNER));
    rig_in(&rig, 0, "a 1 | b 2 | a 3 | null 4 | c 5");
    EXPECT_STR(rig_out(&rig), "? {\"k\":\"a\",\"$asked\":1} | ? {\"k\":\"b\",\"$asked\":1} | ? {\"k\":\"c\",\"$asked\":1}");
    rig_reload(&rig);
    tick(&rig, 2, 2000);
    answer(&rig, ROW("b", 1, OF("b", 20)));
    EXPECT_STR(rig_out(&rig), ""); /* it waits for a */
    EXPECT_INT(rig.class->waiting(rig.node, rig.state), 5);
    rig_reload(&rig);
    tick(&rig, 3, 3000);
    answer(&rig, ROW("a", 1, OF("a", 10) "," OF("a", 11)));
    EXPECT_STR(rig_out(&rig), "+I a 1 a 10 | +I a 1 a 11 | +I b 2 b 20 | +I a 3 a 10 | +I a 3 a 11");
    rig_reload(&rig);
    answer(&rig, ROW("c", 1, ""));
    EXPECT_STR(rig_out(&rig), "");
    EXPECT_INT(rig.class->waiting(rig.node, rig.state), 0);
    uint64_t rows, bytes;
    rig.class->measure(rig.node, rig.state, &rows, &bytes);
    EXPECT_INT(rows, 0);
    rig_close(&rig);
}

TEST(a_left_lookup_pads_what_is_not_found_or_does_not_pass)
{
    struct op_rig rig;
    struct plan_node *node = lookup_node(JOIN_LEFT);
    const struct expr *args[2] = {expr_column(&plans, 1, node->columns[1].type),
                                  expr_column(&plans, 3, node->columns[3].type)};
    struct diag diag = {0};
    node->join.condition = func_bind(&plans, bytes_str("<"), args, 2, &diag);
    begin(&rig, node);
    rig_in(&rig, 0, "null 1 | a 5 | a 50 | b 1");
    EXPECT_STR(rig_out(&rig), "? {\"k\":\"a\",\"$asked\":1} | ? {\"k\":\"b\",\"$asked\":1} | +I null 1 null null");
    tick(&rig, 2, 2000);
    answer(&rig, ROW("a", 1, OF("a", 10) "," OF("a", 3) "," OF("a", 30)) "\n" ROW("b", 1, ""));
    EXPECT_STR(rig_out(&rig), "+I a 5 a 10 | +I a 5 a 30 | +I a 50 null null | +I b 1 null null");
    rig_close(&rig);
}

TEST(without_a_cache_a_row_meets_nothing_older_than_itself)
{
    struct op_rig rig;
    begin(&rig, lookup_node(JOIN_INNER));
    rig_in(&rig, 0, "a 1");
    tick(&rig, 2, 2000);
    rig_in(&rig, 0, "a 2 | a 3");
    EXPECT_STR(rig_out(&rig), "? {\"k\":\"a\",\"$asked\":1} | ? {\"k\":\"a\",\"$asked\":2}");
    tick(&rig, 3, 3000);
    answer(&rig, ROW("a", 1, OF("a", 10)));
    EXPECT_STR(rig_out(&rig), "+I a 1 a 10");
    rig_reload(&rig);
    answer(&rig, ROW("a", 2, OF("a", 20)) "\n" ROW("a", 2, OF("a", 99))); /* the second is nobody's */
    EXPECT_STR(rig_out(&rig), "+I a 2 a 20 | +I a 3 a 20");
    rig_in(&rig, 0, "a 4");
    EXPECT_STR(rig_out(&rig), "? {\"k\":\"a\",\"$asked\":3}");
    rig_close(&rig);
}

TEST(a_cache_answers_until_its_answer_is_too_old)
{
    struct op_rig rig;
    struct plan_node *node = lookup_node(JOIN_LEFT);
    rules.cached = rules.keep_missing = true;
    rules.write_us = 5000000;
    rules.access_us = 3000000;
    begin(&rig, node);
    rig_in(&rig, 0, "a 1 | b 1");
    tick(&rig, 2, 2000);
    rig_in(&rig, 0, "a 2"); /* shares the question */
    (void)rig_out(&rig);
    answer(&rig, ROW("a", 1, OF("a", 10)) "\n" ROW("b", 1, ""));
    EXPECT_STR(rig_out(&rig), "+I a 1 a 10 | +I b 1 null null | +I a 2 a 10");
    rig_reload(&rig);
    tick(&rig, 3, 4900);
    rig_in(&rig, 0, "a 3 | b 3");
    EXPECT_STR(rig_out(&rig), "+I a 3 a 10 | +I b 3 null null");
    EXPECT_INT(rig.ctx.lookups.hits, 2);
    EXPECT_INT(rig.ctx.lookups.misses, 3); /* a 2 shared a question, and found nothing in the cache */
    rig_reload(&rig);
    tick(&rig, 4, 6999);
    rig_in(&rig, 0, "a 4");
    EXPECT_STR(rig_out(&rig), "+I a 4 a 10");
    tick(&rig, 5, 7000); /* 5 s since it came */
    rig_in(&rig, 0, "a 5");
    EXPECT_STR(rig_out(&rig), "? {\"k\":\"a\",\"$asked\":5}");
    answer(&rig, ROW("a", 5, OF("a", 12)));
    (void)rig_out(&rig);
    tick(&rig, 6, 10000); /* 3 s since it was used */
    rig_in(&rig, 0, "a 6");
    EXPECT_STR(rig_out(&rig), "? {\"k\":\"a\",\"$asked\":6}");
    rig_close(&rig);
}

TEST(a_cache_lets_the_least_recently_used_go_and_missing_keys_where_it_is_told_to)
{
    struct op_rig rig;
    struct plan_node *node = lookup_node(JOIN_INNER);
    rules.cached = true;
    rules.keys_max = 2;
    begin(&rig, node);
    rig_in(&rig, 0, "a 1 | b 1 | c 1 | d 1");
    (void)rig_out(&rig);
    answer(&rig, ROW("a", 1, OF("a", 1)) "\n" ROW("b", 1, OF("b", 2)) "\n" ROW("c", 1, ""));
    EXPECT_STR(rig_out(&rig), "+I a 1 a 1 | +I b 1 b 2");
    tick(&rig, 2, 2000);
    rig_in(&rig, 0, "a 2");
    answer(&rig, ROW("d", 1, OF("d", 4)));
    EXPECT_STR(rig_out(&rig), "+I d 1 d 4 | +I a 2 a 1"); /* a waited for d */
    rig_reload(&rig);
    tick(&rig, 3, 3000);
    rig_in(&rig, 0, "d 3 | a 3 | b 3 | c 3");
    EXPECT_STR(rig_out(&rig), "? {\"k\":\"b\",\"$asked\":3} | ? {\"k\":\"c\",\"$asked\":3} | +I d 3 d 4 | +I a 3 a 1");
    rig_close(&rig);
}

TEST(what_is_told_instead_is_not_kept_and_stale_is_the_last_answer)
{
    struct op_rig rig;
    struct plan_node *node = lookup_node(JOIN_LEFT);
    rules.cached = rules.stale = true;
    rules.write_us = 1000000;
    begin(&rig, node);
    rig_in(&rig, 0, "a 1 | b 1");
    (void)rig_out(&rig);
    answer(&rig, ROW("a", 1, OF("a", 10)) "\n{\"k\":\"b\",\"asked\":1,\"kind\":1,\"rows\":[" OF("b", 77) "]}");
    EXPECT_STR(rig_out(&rig), "+I a 1 a 10 | +I b 1 b 77");
    rig_reload(&rig);
    tick(&rig, 2, 9000);
    rig_in(&rig, 0, "a 2 | b 2");
    EXPECT_STR(rig_out(&rig), "? {\"k\":\"a\",\"$asked\":2} | ? {\"k\":\"b\",\"$asked\":2}");
    rig_reload(&rig);
    answer(&rig, "{\"k\":\"a\",\"asked\":2,\"kind\":2,\"rows\":[]}\n{\"k\":\"b\",\"asked\":2,\"kind\":2,\"rows\":[]}");
    EXPECT_STR(rig_out(&rig), "+I a 2 a 10 | +I b 2 null null");
    EXPECT_INT(rig.ctx.lookups.stale, 1); /* b had none to take */
    EXPECT_INT(rig.ctx.lookups.hits, 0);
    EXPECT_INT(rig.ctx.lookups.misses, 4);
    tick(&rig, 3, 9001);
    rig_in(&rig, 0, "a 3"); /* it is as old as before */
    EXPECT_STR(rig_out(&rig), "? {\"k\":\"a\",\"$asked\":3}");
    rig_close(&rig);
}

TEST(a_watermark_passes_when_the_rows_before_it_are_told)
{
    struct op_rig rig;
    begin(&rig, lookup_node(JOIN_INNER));
    EXPECT_INT(rig.class->passes(rig.node, rig.state, 5), 5);
    rig_mark(&rig, 10);
    rig_in(&rig, 0, "a 1");
    rig_mark(&rig, 20);
    rig_in(&rig, 0, "b 2");
    rig_mark(&rig, 30);
    (void)rig_out(&rig);
    EXPECT_INT(rig.class->passes(rig.node, rig.state, 30000), 10000);
    rig_reload(&rig);
    answer(&rig, ROW("a", 1, OF("a", 1)));
    EXPECT_INT(rig.class->passes(rig.node, rig.state, 30000), 20000);
    answer(&rig, ROW("b", 1, ""));
    EXPECT_INT(rig.class->passes(rig.node, rig.state, 30000), 30000);
    rig_close(&rig);
}

TEST(updates_of_the_left_pass_with_their_kinds_in_order)
{
    struct op_rig rig;
    struct plan_node *node = lookup_node(JOIN_INNER);
    node->inputs[0].node->changes = CHANGE_UPDATE | CHANGE_UPDATE_BEFORE | CHANGE_DELETE;
    lookup.hint.unordered = true; /* not with updates */
    begin(&rig, node);
    rig_in(&rig, 0, "+I a 1 | -U a 1 | +U b 1 | -D b 1");
    (void)rig_out(&rig);
    answer(&rig, ROW("b", 1, OF("b", 2)));
    EXPECT_STR(rig_out(&rig), "");
    answer(&rig, ROW("a", 1, OF("a", 1)));
    EXPECT_STR(rig_out(&rig), "+I a 1 a 1 | -U a 1 a 1 | +U b 1 b 2 | -D b 1 b 2");
    rig_close(&rig);
}

TEST(rows_that_may_overtake_are_told_as_they_are_answered)
{
    struct op_rig rig;
    struct plan_node *node = lookup_node(JOIN_INNER);
    lookup.hint.unordered = true;
    begin(&rig, node);
    rig_mark(&rig, 10);
    rig_in(&rig, 0, "a 1 | b 2 | a 3 | b 4");
    (void)rig_out(&rig);
    rig_mark(&rig, 20);
    answer(&rig, ROW("b", 1, OF("b", 2)));
    EXPECT_STR(rig_out(&rig), "+I b 2 b 2 | +I b 4 b 2");
    EXPECT_INT(rig.class->passes(rig.node, rig.state, 20000), 10000);
    rig_reload(&rig);
    answer(&rig, ROW("a", 1, OF("a", 1)));
    EXPECT_STR(rig_out(&rig), "+I a 1 a 1 | +I a 3 a 1");
    rig_close(&rig);
}

/* So often again, 100 ms after each answer that says nothing. */
static void ask_again(uint32_t retries)
{
    lookup.hint.retries = retries;
    lookup.hint.retry_us = 100000;
}

TEST(a_row_for_which_there_is_nothing_is_asked_for_again_when_its_time_has_come)
{
    struct op_rig rig;
    struct plan_node *node = lookup_node(JOIN_LEFT);
    ask_again(2);
    begin(&rig, node);
    rig_in(&rig, 0, "a 1 | b 2");
    (void)rig_out(&rig);
    tick(&rig, 2, 1010);
    answer(&rig, ROW("a", 1, "") "\n" ROW("b", 1, OF("b", 20)));
    EXPECT_STR(rig_out(&rig), ""); /* b waits for a, which rests */
    EXPECT_INT(rig.class->waiting(rig.node, rig.state), 2);
    EXPECT_INT(rig.alarm_us, 1110000);
    rig_reload(&rig);
    tick(&rig, 3, 1109);
    EXPECT_STR(rig_out(&rig), "");
    tick(&rig, 4, 1110);
    EXPECT_STR(rig_out(&rig), "? {\"k\":\"a\",\"$asked\":4}");
    rig_reload(&rig);
    tick(&rig, 5, 1120);
    answer(&rig, ROW("a", 4, ""));
    tick(&rig, 6, 1220);
    EXPECT_STR(rig_out(&rig), "? {\"k\":\"a\",\"$asked\":6}");
    EXPECT_INT(rig.ctx.lookups.retried, 2);
    rig_reload(&rig);
    tick(&rig, 7, 1230);
    answer(&rig, ROW("a", 6, "")); /* the third time: so it is */
    EXPECT_STR(rig_out(&rig), "+I a 1 null null | +I b 2 b 20");
    tick(&rig, 8, 5000);
    EXPECT_STR(rig_out(&rig), "");
    rig_close(&rig);
}

TEST(what_is_found_for_a_later_row_is_a_resting_row_s_answer_too_and_what_is_not_counts_for_its_own_alone)
{
    struct op_rig rig;
    struct plan_node *node = lookup_node(JOIN_LEFT);
    ask_again(1);
    begin(&rig, node);
    rig_in(&rig, 0, "a 1");
    answer(&rig, ROW("a", 1, ""));
    tick(&rig, 2, 1050);
    rig_in(&rig, 0, "a 2");
    EXPECT_STR(rig_out(&rig), "? {\"k\":\"a\",\"$asked\":1} | ? {\"k\":\"a\",\"$asked\":2}");
    rig_reload(&rig);
    answer(&rig, ROW("a", 2, "")); /* a 1 is asked for at 1100, a 2 at 1150 */
    tick(&rig, 3, 1100);
    EXPECT_STR(rig_out(&rig), "? {\"k\":\"a\",\"$asked\":3}");
    answer(&rig, ROW("a", 3, ""));
    EXPECT_STR(rig_out(&rig), "+I a 1 null null");
    rig_reload(&rig);
    rig_in(&rig, 0, "a 3");
    EXPECT_STR(rig_out(&rig), "? {\"k\":\"a\",\"$asked\":3}");
    answer(&rig, ROW("a", 3, OF("a", 10)));
    EXPECT_STR(rig_out(&rig), "+I a 2 a 10 | +I a 3 a 10");
    tick(&rig, 4, 1200);
    EXPECT_STR(rig_out(&rig), ""); /* nobody rests */
    rig_close(&rig);
}

TEST(that_there_is_nothing_is_not_kept_while_it_is_asked_again)
{
    struct op_rig rig;
    struct plan_node *node = lookup_node(JOIN_LEFT);
    rules.cached = rules.keep_missing = true;
    ask_again(1);
    begin(&rig, node);
    rig_in(&rig, 0, "a 1 | b 1");
    answer(&rig, ROW("a", 1, "") "\n{\"k\":\"b\",\"asked\":1,\"kind\":1,\"rows\":[]}");
    EXPECT_STR(rig_out(&rig), "? {\"k\":\"a\",\"$asked\":1} | ? {\"k\":\"b\",\"$asked\":1}");
    tick(&rig, 2, 1100);
    EXPECT_STR(rig_out(&rig), "? {\"k\":\"a\",\"$asked\":2}"); /* what is told instead is not asked again */
    answer(&rig, ROW("a", 2, ""));
    EXPECT_STR(rig_out(&rig), "+I a 1 null null | +I b 1 null null");
    rig_in(&rig, 0, "a 2");
    EXPECT_STR(rig_out(&rig), "+I a 2 null null");
    EXPECT_INT(rig.ctx.lookups.hits, 1);
    rig_close(&rig);
}

/* Else a later row would share a question that has its answer long since. */
TEST(a_question_is_over_with_its_answer_though_nobody_waits_for_it_any_more)
{
    struct op_rig rig;
    struct plan_node *node = lookup_node(JOIN_LEFT);
    rules.cached = true;
    rules.write_us = 5000000;
    ask_again(3);
    begin(&rig, node);
    rig_in(&rig, 0, "a 1");
    answer(&rig, ROW("a", 1, ""));
    tick(&rig, 2, 1050);
    rig_in(&rig, 0, "a 2");
    tick(&rig, 3, 1100);
    EXPECT_STR(rig_out(&rig), "? {\"k\":\"a\",\"$asked\":1} | ? {\"k\":\"a\",\"$asked\":2} | ? {\"k\":\"a\",\"$asked\":3}");
    answer(&rig, ROW("a", 2, OF("a", 10)));
    EXPECT_STR(rig_out(&rig), "+I a 1 a 10 | +I a 2 a 10");
    answer(&rig, ROW("a", 3, OF("a", 11)));
    tick(&rig, 4, 9000);
    rig_in(&rig, 0, "a 4");
    EXPECT_STR(rig_out(&rig), "? {\"k\":\"a\",\"$asked\":4}");
    rig_close(&rig);
}

TEST(an_answer_of_many_rows_is_told_whole)
{
    struct op_rig rig;
    struct buf text;
    begin(&rig, lookup_node(JOIN_INNER));
    rig.quiet = true;
    rig_in(&rig, 0, "a 1 | a 2 | b 3");
    buf_init(&text, 0);
    buf_str(&text, "{\"k\":\"a\",\"asked\":1,\"kind\":0,\"rows\":[");
    for (int i = 0; i < 5000; i++)
        buf_printf(&text, "%s{\"k2\":%s,\"v\":%d}", i ? "," : "", i % 3 ? "\"a\"" : "null", i);
    buf_str(&text, "]}\n" ROW("b", 1, OF("b", 1)));
    buf_u8(&text, 0);
    answer(&rig, (const char *)text.ptr);
    EXPECT_INT(rig.rows_out, 10001);
    buf_deinit(&text);
    rig_close(&rig);
}
