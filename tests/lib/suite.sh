# lib.sh: what the suites share. Sourced by them, with the project's root as the folder.
. tools/common.sh
passed=0 failed=0
qw=build/release/quickwater

ok() { passed=$((passed + 1)); echo "ok $1"; }
fail() { failed=$((failed + 1)); echo "FAIL $1"; }
check() { if [ "$1" = 0 ]; then ok "$2"; else fail "$2"; fi; } # STATUS NAME
same() { # GOT WANT NAME
    if [ "$1" = "$2" ]; then ok "$3"; else fail "$3"; printf '  got:  %s\n  want: %s\n' "$1" "$2"; fi
}
summary() { echo "$passed passed, $failed failed"; }

need_build() { # TARGET…
    build release build/release/quickwater "$@" || { echo "0 passed, 1 failed"; exit 1; }
}

suite_dir=$(mktemp -d)
server=
trap 'stop_server; rm -rf "$suite_dir"' EXIT

start_server() { # further options of serve
    start_server_with --data "$suite_dir/data" --kafka 127.0.0.1:0 --http 127.0.0.1:0 --pg off --redis off "$@"
}
start_server_with() { # all options of serve; sets kafka and http
    : >"$suite_dir/out" # or the line of the one before is taken for this one's
    "$qw" serve "$@" >"$suite_dir/out" 2>"$suite_dir/err" &
    server=$!
    for _ in $(seq 200); do
        grep -q '^ready' "$suite_dir/out" && break
        kill -0 "$server" 2>/dev/null || { cat "$suite_dir/err"; fail "server starts"; summary; exit 1; }
        sleep 0.05
    done
    kafka=$(sed -n 's/.*kafka=\([^ ]*\).*/\1/p' "$suite_dir/out")
    http=$(sed -n 's/.*http=\([^ ]*\).*/\1/p' "$suite_dir/out")
}
stop_server() { # its exit code
    [ -n "$server" ] || return 0
    kill -TERM "$server" 2>/dev/null
    code=0
    wait "$server" || code=$?
    server=
    return $code
}
# The answer of one statement as CSV without its head.
ask() { "$qw" sql --url "http://$http" --format csv -c "$1" 2>&1 | tail -n +2 | tr -d '\r'; }
# until_same SQL WANT NAME: asks again until it fits, for at most ten seconds.
until_same() {
    for _ in $(seq 100); do
        got=$(ask "$1")
        [ "$got" = "$2" ] && break
        sleep 0.1
    done
    same "$got" "$2" "$3"
}
