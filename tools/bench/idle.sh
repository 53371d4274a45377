#!/bin/sh
# idle.sh: milliseconds from start to accepting, and what an idle server costs in CPU and memory.
set -eu
. tools/bench/common.sh
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$server/stat"; }
best=999999
for _ in 1 2 3 4 5; do
    from=$(date +%s%N)
    start_server
    took=$((($(date +%s%N) - from) / 1000000))
    [ "$took" -lt "$best" ] && best=$took
    stop_server
done
start_server
sleep 2
before=$(cpu_ticks)
sleep 20
after=$(cpu_ticks)
rss=$(awk '/VmRSS/ { print $2 * 1024 }' "/proc/$server/status")
percent=$(awk -v a="$before" -v b="$after" -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.3f", (b - a) / hz / 20 * 100 }')
echo "idle: no client; the start is the best of five, seen by a shell that looks every 10 ms"
printf '  %-34s %-25s %12s %12s %8s\n' case metric ours limit ratio
add_case start start_ms less "$best" 100 limit
add_case idle peak_rss_bytes less "$rss" 33554432 limit
add_case idle cpu_percent less "$percent" 0.1 limit
finish_json idle
