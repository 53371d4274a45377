#!/bin/sh
# Flink's KafkaSource and KafkaSink EXACTLY_ONCE: a job that is killed and restored from its newest checkpoint, and our
# server killed; each record's number is there once.
. tools/interop/common.sh
peer flink_kafka
javac -nowarn -cp "$dir/lib/*" -d "$work/classes" tools/interop/Killed.java tools/interop/FlinkKafka.java || give_up "compiling"
server_start
rounds=2
[ "$INTEROP_MODE" = ci ] || rounds=12
with_restarts timeout 1500 java -Xmx256m $jvm -cp "$dir/lib/*:$work/classes" FlinkKafka "$broker" "$work" $rounds
