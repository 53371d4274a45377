# common.sh: what interop scripts share. Sourced, with the project's root as the folder.
# INTEROP_CACHE is where fetched peers are kept; INTEROP_MODE is ci or full.
: "${INTEROP_CACHE:=${QUICKWATER_CACHE:-$HOME/.cache/quickwater}/peers}"
: "${INTEROP_MODE:=full}"
work=$(mktemp -d)
# of JVMs that live for a minute: the first compiler alone, and a collector of one thread, cost the cores least; what one
# that is killed leaves in its temporary folder goes too
jvm="-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.io.tmpdir=$work"
server_pid=
client_pid=
finish() {
    [ -n "$client_pid" ] && kill "$client_pid" 2>/dev/null
    [ -n "$server_pid" ] && kill "$server_pid" 2>/dev/null && wait "$server_pid" 2>/dev/null
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

# built TARGET…: of build/release. ./dev interop has built them before its peers begin, some of which are side by side.
built() {
    [ -n "${INTEROP_BUILT:-}" ] || make -s -j2 KIND=release $(printf 'build/release/%s ' "$@") || give_up "the build"
}

# free_port: one that no client is given by chance, so that a server that is killed has it again.
free_port() { python3 tools/interop/ports.py; }

# server_start: our server on a fresh directory, with $server_options; sets broker to HOST:PORT of its Kafka face.
server_start() {
    built quickwater
    server="build/release/quickwater serve --http off --pg off --redis off"
    server_run 127.0.0.1:$(free_port)
    broker=$(sed -n 's/^ready.*kafka=\([^ ]*\).*/\1/p' "$work/server.out")
}

# server_run ADDRESS: what server_start built, on its directory; back when it is ready.
server_run() {
    : >"$work/server.out"
    $server ${server_options:-} --data "$work/data" --kafka "$1" >"$work/server.out" 2>>"$work/server.err" &
    server_pid=$!
    n=0
    until grep -q '^ready' "$work/server.out"; do
        n=$((n + 1))
        [ $n -lt 100 ] && kill -0 $server_pid 2>/dev/null || { cat "$work/server.err"; give_up "the server's start"; }
        sleep 0.1
    done
}

# server_run_http KAFKA HTTP: the built server on its directory, with both faces; sets broker and http to HOST:PORT.
server_run_http() {
    : >"$work/server.out"
    build/release/quickwater serve --data "$work/data" --kafka "$1" --http "$2" --pg off --redis off >"$work/server.out" 2>>"$work/server.err" &
    server_pid=$!
    n=0
    until grep -q '^ready' "$work/server.out"; do
        n=$((n + 1))
        [ $n -lt 300 ] && kill -0 $server_pid 2>/dev/null || { cat "$work/server.err"; give_up "the server's start"; }
        sleep 0.1
    done
    broker=$(sed -n 's/^ready.*kafka=\([^ ]*\).*/\1/p' "$work/server.out")
    http=$(sed -n 's/^ready.*http=\([^ ]*\).*/\1/p' "$work/server.out")
}

# go_build NAME: tools/interop/go/NAME, from what the peer kafka_go fetched, as $work/NAME.
go_build() {
    (cd tools/interop/go && GOMODCACHE=$dir/mod GOPROXY=off GOFLAGS=-modcacherw "$dir/go" build -o "$work/$1" "./$1") ||
        give_up "building $1"
}

# server_again: SIGKILL, and the server on the same directory and at the same address.
server_again() {
    kill -9 "$server_pid"
    wait "$server_pid" 2>/dev/null
    server_run "$broker"
}

# with_restarts COMMAND…: runs it; each time that it makes a file $work/again, the server is killed and started again
# before the file goes away.
with_restarts() {
    "$@" &
    client_pid=$!
    while kill -0 $client_pid 2>/dev/null; do
        if [ -f "$work/again" ]; then
            server_again
            rm "$work/again"
        fi
        sleep 0.1
    done
    wait $client_pid
}
