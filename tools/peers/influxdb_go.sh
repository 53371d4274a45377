#!/bin/sh
# InfluxDB 1.8.3, which has the write address of 2.x too, and Telegraf with a few of its plugins, as Go modules built
# here: its folder has influxd and telegraf
. tools/peers/common.sh
dir=$INTEROP_CACHE/influxdb-go-1.8.3-1.37.2
peer_there && exit 0
go=$(sh tools/peers/kafka_go.sh | tail -1)/go
[ -x "$go" ] || { echo "influxdb-go: no Go"; exit 1; }
plugins=custom,inputs.file,outputs.influxdb,outputs.influxdb_v2,parsers.influx
peer_fetch sh -c "
    export GOMODCACHE='$dir/mod' GOFLAGS=-modcacherw GOBIN='$dir'
    '$go' install github.com/influxdata/influxdb/cmd/influxd@v1.8.3 &&
    '$go' install -tags $plugins -ldflags '-s -w' github.com/influxdata/telegraf/cmd/telegraf@v1.37.2 &&
    rm -rf '$dir/mod'"
