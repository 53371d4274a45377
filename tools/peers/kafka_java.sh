#!/bin/sh
# Kafka's own Java client, as jars from Maven Central: its folder has lib/
. tools/peers/common.sh
version=${KAFKA_CLIENTS_VERSION:-4.1.1}
dir=$INTEROP_CACHE/kafka-clients-$version
peer_there && exit 0
command -v mvn >/dev/null && command -v javac >/dev/null ||
    (. tools/common.sh && need_packages maven default-jdk-headless) || exit 1
cat >"$dir/pom.xml" <<POM
<project><modelVersion>4.0.0</modelVersion><groupId>t</groupId><artifactId>t</artifactId><version>1</version>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-clients</artifactId><version>$version</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
POM
peer_fetch mvn -q -B -f "$dir/pom.xml" dependency:copy-dependencies -DoutputDirectory="$dir/lib"
