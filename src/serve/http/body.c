#include "base/base64.h"
#include "base/json_reader.h"
#include "serve/http/broker.h"
#include "wire/http/uri.h"

struct bytes body_decoded(struct exchange *x, struct bytes string_value)
{
    struct buf text;

    buf_init(&text, 0);
    buf_reserve(&text, 1); /* an empty text is one */
    json_string_decode(string_value, &text);
    struct bytes out = arena_copy(&x->arena, buf_view(&text));
    buf_deinit(&text);
    return out;
}

/* Whether the name is one of the words. */
static bool is_known(struct bytes key_with_quotes, const char *known)
{
    while (*known) {
        size_t len = strcspn(known, " ");
        char word[64] = {0};
        memcpy(word, known, len < sizeof word ? len : sizeof word - 1);
        if (json_string_is(key_with_quotes, word))
            return true;
        known += len + (known[len] == ' ');
    }
    return false;
}

bool body_object(struct exchange *x, const char *known, struct bytes *object)
{
    struct bytes text = x->request->body, key, value;
    struct json_cursor error = {.error = NULL};

    if (!json_is_one(text, &error)) {
        reply_error(x, 400, "syntax", "the body is not one JSON object: %s at byte %zu",
                    error.error ? error.error : "it is empty", error.pos);
        return false;
    }
    struct json_cursor c = json_cursor_of(text);
    if (!json_next(&c, object) || json_kind_of(*object) != JSON_OBJECT) {
        reply_error(x, 400, "syntax", "the body is not a JSON object");
        return false;
    }
    struct json_iter it = json_iter_of(*object);
    while (known && json_object_next(&it, &key, &value))
        if (!is_known(key, known)) {
            reply_error(x, 400, "name", "%.*s is not a member here; those are: %s",
                        BYTES_FMT(bytes_head(key, 100)), known);
            return false;
        }
    return true;
}

enum body body_text(struct exchange *x, struct bytes object, const char *name, struct bytes *out)
{
    struct bytes value;

    if (!json_member(object, name, &value))
        return BODY_ABSENT;
    *out = BYTES_NONE;
    if (json_kind_of(value) == JSON_NULL)
        return BODY_NULL;
    if (json_kind_of(value) != JSON_STRING) {
        reply_error(x, 400, "value", "\"%s\" is a text, or null", name);
        return BODY_BAD;
    }
    *out = body_decoded(x, value);
    return BODY_THERE;
}

enum body body_int(struct exchange *x, struct bytes object, const char *name, int64_t *out)
{
    struct bytes value;

    if (!json_member(object, name, &value))
        return BODY_ABSENT;
    if (json_kind_of(value) == JSON_NULL)
        return BODY_NULL;
    if (json_kind_of(value) != JSON_NUMBER || !bytes_to_i64(value, out)) {
        reply_error(x, 400, "value", "\"%s\" is a whole number", name);
        return BODY_BAD;
    }
    return BODY_THERE;
}

enum body body_bytes(struct exchange *x, struct bytes object, const char *name, struct bytes *out)
{
    const char *coded = arena_printf(&x->arena, "%s_base64", name);
    struct bytes text, ignored;
    struct buf bytes;

    if (!json_member(object, coded, &ignored))
        return body_text(x, object, name, out);
    if (json_member(object, name, &ignored)) {
        reply_error(x, 400, "value", "\"%s\" or \"%s\", not both", name, coded);
        return BODY_BAD;
    }
    enum body kind = body_text(x, object, coded, &text);
    if (kind != BODY_THERE)
        return kind;
    buf_init(&bytes, 0);
    buf_reserve(&bytes, 1);
    bool ok = base64_decode(&bytes, text);
    *out = arena_copy(&x->arena, buf_view(&bytes));
    buf_deinit(&bytes);
    if (ok)
        return BODY_THERE;
    reply_error(x, 400, "value", "\"%s\" is not base64", coded);
    return BODY_BAD;
}

bool query_int(struct exchange *x, const char *name, int64_t min, int64_t max, int64_t *out)
{
    struct buf text;
    int64_t value = 0;

    buf_init(&text, 0);
    bool given = query_get(x->request->query, name, &text);
    bool ok = !given || (bytes_to_i64(buf_view(&text), &value) && value >= min && value <= max);
    buf_deinit(&text);
    if (!ok)
        reply_error(x, 400, "value", "?%s= is a whole number from %lld to %lld", name, (long long)min,
                    (long long)max);
    else if (given)
        *out = value;
    return ok;
}
