#!/bin/sh
# embed.sh: the library in a program: from qw_push to the subscriber's callback, in memory and with a data
# directory; beside it SQLite, upserting the same payments in the program's own thread. Then typed rows beside JSON.
set -eu
. tools/common.sh
. tools/bench/common.sh
need_packages libsqlite3-dev
gcc -O2 -o build/bench/sqlite_upsert tools/bench/sqlite_upsert.c -lsqlite3
seconds=${SECONDS_EACH:-10} burst=${BURST:-1000000}
echo "embed: a payment pushed to its card's new aggregate in the callback; paced for $seconds s, then a burst"
printf '  %-34s %-25s %12s %12s %8s\n' case metric ours peer ratio

# both CASE RATE BURST PEER'S-BURST OURS' OPTIONS… -- PEER'S DATABASE
both() {
    name=$1 rate=$2 burst=$3 peer_burst=$4 data=$5 database=$6
    # shellcheck disable=SC2086
    ours=$(build/release/bench/embed $data --rate "$rate" --seconds "$seconds" --burst "$burst")
    peer=$(build/bench/sqlite_upsert "$database" "$rate" "$seconds" "$peer_burst")
    for metric in p50_us p99_us p999_us p9999_us; do
        add_case "$name, $rate/s" $metric less "$(echo "$ours" | field $metric)" "$(echo "$peer" | field $metric)" \
            "sqlite $(sqlite_version)"
    done
    add_case "$name, burst" events_per_second more "$(echo "$ours" | field events_per_second)" \
        "$(echo "$peer" | field events_per_second)" "sqlite $(sqlite_version)"
}
sqlite_version() { sed -n 's/#define SQLITE_VERSION *"\(.*\)"/\1/p' /usr/include/sqlite3.h; }
both "in memory" 10000 "$burst" "$burst" "" ":memory:"
both "on disk" 1000 "$burst" 5000 "--data $bench_dir/embed" "$bench_dir/sqlite.db"
# typed CASE RATE BURST OPTIONS…: rows by qw_push_row, read by qw_change_value, beside rows as JSON
typed() {
    name=$1 rate=$2 burst=$3 data=$4
    # shellcheck disable=SC2086
    for rows in typed json; do
        build/release/bench/embed --rows $rows ${data:+--data "$data-$rows"} --rate "$rate" --seconds "$seconds" --burst "$burst" >"$bench_dir/$rows"
    done
    for metric in p50_us p99_us; do
        add_case "typed rows $name, $rate/s" $metric less "$(field $metric <"$bench_dir/typed")" "$(field $metric <"$bench_dir/json")" "JSON rows"
    done
    add_case "typed rows $name, burst" events_per_second more "$(field events_per_second <"$bench_dir/typed")" \
        "$(field events_per_second <"$bench_dir/json")" "JSON rows"
}
typed "in memory" 10000 "$burst" ""
typed "on disk" 1000 "$burst" "$bench_dir/rows"
finish_json embed
