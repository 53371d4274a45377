/* Line protocol both ways; what InfluxDB 1.6.7 makes of the same lines was asked of it. */
#include "wire/influx/line.h"

#include "lib/test.h"

/* As "measurement[,name=value]… name=kind:value … @time", without escapes; or "!why". */
static void describe(const struct line *line, struct buf *out)
{
    static const char kinds[] = {
        [LINE_FLOAT] = 'n', [LINE_INTEGER] = 'i', [LINE_UNSIGNED] = 'u', [LINE_BOOLEAN] = 'b', [LINE_STRING] = 's'};
    struct bytes tags = line->tags, fields = line->fields, name, value;
    struct line_field f;

    if (line->bad) {
        buf_printf(out, "!%s", line->bad);
        return;
    }
    line_plain(line->measurement, out);
    while (line_tag_next(&tags, &name, &value)) {
        buf_u8(out, ',');
        line_plain(name, out);
        buf_u8(out, '=');
        line_plain(value, out);
    }
    while (line_field_next(&fields, &f)) {
        buf_u8(out, ' ');
        line_plain(f.name, out);
        buf_printf(out, "=%c:", kinds[f.kind]);
        if (f.kind == LINE_STRING)
            line_plain_text(f.value, out);
        else if (f.kind == LINE_BOOLEAN)
            buf_str(out, f.yes ? "true" : "false");
        else
            buf_bytes(out, f.value);
    }
    if (line->has_time)
        buf_printf(out, " @%lld", (long long)line->time);
}

/* All lines of the text, with " | " between them. */
static void expect_bytes(struct bytes text, const char *want)
{
    struct line line;
    struct buf got;

    buf_init(&got, 0);
    for (bool first = true; line_next(&text, &line); first = false) {
        if (!first)
            buf_str(&got, " | ");
        describe(&line, &got);
    }
    EXPECT_BYTES(buf_view(&got), bytes_str(want));
    buf_deinit(&got);
}

static void expect(const char *text, const char *want)
{
    expect_bytes(bytes_str(text), want);
}

TEST(line_reads_what_clients_write)
{
    expect("cpu,host=a,cpu=0 idle=97.5,n=3i,big=18446744073709551615u,up=t,why=\"x\" 1700000000000000000",
           "cpu,host=a,cpu=0 idle=n:97.5 n=i:3 big=u:18446744073709551615 up=b:true why=s:x @1700000000000000000");
    expect("m v=1", "m v=n:1");
    expect("m v=1i -5\n\n# a comment, with \"quotes\n  m   v=2i   7  \r\n", "m v=i:1 @-5 | m v=i:2 @7");
    expect("m v=T,w=False,x=TRUE,y=f", "m v=b:true w=b:false x=b:true y=b:false");
    expect("m a=1.,b=.5,c=-1e3,d=1E+2,e=00.5", "m a=n:1. b=n:.5 c=n:-1e3 d=n:1E+2 e=n:00.5");
    expect("", "");
    expect("\n \n#\n", "");
}

TEST(line_escapes_are_taken_away)
{
    expect("m\\,1\\ 2=3,a\\=b\\,c\\ d=x\\\\,y v\\=\\,\\ x=1i 1", "m,1 2=3,a=b,c d=x\\,y v=, x=i:1 @1");
    expect("m,a=x\\y v=\"a\\\"b\\\\c\\d\"", "m,a=x\\y v=s:a\"b\\c\\d");
    expect("m,a=\"x v=1", "m,a=\"x v=n:1"); /* a quote is none but at a field's value */
    expect("m v=\"two\nlines, a=b c\",w=1i 2\nn v=2", "m v=s:two\nlines, a=b c w=i:1 @2 | n v=n:2");
    expect("m v\\=\"a=1\nn v=2", "m v=\"a=n:1 | n v=n:2");
}

TEST(line_says_what_is_wrong_with_it_and_goes_on_behind)
{
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"m", "missing fields"},
        {"m,a=b", "missing fields"},
        {"m 5", "invalid field format"},
        {",a=b v=1", "missing measurement"},
        {"m,=x v=1", "missing tag key"},
        {"m, v=1", "missing tag key"},
        {"m,a=1, v=1", "missing tag key"},
        {"m,a v=1", "missing tag value"},
        {"m,a= v=1", "missing tag value"},
        {"m,a=b=c v=1", "invalid tag format"},
        {"m,a=x\\ v=1i 1", "invalid tag format"},
        {"m =1", "missing field key"},
        {"m v=", "missing field value"},
        {"m v=,w=1", "missing field value"},
        {"m v=1,", "invalid field format"},
        {"m v=1i, 1", "invalid field format"},
        {"m v =1", "invalid field format"},
        {"m v=1i 1.5", "bad timestamp"},
        {"m v=1i 0x5", "bad timestamp"},
        {"m v=1i 99999999999999999999", "bad timestamp"},
        {"m v=1i 1 2", "point is invalid"},
        {"m v=\"x\"y 1", "invalid field format"},
        {"m v=9223372036854775808i", "the number is out of range"},
        {"m v=18446744073709551616u", "the number is out of range"},
        {"m v=-1u", "the number is out of range"},
        {"m v=1.5i", "invalid number"},
        {"m v=i", "invalid number"},
        {"m v=NaN", "invalid field value: a number, a boolean or a text in quotes"},
        {"m v=inf", "invalid field value: a number, a boolean or a text in quotes"},
        {"m v=+5", "invalid field value: a number, a boolean or a text in quotes"},
        {"m v=1e400", "invalid field value: a number, a boolean or a text in quotes"},
        {"m v=0x1p3", "invalid field value: a number, a boolean or a text in quotes"},
        {"m v=1e", "invalid field value: a number, a boolean or a text in quotes"},
        {"m v=.", "invalid field value: a number, a boolean or a text in quotes"},
        {"m v=tRUE", "invalid field value: a number, a boolean or a text in quotes"},
        {"m,a=1,a=2 v=1", "a tag or field is there twice"},
        {"m v=1,v=2", "a tag or field is there twice"},
        {"m,v=1 v=2", "a tag or field is there twice"},
        {"m,time=1 v=2", "a tag or field cannot be named time"},
        {"m time=2", "a tag or field cannot be named time"},
        {"m,a=\xff v=1", "it is not UTF-8"},
    };
    struct buf text, want;

    buf_init(&text, 0);
    buf_init(&want, 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        buf_clear(&text);
        buf_clear(&want);
        buf_printf(&text, "n v=1i\n%s\nn v=2i 3", bad[i].text);
        buf_printf(&want, "n v=i:1 | !%s | n v=i:2 @3", bad[i].why);
        buf_u8(&want, 0);
        expect_bytes(buf_view(&text), (const char *)want.ptr);
    }
    buf_deinit(&text);
    buf_deinit(&want);
    expect("m v=\"a\nm v=1i", "!unbalanced quotes"); /* where it ends nobody knows */
}

TEST(line_has_so_many_names)
{
    struct buf text;
    struct line line;

    buf_init(&text, 0);
    for (int extra = 0; extra < 2; extra++) {
        buf_clear(&text);
        buf_str(&text, "m,t=1");
        for (int i = 1; i < LINE_NAMES_MAX + extra; i++)
            buf_printf(&text, "%cf%d=1", i == 1 ? ' ' : ',', i);
        struct bytes rest = buf_view(&text);
        EXPECT(line_next(&rest, &line));
        EXPECT_STR(line.bad ? line.bad : "", extra ? "too many tags and fields" : "");
    }
    buf_deinit(&text);
}

static void expect_name(const char *name, const char *want, const char *why)
{
    struct buf out;

    buf_init(&out, 0);
    const char *got = line_put_measurement(&out, bytes_str(name));
    EXPECT_STR(got ? got : "", why);
    EXPECT_BYTES(buf_view(&out), bytes_str(want));
    buf_deinit(&out);
}

TEST(line_names_that_cannot_be_are_refused)
{
    expect_name("a b,c=d\"e", "a\\ b\\,c\\=d\"e", "");
    expect_name("a\\b", "a\\b", "");
    expect_name("", "", "it is empty");
    expect_name("a\nb", "", "it has a line's end in it");
    expect_name("a\\", "", "it ends in a backslash");
    expect_name("a\\,b", "", "it has a backslash before a comma, a space or a '='");
    expect_name("#a", "", "it begins with '#'");
}
