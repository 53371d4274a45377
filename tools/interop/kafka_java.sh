#!/bin/sh
# Kafka's own Java client: produce, consume, groups that lose a member, transactions, admin.
. tools/interop/common.sh
peer kafka_java
javac -nowarn -cp "$dir/lib/*" -d "$work/classes" tools/interop/KafkaJava.java || give_up "compiling"
server_start
timeout 500 java -Xmx256m -cp "$dir/lib/*:$work/classes" KafkaJava "$broker"
