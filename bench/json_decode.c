/* JSON records to columns: records a second on one core, for a flat record of about 100 bytes and for
 * Nexmark's wide one with nested rows, all columns and pruned.   json_decode [RECORDS] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "data/format/format.h"

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct type_field field(const char *name, const struct type *type)
{
    return (struct type_field){.name = bytes_str(name), .type = type};
}

static void measure(const char *what, const struct schema *schema, const char *record, long records)
{
    struct format_spec spec = {.name = BYTES_LITERAL("json"), .schema = schema};
    struct format_decoder *d;
    struct chunk_builder b;
    struct arena arena;
    struct diag diag = {0};
    double best = 1e9;

    if (format_decoder_open(&spec, &d, &diag) != ST_OK)
        exit(1);
    arena_init(&arena, 0);
    for (int round = 0; round < 3; round++) {
        double from = now_s();
        for (long done = 0; done < records; done += CHUNK_ROWS) {
            arena_reset(&arena);
            chunk_builder_init_schema(&b, &arena, schema, CHUNK_ROWS);
            for (int i = 0; i < CHUNK_ROWS; i++) {
                if (format_decode(d, bytes_str(record), b.cols, &diag) != FORMAT_ROW) {
                    fprintf(stderr, "%s: %s\n", what, diag.message);
                    exit(1);
                }
                chunk_builder_row(&b, ROW_INSERT);
            }
        }
        double took = now_s() - from;
        best = took < best ? took : best;
    }
    printf("%-28s %4zu bytes  %6.0f ns a record  %.2f million a second\n", what, strlen(record),
           best / (double)records * 1e9, (double)records / best / 1e6);
    format_decoder_close(d);
    arena_deinit(&arena);
}

int main(int argc, char **argv)
{
    long records = argc > 1 ? atol(argv[1]) : 1 << 20;
    const struct type *big = type_simple(TYPE_BIGINT), *text = type_simple(TYPE_VARCHAR);
    struct arena arena;

    arena_init(&arena, 0);
    const struct type *time = type_make(&arena, TYPE_TIMESTAMP, 3, 0);
    struct type_field flat[] = {field("auction", big), field("bidder", big), field("price", big),
                                field("channel", text), field("dateTime", time)};
    const char *flat_record = "{\"auction\":1001,\"bidder\":2001,\"price\":12345,\"channel\":\"Google\","
                              "\"dateTime\":\"2020-01-01 00:00:00.123\"}";
    measure("flat, all 5 columns", &(struct schema){5, flat}, flat_record, records);
    measure("flat, 3 numbers", &(struct schema){3, flat}, flat_record, records);

    struct type_field bid[] = {field("auction", big), field("bidder", big), field("price", big),
                               field("channel", text), field("url", text), field("dateTime", time),
                               field("extra", text)};
    struct type_field wide[] = {field("event_type", type_simple(TYPE_INT)),
                                field("bid", type_row(&arena, bid, 7))};
    struct type_field pruned[] = {wide[0], field("bid", type_row(&arena, bid, 3))};
    const char *wide_record =
        "{\"event_type\":2,\"person\":null,\"auction\":null,\"bid\":{\"auction\":1001,\"bidder\":2001,"
        "\"price\":12345,\"channel\":\"Google\",\"url\":\"https://www.nexmark.com/googl/item.htm?query=1"
        "&channel_id=12\",\"dateTime\":\"2020-01-01 00:00:00.123\",\"extra\":\"abcdefghijklmno pqrstuvw\"}}";
    measure("nexmark bid, all columns", &(struct schema){2, wide}, wide_record, records);
    measure("nexmark bid, 3 of 7 fields", &(struct schema){2, pruned}, wide_record, records);
    arena_deinit(&arena);
    return 0;
}
