#!/bin/sh
# run.sh SECONDS SPEED: server, job, producer, and a small live table in the terminal.
# Ports are the default ones where they are free, any free ones otherwise.
set -eu
seconds=$1 speed=$2
qw=build/release/quickwater
dir=$(mktemp -d)
server='' feed=''

stop() {
    trap - INT TERM EXIT
    [ -z "$feed" ] || kill "$feed" 2>/dev/null || true
    [ -z "$feed" ] || wait "$feed" 2>/dev/null || true
    [ -z "$server" ] || kill -TERM "$server" 2>/dev/null || true
    code=0
    [ -z "$server" ] || wait "$server" || code=$?
    rm -rf "$dir"
    exit $code
}
trap stop INT TERM
trap 'stop' EXIT

start_server() { # ADDRESS of each face
    : >"$dir/out" # or the line of the one before is taken for this one's
    "$qw" serve --data "$dir/data" --kafka "$1" --http "$2" --pg off --redis off >"$dir/out" 2>"$dir/err" &
    server=$!
    for _ in $(seq 200); do
        grep -q '^ready' "$dir/out" && return 0
        kill -0 "$server" 2>/dev/null || return 1
        sleep 0.05
    done
    return 1
}
start_server 127.0.0.1:9092 127.0.0.1:8088 || start_server 127.0.0.1:0 127.0.0.1:0 ||
    { cat "$dir/err" >&2; exit 1; }
kafka=$(sed -n 's/.*kafka=\([^ ]*\).*/\1/p' "$dir/out")
http=$(sed -n 's/.*http=\([^ ]*\).*/\1/p' "$dir/out")
"$qw" sql --url "http://$http" -f examples/flights/flights.sql >"$dir/sql" || { cat "$dir/sql"; exit 1; }
build/release/examples/flights/feed "$kafka" examples/flights/flights.csv.zst "$speed" >"$dir/feed" 2>&1 &
feed=$!
echo "demo: ready. The dashboard: http://$http/   Kafka: $kafka   (Ctrl-C stops)"
start=$(date +%s)
while [ "$seconds" = 0 ] || [ $(($(date +%s) - start)) -lt "$seconds" ]; do
    kill -0 "$server" 2>/dev/null || { echo "demo: the server has ended:" >&2; cat "$dir/err" >&2; exit 1; }
    sleep 2 &
    wait $!
    echo
    echo "-- busiest airports $(date +%H:%M:%S) --"
    "$qw" sql --url "http://$http" -c "SELECT airport, flights, CAST(mean_delay AS DECIMAL(6,1)) AS mean_delay FROM top_airports ORDER BY flights DESC LIMIT 5" || true
    "$qw" sql --url "http://$http" --format csv -c "SELECT COUNT(*) AS windows, MAX(window_end) AS newest FROM delays_3h" | tail -1 |
        sed 's/^/windows closed, newest: /' || true
done
