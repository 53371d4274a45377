#!/bin/sh
# Kafka Streams, exactly_once_v2: a word count whose instances and whose server are killed; each count is there once.
. tools/interop/common.sh
peer kafka_tools
javac -nowarn -cp "$dir/lib/*" -d "$work/classes" tools/interop/Killed.java tools/interop/KafkaStreamsWords.java || give_up "compiling"
server_start
rounds=3
[ "$INTEROP_MODE" = ci ] || rounds=18
with_restarts timeout 1500 java -Xmx256m $jvm -cp "$dir/lib/*:$work/classes" KafkaStreamsWords "$broker" "$work" $rounds
