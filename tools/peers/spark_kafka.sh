#!/bin/sh
# Spark's Structured Streaming with its Kafka source and sink, as jars from Maven Central: its folder has lib/
. tools/peers/common.sh
version=4.1.1
dir=$INTEROP_CACHE/spark-kafka-$version
peer_there && exit 0
peer_jars org.slf4j:slf4j-nop:1.7.36 "org.apache.spark:spark-sql_2.13:$version" "org.apache.spark:spark-sql-kafka-0-10_2.13:$version"
