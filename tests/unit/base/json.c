/* JSON both ways: what is written reads back, what is not JSON is refused with its place. */
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "lib/test.h"

#include <math.h>
#include <stdlib.h>

TEST(json_writer_nests_and_escapes)
{
    struct buf out;
    struct json_writer w;

    buf_init(&out, 0);
    json_writer_init(&w, &out);
    json_object_begin(&w);
    json_key_i64(&w, "n", -5);
    json_key(&w, "list");
    json_array_begin(&w);
    json_f64(&w, 0.1);
    json_f64(&w, NAN);
    json_array_begin(&w);
    json_array_end(&w);
    json_object_begin(&w);
    json_object_end(&w);
    json_array_end(&w);
    json_key_text(&w, "t\"", BYTES_LITERAL("a\n\x01\xC3\xA9\xFF\\"));
    json_key_str(&w, "none", NULL);
    json_key_bool(&w, "yes", true);
    json_object_end(&w);
    EXPECT_BYTES(buf_view(&out),
                 BYTES_LITERAL("{\"n\":-5,\"list\":[0.1,null,[],{}],\"t\\\"\":\"a\\n\\u0001\xC3\xA9"
                               "\xEF\xBF\xBD\\\\\",\"none\":null,\"yes\":true}"));
    buf_deinit(&out);
}

TEST(json_reader_cuts_a_run_of_values)
{
    struct json_cursor c = json_cursor_of(BYTES_LITERAL(" {\"a\": [1, {\"b\":null}]}\n7 \"x\"\n[]"));
    struct bytes v;

    EXPECT(json_next(&c, &v));
    EXPECT_BYTES(v, BYTES_LITERAL("{\"a\": [1, {\"b\":null}]}"));
    EXPECT(json_next(&c, &v));
    EXPECT_BYTES(v, BYTES_LITERAL("7"));
    EXPECT(json_next(&c, &v));
    EXPECT_INT(json_kind_of(v), JSON_STRING);
    EXPECT(json_next(&c, &v));
    EXPECT_INT(json_kind_of(v), JSON_ARRAY);
    EXPECT(!json_next(&c, &v) && !c.error);
}

TEST(json_reader_refuses_what_is_not_json)
{
    static const char *const bad[] = {
        "",      "{",       "[1,]",     "{\"a\"}",   "{\"a\":}", "{a:1}", "01",     "1.",
        "-",     "1e",      "tru",      "\"a",       "\"\\x\"",  "[1 2]", "\"\n\"", "nul",
        "[1]]",  "{\"a\":1,}", "\"\\u12g4\"", "\"\xFF\"", ".5",   "+1",    "[",      "'a'",
    };
    static const char *const good[] = {"0",    "-0.5e+10", "{}",   "[]", "\"\\u00e9\"", "[[[]]]",
                                       "null", "{\"a\":{\"b\":[true,false]}}"};
    struct json_cursor error;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (json_is_one(bytes_str(bad[i]), &error) || !error.error)
            test_fail(__FILE__, __LINE__, "accepted: %s", bad[i]);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!json_is_one(bytes_str(good[i]), &error))
            test_fail(__FILE__, __LINE__, "refused: %s (%s)", good[i], error.error);
}

TEST(json_reader_bounds_the_depth)
{
    char text[2 * (JSON_DEPTH_MAX + 1)];
    for (size_t extra = 0; extra < 2; extra++) {
        /* the innermost, empty one is not entered, so the bound counts the levels around it */
        size_t depth = JSON_DEPTH_MAX + extra;
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        EXPECT_INT(json_is_one(bytes_of(text, 2 * depth), NULL), true);
    }
    char deep[2 * (JSON_DEPTH_MAX + 2)];
    memset(deep, '[', JSON_DEPTH_MAX + 2);
    memset(deep + JSON_DEPTH_MAX + 2, ']', JSON_DEPTH_MAX + 2);
    EXPECT(!json_is_one(bytes_of(deep, sizeof deep), NULL));
}

TEST(json_reader_walks_members_and_decodes)
{
    struct bytes object =
        BYTES_LITERAL("{ \"a\" : 1 , \"b\\u0061\":\"x\\ud83d\\ude00\\n\\ud800y\", \"c\":[1, \"2\" ] }");
    struct bytes v;
    struct buf out;

    EXPECT(json_is_one(object, NULL));
    EXPECT(json_member(object, "a", &v));
    EXPECT_BYTES(v, BYTES_LITERAL("1"));
    EXPECT(json_member(object, "ba", &v));
    buf_init(&out, 0);
    json_string_decode(v, &out);
    EXPECT_BYTES(buf_view(&out), BYTES_LITERAL("x\xF0\x9F\x98\x80\n\xEF\xBF\xBDy"));
    buf_deinit(&out);
    EXPECT(!json_member(object, "z", &v));
    EXPECT(json_member(object, "c", &v));
    struct json_iter it = json_iter_of(v);
    EXPECT(json_array_next(&it, &v));
    EXPECT_BYTES(v, BYTES_LITERAL("1"));
    EXPECT(json_array_next(&it, &v));
    EXPECT_BYTES(v, BYTES_LITERAL("\"2\""));
    EXPECT(!json_array_next(&it, &v));
}
