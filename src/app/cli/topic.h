/* topic.h: what the actions of `quickwater topic` share.       Layer: app. */
#ifndef QW_APP_CLI_TOPIC_H
#define QW_APP_CLI_TOPIC_H

#include "app/cli/kafka_link.h"

struct topic_args {
    struct kafka_link link;
    const char *key, *key_separator, *config;
    int64_t partitions, offset, count, partition;
    bool from_start, follow, json;
};

int topic_missing(const char *name); /* says so; gives an exit code */

int topic_produce(const struct topic_args *args, const char *topic);
int topic_consume(const struct topic_args *args, const char *topic);

#endif
