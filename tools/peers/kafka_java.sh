#!/bin/sh
# Kafka's own Java client, as jars from Maven Central: its folder has lib/
. tools/peers/common.sh
version=${KAFKA_CLIENTS_VERSION:-4.1.1}
dir=$INTEROP_CACHE/kafka-clients-$version
peer_there && exit 0
peer_jars org.slf4j:slf4j-nop:1.7.36 "org.apache.kafka:kafka-clients:$version"
