#!/bin/sh
# Apache Flink, as jars from Maven Central: $INTEROP_CACHE/flink-VERSION/lib
#
# Says what it does; its last line is the folder. A second call finds everything there.
: "${INTEROP_CACHE:=${QUICKWATER_CACHE:-$HOME/.cache/quickwater}/peers}"
# The newest that a Kafka connector has been released for; its csv, avro and protobuf formats are of the minor version's first.
version=${FLINK_VERSION:-2.2.1}
formats_version=${FLINK_FORMATS_VERSION:-2.2.0}
kafka_version=${FLINK_KAFKA_VERSION:-5.0.0-2.2}
dir=$INTEROP_CACHE/flink-$version
if [ -f "$dir/whole" ] && [ -f "$dir/lib/flink-sql-connector-kafka-$kafka_version.jar" ] &&
    [ -f "$dir/lib/flink-sql-avro-confluent-registry-$formats_version.jar" ] &&
    [ -f "$dir/lib/flink-statebackend-rocksdb-$version.jar" ]; then
    echo "flink $version: there"
    echo "$dir"
    exit 0
fi
command -v mvn >/dev/null && command -v javac >/dev/null ||
    (. tools/common.sh && need_packages maven default-jdk-headless) || exit 1
echo "flink $version: fetching with mvn into $dir"
mkdir -p "$dir"
dependency() {
    echo "<dependency><groupId>$1</groupId><artifactId>$2</artifactId><version>$3</version></dependency>"
}
# The planner itself, not its loader, which unpacks a jar in a jar at each start.
{
    echo '<project><modelVersion>4.0.0</modelVersion><groupId>t</groupId><artifactId>t</artifactId><version>1</version>'
    echo '<dependencies>'
    for a in flink-table-planner_2.12 flink-table-runtime flink-table-api-java-bridge flink-clients \
        flink-connector-files flink-json flink-statebackend-rocksdb; do
        dependency org.apache.flink $a "$version"
    done
    dependency org.apache.flink flink-csv "$formats_version"
    dependency org.apache.flink flink-sql-avro-confluent-registry "$formats_version" # avro too
    dependency org.apache.flink flink-sql-connector-kafka "$kafka_version"
    dependency org.slf4j slf4j-nop 1.7.36
    echo '</dependencies></project>'
} >"$dir/pom.xml"
if ! mvn -q -B -f "$dir/pom.xml" dependency:copy-dependencies -DoutputDirectory="$dir/lib" >"$dir/log" 2>&1; then
    grep -m 3 ERROR "$dir/log"
    echo "flink $version: not fetched"
    exit 1
fi
touch "$dir/whole"
echo "flink $version: $(du -sh "$dir/lib" | cut -f1) in $(ls "$dir/lib" | wc -l) jars"
echo "$dir"
