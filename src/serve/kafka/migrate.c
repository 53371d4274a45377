/* A live group from one protocol to the other (KIP-848), as far as group.consumer.migration.policy lets it:
 *
 *     classic --a member of the newer protocol joins--> consumers --the last such member is gone--> classic
 *
 * Ids, subscriptions and assignments go along, and so nobody reads what another has; offsets are the same facts
 * for both kinds. The classic members are told to join again, and reconcile or rebalance from there. */
#include "base/check.h"
#include "serve/kafka/face.h"

static const char *const policies[KAFKA_MIGRATIONS_COUNT] = {
    [KAFKA_MIGRATE_BIDIRECTIONAL] = "bidirectional",
    [KAFKA_MIGRATE_UPGRADE] = "upgrade",
    [KAFKA_MIGRATE_DOWNGRADE] = "downgrade",
    [KAFKA_MIGRATE_DISABLED] = "disabled",
};

const char *face_migration_name(enum kafka_migration policy)
{
    return policies[policy];
}

static bool may(const struct kafka_face *face, enum kafka_migration way)
{
    return face->options.consumer_migration == way || face->options.consumer_migration == KAFKA_MIGRATE_BIDIRECTIONAL;
}

/* ---- to consumers ---- */

static void find_error(void *context, const struct group_moving *member)
{
    const char **why = context;

    if (!*why)
        *why = cgroups_take_error(member);
}

struct upgrade {
    struct kafka_face *face;
    const struct group_info *group;
    bool taken;
};

static void take_up(void *context, const struct group_moving *member)
{
    struct upgrade *u = context;

    if (u->taken)
        u->taken = cgroups_take(u->face->cgroups, face_now_ms(u->face), u->group->id, u->group->generation, member);
}

enum kafka_error face_group_upgrade(struct kafka_face *face, struct bytes id, const char **why)
{
    struct group_info info;
    struct upgrade u = {face, &info, true};

    *why = NULL;
    CHECK(groups_find(face->groups, id, &info) && info.members_count > 0);
    if (!may(face, KAFKA_MIGRATE_UPGRADE))
        *why = "the group is in use by the classic protocol, and group.consumer.migration.policy does not let it go on to the newer one";
    else if (!bytes_is(info.protocol_type, "consumer"))
        *why = "the group is a classic one and its members are no consumers";
    else if (info.members_count >= KAFKA_GROUP_MEMBERS_MAX)
        *why = "the group is a classic one and full";
    else
        groups_each_moving(face->groups, id, find_error, why);
    if (*why)
        return KAFKA_ERR_GROUP_ID_NOT_FOUND;
    groups_each_moving(face->groups, id, take_up, &u);
    if (!u.taken) {
        *why = "there are too many groups";
        return KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
    }
    groups_give(face->groups, id); /* ids that were only given out are new members when they come */
    return KAFKA_ERR_NONE;
}

/* ---- back to a classic group ---- */

struct downgrade {
    struct kafka_face *face;
    struct bytes id;
    int32_t generation;
    bool taken;
};

static void take_down(void *context, const struct group_moving *member)
{
    struct downgrade *d = context;

    if (d->taken)
        d->taken = groups_take(d->face->groups, face_now_ms(d->face), d->id, d->generation, member);
}

bool face_group_downgrade(struct kafka_face *face, struct bytes id)
{
    struct downgrade d = {face, id, 0, true};

    if (!may(face, KAFKA_MIGRATE_DOWNGRADE) || !cgroups_only_classic(face->cgroups, id, &d.generation))
        return false;
    cgroups_each_moving(face->cgroups, id, take_down, &d);
    if (!d.taken)
        return false; /* too many classic groups: it stays what it is, which works as well */
    cgroups_give(face->cgroups, id);
    groups_taken(face->groups, face_now_ms(face), id);
    return true;
}
