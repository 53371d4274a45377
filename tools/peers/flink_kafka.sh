#!/bin/sh
# Flink's Kafka connector with the Flink that it was made for, as jars from Maven Central: its folder has lib/
. tools/peers/common.sh
version=5.0.0-2.2
flink=2.2.1
dir=$INTEROP_CACHE/flink-kafka-$version
peer_there && exit 0
command -v mvn >/dev/null && command -v javac >/dev/null ||
    (. tools/common.sh && need_packages maven default-jdk-headless) || exit 1
dependency() {
    echo "<dependency><groupId>$1</groupId><artifactId>$2</artifactId><version>$3</version></dependency>"
}
{
    echo '<project><modelVersion>4.0.0</modelVersion><groupId>t</groupId><artifactId>t</artifactId><version>1</version>'
    echo '<dependencies>'
    for a in flink-streaming-java flink-clients flink-connector-base; do dependency org.apache.flink $a $flink; done
    dependency org.apache.flink flink-connector-kafka $version
    dependency org.slf4j slf4j-nop 1.7.36
    echo '</dependencies></project>'
} >"$dir/pom.xml"
peer_fetch mvn -q -B -f "$dir/pom.xml" dependency:copy-dependencies -DoutputDirectory="$dir/lib"
