#!/bin/sh
# Apache Flink, as jars from Maven Central: its folder has lib/
. tools/peers/common.sh
# The newest that a Kafka connector has been released for; its csv, avro and protobuf formats are of the minor version's first.
version=${FLINK_VERSION:-2.2.1}
formats=${FLINK_FORMATS_VERSION:-2.2.0}
kafka=${FLINK_KAFKA_VERSION:-5.0.0-2.2}
dir=$INTEROP_CACHE/flink-$version
peer_there "lib/flink-sql-connector-kafka-$kafka.jar" "lib/flink-sql-avro-confluent-registry-$formats.jar" \
    "lib/flink-statebackend-rocksdb-$version.jar" && exit 0
# The planner itself, not its loader, which unpacks a jar in a jar at each start.
for a in table-planner_2.12 table-runtime table-api-java-bridge clients connector-files json statebackend-rocksdb; do
    set -- "$@" "org.apache.flink:flink-$a:$version"
done
peer_jars "$@" org.slf4j:slf4j-nop:1.7.36 "org.apache.flink:flink-csv:$formats" "org.apache.flink:flink-sql-connector-kafka:$kafka" \
    "org.apache.flink:flink-sql-avro-confluent-registry:$formats" # avro too
