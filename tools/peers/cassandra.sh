#!/bin/sh
# Apache Cassandra, as jars from Maven Central: its folder has lib/
. tools/peers/common.sh
version=5.0.4
dir=$INTEROP_CACHE/cassandra-$version
peer_there && exit 0
command -v mvn >/dev/null && command -v javac >/dev/null ||
    (. tools/common.sh && need_packages maven default-jdk-headless) || exit 1
{
    echo '<project><modelVersion>4.0.0</modelVersion><groupId>t</groupId><artifactId>t</artifactId><version>1</version>'
    echo '<dependencies><dependency><groupId>org.apache.cassandra</groupId><artifactId>cassandra-all</artifactId>'
    echo "<version>$version</version></dependency></dependencies></project>"
} >"$dir/pom.xml"
peer_fetch mvn -q -B -f "$dir/pom.xml" dependency:copy-dependencies -DoutputDirectory="$dir/lib"
