#include "wire/sasl/jwt.h"

#include "base/base64.h"
#include "base/json_reader.h"

static bool is_object(struct bytes text)
{
    struct json_cursor c = json_cursor_of(text);
    struct bytes value;

    return json_is_one(text, NULL) && json_next(&c, &value) && json_kind_of(value) == JSON_OBJECT;
}

bool jwt_parse(struct jwt *j, struct bytes token)
{
    size_t first = bytes_find(token, '.', 0);
    size_t second = first < token.len ? bytes_find(token, '.', first + 1) : token.len;

    *j = (struct jwt){0};
    buf_init(&j->header, 0);
    buf_init(&j->payload, 0);
    buf_init(&j->signature, 0);
    if (token.len > JWT_BYTES_MAX || second >= token.len)
        return false;
    j->signed_part = bytes_head(token, second);
    return base64url_decode(&j->header, bytes_head(token, first)) &&
           base64url_decode(&j->payload, bytes_skip(bytes_head(token, second), first + 1)) &&
           base64url_decode(&j->signature, bytes_skip(token, second + 1)) &&
           is_object(buf_view(&j->header)) && is_object(buf_view(&j->payload));
}

void jwt_deinit(struct jwt *j)
{
    buf_deinit(&j->header);
    buf_deinit(&j->payload);
    buf_deinit(&j->signature);
}

/* json_member wants the value that json_next gave: without white space around it. */
static bool member(struct bytes object, const char *name, struct bytes *value)
{
    struct json_cursor c = json_cursor_of(object);
    struct bytes whole;

    return json_next(&c, &whole) && json_kind_of(whole) == JSON_OBJECT &&
           json_member(whole, name, value);
}

bool jwt_text(struct bytes object, const char *name, struct buf *out)
{
    struct bytes value;

    if (!member(object, name, &value) || json_kind_of(value) != JSON_STRING)
        return false;
    json_string_decode(value, out);
    return true;
}

bool jwt_seconds(struct bytes object, const char *name, int64_t *out)
{
    struct bytes value;

    if (!member(object, name, &value) || json_kind_of(value) != JSON_NUMBER)
        return false;
    value = bytes_head(value, bytes_find(value, '.', 0));
    return bytes_to_i64(value, out) && *out > -(int64_t)1e11 && *out < (int64_t)1e11;
}

bool jwt_has(struct bytes object, const char *name, const char *text)
{
    struct bytes value, item;

    if (!member(object, name, &value))
        return false;
    if (json_kind_of(value) == JSON_STRING)
        return json_string_is(value, text);
    if (json_kind_of(value) != JSON_ARRAY)
        return false;
    struct json_iter it = json_iter_of(value);
    while (json_array_next(&it, &item))
        if (json_kind_of(item) == JSON_STRING && json_string_is(item, text))
            return true;
    return false;
}
