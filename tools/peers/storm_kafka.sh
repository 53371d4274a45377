#!/bin/sh
# Storm with its Kafka spout and a cluster in one process, as jars from Maven Central: its folder has lib/
. tools/peers/common.sh
version=2.8.3
dir=$INTEROP_CACHE/storm-kafka-$version
peer_there && exit 0
command -v mvn >/dev/null && command -v javac >/dev/null ||
    (. tools/common.sh && need_packages maven default-jdk-headless) || exit 1
{
    echo '<project><modelVersion>4.0.0</modelVersion><groupId>t</groupId><artifactId>t</artifactId><version>1</version>'
    echo '<dependencies>'
    for a in storm-client storm-server storm-kafka-client; do
        echo "<dependency><groupId>org.apache.storm</groupId><artifactId>$a</artifactId><version>$version</version></dependency>"
    done
    # the spout leaves the choice of its client to its user
    echo '<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-clients</artifactId><version>3.9.1</version></dependency>'
    echo '</dependencies></project>'
} >"$dir/pom.xml"
peer_fetch mvn -q -B -f "$dir/pom.xml" dependency:copy-dependencies -DoutputDirectory="$dir/lib"
