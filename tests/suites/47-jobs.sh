#!/bin/sh
# Two thousand jobs that are idle: what ten thousand of them would take is under 1 GB, and what they hold is told and kept
. tests/lib/suite.sh
need_build
jobs=2000 row_count=1
rss_kib() { awk '/VmRSS/ { print $2 }' "/proc/$server/status"; }
metric() { curl -s "http://$http/metrics" | sed -n "s/^quickwater_$1 //p"; } # NAME WITH LABELS
makes() { # FROM TO
    for i in $(seq "$1" "$2"); do
        echo "CREATE MATERIALIZED TABLE m$i AS SELECT k, COUNT(*) AS c, SUM(v) AS s FROM src GROUP BY k;"
    done
}
start_server
"$qw" sql --url "http://$http" -c "CREATE TABLE src (k STRING, v INT) WITH ('connector' = 'kafka', 'topic' = 'src', 'format' = 'json');" >/dev/null
before=$(rss_kib)
for from in $(seq 1 100 $jobs); do
    makes "$from" $((from + 99)) >"$suite_dir/make.sql"
    curl -s -o /dev/null --data-binary @"$suite_dir/make.sql" "http://$http/v1/sql"
done
same "$(curl -s "http://$http/v1/jobs" | grep -o '"state":"RUNNING"' | wc -l)" $jobs "$jobs jobs run"
each=$((($(rss_kib) - before) / jobs))
echo "a job that has read nothing takes $each KiB"
[ $each -lt 95 ]; check $? "ten thousand that have read nothing fit in 1 GB"
counted=$(curl -s "http://$http/metrics" | awk '/^quickwater_job_memory_bytes/ { n += $2 } END { print int(n / 1024) }')
[ "$counted" -gt $((jobs * 16)) ] && [ "$counted" -lt $((jobs * each)) ]; check $? "of it the jobs' own $((counted / jobs)) KiB are counted, and not more than there is"
"$qw" job list --url "http://$http" | sed -n '1p' | grep -q MEMORY; check $? "the list of jobs tells it"
echo '{"k":"a","v":7}' | kcat -b "$kafka" -q -P -t src -p 0
for n in 1 1000 $jobs; do
    until_same "SELECT s FROM m$n" 7 "job $n reads a row"
done
same "$(metric 'job_rows_in_total{job="m1"}')" $row_count "and counts it"
each=$((($(rss_kib) - before) / jobs))
echo "a job that has read a row takes $each KiB"
[ $each -lt 140 ]; check $? "a row read costs a job less than as much again"
kill -KILL $server
wait $server 2>/dev/null
server=
start_server --memory 16MiB
for _ in $(seq 300); do
    [ "$(curl -s "http://$http/v1/jobs" | grep -o '"state":"RECOVERING"' | wc -l)" = 0 ] && break
    sleep 0.2
done
same "$(curl -s "http://$http/v1/jobs" | grep -o '"state":"RUNNING"' | wc -l)" $jobs "after a SIGKILL and with less memory than they hold all go on: nothing grows"
same "$(metric memory_limit_bytes)" 16777216 "the limit is told"
"$qw" sql --url "http://$http" -c "CREATE MATERIALIZED TABLE one_more AS SELECT v FROM src;" 2>&1 | grep -q 'of the 16 MiB of memory.limit'; check $? "and no job is begun"
kill -KILL $server
wait $server 2>/dev/null
server=
summary
[ $failed = 0 ]
