#!/bin/sh
# partitions.sh: what 10,000 partitions cost: one topic of PARTITIONS=N, and a tenth as many topics of ten; each with
# RECORDS=N small records a partition: memory, open files, start, the first answers, a clean stop.
set -eu
. tools/bench/common.sh
count=${PARTITIONS:-10000} each=${RECORDS:-3}
now_ms() { echo $(($(date +%s%N) / 1000000)); }
fill() { build/release/bench/kafka_load "$kafka" "$1" spread "$each" 100 none >/dev/null; }
measure() { # CASE TOPIC…: the server is up and has them
    name=$1
    shift
    for t in "$@"; do fill "$t"; done
    rss=$(awk '/VmHWM/ { print $2 * 1024 }' "/proc/$server/status")
    add_case "$name, written" peak_rss_bytes less "$rss" 209715200 limit
    from=$(now_ms)
    stop_server
    add_case "$name" stop_ms less $(($(now_ms) - from)) 30000 limit
    from=$(now_ms)
    start_server
    ready=$(($(now_ms) - from))
    kcat -L -b "$kafka" >/dev/null
    metadata=$(($(now_ms) - from))
    kcat -C -b "$kafka" -t "$1" -p 3 -o 0 -c 1 -q >/dev/null
    add_case "$name, start to accepting" start_ms less $ready 1000 limit
    add_case "$name, start to all metadata" start_ms less $metadata 1000 limit
    add_case "$name, start to a record" start_ms less $(($(now_ms) - from)) 1000 limit
    rss=$(awk '/VmHWM/ { print $2 * 1024 }' "/proc/$server/status")
    add_case "$name, started" peak_rss_bytes less "$rss" 209715200 limit
    add_case "$name" open_files less "$(ls "/proc/$server/fd" | wc -l)" 512 limit
    stop_server
    rm -rf "$bench_dir/data"
}
echo "partitions: $count in all, $each records of 100 bytes in each; a shell that looks every 10 ms"
printf '  %-34s %-25s %12s %12s %8s\n' case metric ours limit ratio
start_server
"$qw" topic create big --partitions "$count" --kafka "$kafka" >/dev/null
measure "one topic" big
start_server
topics=
for i in $(seq $((count / 10))); do
    "$qw" topic create "t$i" --partitions 10 --kafka "$kafka" >/dev/null
    topics="$topics t$i"
done
# shellcheck disable=SC2086
measure "$((count / 10)) topics" $topics
finish_json partitions
