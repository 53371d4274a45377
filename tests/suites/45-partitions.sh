#!/bin/sh
# Partitions added to topics while jobs read them and write into them: real Kafka clients write to the new ones
# while the server is killed and started again; each record counts once.
. tests/lib/suite.sh
need_build build/release/bench/kafka_load
records=3000

clicks() { # FROM TO: a record a line, in bursts
    for i in $(seq "$1" "$2"); do
        printf '{"k":"k%d","n":%d,"ts":"2026-01-01 00:%02d:%02d"}\n' $((i % 50)) "$i" $((i / 600 % 60)) $((i / 10 % 60))
        [ $((i % 100)) -ne 0 ] || sleep 0.2
    done
}
into() { # PARTITION: as a producer that is never told "no" twice, over kills of the server
    timeout 120 kcat -b "$kafka" -q -E -P -t clicks -p "$1" -X enable.idempotence=true -X message.timeout.ms=90000 \
        -X reconnect.backoff.max.ms=200 -X retry.backoff.ms=100 -X linger.ms=5 2>>"$suite_dir/kcat"
}
again() { # KIND of end: and up at the same addresses, with another number of shards
    kill "$1" "$server"
    wait "$server" 2>/dev/null
    server=
    shards=$((shards % 3 + 1))
    start_server_with --data "$suite_dir/data" --kafka "$kafka" --http "$http" --pg off --redis off --shards $shards
}
total() { echo $(($1 * ($1 + 1) / 2)); } # of 1 to N

shards=2
start_server --shards $shards
"$qw" sql --url "http://$http" -c "
    CREATE TABLE clicks (k STRING, n BIGINT, ts TIMESTAMP(0), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
        WITH ('connector' = 'kafka', 'topic' = 'clicks', 'format' = 'json');
    CREATE TABLE kept (k STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'kept', 'format' = 'json',
        'key.format' = 'raw', 'key.fields' = 'k');
    CREATE MATERIALIZED TABLE totals AS SELECT COUNT(*) AS c, SUM(n) AS s FROM clicks;
    CREATE MATERIALIZED TABLE by_count AS SELECT c, COUNT(*) AS ks FROM (SELECT k, COUNT(*) AS c FROM clicks
        GROUP BY k) GROUP BY c;
    INSERT INTO kept SELECT k, n FROM clicks;" >/dev/null
check $? "jobs over a topic of one partition"
clicks 1 500 | into 0
until_same "SELECT c FROM totals" 500 "read it"
"$qw" topic alter clicks --partitions 3 --kafka "$kafka"; check $? "the topic is given two more"
"$qw" topic alter kept --partitions 4 --kafka "$kafka"; check $? "and the topic that a job writes three"
"$qw" topic describe clicks --kafka "$kafka" | grep -q '^clicks  *2 '; check $? "which clients see"
echo '{"k":"k1","n":0}' | "$qw" topic produce clicks --partition 2 --kafka "$kafka"
until_same "SELECT c FROM totals" 501 "a record in the new one is counted at once"

clicks 501 $records | into 2 &
feeder=$!
for end in KILL KILL TERM KILL; do
    sleep 1
    again -$end
done
wait $feeder; check $? "a client writes to the new partition, over kills and a stop"
until_same "SELECT c, s FROM totals" "$((records + 1)),$(total $records)" "each record counts once"
"$qw" topic alter clicks --partitions 5 --kafka "$kafka"; check $? "and two more yet"
clicks 1 500 | into 4
again -KILL
until_same "SELECT c, s FROM totals" "$((records + 501)),$(($(total $records) + $(total 500)))" "after a kill too"
until_same "SELECT SUM(c * ks) FROM by_count" $((records + 501)) "over a re-keying"
same "$(ask 'SHOW JOBS' | grep -c RUNNING)" 3 "all jobs run"

timeout 60 kcat -b "$kafka" -q -C -t kept -o beginning -e -f '%p %k %s\n' >"$suite_dir/kept"
same "$(wc -l <"$suite_dir/kept" | tr -d ' ')" $((records + 501)) "what the job wrote is there once"
# after the addition a key is in one partition: where the client's own partitioner puts it
tail -n +1 "$suite_dir/kept" | awk '$1 > 0 { at[$2] = at[$2] (index(at[$2], $1) ? "" : $1) } END { for (k in at) if (length(at[k]) > 1) print k }' >"$suite_dir/moved"
same "$(wc -l <"$suite_dir/moved" | tr -d ' ')" 0 "a key's records stay together"
for k in $(seq 0 49); do printf 'k%d:x\n' "$k"; done | kcat -b "$kafka" -q -P -t kept -K: -X partitioner=murmur2
timeout 60 kcat -b "$kafka" -q -C -t kept -o beginning -e -f '%p %k %s\n' >"$suite_dir/all"
same "$(awk '$3 == "x" { want[$2] = $1 } $3 != "x" && $1 > 0 { at[$2] = $1 } END { for (k in at) if (at[k] != want[k]) print k }' "$suite_dir/all")" \
    "" "in the partition where a client puts the key"

"$qw" topic alter totals.changes --partitions 2 --kafka "$kafka" 2>"$suite_dir/e"; same $? 2 "a view's changes are one stream"
grep -q "materialized table 'totals' are one stream" "$suite_dir/e"; check $? "which the answer says"
"$qw" topic alter clicks --partitions 5 --kafka "$kafka" 2>"$suite_dir/e"; same $? 2 "as many as there are is no addition"
grep -q "has 5 partitions" "$suite_dir/e"; check $? "and says how many there are"
"$qw" topic alter clicks --kafka "$kafka" 2>"$suite_dir/e"; same $? 2 "alter without a number"
"$qw" topic alter nosuch --partitions 2 --kafka "$kafka" 2>"$suite_dir/e"; same $? 2 "no such topic to alter"
stop_server; check $? "the server stops"
"$qw" check "$suite_dir/data" >/dev/null; check $? "and its data is whole"

# ten thousand at once
rm -rf "$suite_dir/data"
start_server
"$qw" topic create many --partitions 10000 --kafka "$kafka" >/dev/null; check $? "a topic of 10,000 partitions"
timeout 120 build/release/bench/kafka_load "$kafka" many spread 2 100 none >/dev/null; check $? "records to each"
kill -KILL "$server"
wait "$server" 2>/dev/null
start_server
same "$("$qw" topic describe many --kafka "$kafka" | awk '$1 == "many" && NF == 4 { n += $4 } END { print n + 0 }')" 20000 "all are there after a kill"
timeout 120 kcat -b "$kafka" -q -C -t many -p 9999 -o beginning -e -c 2 >"$suite_dir/last"
same "$(wc -l <"$suite_dir/last" | tr -d ' ')" 2 "the last one's are read"
peak=$(awk '/VmHWM/ { print int($2 / 1024) }' "/proc/$server/status")
[ "$peak" -lt 200 ]; check $? "they cost $peak MiB"
open=$(ls "/proc/$server/fd" | wc -l)
[ "$open" -lt 400 ]; check $? "and $open open files"
kill -KILL "$server" # a clean stop makes ten thousand files: ./dev bench partitions tells how long it takes
wait "$server" 2>/dev/null
server=
summary
[ $failed = 0 ]
