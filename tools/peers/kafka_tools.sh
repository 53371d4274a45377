#!/bin/sh
# Kafka's command-line tools, Streams and Connect, as jars from Maven Central: its folder has lib/
. tools/peers/common.sh
version=${KAFKA_TOOLS_VERSION:-4.1.1}
dir=$INTEROP_CACHE/kafka-tools-$version
peer_there && exit 0
command -v mvn >/dev/null && command -v javac >/dev/null ||
    (. tools/common.sh && need_packages maven default-jdk-headless) || exit 1
{
    echo '<project><modelVersion>4.0.0</modelVersion><groupId>t</groupId><artifactId>t</artifactId><version>1</version>'
    echo '<dependencies>'
    for a in kafka-tools kafka_2.13 kafka-streams connect-runtime connect-file connect-json; do
        echo "<dependency><groupId>org.apache.kafka</groupId><artifactId>$a</artifactId><version>$version</version></dependency>"
    done
    echo '<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>'
    echo '</dependencies></project>'
} >"$dir/pom.xml"
peer_fetch mvn -q -B -f "$dir/pom.xml" dependency:copy-dependencies -DoutputDirectory="$dir/lib"
