/* Functions of Flink 2.2 that are not built, with what to write instead: so that they are refused by name. */
#include "data/func.h"

static const struct func_refused all[] = {
    {"APPROX_COUNT_DISTINCT", "write COUNT(DISTINCT x); Flink refuses it in streams too"},
    {"GROUPING", "it tells GROUPING SETS apart, which are not built"},
    {"GROUPING_ID", "it tells GROUPING SETS apart, which are not built"},
    {"GROUP_ID", "it tells GROUPING SETS apart, which are not built"},
    {"HASH_CODE", "write MD5(x) or SHA256(x)"},
    {"ML_PREDICT", "there are no models"},
    {"ML_EVALUATE", "there are no models"},
    {"OBJECT_OF", "there are no structured types: write ROW(…)"},
    {"OBJECT_UPDATE", "there are no structured types: write ROW(…)"},
    {"PARSE_JSON", "there is no VARIANT: write JSON_VALUE(json, path) or JSON_QUERY(json, path)"},
    {"TRY_PARSE_JSON", "there is no VARIANT: write JSON_VALUE(json, path) or JSON_QUERY(json, path)"},
    {"PRINT", "write the rows to a table with 'connector' = 'print'"},
    {"SINGLE_VALUE", "write (SELECT …) as a value, which fails the job when it has more than one row"},
    {"SOURCE_WATERMARK", "write WATERMARK FOR ts AS ts - INTERVAL '5' SECOND"},
    {"VECTOR_SEARCH", "there are no vectors"},
};

const struct func_refused *func_refused_info(unsigned i)
{
    return i < sizeof(all) / sizeof(all[0]) ? &all[i] : NULL;
}

const struct func_refused *func_refused_find(struct bytes name)
{
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (bytes_is_nocase(name, all[i].name))
            return &all[i];
    }
    return NULL;
}
