#!/bin/sh
# Kafka's Java client of version 3.9: what kafka_java does.
export KAFKA_CLIENTS_VERSION=3.9.1
. tools/interop/kafka_java.sh
