#!/bin/sh
# Storm with its Kafka spout and a cluster in one process, as jars from Maven Central: its folder has lib/
. tools/peers/common.sh
version=2.8.3
dir=$INTEROP_CACHE/storm-kafka-$version
peer_there && exit 0
for a in storm-client storm-server storm-kafka-client; do set -- "$@" "org.apache.storm:$a:$version"; done
# the spout leaves the choice of its client to its user
peer_jars "$@" org.slf4j:slf4j-nop:1.7.36 org.apache.kafka:kafka-clients:3.9.1
