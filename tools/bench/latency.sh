#!/bin/sh
# latency.sh: from a librdkafka producer through a stateful query to a librdkafka consumer, beside the floor:
# a synced request in one loop on the same disk, measured in the same run.
set -eu
. tools/bench/common.sh
rate=${RATE:-1000} seconds=${SECONDS_EACH:-20}
floor=$(build/release/bench/floor "$bench_dir" 4000)
start_server
sql "CREATE TABLE events (k STRING, sent BIGINT) WITH ('connector' = 'kafka', 'topic' = 'events', 'format' = 'json');
CREATE TABLE results (k STRING, n BIGINT, sent BIGINT, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'results', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO results SELECT k, COUNT(*) AS n, MAX(sent) AS sent FROM events GROUP BY k;"
ours=$(build/release/bench/latency "$kafka" events results "$rate" "$seconds")
floor2=$(build/release/bench/floor "$bench_dir" 2000)
echo "latency: $rate events/s for $seconds s through a running aggregate; floor: a synced request in one loop"
echo "  floor before: $floor"
echo "  floor after:  $floor2"
echo "  ours:         $ours"
printf '  %-34s %-18s %12s %12s %8s\n' case metric ours floor ratio
for metric in p50_us p99_us p999_us p9999_us; do
    add_case "aggregate at $rate/s" $metric less "$(echo "$ours" | field $metric)" "$(echo "$floor" | field $metric)" floor
done
finish_json latency
