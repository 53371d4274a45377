# common.sh: what interop scripts share. Sourced, with the project's root as the folder.
# INTEROP_CACHE is where fetched peers are kept; INTEROP_MODE is ci or full.
: "${INTEROP_CACHE:=${QUICKWATER_CACHE:-$HOME/.cache/quickwater}/peers}"
: "${INTEROP_MODE:=full}"
work=$(mktemp -d)
server_pid=
finish() {
    [ -n "$server_pid" ] && kill "$server_pid" 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT

# give_up WHY: the last line of a script that cannot run.
give_up() {
    echo "FAILED $1"
    echo "0 passed, 1 failed"
    exit 1
}

# peer NAME: fetches an outside system, if it is not there; sets dir to its folder.
peer() {
    sh "tools/peers/$1.sh" >"$work/peer" || { cat "$work/peer"; give_up "fetching $1"; }
    dir=$(tail -1 "$work/peer")
}

# server_start: our server on a fresh directory; sets broker to HOST:PORT of its Kafka face.
server_start() {
    if [ -f src/app/main.c ]; then
        make -s -j2 KIND=release build/release/quickwater || give_up "the build"
        set -- build/release/quickwater serve --http off --pg off --redis off
    else
        make -s -j2 KIND=release build/release/tests/clients/kafka_server || give_up "the build"
        set -- build/release/tests/clients/kafka_server
    fi
    "$@" --data "$work/data" --kafka 127.0.0.1:0 >"$work/server.out" 2>"$work/server.err" &
    server_pid=$!
    n=0
    until grep -q '^ready' "$work/server.out"; do
        n=$((n + 1))
        [ $n -lt 100 ] && kill -0 $server_pid 2>/dev/null || { cat "$work/server.err"; give_up "the server's start"; }
        sleep 0.1
    done
    broker=$(sed -n 's/^ready.*kafka=\([^ ]*\).*/\1/p' "$work/server.out")
}
