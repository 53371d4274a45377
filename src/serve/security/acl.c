/* The fact's key is the binding, so that what is made twice is there once:
 *
 *     key    'a' | u8 resource | u8 pattern | u8 operation | u8 permission |
 *            u16 length, name | u16 length, principal | host               big-endian
 *     value  u8 version 1
 *
 * A question looks at the literal name, at '*', and at each prefix whose length some pattern has.
 */
#include "serve/security/acl.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/reader.h"

enum { KEY_OF_ACL = 'a', VALUE_VERSION = 1, TEXT_MAX = 32767 };

const char *acl_resource_name(enum acl_resource resource)
{
    static const char *const names[] = {[ACL_RESOURCE_ANY] = "any",
                                        [ACL_TOPIC] = "topic",
                                        [ACL_GROUP] = "group",
                                        [ACL_CLUSTER] = "cluster",
                                        [ACL_TRANSACTIONAL_ID] = "transactional-id",
                                        [ACL_DELEGATION_TOKEN] = "delegation-token",
                                        [ACL_USER] = "user"};
    size_t i = (size_t)resource;

    return i < sizeof(names) / sizeof(*names) && names[i] ? names[i] : "?";
}

const char *acl_operation_name(enum acl_operation operation)
{
    static const char *const names[] = {[ACL_OPERATION_ANY] = "any",
                                        [ACL_ALL] = "all",
                                        [ACL_READ] = "read",
                                        [ACL_WRITE] = "write",
                                        [ACL_CREATE] = "create",
                                        [ACL_DELETE] = "delete",
                                        [ACL_ALTER] = "alter",
                                        [ACL_DESCRIBE] = "describe",
                                        [ACL_CLUSTER_ACTION] = "cluster-action",
                                        [ACL_DESCRIBE_CONFIGS] = "describe-configs",
                                        [ACL_ALTER_CONFIGS] = "alter-configs",
                                        [ACL_IDEMPOTENT_WRITE] = "idempotent-write",
                                        [ACL_CREATE_TOKENS] = "create-tokens",
                                        [ACL_DESCRIBE_TOKENS] = "describe-tokens",
                                        [ACL_TWO_PHASE_COMMIT] = "two-phase-commit"};
    size_t i = (size_t)operation;

    return i < sizeof(names) / sizeof(*names) && names[i] ? names[i] : "?";
}

struct acl_entry {
    uint8_t operation, permission;
    char *text; /* principal, then host */
    size_t principal_len, host_len;
};

struct acl_set {
    uint8_t resource, pattern;
    struct bytes name; /* into key */
    uint8_t *key;
    struct acl_entry *at;
    uint32_t count, cap;
};

struct acl_length {
    size_t len;
    uint32_t sets;
    uint8_t resource;
};

static struct bytes entry_principal(const struct acl_entry *e)
{
    return bytes_of(e->text, e->principal_len);
}

static struct bytes entry_host(const struct acl_entry *e)
{
    return bytes_of(e->text + e->principal_len, e->host_len);
}

/* ---- facts ---- */

static void put_key(struct buf *key, const struct acl *a)
{
    buf_u8(key, KEY_OF_ACL);
    buf_u8(key, a->resource);
    buf_u8(key, a->pattern);
    buf_u8(key, a->operation);
    buf_u8(key, a->permission);
    buf_u16_be(key, (uint16_t)a->name.len);
    buf_bytes(key, a->name);
    buf_u16_be(key, (uint16_t)a->principal.len);
    buf_bytes(key, a->principal);
    buf_bytes(key, a->host);
}

static bool key_parse(struct bytes key, struct acl *out)
{
    struct reader r = reader_of(key);

    if (reader_u8(&r) != KEY_OF_ACL)
        return false;
    out->resource = reader_u8(&r);
    out->pattern = reader_u8(&r);
    out->operation = reader_u8(&r);
    out->permission = reader_u8(&r);
    out->name = reader_bytes(&r, reader_u16_be(&r));
    out->principal = reader_bytes(&r, reader_u16_be(&r));
    out->host = reader_rest(&r);
    return !r.bad && !acl_error(out);
}

static void put_fact(struct log_entry *entry, const struct acl *acl, struct bytes value)
{
    struct buf key;

    buf_init(&key, 0);
    put_key(&key, acl);
    log_entry_kv(entry, LOG_KV_SECURITY, buf_view(&key), value);
    buf_deinit(&key);
}

void acl_keep(struct log_entry *entry, const struct acl *acl)
{
    static const uint8_t version = VALUE_VERSION;
    put_fact(entry, acl, bytes_of(&version, 1));
}

void acl_drop(struct log_entry *entry, const struct acl *acl)
{
    put_fact(entry, acl, BYTES_NONE);
}

/* ---- what may be said ---- */

const char *acl_error(const struct acl *a)
{
    if (a->resource < ACL_TOPIC || a->resource > ACL_USER)
        return "the resource is a topic (2), group (3), cluster (4), transactional id (5), "
               "delegation token (6) "
               "or user (7)";
    if (a->pattern != ACL_LITERAL && a->pattern != ACL_PREFIXED)
        return "the pattern is literal (3) or prefixed (4)";
    if (a->operation < ACL_ALL || a->operation > ACL_OPERATION_LAST)
        return "that is not an operation";
    if (a->permission != ACL_DENY && a->permission != ACL_ALLOW)
        return "the permission is deny (2) or allow (3)";
    if (a->name.len == 0 || a->name.len > TEXT_MAX)
        return "a resource has a name";
    if (a->resource == ACL_CLUSTER && !bytes_equal(a->name, ACL_CLUSTER_NAME))
        return "the cluster's name is kafka-cluster";
    size_t colon = bytes_find(a->principal, ':', 0);
    if (colon == 0 || colon + 1 >= a->principal.len || a->principal.len > TEXT_MAX)
        return "a principal is written as User:name";
    if (a->host.len == 0 || a->host.len > TEXT_MAX)
        return "a host is an address, or * for all";
    return NULL;
}

const char *acl_filter_error(const struct acl *f)
{
    if (f->resource < ACL_RESOURCE_ANY || f->resource > ACL_USER)
        return "that is not a kind of resource";
    if (f->pattern < ACL_PATTERN_ANY || f->pattern > ACL_PREFIXED)
        return "that is not a kind of pattern";
    if (f->operation < ACL_OPERATION_ANY || f->operation > ACL_OPERATION_LAST)
        return "that is not an operation";
    if (f->permission < ACL_PERMISSION_ANY || f->permission > ACL_ALLOW)
        return "that is not a permission";
    return NULL;
}

/* ---- the index ---- */

static void put_set_key(struct buf *key, uint8_t resource, uint8_t pattern, struct bytes name)
{
    buf_u8(key, resource);
    buf_u8(key, pattern);
    buf_bytes(key, name);
}

static struct acl_set *set_find(const struct acls *acls, uint8_t resource, uint8_t pattern,
                                struct bytes name)
{
    struct buf key;

    buf_init(&key, 0);
    put_set_key(&key, resource, pattern, name);
    struct acl_set *set = map_get(&acls->sets, buf_view(&key));
    buf_deinit(&key);
    return set;
}

static void note_length(struct acls *acls, uint8_t resource, size_t len)
{
    for (uint32_t i = 0; i < acls->lengths_count; i++) {
        struct acl_length *l = &acls->lengths[i];
        if (l->resource == resource && l->len == len) {
            l->sets++;
            return;
        }
    }
    acls->lengths = xrealloc(acls->lengths, (acls->lengths_count + 1) * sizeof(*acls->lengths));
    acls->lengths[acls->lengths_count++] = (struct acl_length){len, 1, resource};
}

static void forget_length(struct acls *acls, uint8_t resource, size_t len)
{
    for (uint32_t i = 0; i < acls->lengths_count; i++) {
        struct acl_length *l = &acls->lengths[i];
        if (l->resource != resource || l->len != len)
            continue;
        if (--l->sets == 0)
            *l = acls->lengths[--acls->lengths_count];
        return;
    }
}

static struct acl_set *set_new(struct acls *acls, const struct acl *a)
{
    struct acl_set *set = xcalloc(1, sizeof(*set));
    struct buf key;

    buf_init(&key, 0);
    put_set_key(&key, a->resource, a->pattern, a->name);
    set->resource = a->resource;
    set->pattern = a->pattern;
    map_put(&acls->sets, buf_view(&key), set);
    set->key = key.ptr; /* is now the set's */
    set->name = bytes_of(key.ptr + 2, a->name.len);
    if (a->pattern == ACL_PREFIXED)
        note_length(acls, a->resource, a->name.len);
    return set;
}

static void set_free(struct acl_set *set)
{
    for (uint32_t i = 0; i < set->count; i++)
        free(set->at[i].text);
    free(set->at);
    free(set->key);
    free(set);
}

static struct acl_entry *entry_find(const struct acl_set *set, const struct acl *a)
{
    for (uint32_t i = 0; i < set->count; i++) {
        struct acl_entry *e = &set->at[i];
        if (e->operation == a->operation && e->permission == a->permission &&
            bytes_equal(entry_principal(e), a->principal) && bytes_equal(entry_host(e), a->host))
            return e;
    }
    return NULL;
}

void acls_add(struct acls *acls, const struct acl *a)
{
    struct acl_set *set = set_find(acls, a->resource, a->pattern, a->name);

    if (!set)
        set = set_new(acls, a);
    if (entry_find(set, a))
        return;
    if (set->count == set->cap) {
        set->cap = set->cap ? 2 * set->cap : 2;
        set->at = xrealloc(set->at, set->cap * sizeof(*set->at));
    }
    struct acl_entry *e = &set->at[set->count++];
    *e =
        (struct acl_entry){a->operation, a->permission, xmalloc(a->principal.len + a->host.len + 1),
                           a->principal.len, a->host.len};
    memcpy(e->text, a->principal.ptr, a->principal.len);
    memcpy(e->text + a->principal.len, a->host.ptr, a->host.len);
    acls->count++;
}

void acls_remove(struct acls *acls, const struct acl *a)
{
    struct acl_set *set = set_find(acls, a->resource, a->pattern, a->name);
    struct acl_entry *e = set ? entry_find(set, a) : NULL;

    if (!e)
        return;
    free(e->text);
    *e = set->at[--set->count];
    acls->count--;
    if (set->count)
        return;
    if (set->pattern == ACL_PREFIXED)
        forget_length(acls, set->resource, set->name.len);
    map_remove(&acls->sets, bytes_of(set->key, 2 + set->name.len));
    set_free(set);
}

static bool load(void *context, struct bytes key, struct bytes value)
{
    struct acl acl;

    (void)value;
    if (key_parse(key, &acl))
        acls_add(context, &acl);
    return true;
}

void acls_open(struct acls *acls, struct log *log)
{
    static const uint8_t prefix = KEY_OF_ACL;

    *acls = (struct acls){.log = log};
    map_init(&acls->sets);
    log_kv_scan(log, LOG_KV_SECURITY, bytes_of(&prefix, 1), load, acls);
}

void acls_close(struct acls *acls)
{
    for (struct map_entry *e = map_first(&acls->sets); e; e = map_next(&acls->sets, e))
        set_free(e->value);
    map_deinit(&acls->sets);
    free(acls->lengths);
}

/* ---- filters ---- */

static bool is_prefix(struct bytes prefix, struct bytes name)
{
    return bytes_equal(prefix, bytes_head(name, prefix.len)) && prefix.len <= name.len;
}

static bool set_passes(const struct acl_set *set, const struct acl *f)
{
    if (f->resource != ACL_RESOURCE_ANY && f->resource != set->resource)
        return false;
    if (f->pattern >= ACL_LITERAL && f->pattern != set->pattern)
        return false;
    if (!f->name.ptr || bytes_equal(f->name, set->name))
        return true;
    if (f->pattern != ACL_MATCH)
        return false;
    return set->pattern == ACL_PREFIXED ? is_prefix(set->name, f->name) : bytes_is(set->name, "*");
}

static bool entry_passes(const struct acl_entry *e, const struct acl *f)
{
    return (f->operation == ACL_OPERATION_ANY || f->operation == e->operation) &&
           (f->permission == ACL_PERMISSION_ANY || f->permission == e->permission) &&
           (!f->principal.ptr || bytes_equal(f->principal, entry_principal(e))) &&
           (!f->host.ptr || bytes_equal(f->host, entry_host(e)));
}

void acls_each(const struct acls *acls, const struct acl *f, acl_fn *fn, void *context)
{
    for (struct map_entry *m = map_first(&acls->sets); m; m = map_next(&acls->sets, m)) {
        const struct acl_set *set = m->value;
        if (!set_passes(set, f))
            continue;
        for (uint32_t i = 0; i < set->count; i++) {
            const struct acl_entry *e = &set->at[i];
            const struct acl acl = {set->resource, set->pattern,       e->operation, e->permission,
                                    set->name,     entry_principal(e), entry_host(e)};
            if (entry_passes(e, f))
                fn(context, &acl);
        }
    }
}

/* ---- questions ---- */

static bool is_about(const struct acl_entry *e, const struct acl_question *q)
{
    struct bytes who = entry_principal(e), host = entry_host(e);

    return (bytes_equal(who, q->principal) || bytes_is(who, "User:*")) &&
           (bytes_is(host, "*") || bytes_equal(host, q->host));
}

static bool allows(uint8_t said, enum acl_operation asked)
{
    if (said == ACL_ALL || said == asked)
        return true;
    if (asked == ACL_DESCRIBE)
        return said == ACL_READ || said == ACL_WRITE || said == ACL_DELETE || said == ACL_ALTER;
    return asked == ACL_DESCRIBE_CONFIGS && said == ACL_ALTER_CONFIGS;
}

static bool denies(uint8_t said, enum acl_operation asked)
{
    return said == ACL_ALL || said == asked;
}

/* The stronger of what was known and what the set says. */
static enum acl_answer ask_set(const struct acl_set *set, const struct acl_question *q,
                               enum acl_answer known)
{
    if (!set || known == ACL_DENIED)
        return known;
    if (known == ACL_NOBODY_SAID)
        known = ACL_NOT_SAID;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct acl_entry *e = &set->at[i];
        if (!is_about(e, q))
            continue;
        if (e->permission == ACL_DENY && denies(e->operation, q->operation))
            return ACL_DENIED;
        if (e->permission == ACL_ALLOW && allows(e->operation, q->operation))
            known = ACL_ALLOWED;
    }
    return known;
}

/* What the prefixed patterns say of the name. */
static enum acl_answer ask_prefixes(const struct acls *acls, const struct acl_question *q,
                                    enum acl_answer known)
{
    for (uint32_t i = 0; i < acls->lengths_count && known != ACL_DENIED; i++) {
        const struct acl_length *l = &acls->lengths[i];
        if (l->resource == q->resource && l->len <= q->name.len)
            known = ask_set(set_find(acls, l->resource, ACL_PREFIXED, bytes_head(q->name, l->len)),
                            q, known);
    }
    return known;
}

enum acl_answer acls_ask(const struct acls *acls, const struct acl_question *q)
{
    uint8_t resource = (uint8_t)q->resource;
    enum acl_answer known =
        ask_set(set_find(acls, resource, ACL_LITERAL, q->name), q, ACL_NOBODY_SAID);

    known = ask_set(set_find(acls, resource, ACL_LITERAL, BYTES_LITERAL("*")), q, known);
    return ask_prefixes(acls, q, known);
}

/* Some resource that the set's pattern names may be used: no deny stands on all that it names. */
static bool set_gives_some(const struct acls *acls, const struct acl_set *set,
                           const struct acl_question *any)
{
    struct acl_question q = *any;

    if (ask_set(set, any, ACL_NOBODY_SAID) != ACL_ALLOWED)
        return false;
    q.name = set->name;
    return set->pattern == ACL_LITERAL ? acls_ask(acls, &q) == ACL_ALLOWED
                                       : ask_prefixes(acls, &q, ACL_NOBODY_SAID) != ACL_DENIED;
}

enum acl_answer acls_ask_any(const struct acls *acls, const struct acl_question *q)
{
    bool any = false;

    if (ask_set(set_find(acls, (uint8_t)q->resource, ACL_LITERAL, BYTES_LITERAL("*")), q,
                ACL_NOBODY_SAID) == ACL_DENIED)
        return ACL_DENIED;
    for (struct map_entry *m = map_first(&acls->sets); m; m = map_next(&acls->sets, m)) {
        const struct acl_set *set = m->value;
        if (set->resource != q->resource)
            continue;
        any = true;
        if (set_gives_some(acls, set, q))
            return ACL_ALLOWED;
    }
    return any ? ACL_NOT_SAID : ACL_NOBODY_SAID;
}
