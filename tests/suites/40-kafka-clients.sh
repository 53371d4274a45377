#!/bin/sh
# Real Kafka clients against the real binary: kcat, and programs on librdkafka.
set -u
passed=0
failed=0
dir=$(mktemp -d)
kind=${KIND:-release}
tools="build/$kind/tests/clients/rdkafka_roundtrip"
txn="build/$kind/tests/clients/rdkafka_txn"
if [ -f src/app/main.c ]; then
    make -s -j2 KIND="$kind" "build/$kind/quickwater" $tools $txn || { echo "0 passed, 1 failed"; exit 1; }
    server="build/$kind/quickwater serve --http off --pg off --redis off"
else
    make -s -j2 KIND="$kind" "build/$kind/tests/clients/kafka_server" $tools $txn || { echo "0 passed, 1 failed"; exit 1; }
    server="build/$kind/tests/clients/kafka_server"
fi
pid=

# start: on $dir/data, the same port each time, so that clients find it again
port=0
start() {
    : >"$dir/out"
    $server --data "$dir/data" --kafka "127.0.0.1:$port" >"$dir/out" 2>"$dir/err" &
    pid=$!
    n=0
    until grep -q '^ready' "$dir/out"; do
        n=$((n + 1))
        if [ $n -gt 100 ] || ! kill -0 $pid 2>/dev/null; then
            echo "FAILED the server does not start"
            cat "$dir/err"
            echo "$passed passed, $((failed + 1)) failed"
            exit 1
        fi
        sleep 0.1
    done
    broker=$(sed -n 's/^ready.*kafka=\([^ ]*\).*/\1/p' "$dir/out")
    port=${broker##*:}
}
stop() {
    kill "$1" "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    code=$?
    pid=
    return $code
}
trap '[ -n "$pid" ] && kill -9 $pid 2>/dev/null; rm -rf "$dir"' EXIT

check() { # check NAME GOT WANT
    if [ "$2" = "$3" ]; then
        echo "ok $1"
        passed=$((passed + 1))
    else
        echo "FAILED $1: got '$2', want '$3'"
        failed=$((failed + 1))
    fi
}
k() { timeout 30 kcat -b "$broker" -q "$@" 2>>"$dir/kcat"; }

start
check "broker is listed at the address that was dialled" \
    "$(k -L | grep -c "broker 1 at $broker")" 1
seq 1 100 | k -P -t plain -p 0
check "produced lines come back" "$(k -C -t plain -o beginning -e | md5sum)" "$(seq 1 100 | md5sum)"
check "a topic made by producing has four partitions" "$(k -L -t plain | grep -c 'partition [0-3],')" 4
printf 'k1:v1\nk2:v2\n' | k -P -t keyed -K: -H color=blue -p 1
check "keys, headers, offsets" "$(k -C -t keyed -o beginning -e -f '%p %o %k=%s %h;')" \
    "1 0 k1=v1 color=blue;1 1 k2=v2 color=blue;"
printf 'k1:\n' | k -P -t nulls -K: -Z -p 0
check "a null value stays null" "$(k -C -t nulls -o beginning -e -Z -f '%k=%s')" "k1=NULL"
for codec in gzip snappy lz4 zstd; do
    seq 1 2000 | sed "s/^/$codec compresses this line, number /" | k -P -t "z-$codec" -p 0 -z $codec
    check "$codec" "$(k -C -t "z-$codec" -o beginning -e | md5sum)" \
        "$(seq 1 2000 | sed "s/^/$codec compresses this line, number /" | md5sum)"
done
check "from the middle of a batch" "$(k -C -t z-gzip -p 0 -o 1998 -e | wc -l | tr -d ' ')" 2
check "offsets by query" "$(k -Q -t plain:0:-1)" "plain [0] offset 100"
head -c 700000 /dev/urandom | base64 -w0 >"$dir/large"
k -P -t large -p 0 "$dir/large"
check "a record near the bound" "$(k -C -t large -o beginning -e | tr -d '\n' | md5sum)" "$(md5sum <"$dir/large")"
(sleep 1 && echo awaited | k -P -t plain -p 0) &
check "a waiting fetch is woken" "$(k -C -t plain -p 0 -o end -c 1)" awaited
check "a group reads all" "$(k -G g1 -X auto.offset.reset=earliest -e z-lz4 | wc -l | tr -d ' ')" 2000
check "and goes on behind what it committed" "$(k -G g1 -X auto.offset.reset=earliest -e z-lz4 | wc -l | tr -d ' ')" 0

# Nonsense closes its own connection, and nothing else. (bash for /dev/tcp)
if command -v bash >/dev/null; then
    for bytes in '\0\0\0\4junk' '\377\377\377\377' 'GET / HTTP/1.1\r\n\r\n' '\0\0\0\12\0\3\0\1\0\0\0\1\0\377'; do
        timeout 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port; printf '$bytes' >&3; cat <&3 >/dev/null"
        check "nonsense is hung up on" "$?" 0
    done
    # an unknown version of Metadata is answered with error 35, an unknown API too
    for request in '\0\0\0\12\0\3\0\143\0\0\0\7\0\0' '\0\0\0\12\3\350\0\0\0\0\0\7\0\0'; do
        check "unknown version or API: error 35" "$(timeout 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port
            printf '$request' >&3; head -c 10 <&3" | od -An -tx1 | tr -d ' \n')" "00000006000000070023"
    done
fi

for program in $tools $txn; do
    timeout 300 "$program" "$broker" >"$dir/round" 2>"$dir/round.err" || true
    cat "$dir/round"
    line=$(grep -E '^[0-9]+ passed' "$dir/round" || echo "0 passed, 1 failed")
    p=${line%% passed*}
    f=${line#*, }
    passed=$((passed + p))
    failed=$((failed + ${f%% failed*}))
done
t() { timeout 60 "$txn" "$broker" "$@" 2>>"$dir/txn"; }
t commit tx-kill txn-kill
t begin tx-kill txn-kill

# Killed and started again: what was acknowledged is there, and so are the offsets of groups.
seq 1 50 | k -P -t survives -p 2
stop -9
start
check "acknowledged records survive kill -9" "$(k -C -t survives -o beginning -e | md5sum)" "$(seq 1 50 | md5sum)"
check "committed offsets survive kill -9" "$(k -G g1 -X auto.offset.reset=earliest -e z-lz4 | wc -l | tr -d ' ')" 0
check "a committed transaction survives kill -9, an open one stays hidden" "$(t count txn-kill)" 10
t commit tx-kill txn-kill
check "its id goes on: what was open is aborted" "$(t count txn-kill)" 20
stop -9
start
check "and so it is after the next kill -9" "$(t count txn-kill)" 20
check "and the group goes on" "$(echo more | k -P -t z-lz4 -p 0; k -G g1 -X auto.offset.reset=earliest -e z-lz4)" more
stop -TERM
check "SIGTERM stops it cleanly" "$?" 0
echo "$passed passed, $failed failed"
[ $failed = 0 ]
