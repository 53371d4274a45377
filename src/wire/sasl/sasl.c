#include "wire/sasl/sasl.h"

#include "base/base64.h"

enum { SOH = 1 };

/* Cuts what stands before the first `end` off *rest; false: there is none. */
static bool cut(struct bytes *rest, uint8_t end, struct bytes *out)
{
    size_t at = bytes_find(*rest, end, 0);

    if (at == rest->len)
        return false;
    *out = bytes_head(*rest, at);
    *rest = bytes_skip(*rest, at + 1);
    return true;
}

/* The next of a list with commas; the last has none behind it. */
static bool next_part(struct bytes *rest, struct bytes *out)
{
    if (rest->len == 0)
        return false;
    if (!cut(rest, ',', out)) {
        *out = *rest;
        *rest = BYTES_NONE;
    }
    return true;
}

static bool is_attribute(struct bytes part, char name, struct bytes *value)
{
    if (part.len < 2 || part.ptr[0] != (uint8_t)name || part.ptr[1] != '=')
        return false;
    *value = bytes_skip(part, 2);
    return true;
}

static bool has_nul(struct bytes b)
{
    return bytes_find(b, 0, 0) < b.len;
}

bool sasl_plain_parse(struct bytes m, struct sasl_plain *out)
{
    if (!cut(&m, 0, &out->authzid) || !cut(&m, 0, &out->user))
        return false;
    out->password = m;
    return out->user.len > 0 && m.len > 0 && !has_nul(m);
}

/* "=2C" is a comma, "=3D" an equals sign, and nothing else begins with one. */
static bool name_decode(struct bytes name, struct buf *out)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] != '=') {
            buf_u8(out, name.ptr[i]);
            continue;
        }
        struct bytes code = bytes_head(bytes_skip(name, i + 1), 2);
        if (!bytes_is(code, "2C") && !bytes_is(code, "3D"))
            return false;
        buf_u8(out, code.ptr[0] == '2' ? ',' : '=');
        i += 2;
    }
    return !has_nul(name);
}

/* "n,," or "y,a=authzid,": a client that could bind the channel (y) may do without. */
static bool gs2_parse(struct bytes *rest, struct bytes *authzid)
{
    struct bytes flag, who;

    if (!cut(rest, ',', &flag) || (!bytes_is(flag, "n") && !bytes_is(flag, "y")))
        return false;
    *authzid = bytes_of("", 0);
    return cut(rest, ',', &who) && (who.len == 0 || is_attribute(who, 'a', authzid));
}

bool scram_first_parse(struct bytes m, struct scram_first *out, struct buf *user,
                       struct buf *authzid)
{
    struct bytes rest = m, who, part, name;

    *out = (struct scram_first){0};
    if (!gs2_parse(&rest, &who) || !name_decode(who, authzid))
        return false;
    out->gs2 = bytes_head(m, m.len - rest.len);
    out->bare = rest;
    if (!next_part(&rest, &part) || !is_attribute(part, 'n', &name) || !name_decode(name, user) ||
        user->len == 0)
        return false;
    if (!next_part(&rest, &part) || !is_attribute(part, 'r', &out->nonce) || out->nonce.len == 0)
        return false;
    while (next_part(&rest, &part)) {
        if (part.len >= 2 && part.ptr[0] == 'm' && part.ptr[1] == '=')
            return false; /* a mandatory extension: none is known */
        out->by_token = out->by_token || bytes_is(part, "tokenauth=true");
    }
    return true;
}

bool scram_final_parse(struct bytes m, struct scram_final *out, struct buf *proof)
{
    struct bytes rest = m, part, text;

    *out = (struct scram_final){0};
    if (!next_part(&rest, &part) || !is_attribute(part, 'c', &out->binding))
        return false;
    if (!next_part(&rest, &part) || !is_attribute(part, 'r', &out->nonce))
        return false;
    while (next_part(&rest, &part)) {
        if (!is_attribute(part, 'p', &text))
            continue;
        size_t at = (size_t)(part.ptr - m.ptr);
        out->without_proof = bytes_head(m, at - 1);
        return rest.len == 0 && base64_decode(proof, text);
    }
    return false;
}

bool scram_challenge_parse(struct bytes m, struct scram_challenge *out, struct buf *salt)
{
    struct bytes rest = m, part, text;
    int64_t iterations;

    *out = (struct scram_challenge){0};
    if (!next_part(&rest, &part) || !is_attribute(part, 'r', &out->nonce) || out->nonce.len == 0)
        return false;
    if (!next_part(&rest, &part) || !is_attribute(part, 's', &text) || !base64_decode(salt, text))
        return false;
    if (!next_part(&rest, &part) || !is_attribute(part, 'i', &text) || !bytes_to_i64(text, &iterations))
        return false;
    out->iterations = iterations > 0 && iterations <= UINT32_MAX ? (uint32_t)iterations : 0;
    return out->iterations > 0;
}

bool scram_verdict_parse(struct bytes m, struct buf *signature, struct bytes *error)
{
    struct bytes rest = m, part, text;

    *error = BYTES_NONE;
    if (!next_part(&rest, &part))
        return false;
    if (is_attribute(part, 'e', error))
        return true;
    return is_attribute(part, 'v', &text) && base64_decode(signature, text);
}

void scram_name_write(struct buf *out, struct bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == ',')
            buf_str(out, "=2C");
        else if (name.ptr[i] == '=')
            buf_str(out, "=3D");
        else
            buf_u8(out, name.ptr[i]);
    }
}

bool oauth_first_parse(struct bytes m, struct oauth_first *out)
{
    struct bytes rest = m, part, none;

    *out = (struct oauth_first){0};
    if (!gs2_parse(&rest, &out->authzid) || !cut(&rest, SOH, &none) || none.len != 0)
        return false;
    while (cut(&rest, SOH, &part)) {
        if (part.len == 0)
            return rest.len == 0 && out->token.len > 0;
        if (part.len > 12 && bytes_is_nocase(bytes_head(part, 12), "auth=Bearer ")) {
            if (out->token.ptr)
                return false;
            out->token = bytes_skip(part, 12);
        } else if (bytes_find(part, '=', 0) == part.len) {
            return false;
        }
    }
    return false;
}
