#!/bin/sh
# the command as a user types it: help, mistakes, a job from a file, a shell on a server, a restart
. tests/lib/suite.sh
need_build

for c in serve run sql topic job bench check sim version; do
    "$qw" $c --help >"$suite_dir/help" 2>&1
    check $? "$c --help"
    grep -q "usage: quickwater $c" "$suite_dir/help"; check $? "$c --help says how"
done
"$qw" nosuch 2>"$suite_dir/e"; same $? 2 "an unknown command is the user's mistake"
grep -q "no command 'nosuch'" "$suite_dir/e"; check $? "and is named"
for c in "topic list" "topic consume" "job show" "bench nexmark"; do
    "$qw" $c --help | grep -q "^usage: quickwater"; check $? "$c --help"
done
"$qw" serve --pg 127.0.0.1:0 --kafka off --http off --data "$suite_dir/x" 2>"$suite_dir/e"; same $? 2 "a face that is not built is refused"
grep -q "the pg face is not built yet" "$suite_dir/e"; check $? "by name"
"$qw" serve --nosuch 2>"$suite_dir/e"; same $? 2 "an unknown option is the user's mistake"
"$qw" serve --kafka 0.0.0.0:0 --http off --data "$suite_dir/x" 2>"$suite_dir/e"; same $? 2 "a listener that others can reach is refused"
grep -q -- "--insecure" "$suite_dir/e"; check $? "and the way out is named"
"$qw" serve --kafka 127.example.invalid:0 --http off --data "$suite_dir/x" 2>"$suite_dir/e"; same $? 2 "so is a name that only begins like one"
grep -q "can be reached by others" "$suite_dir/e"; check $? "for that reason"
# a configuration file: it is taken, the command line wins over it, and a wrong one is told with its place
sed -n '/^```toml/,/^```$/p' docs/config.md | sed '1d;$d' | sed "s|/var/lib/quickwater|$suite_dir/conf-data|; s|:9092|:0|" >"$suite_dir/qw.toml"
start_server_with --config "$suite_dir/qw.toml"
same "$http" "" "--config: http = \"off\""
[ -d "$suite_dir/conf-data" ]; check $? "--config: the data directory"
echo 1 | "$qw" topic produce made --kafka "$kafka"
"$qw" topic list --kafka "$kafka" | grep -q '^made  *8$'; check $? "--config: topics.partitions"
stop_server
start_server_with --config "$suite_dir/qw.toml" --http 127.0.0.1:0 --kafka off
[ -n "$http" ] && [ -z "$kafka" ]; check $? "the command line wins over the file"
stop_server
timeout 30 "$qw" run /dev/null --config "$suite_dir/qw.toml" --data "$suite_dir/run-data" >/dev/null && [ -d "$suite_dir/run-data" ]
check $? "run takes a file too"
printf '[server]\nshard = 4\n' >"$suite_dir/quickwater.toml"
(cd "$suite_dir" && "$OLDPWD/$qw" serve --config quickwater.toml 2>e); same $? 2 "a wrong setting is the user's mistake"
same "$(cat "$suite_dir/e")" "$(sed -n '/^quickwater: quickwater.toml/,/^```$/p' docs/config.md | sed '$d')" "and is told as docs/config.md says"
"$qw" serve --config "$suite_dir/nosuch" 2>"$suite_dir/e"; same $? 2 "a file that is not there"
"$qw" serve --shards 0 2>"$suite_dir/e"; same $? 2 "a value out of its bounds"
grep -q "from 1 to 128" "$suite_dir/e"; check $? "and what would be right is said"
"$qw" sql --url http://127.0.0.1:1 -c 'SELECT 1' 2>"$suite_dir/e"; same $? 2 "no server: said so"

cat >"$suite_dir/in.csv" <<'D'
1,a,10
2,b,20
3,a,30
D
cat >"$suite_dir/job.sql" <<D
CREATE TABLE src (id BIGINT, k STRING, v BIGINT) WITH ('connector' = 'filesystem', 'path' = '$suite_dir/in.csv', 'format' = 'csv');
CREATE TABLE out (k STRING, n BIGINT, s BIGINT) WITH ('connector' = 'print');
INSERT INTO out SELECT k, COUNT(*), SUM(v) FROM src GROUP BY k;
D
timeout 30 "$qw" run "$suite_dir/job.sql" --kafka off --http off >"$suite_dir/o" 2>"$suite_dir/e"
same $? 0 "run ends by itself on bounded sources"
grep -q '+U\[a, 2, 40\]\|+I\[a, 2, 40\]' "$suite_dir/o"; check $? "and prints the changes"
echo 'SELECT 1;' | timeout 30 "$qw" run - --kafka off --http off >"$suite_dir/o"; same $? 0 "run ends where there is no job to wait for"
printf 'SELECT 1;\nSELEC 2;\n' >"$suite_dir/bad.sql"
timeout 30 "$qw" run "$suite_dir/bad.sql" --kafka off --http off >/dev/null 2>"$suite_dir/e"; same $? 2 "a wrong script is the user's mistake"
grep -q 'line 2' "$suite_dir/e" && grep -q '\^' "$suite_dir/e"; check $? "with its line and a caret"

start_server
"$qw" sql --url "http://$http" -c "CREATE TABLE ev (k STRING, v BIGINT) WITH ('connector' = 'kafka', 'topic' = 'ev', 'format' = 'json'); CREATE MATERIALIZED TABLE by_k AS SELECT k, COUNT(*) AS n, SUM(v) AS s FROM ev GROUP BY k;" >/dev/null
check $? "a script over HTTP"
printf '{"k":"a","v":1}\n{"k":"b","v":2}\n{"k":"a","v":3}\n' | "$qw" topic produce ev --kafka "$kafka"
check $? "topic produce"
until_same "SELECT k, n, s FROM by_k ORDER BY k" "$(printf 'a,2,4\nb,1,2')" "the view is fresh"
"$qw" topic list --kafka "$kafka" | grep -q '^ev '; check $? "topic list"
"$qw" topic delete ev --kafka "$kafka" 2>"$suite_dir/e"; same $? 2 "a topic that a job uses is not deleted"
grep -q "a job uses the topic" "$suite_dir/e"; check $? "and that a job uses it is said"
same "$("$qw" topic consume ev --kafka "$kafka" | sort | head -1)" '{"k":"a","v":1}' "topic consume"
"$qw" job list --url "http://$http" | grep -qi running; check $? "job list"
"$qw" check "$suite_dir/data" >/dev/null 2>&1; same $? 2 "check refuses a folder that is open"
"$qw" topic create d --partitions 2 --config retention.ms=60000 --kafka "$kafka"
"$qw" topic describe d --kafka "$kafka" >"$suite_dir/o"; check $? "topic describe"
grep -q '^d  *1  *0  *0$' "$suite_dir/o" && grep -qx 'retention.ms=60000' "$suite_dir/o"; check $? "shows partitions and settings"
"$qw" topic consume d --partition 2 --kafka "$kafka" 2>"$suite_dir/e"; same $? 2 "a partition that is not there"
grep -q "has no partition 2" "$suite_dir/e"; check $? "is named"
"$qw" topic delete nosuch --kafka "$kafka" 2>"$suite_dir/e"; same $? 2 "no such topic to delete"
"$qw" topic delete d --kafka "$kafka"; check $? "topic delete"
"$qw" job explain by_k --url "http://$http" >"$suite_dir/o"; check $? "job explain"
grep -q '^CREATE MATERIALIZED' "$suite_dir/o" && grep -q '^ *+- Source(table=ev' "$suite_dir/o"; check $? "gives the statement and the plan that runs"
"$qw" job pause by_k --url "http://$http" >/dev/null && "$qw" job list --url "http://$http" | grep -q '^by_k  *PAUSED'; check $? "job pause"
"$qw" job resume by_k --url "http://$http" >/dev/null && "$qw" job list --url "http://$http" | grep -q '^by_k  *RUNNING'; check $? "job resume"
"$qw" job savepoint by_k --url "http://$http" | grep -q '"path"'; check $? "job savepoint"
"$qw" job show by_k --url "http://$http" | grep -q '"state": "RUNNING"'; check $? "job show"
for wrong in "job show nosuch" "job show" "job nosuch x" "job list x"; do
    "$qw" $wrong --url "http://$http" 2>/dev/null; same $? 2 "$wrong"
done
for wrong in "topic create" "topic nosuch x" "topic list x" "topic create ev" "topic describe nosuch"; do
    "$qw" $wrong --kafka "$kafka" 2>/dev/null; same $? 2 "$wrong"
done
for wrong in "version x" "sql -c x -f y" "sql --format xml -c x" "check" "check $suite_dir/nosuch" "sim" "bench" "replay j --from 1"; do
    "$qw" $wrong --url "http://$http" 2>/dev/null || "$qw" $wrong 2>/dev/null; same $? 2 "$wrong"
done
same "$("$qw" sql --url "http://$http" --format json -c "SELECT 1 AS a, 'x' AS b")" '{"a":1,"b":"x"}' "sql --format json"
echo "SELECT 2 AS a;" >"$suite_dir/f.sql"
same "$("$qw" sql --url "http://$http" --format csv -f "$suite_dir/f.sql" | tr -d '\r' | tail -1)" 2 "sql -f"
same "$("$qw" sql --url "http://$http" --format csv <"$suite_dir/f.sql" | tr -d '\r' | tail -1)" 2 "sql from standard input"
stop_server; check $? "SIGTERM stops it with exit code 0"
"$qw" check "$suite_dir/data" >"$suite_dir/o"; check $? "check: whole after a stop"
cp -r "$suite_dir/data" "$suite_dir/harmed"
file=$(find "$suite_dir/harmed/topics" -name '*.log' -size +0 | head -1)
printf X | dd of="$file" bs=1 seek=70 conv=notrunc 2>/dev/null
"$qw" check "$suite_dir/harmed" >"$suite_dir/o"; same $? 1 "check: damage is exit code 1"
grep -q "^$file: at byte" "$suite_dir/o"; check $? "and is told with file and byte"
start_server
until_same "SELECT k, n, s FROM by_k ORDER BY k" "$(printf 'a,2,4\nb,1,2')" "the view is there after a restart"
echo '{"k":"c","v":9}' | "$qw" topic produce ev --kafka "$kafka"
until_same "SELECT k, n, s FROM by_k ORDER BY k" "$(printf 'a,2,4\nb,1,2\nc,1,9')" "and goes on"
echo 'not json' | "$qw" topic produce ev --kafka "$kafka"
until_same 'SELECT COUNT(*) FROM `ev$errors`' 1 "a bad record is in ev\$errors"
echo '{"k":"c","v":1}' | "$qw" topic produce ev --kafka "$kafka"
until_same "SELECT n, s FROM by_k WHERE k = 'c'" "2,10" "and the stream goes on"
stop_server
summary
