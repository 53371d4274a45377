/* Protobuf: types from .proto text and from descriptors, messages to columns and back, what is refused. */
#include "data/protobuf/plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/check.h"
#include "data/format/format.h"
#include "data/protobuf/compat.h"
#include "data/protobuf/describe.h"
#include "data/protobuf/text.h"
#include "data/text.h"
#include "lib/data_case.h"
#include "lib/test.h"

static const char three[] =
    "syntax = \"proto3\";\n"
    "package t;\n"
    "enum Color { RED = 0; GREEN = 1; BLUE = 5; NEG = -1; }\n"
    "message All {\n"
    "  double d = 1; float f = 2; int64 l = 3; uint64 ul = 4; int32 i = 5; fixed64 xa = 6; fixed32 xb = 7; bool b = 8;\n"
    "  string s = 9; bytes y = 12; uint32 ui = 13; Color e = 14; sfixed32 xc = 15; sfixed64 xd = 16; sint32 si = 17; sint64 sl = 18;\n"
    "  message In { int32 n = 1; repeated string w = 2; In deeper = 3; }\n"
    "  In m = 20; repeated In ms = 21; repeated int32 is = 22; repeated string ss = 23; repeated Color es = 24;\n"
    "  map<string, int64> p = 25; map<int32, In> pm = 26; optional int32 oi = 27;\n"
    "  oneof pick { int32 a = 30; string c = 31; In o = 32; }\n"
    "  repeated double unpacked = 40 [packed = false];\n"
    "  int32 far = 1000;\n"
    "}\n";

static const char two[] =
    "syntax = \"proto2\";\n"
    "package t2;\n"
    "message Two {\n"
    "  enum Kind { A = 3; B = 4; }\n"
    "  required int32 id = 1;\n"
    "  optional string s = 2 [default = \"a\\\"b\\\\n\"];\n"
    "  optional bytes y = 3 [default = \"\\001x\\377\"];\n"
    "  optional double d = 4 [default = -1.5];\n"
    "  optional Kind k = 5 [default = B];\n"
    "  optional sint32 z = 6 [default = -7];\n"
    "  repeated int32 r = 7;\n"
    "  repeated int32 pr = 8 [packed = true];\n"
    "  optional group Grp = 9 { optional int32 g = 1; }\n"
    "  optional bool t = 10 [default = true];\n"
    "  optional Two next = 11;\n"
    "  map<string, int32> mk = 12;\n"
    "  extensions 100 to 199;\n"
    "}\n";

/* What protoc makes of them. */
static const char three_descriptors[] =
    "0acd060a0b74687265652e70726f746f12017422f9050a03416c6c120c0a0164180120012801520164120c0a0166180220012802520166"
    "120c0a016c18032001280352016c120e0a02756c1804200128045202756c120c0a0169180520012805520169120e0a0278611806200128"
    "0652027861120e0a02786218072001280752027862120c0a0162180820012808520162120c0a0173180920012809520173120c0a017918"
    "0c2001280c520179120e0a027569180d2001280d5202756912160a0165180e2001280e32082e742e436f6c6f72520165120e0a02786318"
    "0f2001280f52027863120e0a02786418102001281052027864120e0a02736918112001281152027369120e0a02736c1812200128125202"
    "736c12170a016d18142001280b32092e742e416c6c2e496e52016d12190a026d7318152003280b32092e742e416c6c2e496e52026d7312"
    "0e0a02697318162003280552026973120e0a0273731817200328095202737312180a02657318182003280e32082e742e436f6c6f725202"
    "6573121b0a017018192003280b320d2e742e416c6c2e50456e747279520170121e0a02706d181a2003280b320e2e742e416c6c2e506d45"
    "6e7472795202706d12130a026f69181b20012805480152026f69880101120e0a0161181e200128054800520161120e0a0163181f200128"
    "09480052016312190a016f18202001280b32092e742e416c6c2e496e480052016f121e0a08756e7061636b656418282003280142021000"
    "5208756e7061636b656412110a0366617218e8072001280552036661721a430a02496e120c0a016e18012001280552016e120c0a017718"
    "022003280952017712210a0664656570657218032001280b32092e742e416c6c2e496e52066465657065721a340a0650456e7472791210"
    "0a036b657918012001280952036b657912140a0576616c7565180220012803520576616c75653a0238011a400a07506d456e7472791210"
    "0a036b657918012001280552036b6579121f0a0576616c756518022001280b32092e742e416c6c2e496e520576616c75653a0238014206"
    "0a047069636b42050a035f6f692a370a05436f6c6f7212070a03524544100012090a05475245454e100112080a04424c5545100512100a"
    "034e454710ffffffffffffffffff01620670726f746f33";
static const char two_descriptors[] =
    "0a96030a0974776f2e70726f746f120274322284030a0354776f120e0a0269641801200228055202696412130a01731802200128093a05"
    "6122625c6e52017312170a017918032001280c3a095c303031785c33373752017912120a01641804200128013a042d312e35520164121d"
    "0a016b18052001280e320c2e74322e54776f2e4b696e643a014252016b12100a017a1806200128113a022d3752017a120c0a0172180720"
    "03280552017212120a0270721808200328054202100152027072121d0a0367727018092001280a320b2e74322e54776f2e477270520367"
    "727012120a0174180a200128083a0474727565520174121b0a046e657874180b2001280b32072e74322e54776f52046e657874121f0a02"
    "6d6b180c2003280b320f2e74322e54776f2e4d6b456e74727952026d6b1a130a03477270120c0a01671801200128055201671a350a074d"
    "6b456e74727912100a036b657918012001280952036b657912140a0576616c7565180220012805520576616c75653a02380122140a044b"
    "696e6412050a0141100312050a014210042a05086410c801";


static struct bytes unhex(struct arena *arena, const char *hex)
{
    size_t len = strlen(hex) / 2;
    uint8_t *out = arena_alloc(arena, len + 1);

    for (size_t i = 0; i < len; i++)
        sscanf(hex + 2 * i, "%2hhx", &out[i]);
    return bytes_of(out, len);
}

static const struct proto_message *message_of(struct arena *arena, const char *text, const char *name)
{
    struct proto_set set;
    struct diag diag = {0};

    proto_set_init(&set, arena);
    if (proto_text(&set, bytes_str(text), NULL, NULL, &diag) != ST_OK)
        test_fail(__FILE__, __LINE__, "%s", diag.message);
    const struct proto_message *m = proto_message_find(&set, bytes_str(name));
    EXPECT(m);
    return m;
}

static void set_text(const struct proto_set *set, struct buf *out)
{
    for (uint32_t i = 0; i < set->messages_count; i++) {
        const struct proto_message *m = set->messages[i];
        buf_printf(out, "%.*s in %.*s map %d proto3 %d\n", BYTES_FMT(m->name), m->outer ? (int)m->outer->name.len : 0,
                   m->outer ? (const char *)m->outer->name.ptr : "", m->map_entry, m->proto3);
        for (uint32_t f = 0; f < m->count; f++) {
            const struct proto_field *x = &m->fields[f];
            struct bytes of = x->message ? x->message->name : x->enum_ ? x->enum_->name : BYTES_NONE;
            buf_printf(out, "  %.*s %u %s %d presence %d packed %d default %.*s of %.*s", BYTES_FMT(x->name), x->number,
                       proto_type_text(x->type), x->label, x->presence, x->packed, BYTES_FMT(x->otherwise), BYTES_FMT(of));
            buf_str(out, x->oneof >= 0 && m->oneofs[x->oneof].ptr[0] != '_' ? " oneof\n" : "\n"); /* "_oi" is of optional */
        }
    }
    for (uint32_t i = 0; i < set->enums_count; i++)
        for (uint32_t v = 0; v < set->enums[i]->count; v++)
            buf_printf(out, "%.*s.%.*s %d closed %d\n", BYTES_FMT(set->enums[i]->name), BYTES_FMT(set->enums[i]->values[v].name),
                       set->enums[i]->values[v].number, set->enums[i]->closed);
    buf_u8(out, 0);
}

static void same_set_at(int line, const char *text, const char *descriptors)
{
    struct arena arena;
    struct proto_set of_text, of_descriptors;
    struct diag diag = {0};
    struct buf a, b;

    arena_init(&arena, 0);
    buf_init(&a, 0);
    buf_init(&b, 0);
    proto_set_init(&of_text, &arena);
    proto_set_init(&of_descriptors, &arena);
    if (proto_text(&of_text, bytes_str(text), NULL, NULL, &diag) != ST_OK ||
        proto_descriptors(&of_descriptors, unhex(&arena, descriptors), &diag) != ST_OK)
        test_fail(__FILE__, line, "%s", diag.message);
    set_text(&of_text, &a);
    set_text(&of_descriptors, &b);
    EXPECT_STR((const char *)a.ptr, (const char *)b.ptr);
    buf_deinit(&a);
    buf_deinit(&b);
    arena_deinit(&arena);
}

TEST(protobuf_text_is_what_protoc_makes_of_it)
{
    same_set_at(__LINE__, three, three_descriptors);
    same_set_at(__LINE__, two, two_descriptors);
}

static void wrong_at(int line, const char *text, const char *want)
{
    struct arena arena;
    struct proto_set set;
    struct diag diag = {0};

    arena_init(&arena, 0);
    proto_set_init(&set, &arena);
    enum status st = proto_text(&set, bytes_str(text), NULL, NULL, &diag);
    EXPECT((st == ST_OK) == !*want);
    if (strcmp(diag.message, want))
        test_fail(__FILE__, line, "got\n    %s, expected\n    %s", diag.message, want);
    arena_deinit(&arena);
}
#define WRONG(...) wrong_at(__LINE__, __VA_ARGS__)

TEST(protobuf_texts_that_are_wrong)
{
    WRONG("", "");
    WRONG("syntax = \"proto3\"; import \"google/protobuf/timestamp.proto\"; message A { google.protobuf.Timestamp t = 1; }", "");
    WRONG("syntax = 'proto3'; package a.b; message C { message D { E e = 1; } enum E { X = 0; } D d = 1; a.b.C.D f = 2; "
          ".a.b.C.E g = 3; b.C h = 4; }", "");
    WRONG("message A { /* no end", "the .proto text, line 1: a name was expected, not '/* no end'");
    WRONG("syntax = \"proto4\";", "the .proto text, line 1: proto2 or proto3 was expected, not ';'");
    WRONG("edition = \"2023\";", "Protobuf's editions are not built yet: proto2 and proto3 are");
    WRONG("import \"x.proto\";", "the .proto text imports 'x.proto', which is not there");
    WRONG("message A {\n  int32 a = 1\n}", "the .proto text, line 3: ; was expected, not '}'");
    WRONG("message A { B b = 1; }", "field 'b' of message 'A' is of a type 'B' that is not there");
    WRONG("message A { int32 a = 0; }", "field 'a' = 0 of message 'A' has no name, or no number that can be");
    WRONG("message A { int32 a = 1; int32 b = 1; }", "field 'b' = 1 of message 'A' has the name or the number of another");
    WRONG("message A {} message A {}", "the type 'A' is there twice");
    WRONG("message A { E e = 1; } enum E {}", "the enum 'E' has no value");
    WRONG("message A", "the .proto text, line 1: { was expected, not ''");
}

static const struct type *row_of(struct arena *arena, const char *columns)
{
    struct bytes text = bytes_str(arena_printf(arena, "ROW<%s>", columns));
    return case_type(arena, &text);
}

/* A record in hexadecimal, read into columns: the row, or why not. And the row written again, if `again` is not NULL. */
static void read_at(int line, const char *text, const char *name, bool defaults, const char *columns, const char *hex,
                    const char *want, const char *again)
{
    struct arena arena;
    struct proto_rules rules = {.read_defaults = defaults, .null_literal = BYTES_LITERAL("nil")};
    const struct proto_plan *plan;
    struct proto_reader reader;
    struct chunk_builder b;
    struct diag diag = {0};
    struct buf out, written;

    arena_init(&arena, 0);
    buf_init(&out, 0);
    buf_init(&written, 0);
    proto_reader_init(&reader);
    const struct type *row = row_of(&arena, columns);
    struct schema s = {row->fields_count, row->fields};
    const char *got = diag.message;
    if (proto_plan_make(&arena, message_of(&arena, text, name), row, NULL, &rules, &plan, &diag) == ST_OK) {
        struct bytes record = unhex(&arena, hex);
        uint8_t *exact = malloc(record.len ? record.len : 1); /* one byte read past it is seen */
        memcpy(exact, record.ptr, record.len);
        chunk_builder_init_schema(&b, &arena, &s, 2);
        if (proto_read(&reader, plan, bytes_of(exact, record.len), b.cols, &diag)) {
            chunk_builder_row(&b, ROW_INSERT);
            struct chunk chunk = chunk_builder_done(&b);
            for (uint16_t c = 0; c < s.count; c++) {
                buf_str(&out, c ? " | " : "");
                value_text(&out, s.fields[c].type, &chunk.cols[c], 0, NULL);
            }
            got = arena_str(&arena, buf_view(&out));
            proto_write(plan, chunk.cols, 0, &written);
        }
        free(exact);
    }
    if (strcmp(got, want))
        test_fail(__FILE__, line, "got\n    \"%s\", expected\n    \"%s\"", got, want);
    struct bytes expected = again ? unhex(&arena, *again ? again : hex) : BYTES_NONE;
    if (again && !bytes_equal(buf_view(&written), expected)) {
        buf_clear(&out);
        for (size_t i = 0; i < written.len; i++)
            buf_printf(&out, "%02x", written.ptr[i]);
        test_fail(__FILE__, line, "written as %.*s", BYTES_FMT(buf_view(&out)));
    }
    buf_deinit(&out);
    buf_deinit(&written);
    proto_reader_deinit(&reader);
    arena_deinit(&arena);
}
#define THREE(...) read_at(__LINE__, three, "t.All", false, __VA_ARGS__)
#define THREE_ALL(...) read_at(__LINE__, three, "t.All", true, __VA_ARGS__)
#define TWO(...) read_at(__LINE__, two, "t2.Two", false, __VA_ARGS__)
#define TWO_ALL(...) read_at(__LINE__, two, "t2.Two", true, __VA_ARGS__)

TEST(protobuf_reads_scalars)
{
    THREE("d DOUBLE, f FLOAT, l BIGINT, i INT, b BOOLEAN, s STRING",
          "09000000000000f83f150000c0bf18ffffffffffffffffff01280740014a0168",
          "1.5 | -1.5 | -1 | 7 | TRUE | h", "");
    THREE("ul BIGINT, xa BIGINT, xb INT, ui INT, xc INT, xd BIGINT, si INT, sl BIGINT",
          "20ffffffffffffffffff013102000000000000003dffffffff68ffffffff0f7dfeffffff8101fdffffffffffff"
          "ff880103900105",
          "-1 | 2 | -1 | -1 | -2 | -3 | -2 | -3", "");
    THREE("e STRING, y BYTES, far INT",
          "6201ff7005c03e2a",
          "BLUE | ff | 42", "");
    THREE("e INT",
          "70ffffffffffffffffff01",
          "-1", "");
    THREE("e STRING",
          "7007",
          "UNRECOGNIZED", NULL);
    THREE("e TINYINT",
          "70c801",
          "field 'e': the number is out of the range of the column's type", NULL);
    THREE("i INT, s STRING, e STRING, y BYTES, b BOOLEAN, oi INT",
          "",
          "0 |  | RED |  | FALSE | 0", "d80100");
    THREE("i INT",
          "28012802",
          "2", "2802");
    THREE("i INT",
          "2a0101",
          "0", NULL);
    THREE("s STRING",
          "4a01ff",
          "field 's': the text is not UTF-8", NULL);
    THREE("s STRING",
          "4a05ff",
          "the record is no Protobuf message, or is cut off", NULL);
    THREE("i INT",
          "0001",
          "the record is no Protobuf message, or is cut off", NULL);
    THREE("x INT",
          "",
          "the message 't.All' has no field 'x'", NULL);
    THREE("i STRING",
          "",
          "field 'i': Protobuf's int32 is no STRING", NULL);
    THREE("m ROW<w INT>",
          "",
          "field 'm': field 'w': Protobuf's repeated string is no INT", NULL);
}

TEST(protobuf_reads_messages_lists_and_maps)
{
    THREE("m ROW<n INT, w ARRAY<STRING>>, is ARRAY<INT>",
          "",
          "NULL | NULL", "");
    THREE_ALL("m ROW<n INT, w ARRAY<STRING>>, is ARRAY<INT>",
          "",
          "(0, []) | []", "a20100");
    THREE("m ROW<n INT, w ARRAY<STRING>, deeper ROW<n INT>>",
          "a2010b080512016112001a020806",
          "(5, [a, ], (6))", "");
    THREE("ms ARRAY<ROW<n INT>>, is ARRAY<INT>, ss ARRAY<STRING>, es ARRAY<STRING>, unpacked ARRAY<DOUBLE>",
          "aa01020801aa0100b2010b01ffffffffffffffffff01ba010178c2010b05ffffffffffffffffff01c102000000"
          "000000f83fc1020000000000000040",
          "[(1), (0)] | [1, -1] | [x] | [BLUE, NEG] | [1.5, 2.0]", "");
    THREE("is ARRAY<INT>",
          "b00101b201020203",
          "[1, 2, 3]", "b20103010203");
    THREE("is ARRAY<INT>",
          "b20101ff",
          "field 'is': a list ends in the middle of a value", NULL);
    THREE("p MAP<STRING, BIGINT>, pm MAP<INT, ROW<n INT>>",
          "ca01050a01611001ca01050a01621000d20106080312020804",
          "{a=1, b=0} | {3=(4)}", "");
    THREE("p MAP<STRING, BIGINT>",
          "ca01050a01611001ca01050a01621002ca01050a01611003",
          "{a=3, b=2}", "ca01050a01611003ca01050a01621002");
    THREE("pm MAP<INT, ROW<n INT>>",
          "d20100",
          "{0=(0)}", "d2010408001200");
    THREE("m ROW<n INT, w ARRAY<STRING>>",
          "a201050801120161a201050807120162",
          "(7, [a, b])", "a201080807120161120162");
}

TEST(protobuf_reads_oneofs_and_presence)
{
    THREE("a INT, c STRING",
          "fa010178",
          "0 | x", "fa010178");
    THREE("a INT, c STRING",
          "fa010178f00101",
          "1 | ", "fa0100");
    THREE("a INT",
          "f00101fa010178",
          "0", "f00100");
    THREE("oi INT",
          "d80100",
          "0", "");
    TWO("id INT NOT NULL, s STRING, y BYTES, d DOUBLE, k STRING, z INT, r ARRAY<INT>, t BOOLEAN, next ROW<id INT NOT NULL>",
          "0801",
          "1 | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL", "");
    TWO_ALL("id INT NOT NULL, s STRING, y BYTES, d DOUBLE, k STRING, z INT, r ARRAY<INT>, t BOOLEAN, next ROW<id INT NOT NULL, k INT>",
          "0801",
          "1 | a\"b\\n | 0178ff | -1.5 | B | -7 | [] | TRUE | (0, 4)", NULL);
    TWO("id INT NOT NULL, s STRING, k STRING, pr ARRAY<INT>, r ARRAY<INT>",
          "080012002803380342020102",
          "0 |  | A | [1, 2] | [3]", "");
    TWO("id INT NOT NULL, k STRING",
          "08012807",
          "1 | NULL", "0801");
    TWO("id INT NOT NULL",
          "",
          "field 'id': it is required, and the record does not have it", NULL);
    TWO("s STRING NOT NULL",
          "0801",
          "field 's': the record does not have it, and the column is NOT NULL", NULL);
    TWO("id INT NOT NULL, z INT",
          "080130064b08054c",
          "1 | 3", "08013006");
    TWO("grp ROW<g INT>",
          "",
          "field 'grp': Protobuf's group is not read or written: leave the column out", NULL);
}

/* What a text is described as is the same types again, and the places of its messages are the same. */
TEST(protobuf_texts_are_described)
{
    static const char *const texts[] = {three, two};

    for (int i = 0; i < 2; i++) {
        struct arena arena;
        struct proto_set text, described;
        struct diag diag = {0};
        struct buf file, coded, why;
        uint32_t place[PROTO_DEPTH_MAX], again[PROTO_DEPTH_MAX];

        arena_init(&arena, ARENA_BUDGET_NONE);
        buf_init(&file, 0);
        buf_init(&coded, 0);
        buf_init(&why, 4096);
        proto_set_init(&text, &arena);
        proto_set_init(&described, &arena);
        EXPECT_OK(proto_text(&text, bytes_str(texts[i]), NULL, NULL, &diag));
        proto_describe(&text, &file);
        base64_encode(&coded, buf_view(&file));
        EXPECT_OK(proto_text(&described, buf_view(&coded), NULL, NULL, &diag));
        EXPECT(described.described);
        EXPECT_INT(described.messages_count, text.messages_count);
        EXPECT(proto_can_read(&text, &described, &why));
        EXPECT(proto_can_read(&described, &text, &why));
        for (uint32_t m = 0; m < text.messages_count; m++) {
            const struct proto_message *was = text.messages[m], *is = proto_message_find(&described, was->name);
            EXPECT(is && is->count == was->count && is->map_entry == was->map_entry && is->group == was->group);
            uint32_t count = proto_message_place(&text, was, place);
            EXPECT(was->map_entry || was->group ||
                   (proto_message_place(&described, is, again) == count &&
                    !memcmp(place, again, count * sizeof(*place))));
            for (uint32_t f = 0; f < was->count; f++)
                EXPECT(is->fields[f].presence == was->fields[f].presence &&
                       is->fields[f].packed == was->fields[f].packed &&
                       bytes_equal(is->fields[f].otherwise, was->fields[f].otherwise));
        }
        buf_deinit(&file);
        buf_deinit(&coded);
        buf_deinit(&why);
        arena_deinit(&arena);
    }
}
