#!/bin/sh
# Storm's KafkaSpout: at least once, over kills of the topology and of our server; its commits' metadata survives.
. tools/interop/common.sh
peer storm_kafka
javac -nowarn -cp "$dir/lib/*" -d "$work/classes" tools/interop/Killed.java tools/interop/StormKafka.java || give_up "compiling"
server_start
rounds=2
[ "$INTEROP_MODE" = ci ] || rounds=8
with_restarts timeout 1500 java -Xmx256m $jvm -cp "$dir/lib/*:$work/classes" StormKafka "$broker" "$work" $rounds
