#!/bin/sh
# restart.sh: GIB=N of log, then how long until a new server takes connections, after a clean stop and after SIGKILL.
#
# Records of 1 KB in four partitions, the settings' defaults (a write-ahead log of at most 512 MiB). The kill comes while
# records are written, so that the write-ahead log is as full as it gets. The time is from the start of the process to an
# answer to Metadata; closed partition files are not read for it.
set -eu
. tools/bench/common.sh
gib=${GIB:-10}
fill() { # RECORDS
    awk -v n="$1" 'BEGIN { pad = sprintf("%1000s", ""); for (i = 0; i < n; i++) print i pad }' |
        kcat -b "$kafka" -q -P -t big -X linger.ms=20 -X queue.buffering.max.messages=200000
}
records() { "$qw" topic describe big --kafka "$kafka" | awk '$1 ~ /^[0-9]+$/ { n += $3 - $2 } END { print n + 0 }'; }
ready_ms() {
    from=$(date +%s%N)
    start_server
    until kcat -L -b "$kafka" -m 5 >/dev/null 2>&1; do :; done
    took=$((($(date +%s%N) - from) / 1000000))
}
start_server
"$qw" topic create big --partitions 4 --kafka "$kafka" >/dev/null
fill $((gib * 1073741824 / 1010))
stop_server
ready_ms
clean=$took
fill 400000 &
filler=$!
sleep 3
kill -KILL "$server"
wait "$server" 2>/dev/null || true
server=
kill $filler 2>/dev/null || true
wait $filler 2>/dev/null || true
wal=$(du -sm "$bench_dir/data/wal" | cut -f1)
all=$(du -sm "$bench_dir/data" | cut -f1)
ready_ms
killed=$took
rss=$(awk '/VmHWM/ { print $2 * 1024 }' "/proc/$server/status")
echo "restart: $all MiB of data, of it $wal MiB write-ahead log when it was killed"
printf '  %-34s %-25s %12s %12s %8s\n' case metric ours limit ratio
add_case "restart after a clean stop" ready_ms less "$clean" 1000 limit
add_case "restart after SIGKILL" ready_ms less "$killed" 1000 limit
add_case "restart after SIGKILL" peak_rss_bytes less "$rss" 1073741824 limit
finish_json restart
