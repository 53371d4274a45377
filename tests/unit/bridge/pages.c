/* docs/connectors/options.md is what the tables of options say. */
#include "base/buf.h"
#include "bridge/bridge.h"
#include "bridge/carrier.h"
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
