#!/bin/sh
# Spark's Structured Streaming: a topic written on, and counted, over kills of the query and of our server.
. tools/interop/common.sh
peer spark_kafka
javac -nowarn -cp "$dir/lib/*" -d "$work/classes" tools/interop/Killed.java tools/interop/SparkKafka.java || give_up "compiling"
server_start
rounds=2
[ "$INTEROP_MODE" = ci ] || rounds=8
with_restarts timeout 1500 java -Xmx256m $jvm -cp "$dir/lib/*:$work/classes" SparkKafka "$broker" "$work" $rounds
