#!/bin/sh
# Apache Cassandra, as jars from Maven Central: its folder has lib/
. tools/peers/common.sh
version=5.0.4
dir=$INTEROP_CACHE/cassandra-$version
peer_there && exit 0
peer_jars "org.apache.cassandra:cassandra-all:$version"
