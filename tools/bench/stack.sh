#!/bin/sh
# stack.sh: a fraud check by the classic stack and by us: payments come in through Kafka's protocol, each card has a
# running verdict, whoever asks gets it over HTTP.
#
# Classic: Apache Kafka, a Flink job (Kafka's connector, a sink to Redis; both JVMs with their usual settings, tuned for
# latency: tools/bench/stack), Redis, a reader that answers from Redis. All of Flink is in one JVM, which spares it a network.
# Ours: one process. One stack is up at a time. CPU is of all its processes, from when it is up.
# SECONDS_EACH=N RATE=N: of latency. PAYMENTS=N CARDS=N: of the load.
set -eu
. tools/bench/common.sh
. tools/bench/kafka_peer.sh
command -v redis-server >/dev/null || (. tools/common.sh && need_packages redis-server) || exit 1
seconds=${SECONDS_EACH:-30} rate=${RATE:-1000} payments=${PAYMENTS:-1000000} cards=${CARDS:-100000}
flink=$(sh tools/peers/flink.sh | tail -1)
[ -d "$flink/lib" ] || { echo "bench: Flink is not there: $flink" >&2; exit 1; }
mkdir -p "$bench_dir/classes"
javac -nowarn -cp "$flink/lib/*" -d "$bench_dir/classes" tools/bench/stack/FraudCheck.java
pids=
end() {
    for pid in $pids; do kill -9 "$pid" 2>/dev/null || true; done
    stop_kafka
    stop_server
    rm -rf "$bench_dir"
}
trap end EXIT
cpu_all() { for pid in "$@"; do build/release/bench/cpu_seconds "$pid"; done | awk '{ s += $1 } END { print s }'; }
rss_all() { for pid in "$@"; do awk '/VmHWM/ { print $2 }' "/proc/$pid/status"; done | awk '{ s += $1 } END { printf "%d", s * 1024 }'; }

# drive BROKER PORT PREFIX PID…: sets paced, paced_cpu, loaded, loaded_cpu, rss
drive() {
    broker=$1 port=$2 prefix=$3
    shift 3
    probe="build/release/bench/stack_probe $broker payments 127.0.0.1 $port $prefix"
    $probe load $((payments / 5)) "$cards" >/dev/null # what is hot is compiled
    a=$(cpu_all "$@")
    paced=$($probe latency "$seconds" "$rate")
    b=$(cpu_all "$@")
    loaded=$($probe load "$payments" "$cards")
    c=$(cpu_all "$@")
    paced_cpu=$(awk "BEGIN { print $b - $a }") loaded_cpu=$(awk "BEGIN { print $c - $b }") rss=$(rss_all "$@")
}

# free_port: one that nobody has now
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

classic() {
    start_kafka
    "$qw" topic create payments --partitions 1 --kafka "127.0.0.1:$peer_port" >/dev/null
    redis=$(free_port) reader=$(free_port)
    redis-server --port "$redis" --bind 127.0.0.1 --dir "$bench_dir" --save '' --daemonize no >"$bench_dir/redis.out" 2>&1 &
    redis_pid=$!
    python3 tools/bench/stack/reader.py "$reader" "$redis" &
    reader_pid=$!
    java -Xmx1g --add-opens=java.base/java.util=ALL-UNNAMED --add-opens=java.base/java.lang=ALL-UNNAMED \
        -cp "$flink/lib/*:$bench_dir/classes" FraudCheck "127.0.0.1:$peer_port" tools/bench/stack/flink.sql "$redis" \
        "$bench_dir/checkpoints" >"$bench_dir/flink.out" 2>&1 &
    flink_pid=$!
    pids="$redis_pid $reader_pid $flink_pid"
    for _ in $(seq 600); do
        curl -s -o /dev/null "http://127.0.0.1:$reader/fraud/none" && break
        sleep 0.1
    done
    drive "127.0.0.1:$peer_port" "$reader" /fraud/ "$kafka_pid" "$redis_pid" "$reader_pid" "$flink_pid" ||
        { tail -20 "$bench_dir/flink.out" >&2; exit 1; }
    for pid in $pids; do kill -9 "$pid" 2>/dev/null || true; done
    pids=
    stop_kafka
}

echo "stack: a fraud check; $rate payments a second for $seconds s, then $payments of $cards cards at once; one stack at a time"
start_server
curl -sf --data-binary @tools/bench/stack/ours.sql "http://$http/v1/sql" >/dev/null
drive "$kafka" "${http##*:}" /v1/views/fraud?key= "$server"
ours_paced=$paced ours_paced_cpu=$paced_cpu ours_loaded=$loaded ours_loaded_cpu=$loaded_cpu ours_rss=$rss
stop_server
classic
name="kafka $(basename "$peer" | sed 's/.*-//'), flink, redis"
printf '  %-34s %-25s %12s %12s %8s\n' case metric ours classic ratio
for metric in p50_us p99_us max_us; do
    add_case "payment to answer at $rate/s" $metric less "$(echo "$ours_paced" | field $metric)" "$(echo "$paced" | field $metric)" "$name"
done
per() { awk "BEGIN { printf \"%.3f\", $1 * 1e6 / $2 }"; }
paced_count=$((rate * (seconds + 5)))
add_case "at $rate/s" cpu_s_per_million less "$(per "$ours_paced_cpu" $paced_count)" "$(per "$paced_cpu" $paced_count)" "$name"
add_case "as fast as it goes" events_per_second more "$(echo "$ours_loaded" | field per_second)" "$(echo "$loaded" | field per_second)" "$name"
add_case "as fast as it goes" cpu_s_per_million less "$(per "$ours_loaded_cpu" "$payments")" "$(per "$loaded_cpu" "$payments")" "$name"
add_case memory peak_rss_bytes less "$ours_rss" "$rss" "$name"
add_case processes count less 1 4 "$name"
finish_json stack
