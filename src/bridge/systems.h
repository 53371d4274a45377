/* systems.h: the bridges, one file each.   Layer: bridge. */
#ifndef QW_BRIDGE_SYSTEMS_H
#define QW_BRIDGE_SYSTEMS_H

#include "bridge/bridge.h"

extern const struct bridge_class bridge_cassandra, bridge_http, bridge_influxdb, bridge_kafka, bridge_mqtt, bridge_nats, bridge_postgres,
    bridge_rabbitmq, bridge_redis, bridge_upsert_kafka;

#endif
