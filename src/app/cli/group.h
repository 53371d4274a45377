/* group.h: what the actions of `quickwater group` share: the options, and what is known of a group.
 *
 * Owns:    nothing; texts live in the client's arena.       Layer: app.
 */
#ifndef QW_APP_CLI_GROUP_H
#define QW_APP_CLI_GROUP_H

#include "app/cli/parts.h"
#include "app/cli/rows.h"

struct group_args {
    struct kafka_link link;
    const char *topics;                  /* "a,b:0" */
    const char *to, *to_time, *shift_by; /* reset: one of them */
    bool all_topics, execute, create, json;
};

struct group_facts {
    bool there;            /* it has members, or commits, or a state */
    const char *type;      /* "classic", "consumer" */
    struct bytes state;    /* "Stable", "Empty", … */
    struct bytes protocol; /* the assignor */
    int32_t coordinator;
    json_t *members;    /* [{member, instance, client, host, partitions: ["t:0"]}], until group_forget */
    struct parts parts; /* commits, and what members read; parts_ends is the caller's */
};

/* False after saying why not; a group that is not there is no failure. group_forget after either. */
bool group_look(struct kafka_client *client, const char *name, struct group_facts *out);
void group_forget(struct group_facts *facts);
int group_missing(const char *name); /* says so; gives an exit code */

int group_reset(const struct group_args *args, const char *name);

#endif
