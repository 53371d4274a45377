#!/bin/sh
# Kafka's command-line tools, Streams and Connect, as jars from Maven Central: its folder has lib/
. tools/peers/common.sh
version=${KAFKA_TOOLS_VERSION:-4.1.1}
dir=$INTEROP_CACHE/kafka-tools-$version
peer_there && exit 0
for a in kafka-tools kafka_2.13 kafka-streams connect-runtime connect-file connect-json; do
    set -- "$@" "org.apache.kafka:$a:$version"
done
peer_jars "$@" org.slf4j:slf4j-nop:1.7.36
