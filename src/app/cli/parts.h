/* parts.h: partitions that a command is about, in order of topic and number, with where they begin and end
 * and what a group has committed of them.
 *
 * Owns:    the list, until parts_deinit; texts live in the client's arena.
 * Errors:  false, told; the exit code is EXIT_USER or the client's.       Layer: app.
 */
#ifndef QW_APP_CLI_PARTS_H
#define QW_APP_CLI_PARTS_H

#include "app/cli/kafka_client.h"

enum { PARTS_TIME_LATEST = -1, PARTS_TIME_EARLIEST = -2 };

struct part {
    struct bytes topic;
    int32_t partition, leader; /* leader -1: there is no such partition, or nobody leads it */
    int64_t start, end;        /* -1: not known */
    int64_t committed;         /* -1: nothing */
    struct bytes metadata;     /* of the commit */
    struct bytes member;       /* who reads it; ptr NULL: nobody */
    int64_t at;                /* where a time was found, or where it is to be */
    const char *note;          /* why that differs from what was asked for; NULL: it does not */
};

struct parts {
    struct part *at;
    size_t count, cap;
};

void parts_deinit(struct parts *parts);
/* The one of that name, made if need be. Pointers into the list die with the next call. */
struct part *parts_of(struct parts *parts, struct bytes topic, int32_t partition);

/* Adds those that "a,b:0,b:2" names: topics, or partitions of them, which must all be there. */
bool parts_select(struct parts *parts, struct kafka_client *client, const char *option, const char *names);
/* Adds those of which the group has a commit. coordinator: kafka_client_coordinator's. */
bool parts_commits(struct parts *parts, struct kafka_client *client, int32_t coordinator, struct bytes group);
/* Who leads them. */
bool parts_leaders(struct parts *parts, struct kafka_client *client);
/* start and end, of those that have a leader; parts_leaders comes first, here and below. */
bool parts_ends(struct parts *parts, struct kafka_client *client);
/* at: the first record at or after that time, in ms; -1: there is none. */
bool parts_at_time(struct parts *parts, struct kafka_client *client, int64_t time_ms);

#endif
