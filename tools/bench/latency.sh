#!/bin/sh
# latency.sh: from a librdkafka producer through a stateful query to a librdkafka consumer, beside the floor:
# a synced request in one loop on the same disk at the same rate, measured in the same run, 15 s before and
# after; the mean of the two is the peer. A minute, so that a checkpoint (30 s) and a cut of the write-ahead log (32 s) are in it.
set -eu
. tools/bench/common.sh
rate=${RATE:-1000} seconds=${SECONDS_EACH:-60}
floor=$(build/release/bench/floor "$bench_dir" $((rate * 15)) 100 "$rate")
start_server
sql "CREATE TABLE events (k STRING, sent BIGINT) WITH ('connector' = 'kafka', 'topic' = 'events', 'format' = 'json');
CREATE TABLE results (k STRING, n BIGINT, sent BIGINT, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'results', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO results SELECT k, COUNT(*) AS n, MAX(sent) AS sent FROM events GROUP BY k;"
ours=$(build/release/bench/latency "$kafka" events results "$rate" "$seconds")
floor2=$(build/release/bench/floor "$bench_dir" $((rate * 15)) 100 "$rate")
stalls=$(curl -sf "http://$http/metrics" | sed -n 's/^quickwater_loop_stall_seconds /longest turn of the loop /p; s/^quickwater_log_sync_seconds_max /longest sync /p; s/^quickwater_job_checkpoints_total.*} /checkpoints /p' | paste -sd, )
echo "latency: $rate events/s for $seconds s through a running aggregate; floor: a synced request in one loop"
echo "  floor before: $floor"
echo "  floor after:  $floor2"
echo "  ours:         $ours"
echo "  the server:   $stalls"
mean() { echo "$(echo "$floor" | field "$1") $(echo "$floor2" | field "$1")" | awk '{ print ($1 + $2) / 2 }'; }
printf '  %-34s %-25s %12s %12s %8s\n' case metric ours floor ratio
for metric in p50_us p99_us p999_us p9999_us; do
    add_case "aggregate at $rate/s" $metric less "$(echo "$ours" | field $metric)" "$(mean $metric)" floor
done
finish_json latency
