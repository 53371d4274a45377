#!/bin/sh
# the HTTP face of the real server, with curl: posts, SQL, a view by key and as a whole, its changes, refusals
. tools/common.sh
p=0 f=0
ok() { p=$((p + 1)); echo "ok $1"; }
bad() { f=$((f + 1)); echo "FAIL $1"; [ -z "${2:-}" ] || printf '%s\n' "$2" | head -20; }
build asan build/asan/quickwater build/asan/tests/clients/rdkafka_txn || { echo "0 passed, 1 failed"; exit 1; }

work=$(mktemp -d)
server=
stop() { [ -z "$server" ] || { kill -TERM "$server"; wait "$server"; server=; }; }
trap 'stop; rm -rf "$work"' EXIT INT TERM
start() {
    build/asan/quickwater serve --data "$work/data" --kafka 127.0.0.1:0 --http 127.0.0.1:0 --pg off --redis off \
        >"$work/out" 2>"$work/err" &
    server=$!
    for _ in $(seq 1 150); do
        grep -q '^ready ' "$work/out" && break
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    url=http://$(sed -n 's/^ready .*http=\([^ ]*\).*/\1/p' "$work/out")
    kafka=$(sed -n 's/^ready .*kafka=\([^ ]*\).*/\1/p' "$work/out")
    [ "$url" != http:// ]
}

# expect NAME STATUS TEXT CURL-ARGUMENTS…: the answer has that status and contains that text
expect() {
    name=$1 status=$2 text=$3
    shift 3
    got=$(curl -s -m 20 -o "$work/body" -w '%{http_code}' "$@" 2>&1)
    case $got:$(cat "$work/body") in
    "$status":*"$text"*) ok "$name" ;;
    *) bad "$name" "$got, expected $status and '$text': $(head -c 600 "$work/body")" ;;
    esac
}
# until NAME TEXT CURL-ARGUMENTS…: asked again until the answer contains that text
until_text() {
    name=$1 text=$2
    shift 2
    for _ in $(seq 1 100); do
        case $(curl -s -m 5 "$@") in *"$text"*) ok "$name"; return ;; esac
        sleep 0.1
    done
    bad "$name" "'$text' never came: $(curl -s -m 5 "$@" | head -c 600)"
}
sql() { printf '%s' "$1" | curl -s -m 20 -H 'Content-Type: text/plain' --data-binary @- "$url/v1/sql"; }

if ! start; then
    cat "$work/out" "$work/err"
    bad "the server starts"
    echo "$p passed, $f failed"
    exit 1
fi
ok "the server starts"
expect "health" 200 '"status":"ok"' "$url/health"
expect "metrics" 200 '# TYPE quickwater_uptime_seconds gauge' "$url/metrics"
expect "the page" 200 '<title>Quickwater</title>' "$url/"
expect "the page, compressed" 200 'connect' --compressed "$url/ui/main.js"
expect "a foreign host" 421 '"host"' -H 'Host: evil.example' "$url/health"
expect "a foreign origin" 403 '"origin"' -H 'Origin: http://evil.example' -d 1 "$url/v1/topics/clicks"
expect "no such address" 404 '"not_found"' "$url/v2"
expect "a wrong method" 405 '"method"' -X DELETE "$url/v1/topics"
expect "a wrong statement" 400 '"line":2,"column":1' -H 'Content-Type: text/plain' --data-binary 'SHOW TABLES;
SELEC 1' "$url/v1/sql"
expect "a wrong body" 400 'line 2, column 6' --data-binary '{"a":1}
{"a":}' "$url/v1/topics/clicks"

sql "CREATE TABLE clicks (who STRING, n INT, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '1' SECOND)
     WITH ('connector' = 'kafka', 'topic' = 'clicks', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
     CREATE MATERIALIZED TABLE totals AS SELECT who, SUM(n) AS total, COUNT(*) AS clicks FROM clicks GROUP BY who;
     CREATE MATERIALIZED TABLE minutes AS SELECT window_start, window_end, who, SUM(n) AS total
       FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(at), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, who;" \
    >"$work/body"
case $(cat "$work/body") in *'"error"'*) bad "tables and views" "$(cat "$work/body")" ;; *) ok "tables and views" ;; esac

curl -sN -m 60 "$url/v1/views/totals/changes?from=start" >"$work/changes" &
changes=$!
expect "a post" 200 '"records":2' -H 'Content-Type: application/x-ndjson' --data-binary \
    '{"who":"ann","n":2,"at":"2026-01-01 00:00:01"}
{"who":"bob","n":5,"at":"2026-01-01 00:00:02"}' "$url/v1/topics/clicks?key=who"
expect "a post with a key" 200 '"records":1' -H 'Idempotency-Key: a1' -d '{"who":"ann","n":40,"at":"2026-01-01 00:00:03"}' "$url/v1/topics/clicks?key=who"
cp "$work/body" "$work/first"
expect "and again" 200 '"records":1' -H 'Idempotency-Key: a1' -d '{"who":"ann","n":40,"at":"2026-01-01 00:00:03"}' "$url/v1/topics/clicks?key=who"
cmp -s "$work/body" "$work/first" && ok "gives the same answer" || bad "gives the same answer" "$(cat "$work/body" "$work/first")"
until_text "a view by key" '"total":42' "$url/v1/views/totals?key=ann"
expect "no such key" 404 'no row of that key' "$url/v1/views/totals?key=zoe"
expect "a view as a whole" 200 '"next":null' "$url/v1/views/totals"
expect "a page of it" 200 '"next":"' "$url/v1/views/totals?limit=1"
next=$(sed -n 's/.*"next":"\([0-9a-f]*\)".*/\1/p' "$work/body")
expect "the next page" 200 '"next":null' "$url/v1/views/totals?limit=1&cursor=$next"
curl -s -m 5 -d '[{"who":"bob","n":1,"at":"2026-01-01 00:05:00"},{"who":"ann","n":0,"at":"2026-01-01 00:05:00"}]' "$url/v1/topics/clicks?key=who" >/dev/null
until_text "a query" '["bob",6]' -H 'Content-Type: application/json' -d '{"sql":"SELECT who, total FROM totals WHERE who = '"'bob'"'"}' "$url/v1/sql"
until_text "jobs" '"rows_in":' "$url/v1/jobs"
job=$(curl -s "$url/v1/jobs" | sed -n 's/.*{"name":"\([^"]*\)".*/\1/p')
expect "a job's graph" 200 '"ops":[{"id"' "$url/v1/jobs/$job"
expect "metrics of a job" 200 'quickwater_job_rows_in_total{job=' "$url/metrics"
for _ in $(seq 1 100); do grep -q '"total":42' "$work/changes" && break; sleep 0.1; done
kill "$changes" 2>/dev/null; wait "$changes" 2>/dev/null
grep -q '"total":42' "$work/changes" && ok "changes" || bad "changes" "$(cat "$work/changes")"
id=$(sed -n 's/^id: //p' "$work/changes" | head -1)
second=$(sed -n 's/^id: //p' "$work/changes" | sed -n 2p)
got=$(curl -sN -m 2 -H "Last-Event-ID: $id" "$url/v1/views/totals/changes" | sed -n 's/^id: //p' | head -1)
[ -n "$second" ] && [ "$got" = "$second" ] && ok "changes go on behind Last-Event-ID" || bad "changes go on behind Last-Event-ID" "$id, then $got, not $second"
got=$(curl -sN -m 2 "$url/v1/stream?overview=1&view=minutes&job=$job")
for want in '"type":"hello"' '"type":"overview"' '"type":"views"' '"type":"job"' '"view":"minutes"'; do
    case $got in *"$want"*) ok "the page's stream: $want" ;; *) bad "the page's stream: $want" "$got" ;; esac
done

# the topic browser's routes, beside real clients of Kafka
expect "the tables of a topic" 200 '"tables":["clicks"]' "$url/v1/topics/clicks"
expect "a topic is made" 201 '"done":true' -d '{"name":"notes","partitions":2,"configs":{"retention.ms":86400000}}' "$url/v1/topics"
expect "and not twice" 409 'already exists' -d '{"name":"notes"}' "$url/v1/topics"
expect "its configuration" 200 '{"name":"retention.ms","value":"86400000","type":"long","set":true' "$url/v1/topics/notes"
expect "a record with headers" 200 '"offset":0' -d '{"key":"k","value":"{\"a\":1}","headers":[{"key":"h","value":"x"}],"partition":1}' "$url/v1/topics/notes/records"
got=$(timeout 20 kcat -b "$kafka" -C -t notes -p 1 -e -q -f '%k %s %h' 2>/dev/null)
[ "$got" = 'k {"a":1} h=x' ] && ok "a consumer gets it" || bad "a consumer gets it" "$got"
seq 1 1000 | sed 's/.*/{"n":&}/' | timeout 20 kcat -b "$kafka" -P -t notes -p 0 -z gzip 2>/dev/null
expect "the newest record" 200 '"offset":999,' "$url/v1/topics/notes/records?limit=1&partition=0"
expect "from an offset" 200 '{"partition":0,"offset":500,' "$url/v1/topics/notes/records?limit=1&partition=0&offset=500"
expect "with a text" 200 '"value":"{\"n\":777}"' "$url/v1/topics/notes/records?filter=777&partition=0&from=start"
expect "the next page" 200 '"records":[{"partition":0,"offset":900,' "$url/v1/topics/notes/records?after=0:900&limit=1"
expect "a page that is none" 400 'a cursor' "$url/v1/topics/notes/records?after=9:900"
timeout 20 kcat -b "$kafka" -q -G readers -X auto.offset.reset=earliest -c 300 notes >/dev/null 2>&1
until_text "a group and its lag" '"lag":70' "$url/v1/groups"
until_text "an empty group" '"state":"Empty"' "$url/v1/groups/readers"
expect "where it would go" 200 '"applied":false' -d '{"to":"end"}' "$url/v1/groups/readers/offsets"
expect "there it goes" 200 '"applied":true' -d '{"to":"end","topic":"notes","apply":true}' "$url/v1/groups/readers/offsets"
expect "it has no lag" 200 '"lag":0,' "$url/v1/groups/readers"
timeout 30 kcat -b "$kafka" -q -G readers -X auto.offset.reset=earliest notes >/dev/null 2>&1 &
reader=$!
until_text "its member" '"partitions":[0,1]' "$url/v1/groups/readers"
expect "a group with members stays" 409 'has members' -d '{"to":"start","apply":true}' "$url/v1/groups/readers/offsets"
kill "$reader" 2>/dev/null; wait "$reader" 2>/dev/null
build/asan/tests/clients/rdkafka_txn "$kafka" begin owner notes >"$work/txn" 2>&1
expect "an open transaction" 200 '"id":"owner","state":"Ongoing"' "$url/v1/transactions?open"
expect "its records" 200 '"transaction":"open"' "$url/v1/topics/notes/records?limit=1"
expect "are not committed" 200 '"records":[' "$url/v1/topics/notes/records?limit=1&committed"
case $(cat "$work/body") in *'"transaction"'*) bad "nobody is shown them" "$(cat "$work/body")" ;; *) ok "nobody is shown them" ;; esac
expect "it is aborted" 200 '"done":true' -X POST "$url/v1/transactions/owner/abort"
until_text "and is shown so" '"control":"abort"' "$url/v1/topics/notes/records?limit=1"
expect "none is open" 200 '"transactions":[]' "$url/v1/transactions?open"
curl -sN -m 4 "$url/v1/stream?tail=notes:1" >"$work/tail" &
tail=$!
until_file() { for _ in $(seq 1 100); do grep -q "$1" "$work/tail" && return; sleep 0.1; done; false; }
until_file '"type":"tail"'
curl -s -d '{"key":"late","value":"news","partition":1}' "$url/v1/topics/notes/records" >/dev/null
until_file '"key":"late","value":"news"' && ok "a tail" || bad "a tail" "$(cat "$work/tail")"
kill "$tail" 2>/dev/null; wait "$tail" 2>/dev/null
expect "a topic is deleted" 200 '"done":true' -X DELETE "$url/v1/topics/notes"
expect "and is gone" 404 "no topic 'notes'" "$url/v1/topics/notes/records"

# what is secret of outside systems is shown by nothing
sql "CREATE TABLE s1 (who STRING) WITH ('connector' = 'redis', 'redis.port' = '1', 'redis.type' = 'list', 'redis.password' = 'hush''1');
CREATE TABLE s2 (who STRING) WITH ('connector' = 'postgres', 'postgres.port' = '1', 'POSTGRES.PASSWORD'='hush''2', 'postgres.sslpassword' = 'hush');
CREATE TABLE s3 (who STRING) WITH ('connector' = 'http', 'http.url' = 'http://127.0.0.1:1/', 'http.headers' = 'X-Key: hush', 'http.password' = 'hush', 'http.authorization' = 'hush');
INSERT INTO s1 SELECT who FROM clicks; INSERT INTO s2 SELECT who FROM clicks; INSERT INTO s3 SELECT who FROM clicks;" >"$work/shown"
until_text "they are tried" '"trouble":"Redis at' "$url/v1/bridges"
look() {
    for t in s1 s2 s3; do sql "SHOW CREATE TABLE $t; DESCRIBE $t; EXPLAIN INSERT INTO $t SELECT who FROM clicks;"; done
    sql "SHOW JOBS; SHOW TABLES; CREATE TABLE s3 (who STRING) WITH ('connector' = 'http', 'http.headers' = 'hush');"
    for path in /v1/bridges /v1/jobs /v1/topics /metrics '/v1/topics?internal' /v1/views; do curl -s "$url$path"; done
    curl -sN -m 1 "$url/v1/stream?overview&alerts"
    cat "$work/err"
}
# circuit breakers by hand; what comes of it over a restart is below
expect "a state that is none" 400 'one of CLOSED, OPEN, HALF_OPEN, FORCED_OPEN, DISABLED, METRICS_ONLY, not '"'AJAR'" -d '{"state":"AJAR"}' "$url/v1/bridges/s1/state"
expect "no state" 400 'is one of CLOSED' -d '{}' "$url/v1/bridges/s1/state"
expect "a state that is no text" 400 'is a text' -d '{"state":1}' "$url/v1/bridges/s1/state"
expect "another member" 400 'is not a member here' -d '{"states":"OPEN"}' "$url/v1/bridges/s1/state"
expect "no JSON" 400 'not one JSON object' -d 'OPEN' "$url/v1/bridges/s1/state"
expect "no such bridge" 404 "no table 'clicks' is carried" -d '{"state":"OPEN"}' "$url/v1/bridges/clicks/state"
expect "a bridge is held" 200 '"breaker":"FORCED_OPEN"' -d '{"state":"FORCED_OPEN"}' "$url/v1/bridges/s1/state"
expect "one is held open for a while" 200 '"breaker":"OPEN"' -d '{"state":"open"}' "$url/v1/bridges/s2/state"
expect "one is tried whatever fails" 200 '"breaker":"METRICS_ONLY"' -d '{"state":"METRICS_ONLY"}' "$url/v1/bridges/s3/state"
expect "one alone is shown" 200 '"breaker":"FORCED_OPEN"' "$url/v1/bridges/s1"
expect "states are metrics" 200 'quickwater_bridge_breaker_state{table="s1",connector="redis",state="FORCED_OPEN"} 1' "$url/metrics"
expect "and what is not is zero" 200 'quickwater_bridge_breaker_state{table="s1",connector="redis",state="CLOSED"} 0' "$url/metrics"
look >>"$work/shown"
case $(cat "$work/shown") in
*"'redis.password' = '******'"*"'POSTGRES.PASSWORD'='******', 'postgres.sslpassword' = '******'"*"'http.authorization' = '******'"*)
    ok "a statement is shown without its secrets" ;;
*) bad "a statement is shown without its secrets" "$(head -c 3000 "$work/shown")" ;;
esac
grep -q hush "$work/shown" && bad "no secret is shown" "$(grep -o '.\{60\}hush.\{20\}' "$work/shown")" || ok "no secret is shown"

# dead letters are put back, by our own server as the outside system: what is too large for its topic, until it is not
sql "CREATE TABLE back (id BIGINT, t STRING) WITH ('connector' = 'kafka', 'topic' = 'back', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE hook_in (id BIGINT, t STRING) WITH ('connector' = 'kafka', 'topic' = 'hook_in', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE hook (id BIGINT, t STRING) WITH ('connector' = 'http', 'http.url' = '$url/v1/topics/back', 'http.body' = 'lines');
INSERT INTO hook SELECT id, t FROM hook_in;" >/dev/null
curl -s -d '{"max.message.bytes":1000}' "$url/v1/topics/back/configs" >/dev/null
long=$(printf '%2000s' x)
printf '{"id":1,"t":"a"}\n{"id":2,"t":"%s"}\n{"id":3,"t":"b"}\n' "$long" | curl -s --data-binary @- "$url/v1/topics/hook_in" >/dev/null
until_rows() { name=$1 want=$2; for _ in $(seq 1 100); do case $(sql "$3") in *"$want"*) ok "$name"; return ;; esac; sleep 0.1; done; bad "$name" "$(sql "$3")"; }
until_rows "what is too large is a dead letter" '"rows":[[0,1]' 'SELECT `partition`, `offset` FROM `hook$dead`'
until_rows "what came behind it arrived" '"rows":[[1],[3]]' 'SELECT id FROM back ORDER BY id'
case $(sql 'REPLAY `hook$late`') in *"INSERT INTO … SELECT"*) ok "late rows are not for REPLAY" ;; *) bad "late rows are not for REPLAY" ;; esac
case $(sql 'REPLAY hook') in *'are in `t$dead`'*) ok "nor a table" ;; *) bad "nor a table" "$(sql 'REPLAY hook')" ;; esac
case $(sql 'REPLAY `hooks$dead`') in *'there is no'*) ok "nor one that there is not" ;; *) bad "nor one that there is not" "$(sql 'REPLAY `hooks$dead`')" ;; esac
curl -s -d '{"max.message.bytes":9000}' "$url/v1/topics/back/configs" >/dev/null
got=$(sql 'REPLAY `hook$dead`')
case $got in *'1 record of `hook$dead` will go out again'*) ok "REPLAY" ;; *) bad "REPLAY" "$got" ;; esac
until_rows "it arrives" '"rows":[[1],[2],[3]]' 'SELECT id FROM back ORDER BY id'
until_rows "and is no letter any more" '"rows":[]' 'SELECT reason FROM `hook$dead`'
case $(sql 'REPLAY TABLE `hook$dead`') in *'is empty'*) ok "nothing is left" ;; *) bad "nothing is left" ;; esac
case $(sql 'DROP JOB `insert-into_hook`; DROP TABLE hook; SHOW TOPICS') in *bridge-hook*) bad "a dropped table leaves no topic" ;; *) ok "a dropped table leaves no topic" ;; esac

stop
code=$?
[ "$code" = 0 ] && ok "a clean stop" || bad "a clean stop" "exit $code: $(cat "$work/err")"
start && ok "starts again" || bad "starts again" "$(cat "$work/out" "$work/err")"
until_text "the view is there" '"total":42' "$url/v1/views/totals?key=ann"
expect "and the key is remembered" 200 '"records":1' -H 'Idempotency-Key: a1' -d '{"who":"ann","n":40,"at":"2026-01-01 00:00:03"}' "$url/v1/topics/clicks?key=who"
look >"$work/shown"
grep -q "'redis.password' = '\*\*\*\*\*\*'" "$work/shown" && ok "the statement is there" || bad "the statement is there"
grep -q hush "$work/shown" && bad "and still no secret is shown" "$(cat "$work/shown")" || ok "and still no secret is shown"
cmp -s "$work/body" "$work/first" && ok "with the same answer" || bad "with the same answer" "$(cat "$work/body")"
expect "what was held is held" 200 '"breaker":"FORCED_OPEN"' "$url/v1/bridges/s1"
expect "what is tried is tried" 200 '"breaker":"METRICS_ONLY"' "$url/v1/bridges/s3"
case $(curl -s "$url/v1/bridges/s2") in
*'"breaker":"FORCED_OPEN"'* | *'"breaker":"METRICS_ONLY"'* | *'"error"'*) bad "the others are as after any start" ;;
*) ok "the others are as after any start" ;;
esac
expect "and it is given back" 200 '"breaker":"CLOSED"' -d '{"state":"CLOSED"}' "$url/v1/bridges/s1/state"
stop
grep -E 'ERROR: |runtime error' "$work/err" && bad "no finding of the sanitizers"
echo "$p passed, $f failed"
