# common.sh: a server for a benchmark, and the JSON that a benchmark leaves. Sourced.
qw=build/release/quickwater
bench_dir=$(mktemp -d)
server=
trap 'stop_server; rm -rf "$bench_dir"' EXIT

start_server() { # further options of serve
    : >"$bench_dir/out" # the word of the one before is not its own
    "$qw" serve --data "$bench_dir/data" --kafka 127.0.0.1:0 --http 127.0.0.1:0 --pg off --redis off "$@" \
        >"$bench_dir/out" 2>"$bench_dir/err" &
    server=$!
    for _ in $(seq 400); do
        grep -q '^ready' "$bench_dir/out" && break
        kill -0 "$server" 2>/dev/null || { cat "$bench_dir/err" >&2; exit 1; }
        sleep 0.01
    done
    kafka=$(sed -n 's/.*kafka=\([^ ]*\).*/\1/p' "$bench_dir/out")
    http=$(sed -n 's/.*http=\([^ ]*\).*/\1/p' "$bench_dir/out")
}

stop_server() {
    [ -n "$server" ] || return 0
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
}

sql() { "$qw" sql --url "http://$http" -c "$1" >/dev/null; }

# field NAME of a line of flat JSON on standard input
field() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p"; }

# A case: case, metric, better, ours, peer, peer's name; the lines are joined by finish_json NAME.
cases=
add_case() {
    ratio=$(awk -v a="$4" -v b="$5" 'BEGIN { if (b > 0) printf "%.3f", a / b; else print "null" }')
    cases="$cases${cases:+,}{\"case\":\"$1\",\"metric\":\"$2\",\"better\":\"$3\",\"ours\":$4,\"peer\":${5:-null},\"peer_name\":\"$6\",\"ratio\":$ratio}"
    printf '  %-34s %-25s %12s %12s %8s  %s\n' "$1" "$2" "$4" "$5" "$ratio" "$6"
}

finish_json() {
    cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
    printf '{"commit":"%s","machine":{"cpu":"%s","cores":%s,"kernel":"%s"},"cases":[%s]}\n' \
        "$(git rev-parse --short=12 HEAD)" "$cpu" "$(nproc)" "$(uname -r)" "$cases" >"${BENCH_OUT:-build/bench}/$1.json"
    echo "  -> ${BENCH_OUT:-build/bench}/$1.json"
}
