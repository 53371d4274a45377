#!/bin/sh
# InfluxDB as a sink, over a proxy and kills of both sides; and its clients, and Telegraf, at our own write addresses.
. tools/interop/common.sh
. tools/common.sh
need_packages openssl
peer influxdb
clients=$dir
built=
if [ "$INTEROP_MODE" = ci ]; then
    echo "left out: bridge_influxdb: InfluxDB 1.8.3 and Telegraf, which --full builds"
else
    peer influxdb_go
    built=$dir
fi
built quickwater
timeout 400 "$clients/bin/python" tools/interop/bridge_influxdb.py "$work" "$clients" "$built"
