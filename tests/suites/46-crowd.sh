#!/bin/sh
# Ten thousand connections that mean no good beside a producer and a consumer: these go on, exactly, in bounded memory
. tests/lib/suite.sh
need_build build/release/tests/clients/crowd
seconds=15 records=3000
crowd() { # KIND COUNT ADDRESS [TOPIC]: in the background; its last line is in crowd.KIND
    build/release/tests/clients/crowd "$1" "$2" $seconds "$3" "${4:-}" >"$suite_dir/crowd.$1" 2>&1 &
    crowds="$crowds $!"
    kinds="$kinds $1"
}
told() { sed -n "s/.*\"$2\":\([0-9]*\).*/\1/p" "$suite_dir/crowd.$1"; } # KIND FIELD
up() { # all have dialled
    for k in $kinds; do
        for _ in $(seq 300); do
            grep -q '^up' "$suite_dir/crowd.$k" && break
            sleep 0.1
        done
    done
}
peak_mib() { awk '/VmHWM/ { print int($2 / 1024) }' "/proc/$server/status"; }
slowly() { # a record a line, over about as long as the crowd is there
    for i in $(seq $records); do
        echo "$i"
        [ $((i % 40)) -ne 0 ] || sleep 0.1
    done
}
beside() { # OPTIONS of kcat…: a producer and a consumer, all the time; what was read must be what was written
    kcat -b "$kafka" -q -E "$@" -C -t beside -p 0 -o beginning -c $records >"$suite_dir/read" 2>"$suite_dir/kcat-c" &
    reader=$!
    slowly | kcat -b "$kafka" -q -E "$@" -P -t beside -p 0 -X enable.idempotence=true -X linger.ms=5 2>"$suite_dir/kcat-p"
    check $? "a producer writes beside them"
    for _ in $(seq 100); do
        [ "$(wc -l <"$suite_dir/read")" -lt $records ] || break
        sleep 0.1
    done
    kill $reader 2>/dev/null
    wait $reader 2>/dev/null
    seq $records | cmp -s - "$suite_dir/read"; check $? "a consumer reads just that, in order"
}

cat >"$suite_dir/crowd.toml" <<'TOML'
[log]
memory_bytes = "128MiB"
[topics]
segment_bytes = "16MiB"
[kafka]
connections = 12000
idle = "8s"
frame_bytes = "64MiB"
request_memory = "128MiB"
answer_memory = "64MiB"
[http]
connections = 2000
idle = "8s"
request_memory = "64MiB"
answer_memory = "64MiB"
TOML
# where fewer files may be open the crowd is smaller in proportion
files=$(ulimit -Hn)
case $files in unlimited) files=1000000 ;; esac
of() { if [ "$files" -ge 12000 ]; then echo "$1"; else echo $(($1 * files / 12000)); fi; }

start_server --config "$suite_dir/crowd.toml"
"$qw" topic create big --partitions 1 --kafka "$kafka" >/dev/null
"$qw" topic create beside --partitions 1 --kafka "$kafka" >/dev/null
# more than memory holds, so that much of it is read from files
awk 'BEGIN { pad = sprintf("%1000s", ""); for (i = 0; i < 200000; i++) print pad }' |
    kcat -b "$kafka" -q -P -t big -p 0 -X linger.ms=20
before=$(peak_mib)
crowds='' kinds=''
crowd idle "$(of 8600)" "$kafka"
crowd dribble "$(of 1000)" "$kafka"
crowd unread "$(of 500)" "$kafka" big
crowd garbage "$(of 300)" "$kafka"
crowd huge "$(of 300)" "$kafka"
crowd head "$(of 500)" "$http"
crowd body "$(of 200)" "$http"
crowd socket "$(of 300)" "$http"
up
open=$(ls "/proc/$server/fd" | wc -l)
[ "$open" -ge "$(of 10000)" ]; check $? "they are there: $open files are open"
beside
[ "$("$qw" topic describe big --kafka "$kafka" | grep -c 200000)" = 1 ]; check $? "the topic that they read is whole"
[ "$(curl -s -m 10 -o /dev/null -w '%{http_code}' "http://$http/health")" = 200 ]; check $? "HTTP answers"
for p in $crowds; do wait "$p"; check $? "a crowd goes home"; done
peak=$(peak_mib)
[ "$peak" -lt 700 ]; check $? "memory is bounded: $peak MiB at most, $before before them"
for k in garbage huge dribble head body; do
    [ "$(told $k closed)" -gt 0 ]; check $? "$k: $(told $k closed) of $(told $k dialled) were closed"
done
kill -0 "$server"; check $? "the server is there"
[ ! -s "$suite_dir/err" ]; check $? "and had nothing to complain of: $(head -c 300 "$suite_dir/err")"
"$qw" topic list --kafka "$kafka" >/dev/null; check $? "and answers"
stop_server; check $? "it stops"
"$qw" check "$suite_dir/data" >/dev/null; check $? "its data is whole"

# handshakes that are begun and not gone on with
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$suite_dir/key.pem" -out "$suite_dir/cert.pem" \
    -subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -days 2 2>/dev/null
rm -rf "$suite_dir/data"
start_server --config "$suite_dir/crowd.toml" --tls-certificate "$suite_dir/cert.pem" --tls-key "$suite_dir/key.pem"
crowds='' kinds=''
crowd hello "$(of 2000)" "$kafka"
crowd garbage "$(of 200)" "$kafka"
up
tls="-X security.protocol=ssl -X ssl.ca.location=$suite_dir/cert.pem"
# shellcheck disable=SC2086
kcat -b "$kafka" -q $tls -L -t beside >/dev/null
# shellcheck disable=SC2086
beside $tls
for p in $crowds; do wait "$p"; done
[ "$(told hello closed)" -gt 0 ]; check $? "half a handshake is closed in the end: $(told hello closed)"
[ "$(peak_mib)" -lt 500 ]; check $? "memory is bounded: $(peak_mib) MiB"
stop_server; check $? "it stops"

# as many of one address, and of all, as are allowed
printf '[kafka]\nconnections = 20\nconnections_per_ip = 5\n' >"$suite_dir/few.toml"
rm -rf "$suite_dir/data"
start_server --config "$suite_dir/few.toml"
seconds=2 crowds='' kinds=''
crowd idle 80 "$kafka"
up
sleep 0.5
open=$(ls -l "/proc/$server/fd" | grep -c socket)
[ "$open" -le 24 ]; check $? "no more connections than are set: $open sockets"
for p in $crowds; do wait "$p"; done
[ "$(told idle closed)" -ge 60 ]; check $? "the others were closed"
"$qw" topic list --kafka "$kafka" >/dev/null; check $? "and once they have gone there is room"
stop_server; check $? "it stops"

# a process that may open few files keeps some for its log, whoever connects
rm -rf "$suite_dir/data"
: >"$suite_dir/out"
(
    ulimit -n 256
    exec "$qw" serve --data "$suite_dir/data" --kafka 127.0.0.1:0 --http off
) >"$suite_dir/out" 2>"$suite_dir/err" &
server=$!
for _ in $(seq 200); do
    grep -q '^ready' "$suite_dir/out" && break
    sleep 0.05
done
kafka=$(sed -n 's/.*kafka=\([^ ]*\).*/\1/p' "$suite_dir/out")
grep -q 'may open 256 files' "$suite_dir/err"; check $? "a low limit of files is told"
"$qw" topic create many --partitions 300 --kafka "$kafka" >/dev/null; check $? "300 partitions under it"
kcat -b "$kafka" -q -P -t many -p 0 <<REC
zero
REC
for p in $(seq 1 299); do echo "$p:$p"; done | kcat -b "$kafka" -q -P -t many -K: -X partitioner=murmur2
kcat -b "$kafka" -q -C -t many -p 0 -o 0 -e >"$suite_dir/few" & # a client that was there before
wait $!
crowds='' kinds=''
crowd idle 400 "$kafka"
up
open=$(ls "/proc/$server/fd" | wc -l)
[ "$open" -lt 256 ]; check $? "connections leave files to the log: $open of 256 are open"
for p in $crowds; do wait "$p"; done
stop_server; check $? "the log is filled and closed with what was left"
start_server_with --data "$suite_dir/data" --kafka 127.0.0.1:0 --http off
same "$(kcat -b "$kafka" -q -C -t many -o beginning -e | wc -l | tr -d ' ')" 300 "and holds all records"
stop_server
summary
[ $failed = 0 ]
