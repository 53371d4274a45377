#!/bin/sh
# Kafka's own Java client: produce, consume, groups that lose a member, transactions, admin.
# KAFKA_CLIENTS_VERSION chooses another version than the newest tested.
. tools/interop/common.sh
peer kafka_java
case ${KAFKA_CLIENTS_VERSION:-4} in 3.*) api=java3 ;; *) api=java4 ;; esac
javac -nowarn -cp "$dir/lib/*" -d "$work/classes" tools/interop/KafkaJava.java tools/interop/$api/KafkaJavaApi.java ||
    give_up "compiling"
server_start
timeout 500 java -Xmx256m $jvm -cp "$dir/lib/*:$work/classes" KafkaJava "$broker"
