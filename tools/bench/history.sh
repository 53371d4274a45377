#!/bin/sh
# history.sh: what a reader of the past costs those who wait for what is new: latency through a running aggregate, as
# latency.sh has it, alone and beside a consumer that reads a topic from its beginning, over and over, its files
# put out of the page cache each time. In turns, so that both have the same of the machine.
#
# The consumer is of the lowest priority: what its own work costs the others' processor is not the server's doing.
# RATE=N SECONDS_EACH=N ROUNDS=N MESSAGES=N (of 1 KiB)
set -eu
. tools/bench/common.sh
rate=${RATE:-1000} seconds=${SECONDS_EACH:-20} rounds=${ROUNDS:-3} messages=${MESSAGES:-400000}
load=build/release/bench/kafka_load
reader=
end() {
    [ -z "$reader" ] || kill "$reader" 2>/dev/null || true
    stop_server
    rm -rf "$bench_dir"
}
trap end EXIT
forget() { # what is written out is put out of memory
    find "$bench_dir/data/topics" -name '*.log' -size +1M -exec dd if={} iflag=nocache count=0 status=none \;
}

start_server
"$qw" topic create past --partitions 4 --kafka "$kafka" >/dev/null
$load "$kafka" past produce "$messages" 1024 none >/dev/null
stop_server
sync
start_server
sql "CREATE TABLE events (k STRING, sent BIGINT) WITH ('connector' = 'kafka', 'topic' = 'events', 'format' = 'json');
CREATE TABLE results (k STRING, n BIGINT, sent BIGINT, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'results', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO results SELECT k, COUNT(*) AS n, MAX(sent) AS sent FROM events GROUP BY k;"
read_on() {
    while :; do
        forget
        nice -n 19 $load "$kafka" past consume "$messages" >>"$bench_dir/read" 2>&1
    done
}
echo "history: $rate events/s through a running aggregate, $rounds times $seconds s alone and $seconds s beside a reader of cold history"
: >"$bench_dir/alone"
: >"$bench_dir/beside"
for _ in $(seq "$rounds"); do
    build/release/bench/latency "$kafka" events results "$rate" "$seconds" >>"$bench_dir/alone"
    read_on &
    reader=$!
    build/release/bench/latency "$kafka" events results "$rate" "$seconds" >>"$bench_dir/beside"
    kill $reader && wait $reader 2>/dev/null || true
    reader=
done
[ -s "$bench_dir/read" ] || { echo "bench: the reader has read nothing" >&2; exit 1; }
echo "  the reader: $(wc -l <"$bench_dir/read") times all of it, $(tail -1 "$bench_dir/read")"
curl -sf "http://$http/metrics" | sed -n 's/^quickwater_loop_stall_seconds /  longest turn of the loop /p; s/^quickwater_log_sync_seconds_max /  longest sync /p'
awk '/^read_bytes/ { printf "  read from the disk: %d MB\n", $2 / 1e6 }' "/proc/$server/io"
middle() { field "$1" <"$2" | sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'; }
printf '  %-34s %-25s %12s %12s %8s\n' case metric beside alone ratio
for metric in p50_us p99_us p999_us; do
    add_case "beside a reader of history" $metric less "$(middle $metric "$bench_dir/beside")" "$(middle $metric "$bench_dir/alone")" alone
done
finish_json history
