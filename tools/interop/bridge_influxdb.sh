#!/bin/sh
# InfluxDB 1.x as a sink, and its clients at our own write addresses; over a proxy and kills of both sides.
. tools/interop/common.sh
. tools/common.sh
need_packages openssl
peer influxdb
make -s -j2 KIND=release build/release/quickwater || give_up "the build"
timeout 400 "$dir/bin/python" tools/interop/bridge_influxdb.py "$work" "$dir"
