/* docs/connectors/options.md and the properties in kafka-cluster.md are what the tables in the source say. */
#include "base/buf.h"
#include "bridge/bridge.h"
#include "bridge/carrier.h"
#include "bridge/kafka_inner.h"
#include "lib/page.h"
#include "lib/test.h"

static const char *kind_of(const struct bridge_option *o)
{
    static const char *const kinds[] = {[BRIDGE_TEXT] = "text", [BRIDGE_SECRET] = "text, a secret",
                                        [BRIDGE_COUNT] = "a number", [BRIDGE_TIME] = "a time",
                                        [BRIDGE_BYTES] = "a size"};
    return o->type == BRIDGE_WORD ? o->words : kinds[o->type];
}

static void print_table(struct buf *buf, const struct bridge_option *options, unsigned count)
{
    buf_str(buf, "| option | value | default | |\n| --- | --- | --- | --- |\n");
    for (unsigned i = 0; i < count; i++) {
        const struct bridge_option *o = &options[i];
        buf_printf(buf, "| `%s` | ", o->key);
        for (const char *c = kind_of(o); *c; c++)
            buf_printf(buf, *c == '|' ? ", " : "%c", *c);
        if (!o->otherwise)
            buf_str(buf, " | must be given");
        else
            buf_printf(buf, o->otherwise[0] ? " | `%s`" : " | ", o->otherwise);
        buf_printf(buf, " | %s |\n", o->help);
    }
}

TEST(bridge_options_page_is_up_to_date)
{
    const struct bridge_class *class;
    struct buf want;

    buf_init(&want, 0);
    buf_str(&want, "# Options of outside systems\n\n"
                   "Made from the tables in `src/bridge/`. Times are like `500 ms`, `10 s`, `1 min`, sizes like `64 kb`, "
                   "`1 mb`. An option\nthat is not here is refused when the table is made; those of a format "
                   "(`json.…`, `csv.…`) are the format's.\n\n## All\n\n");
    print_table(&want, carrier_options, carrier_options_count);
    for (unsigned i = 0; (class = bridge_class_at(i)); i++) {
        buf_printf(&want, "\n## %s\n\n%s%s. Delivery: %s.\n\n", class->name,
                   class->ways & BRIDGE_SINK ? "Sink" : "",
                   class->ways == BRIDGE_SOURCE ? "Source" : class->ways & BRIDGE_SOURCE ? " and source" : "",
                   class->guarantee);
        print_table(&want, class->options, class->options_count);
    }
    page_expect("docs/connectors/options.md", buf_view(&want));
    buf_deinit(&want);
}

/* Those that are passed on, as Kafka's name or, behind it, librdkafka's. */
static void print_passed(struct buf *buf, const char *title, enum kafka_whose whose)
{
    const struct kafka_property *p;
    const char *sep = "";

    buf_printf(buf, "%s: ", title);
    for (unsigned i = 0; (p = kafka_property_at(i)); i++) {
        if (!p->name || p->whose != whose)
            continue;
        buf_printf(buf, "%s`%s`", sep, p->key);
        if (strcmp(p->key, p->name) != 0)
            buf_printf(buf, " (`%s`)", p->name);
        sep = ", ";
    }
    buf_str(buf, ".\n\n");
}

static void print_notes(struct buf *buf, enum kafka_whose whose)
{
    const struct kafka_property *p;

    buf_printf(buf, "| %s | |\n| --- | --- |\n", whose == KAFKA_HERE ? "not passed on" : "refused");
    for (unsigned i = 0; (p = kafka_property_at(i)); i++)
        if (!p->name && p->whose == whose)
            buf_printf(buf, "| `%s` | %s |\n", p->key, p->note);
}

TEST(bridge_kafka_properties_are_on_its_page)
{
    struct buf want;

    buf_init(&want, 0);
    buf_str(&want,
            "\nPassed on, `properties.` before each; in brackets librdkafka's name where it is another.\n\n");
    print_passed(&want, "To clients of either way", KAFKA_BOTH);
    print_passed(&want, "Of sources", KAFKA_CONSUMERS);
    print_passed(&want, "Of sinks", KAFKA_PRODUCERS);
    print_notes(&want, KAFKA_HERE);
    buf_str(&want, "\nAll others are refused when the table is made. Those that are asked for most:\n\n");
    print_notes(&want, KAFKA_REFUSED);
    page_expect_behind("docs/connectors/kafka-cluster.md", "## Properties\n", buf_view(&want));
    buf_deinit(&want);
}

/* librdkafka knows each of the names that are passed on. */
TEST(bridge_kafka_properties_are_librdkafkas)
{
    const struct kafka_property *p;
    char why[512];

    for (unsigned i = 0; (p = kafka_property_at(i)); i++) {
        rd_kafka_conf_t *conf = rd_kafka_conf_new();
        EXPECT(!p->name == !(p->whose & KAFKA_BOTH) && !p->name == !!p->note);
        if (p->name && rd_kafka_conf_set(conf, p->name, "", why, sizeof(why)) == RD_KAFKA_CONF_UNKNOWN)
            test_fail(__FILE__, __LINE__, "librdkafka has no '%s'", p->name);
        rd_kafka_conf_destroy(conf);
    }
}
