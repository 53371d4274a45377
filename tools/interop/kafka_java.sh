#!/bin/sh
# Kafka's own Java client: produce, consume, groups that lose a member, transactions, admin.
. tools/interop/common.sh
version=${KAFKA_CLIENTS_VERSION:-4.1.1}
dir=$INTEROP_CACHE/kafka-clients-$version
command -v mvn >/dev/null && command -v javac >/dev/null ||
    (. tools/common.sh && need_packages maven default-jdk-headless)
if [ ! -f "$dir/whole" ]; then
    mkdir -p "$dir"
    cat >"$dir/pom.xml" <<POM
<project><modelVersion>4.0.0</modelVersion><groupId>t</groupId><artifactId>t</artifactId><version>1</version>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-clients</artifactId><version>$version</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
POM
    mvn -q -B -f "$dir/pom.xml" dependency:copy-dependencies -DoutputDirectory="$dir/lib" >"$dir/log" 2>&1 ||
        { tail -5 "$dir/log"; give_up "fetching kafka-clients $version"; }
    touch "$dir/whole"
fi
javac -nowarn -cp "$dir/lib/*" -d "$work/classes" tools/interop/KafkaJava.java || give_up "compiling"
server_start
timeout 500 java -Xmx256m -cp "$dir/lib/*:$work/classes" KafkaJava "$broker"
