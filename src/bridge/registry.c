/* registry.c: which bridges there are. */
#include "bridge/bridge.h"
#include "bridge/bridges.h"
#include "bridge/systems.h"

static const struct bridge_class *const classes[] = {
    &bridge_cassandra, &bridge_http, &bridge_influxdb, &bridge_kafka, &bridge_mqtt, &bridge_nats,
    &bridge_postgres, &bridge_rabbitmq, &bridge_redis, &bridge_upsert_kafka,
};
enum { CLASSES = sizeof(classes) / sizeof(*classes) };

const struct bridge_class *bridge_class_at(unsigned i)
{
    return i < CLASSES ? classes[i] : NULL;
}

const struct bridge_class *bridge_class_of(struct bytes connector)
{
    for (unsigned i = 0; i < CLASSES; i++)
        if (bytes_is(connector, classes[i]->name))
            return classes[i];
    return NULL;
}
