/* CONVERT_TZ, and zones as arguments. */
#include "data/func_zone.h"

#include "data/datetime.h"

static bool zone_by_name(struct call *call, struct bytes name, const struct zone **zone)
{
    struct zone_finder *zones = call->ctx->zones;

    *zone = zones ? zones->find(zones, name) : NULL;
    return *zone || bytes_is(name, "UTC");
}

bool call_zone(struct call *call, unsigned arg, uint32_t row, struct zone_memo *memo, const struct zone **zone)
{
    struct bytes name = arg_bytes(call, arg, row);

    if (!memo->name.ptr || !bytes_equal(name, memo->name)) {
        memo->name = name;
        memo->known = zone_by_name(call, name, &memo->zone);
    }
    *zone = memo->zone;
    return memo->known;
}

enum status zone_unknown(struct call *call, unsigned arg, uint32_t row)
{
    struct bytes name = bytes_head(arg_bytes(call, arg, row), ZONE_NAME_MAX);

    if (call->args[arg].constant)
        return call_fail(call, row, "%s: there is no time zone '%.*s'; a name of tzdata such as 'Europe/Berlin', or an "
                         "offset such as 'GMT+02:00'", call->expr->func->name, BYTES_FMT(name));
    call_null(call, row);
    return ST_OK;
}

/* CONVERT_TZ(text, from, to): both as 'yyyy-MM-dd HH:mm:ss', read as Flink's older functions do. */
static enum status convert_tz(struct call *call)
{
    static const struct bytes pattern = {(const uint8_t *)"yyyy-MM-dd HH:mm:ss", 19};
    struct zone_memo memos[2] = {{.known = false}, {.known = false}};
    const struct zone *from, *to;
    char text[DATETIME_TEXT_MAX];
    int64_t us;
    bool zoned;

    FOR_ROWS(call, row) {
        if (!call_zone(call, 1, row, &memos[0], &from)) {
            TRY(zone_unknown(call, 1, row));
            continue;
        }
        if (!call_zone(call, 2, row, &memos[1], &to)) {
            TRY(zone_unknown(call, 2, row));
            continue;
        }
        if (!pattern_parse(pattern, arg_bytes(call, 0, row), DAY_COUNTED, &us, &zoned)) {
            call_null(call, row);
            continue;
        }
        us = zone_utc(from, us, ZONE_SECOND);
        call_copy(call, row, bytes_of(text, pattern_format(pattern, us, zone_offset(to, us), text, sizeof(text))));
    }
    return ST_OK;
}

const struct func func_zone_table[] = {
    {.name = "CONVERT_TZ", .types = "sss>s", .kernel = convert_tz, .flags = FUNC_CAREFUL | FUNC_DYNAMIC,
     .signature = "CONVERT_TZ(s, from, to)",
     .help = "The local time s, as yyyy-MM-dd HH:mm:ss, of one time zone in another."},
    {0},
};
