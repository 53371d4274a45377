#!/bin/sh
# Flink's Kafka connector with the Flink that it was made for, as jars from Maven Central: its folder has lib/
. tools/peers/common.sh
version=5.0.0-2.2
flink=2.2.1
dir=$INTEROP_CACHE/flink-kafka-$version
peer_there && exit 0
for a in streaming-java clients connector-base; do set -- "$@" "org.apache.flink:flink-$a:$flink"; done
peer_jars "$@" org.slf4j:slf4j-nop:1.7.36 "org.apache.flink:flink-connector-kafka:$version"
