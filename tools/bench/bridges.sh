#!/bin/sh
# bridges.sh: records carried to outside systems and from them, a second and by CPU, one at a time (tools/bench/bridges.py);
# Flink's Kafka connector beside the same copy of a topic.
#
#   RECORDS=N (1000000) SYSTEMS="kafka redis influxdb" FLINK=no
set -eu
. tools/bench/common.sh
systems=${SYSTEMS:-kafka redis influxdb} records=${RECORDS:-1000000}
has() { case " $systems " in *" $1 "*) ;; *) return 1 ;; esac; }
for s in $systems; do
    case $s in kafka | redis | influxdb) ;; *) echo "bench: bridges to kafka, redis, influxdb; not '$s'" >&2; exit 2 ;; esac
done
case $records in '' | *[!0-9]* | 0*) echo "bench: RECORDS is a number from 1, not '$records'" >&2; exit 2 ;; esac
free_port() { python3 tools/interop/ports.py; }
pids=
stop_kafka() { :; }
end() {
    for pid in $pids; do kill -9 "$pid" 2>/dev/null || true; done
    stop_kafka
    stop_server
    rm -rf "$bench_dir"
}
trap end EXIT

set --
if has redis; then
    command -v redis-server >/dev/null || (. tools/common.sh && need_packages redis-server) || exit 1
    port=$(free_port)
    redis-server --port "$port" --bind 127.0.0.1 --dir "$bench_dir" --save '' --daemonize no >"$bench_dir/redis.out" 2>&1 &
    pids="$pids $!"
    set -- "$@" --redis "$port:$!"
fi
if has influxdb; then
    peer=$(sh tools/peers/influxdb.sh | tail -1)
    [ -x "$peer/usr/bin/influxd" ] || { echo "bench: InfluxDB is not there: $peer" >&2; exit 1; }
    port=$(free_port)
    cat >"$bench_dir/influx.conf" <<CONFIG
reporting-disabled = true
bind-address = "127.0.0.1:$(free_port)"
[meta]
dir = "$bench_dir/influx/meta"
[data]
dir = "$bench_dir/influx/data"
wal-dir = "$bench_dir/influx/wal"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:$port"
log-enabled = false
CONFIG
    "$peer/usr/bin/influxd" -config "$bench_dir/influx.conf" >"$bench_dir/influx.out" 2>&1 &
    pids="$pids $!"
    set -- "$@" --influxdb "$port:$!"
fi
if has kafka; then
    . tools/bench/kafka_peer.sh
    start_kafka
    set -- "$@" --kafka "$peer_port:$kafka_pid"
    if [ "${FLINK:-}" != no ]; then
        flink=$(sh tools/peers/flink.sh | tail -1)
        [ -d "$flink/lib" ] || { echo "bench: Flink is not there: $flink" >&2; exit 1; }
        mkdir -p "$bench_dir/classes"
        javac -nowarn -cp "$flink/lib/*" -d "$bench_dir/classes" tools/bench/bridges/KafkaCopy.java
        set -- "$@" --flink "java -Xmx1g -Xlog:disable -Xlog:all=warning:stderr --add-opens=java.base/java.util=ALL-UNNAMED --add-opens=java.base/java.lang=ALL-UNNAMED -cp $flink/lib/*:$bench_dir/classes KafkaCopy"
    fi
fi
start_server
echo "bridges: $records records of about 110 bytes of JSON; CPU of our process, and of the outside's; bridges with their defaults"
printf '  %-34s %-25s %12s %12s %8s\n' case metric ours peer
python3 tools/bench/bridges.py --ours "$http:$server" --records "$records" "$@" >"$bench_dir/cases" || { tail -5 "$bench_dir/err" >&2; exit 1; }
while IFS='|' read -r name metric better ours peer peer_name; do
    add_case "$name" "$metric" "$better" "$ours" "$peer" "$peer_name"
done <"$bench_dir/cases"
finish_json bridges
