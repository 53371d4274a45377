#!/bin/sh
# Spark's Structured Streaming with its Kafka source and sink, as jars from Maven Central: its folder has lib/
. tools/peers/common.sh
version=4.1.1
dir=$INTEROP_CACHE/spark-kafka-$version
peer_there && exit 0
command -v mvn >/dev/null && command -v javac >/dev/null ||
    (. tools/common.sh && need_packages maven default-jdk-headless) || exit 1
{
    echo '<project><modelVersion>4.0.0</modelVersion><groupId>t</groupId><artifactId>t</artifactId><version>1</version>'
    echo '<dependencies>'
    for a in spark-sql_2.13 spark-sql-kafka-0-10_2.13; do
        echo "<dependency><groupId>org.apache.spark</groupId><artifactId>$a</artifactId><version>$version</version></dependency>"
    done
    echo '</dependencies></project>'
} >"$dir/pom.xml"
peer_fetch mvn -q -B -f "$dir/pom.xml" dependency:copy-dependencies -DoutputDirectory="$dir/lib"
