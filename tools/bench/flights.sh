#!/bin/sh
# flights.sh: three million real flights (npm package vega-datasets) through the Kafka face into the job of
# examples/flights, as fast as they go; counts are verified against the file itself.
#
# What is fetched stays in ${QUICKWATER_CACHE:-$HOME/.cache/quickwater}/flights. FLIGHTS=N: only the first N.
set -eu
. tools/common.sh
. tools/bench/common.sh
cache=${QUICKWATER_CACHE:-$HOME/.cache/quickwater}/flights
version=3.2.1
mkdir -p "$cache"
csv=$cache/flights-$version.csv.zst
if [ ! -f "$csv" ]; then
    need_packages python3-venv zstd $(node_packages)
    if [ ! -f "$cache/package/data/flights-3m.parquet" ]; then
        echo "flights: fetching vega-datasets $version"
        (cd "$cache" && npm pack --silent "vega-datasets@$version" >/dev/null &&
            tar xzf "vega-datasets-$version.tgz" package/data/flights-3m.parquet && rm -f "vega-datasets-$version.tgz")
    fi
    [ -x "$cache/venv/bin/python" ] || python3 -m venv "$cache/venv"
    "$cache/venv/bin/python" -c 'import pyarrow' 2>/dev/null || "$cache/venv/bin/pip" install -q pyarrow
    "$cache/venv/bin/python" tools/flights.py "$cache/package/data/flights-3m.parquet" "$cache/all.csv"
    zstd -q -f -6 "$cache/all.csv" -o "$csv.tmp" && mv "$csv.tmp" "$csv"
    rm -f "$cache/all.csv"
fi
if [ -n "${FLIGHTS:-}" ]; then
    zstd -qdc "$csv" | head -n $((FLIGHTS + 1)) >"$bench_dir/part.csv"
    zstd -q "$bench_dir/part.csv" -o "$bench_dir/part.csv.zst"
    csv=$bench_dir/part.csv.zst
fi
# The truth: lines, airports, and the sums of ATL, from the file alone.
want=$(zstd -qdc "$csv" | awk -F, 'NR > 1 { n++; seen[$4] = 1; if ($4 == "ATL") { a++; miles += $3; late += $2 > 15 } }
    END { for (o in seen) k++; print n "," k "," a "," miles "," late }')
build release build/release/examples/flights/feed >/dev/null
start_server
"$qw" sql --url "http://$http" -f examples/flights/flights.sql >"$bench_dir/sql" || { cat "$bench_dir/sql" >&2; exit 1; }
csv_sql() { "$qw" sql --url "http://$http" --format csv -c "$1" | tail -n +2 | tr -d '\r'; }
got_now() {
    echo "$(csv_sql 'SELECT SUM(flights), COUNT(*) FROM airports'),$(csv_sql "SELECT flights, miles, delayed FROM airports WHERE airport = 'ATL'")"
}
hz=$(getconf CLK_TCK)
from=$(date +%s%N)
build/release/examples/flights/feed "$kafka" "$csv" 1e15 >"$bench_dir/feed" || { cat "$bench_dir/feed" >&2; exit 1; }
fed=$(date +%s%N)
got=
for _ in $(seq 1200); do
    got=$(got_now)
    [ "$got" = "$want" ] && break
    sleep 0.1
done
to=$(date +%s%N)
[ "$got" = "$want" ] || { echo "flights: the view says $got, the file $want" >&2; exit 1; }
cpu=$(awk -v hz="$hz" '{ print ($14 + $15) / hz }' "/proc/$server/stat")
rss=$(awk '/VmHWM/ { print $2 * 1024 }' "/proc/$server/status")
n=${want%%,*}
jobs=$(csv_sql "SHOW JOBS" | grep -c . || true)
failed=$(csv_sql "SHOW JOBS" | grep -cE 'FAILED|DIVERGED' || true)
late=$(csv_sql "SELECT SUM(flights) FROM late_flights")
[ "$failed" = 0 ] || { echo "flights: a job has failed" >&2; exit 1; }
echo "flights: $n flights into $jobs jobs; all counted, airports and Atlanta's sums as in the file; late: $late"
echo "  fed in $(awk -v a="$from" -v b="$fed" 'BEGIN { printf "%.2f", (b - a) / 1e9 }') s, all answered in $(awk -v a="$from" -v b="$to" 'BEGIN { printf "%.2f", (b - a) / 1e9 }') s"
printf '  %-34s %-25s %12s %12s %8s\n' case metric ours peer ratio
add_case "flights" events_per_second more "$(awk -v a="$from" -v b="$to" -v n="$n" 'BEGIN { printf "%.0f", n / (b - a) * 1e9 }')" "" ""
add_case "flights" cpu_s_per_million less "$(awk -v c="$cpu" -v n="$n" 'BEGIN { printf "%.3f", c / n * 1e6 }')" "" ""
add_case "flights" peak_rss_bytes less "$rss" "" ""
finish_json flights
