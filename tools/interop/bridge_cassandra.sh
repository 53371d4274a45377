#!/bin/sh
# Apache Cassandra by CQL's protocol: rows written and deleted by key, and looked up; over a proxy, kills, TLS, types.
. tools/interop/common.sh
. tools/common.sh
need_packages python3-cassandra openssl default-jre-headless
peer cassandra
built quickwater
timeout 500 /usr/bin/python3 tools/interop/bridge_cassandra.py "$work" "$dir/lib"
