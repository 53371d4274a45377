#include "lib/kafka_fill.h"

static void fill_one(struct rng *rng, struct arena *arena, const struct kafka_field *f, void *at)
{
    switch ((enum kafka_type)f->type) {
    case KAFKA_TYPE_BOOL: *(bool *)at = rng_chance(rng, 0.5); break;
    case KAFKA_TYPE_I8: *(int8_t *)at = (int8_t)rng_next(rng); break;
    case KAFKA_TYPE_I16:
    case KAFKA_TYPE_U16: *(int16_t *)at = (int16_t)rng_next(rng); break;
    case KAFKA_TYPE_I32: *(int32_t *)at = (int32_t)rng_next(rng); break;
    case KAFKA_TYPE_I64: *(int64_t *)at = (int64_t)rng_next(rng); break;
    case KAFKA_TYPE_UUID: memset(at, (int)rng_next(rng), 16); break;
    case KAFKA_TYPE_STRUCT: kafka_fill(rng, arena, f->of, at); break;
    default: *(struct bytes *)at = bytes_head(BYTES_LITERAL("quickwater"), rng_below(rng, 11)); break;
    }
}

void kafka_fill(struct rng *rng, struct arena *arena, const struct kafka_struct *type, void *message)
{
    kafka_init(type, message);
    for (uint16_t i = 0; i < type->fields_count; i++) {
        const struct kafka_field *f = &type->fields[i];
        void *at = (char *)message + f->at;
        if (f->type == KAFKA_TYPE_STRUCT && !f->array && f->null_first <= f->null_last) {
            if (rng_chance(rng, 0.5)) { /* a pointer; else null */
                void *inner = arena_zalloc(arena, f->of->size);
                kafka_fill(rng, arena, f->of, inner);
                *(void **)at = inner;
            }
            continue;
        }
        if (!f->array) {
            fill_one(rng, arena, f, at);
            continue;
        }
        struct kafka_array *array = at;
        size_t size = f->type == KAFKA_TYPE_STRUCT ? f->of->size : 16;
        struct kafka_field item = *f;
        item.array = false;
        array->count = (int32_t)rng_below(rng, 4);
        array->at = arena_zalloc(arena, size * 4);
        for (int32_t n = 0; n < array->count; n++) {
            size_t step = f->type == KAFKA_TYPE_I32 ? 4 : f->type == KAFKA_TYPE_I64 ? 8 : size;
            fill_one(rng, arena, &item, (char *)array->at + (size_t)n * step);
        }
    }
}
