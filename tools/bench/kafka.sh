#!/bin/sh
# kafka.sh: the log beside Apache Kafka (its broker from Maven, in one JVM with its defaults), with the same librdkafka
# client, one after the other in each case: producing and consuming, latency at fixed rates, memory, start.
#
# We sync every acknowledgement; Kafka by default none. CPU is the server's alone, to the nanosecond.
# Before each case WARM_MB of memory are used once (0: no). MESSAGES=N: how many of 100 bytes; of 1 KiB a fifth of them.
# CONSUMES=N: how often they are read, each time from the beginning. SECONDS_EACH=N: of latency. RATES="1000 10000"
# CASES="100:16:lz4 1024:1:none": bytes, partitions and compression of what is produced and consumed; empty: latency alone.
set -eu
. tools/bench/common.sh
. tools/bench/kafka_peer.sh
messages=${MESSAGES:-2000000} consumes=${CONSUMES:-5} seconds=${SECONDS_EACH:-30} rates=${RATES:-1000 10000}
cases=${CASES-100:1:none 100:16:none 100:16:lz4 1024:1:none 1024:16:none 1024:16:zstd}
load=build/release/bench/kafka_load
cpu_of() { build/release/bench/cpu_seconds "$1"; }
peak_of() { awk '/VmHWM/ { print $2 * 1024 }' "/proc/$1/status"; }

end() {
    stop_kafka
    stop_server
    rm -rf "$bench_dir"
}
trap end EXIT

# topic NAME PARTITIONS, in both
topic() {
    for at in "$kafka" "127.0.0.1:$peer_port"; do
        "$qw" topic create "$1" --partitions "$2" --kafka "$at" >/dev/null
    done
}

# both TIMES TOPIC ARGUMENTS…: sets ours, theirs (a line of JSON each time), ours_cpu, theirs_cpu (of the servers, in s)
both() {
    times=$1
    shift
    a=$(cpu_of "$server")
    ours=$(for _ in $(seq "$times"); do $load "$kafka" "$@" || exit 1; done)
    b=$(cpu_of "$server") c=$(cpu_of $kafka_pid)
    theirs=$(for _ in $(seq "$times"); do $load "127.0.0.1:$peer_port" "$@" || exit 1; done)
    ours_cpu=$(awk "BEGIN { print $b - $a }") theirs_cpu=$(awk "BEGIN { print $(cpu_of $kafka_pid) - $c }")
}
# rate LINES COUNT: records a second over all the times
rate() { echo "$1" | field seconds | awk -v n="$2" '{ s += $1 } END { printf "%.0f", NR * n / s }'; }
rate_case() { # CASE COUNT TIMES
    add_case "$1" events_per_second more "$(rate "$ours" "$2")" "$(rate "$theirs" "$2")" "$name"
    per() { awk "BEGIN { printf \"%.4f\", $1 * 1e6 / $2 / $3 }"; }
    add_case "$1" cpu_s_per_million less "$(per "$ours_cpu" "$2" "$3")" "$(per "$theirs_cpu" "$2" "$3")" "$name"
}

# Memory that the kernel gives out for the first time costs ten times as much on a virtual machine as what was used
# before (docs/design/009): so it is used once, by the page cache, for both.
warm_memory() {
    [ "${WARM_MB:-3000}" = 0 ] || dd if=/dev/zero of="$bench_dir/warm" bs=1M count="${WARM_MB:-3000}" status=none
    rm -f "$bench_dir/warm"
}

name="kafka $(basename "$peer" | sed 's/.*-//')"
kcat -V >/dev/null # read from the disk once, before it is timed
from=$(now_ms)
start_server
until kcat -L -b "$kafka" -m 1 >/dev/null 2>&1; do :; done
ours_start=$(($(now_ms) - from))
start_kafka
echo "kafka: $messages records of 100 bytes, a fifth of 1 KiB; both servers up, one at work at a time; acks=all, librdkafka"
printf '  %-34s %-25s %12s %12s %8s\n' case metric ours peer ratio
topic warm 4
both 1 warm produce $((messages / 4)) 100 none # the JVM compiles what is hot
both 1 warm consume $((messages / 4))
n=0
for case in $cases; do
    # shellcheck disable=SC2046
    set -- $(echo "$case" | tr : ' ')
    n=$((n + 1)) count=$messages
    [ "$1" = 100 ] || count=$((messages / 5))
    topic "t$n" "$2"
    warm_memory
    both 1 "t$n" produce $count "$1" "$3"
    rate_case "produce $1 B, $2 p, $3" $count 1
    both "$consumes" "t$n" consume $count
    rate_case "consume $1 B, $2 p, $3" $count "$consumes"
done
topic paced 1
for rate in $rates; do
    sync # what the cases before left in the page cache is none of either's latency
    sleep 5
    both 1 paced latency "$seconds" 100 "$rate"
    for metric in p50_us p99_us p999_us p9999_us; do
        add_case "latency at $rate/s" $metric less "$(echo "$ours" | field $metric)" "$(echo "$theirs" | field $metric)" "$name"
    done
done
add_case memory peak_rss_bytes less "$(peak_of "$server")" "$(peak_of $kafka_pid)" "$name"
add_case start start_ms less "$ours_start" "$kafka_start" "$name"
finish_json kafka
