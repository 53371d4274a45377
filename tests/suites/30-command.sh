#!/bin/sh
# the command as a user types it: help, mistakes, a job from a file, a shell on a server, a restart
. tests/lib/suite.sh
need_build build/release/tests/clients/rdkafka_txn

for c in serve run sql topic group txn acl user job bridge bench check sim completion version; do
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
grep -q "job 'by_k' uses the topic" "$suite_dir/e"; check $? "and that a job uses it is said"
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
# groups: listed, described with lag, moved only while nobody reads, and shown before it is done
says() { grep -q -- "$1" "$suite_dir/e"; check $? "and says '$1'"; }
group() { "$qw" group "$@" --kafka "$kafka" >"$suite_dir/o" 2>"$suite_dir/e"; }
json() { python3 -c "import json,sys; d = json.load(open('$suite_dir/o')); print($1)" 2>&1; }
"$qw" topic create both --config cleanup.policy=compact,delete --kafka "$kafka"
"$qw" topic describe both --kafka "$kafka" | grep -qx 'cleanup.policy=compact,delete'; check $? "topic create: a value with a comma"
"$qw" topic create g --partitions 2 --kafka "$kafka"
seq 1 10 | "$qw" topic produce g --partition 0 --kafka "$kafka"
seq 1 4 | "$qw" topic produce g --partition 1 --kafka "$kafka"
group list; same $? 0 "group list"
timeout 60 kcat -b "$kafka" -u -q -G readers -X auto.offset.reset=earliest -X auto.commit.interval.ms=100 g >"$suite_dir/read" 2>/dev/null &
reader=$!
for _ in $(seq 100); do group describe readers --json && [ "$(json "[o['lag'] for o in d['offsets']]")" = "[0, 0]" ] && break; sleep 0.2; done
same "$(json "(d['state'], len(d['members']), sorted(d['members'][0]['partitions']), [o['committed'] for o in d['offsets']])")" \
    "('Stable', 1, ['g:0', 'g:1'], [10, 4])" "group describe --json: members, what they read and have committed"
group describe readers; grep -q '^g  *0  *10  *10  *0  *rdkafka' "$suite_dir/o"; check $? "group describe as a table"
group reset readers --to earliest --all-topics --execute; same $? 2 "an active group is not moved"
says "group 'readers' has 1 member"
group delete readers; same $? 2 "nor deleted"
says "stop its members first"
group delete-offsets readers --topic g; same $? 2 "nor are offsets that it uses"
says "members of group 'readers' read topic 'g' now"
kill $reader; wait $reader 2>/dev/null
for _ in $(seq 100); do group describe readers --json && [ "$(json "d['state']")" = Empty ] && break; sleep 0.2; done
group list --json; same "$(json "[(g['group'], g['state']) for g in d]")" "[('readers', 'Empty')]" "group list --json"
group reset readers --to earliest --all-topics; same $? 0 "group reset shows first"
grep -q '^g  *0  *10  *0 ' "$suite_dir/o"; check $? "the old and the new offset"
says "nothing is changed yet"
at() { group describe readers --json; json "[o['committed'] for o in d['offsets']]"; }
same "$(at)" "[10, 4]" "and changes nothing"
group reset readers --to earliest --topic g:1 --execute; same "$? $(at)" "0 [10, 0]" "group reset --to earliest, of one partition"
group reset readers --shift-by -3 --all-topics --execute; same "$? $(at)" "0 [7, 0]" "--shift-by, no further than the log's start"
grep -q "the log begins here" "$suite_dir/o"; group reset readers --shift-by -3 --topic g:1; grep -q "the log begins here" "$suite_dir/o"; check $? "which is said"
group reset readers --to 2 --topic g --execute; same "$? $(at)" "0 [2, 2]" "--to OFFSET"
group reset readers --to 99 --topic g:0 --execute; same "$? $(at)" "0 [10, 2]" "an offset past the end is the end"
group reset readers --to-time 2020-01-01T00:00:00Z --topic g --execute; same "$? $(at)" "0 [0, 0]" "--to-time"
group reset readers --to-time '2100-01-01 00:00:00' --topic g --execute --json; same "$? $(json "[p['note'] for p in d]")" "0 ['no record is so late', 'no record is so late']" "--to-time of the future, --json"
same "$(at)" "[10, 4]" "is the end"
group delete-offsets readers --topic g:0; same "$? $(at)" "0 [4]" "group delete-offsets"
group reset fresh --to earliest --topic g --execute; same $? 2 "a group that is not there"
says "there is no group 'fresh'"
group reset fresh --to latest --topic g --execute --create; same $? 0 "is made with --create"
group describe fresh --json; same "$(json "d['lag']")" 0 "and stands where it was put"
group delete fresh; same $? 0 "group delete"
for wrong in "describe fresh" "delete fresh" "delete-offsets fresh --topic g"; do
    group $wrong; same $? 2 "group $wrong"
    says "there is no group 'fresh'"
done
group reset readers --to soon --topic g; same $? 2 "a wrong --to"; says "neither earliest, latest nor an offset"
group reset readers --to-time soon --topic g; same $? 2 "a wrong --to-time"; says "2026-01-31T12:00:00Z"
group reset readers --shift-by x --topic g; same $? 2 "a wrong --shift-by"; says "not a whole number"
group reset readers --topic g; same $? 2 "no goal"; says "needs one of --to"
group reset readers --to 1 --shift-by 1 --topic g; same $? 2 "two goals"
group reset readers --to latest; same $? 2 "no topic"; says "--all-topics"
group reset readers --to latest --topic g:9; same $? 2 "no such partition"; says "it has 0 to 1"
group reset readers --to latest --topic g:x; same $? 2 "no partition at all"; says "TOPIC:PARTITION"
group reset readers --to latest --topic nosuch; same $? 2 "no such topic"; says "quickwater topic list"
group reset; same $? 2 "no group"
group nosuch; same $? 2 "no such action"; says "one of list, describe, reset"
group list x; same $? 2 "an argument too many"

# transactions: one is left open, looked at and ended
txn() { "$qw" txn "$@" --kafka "$kafka" >"$suite_dir/o" 2>"$suite_dir/e"; }
"$qw" topic create tx --kafka "$kafka"
build/release/tests/clients/rdkafka_txn "$kafka" begin pay tx >/dev/null 2>&1
txn list --state Ongoing --json; same "$? $(json "[(t['id'], t['state']) for t in d]")" "0 [('pay', 'Ongoing')]" "txn list --state"
txn describe pay --json; same "$? $(json "(d['state'], d['partitions'], d['started'][:2])")" "0 ('Ongoing', ['tx:0'], '20')" "txn describe --json"
txn describe pay; grep -q '^pay  *Ongoing ' "$suite_dir/o" && grep -qx 'tx:0' "$suite_dir/o"; check $? "as a table"
txn find-hanging --older-than 0 --json; same "$? $(json d)" "0 []" "one that its coordinator knows does not hang"
txn abort pay; same $? 0 "txn abort"
txn describe pay --json; same "$(json "(d['state'], d['partitions'])")" "('Empty', [])" "and it is aborted"
same "$(timeout 20 kcat -b "$kafka" -C -t tx -e -q -X isolation.level=read_committed | wc -l | tr -d ' ')" 0 "its records are not read"
txn abort pay; same $? 2 "nothing is open any more"; says "its state is Empty"
start=$("$qw" topic describe tx --json --kafka "$kafka" | python3 -c "import json,sys; print(json.load(sys.stdin)['partitions'][0]['end'])")
build/release/tests/clients/rdkafka_txn "$kafka" begin pay2 tx >/dev/null 2>&1
txn abort --topic tx:0 --start-offset 3; same $? 2 "none begins there"; says "begins at offset 3"
txn abort --topic tx:0 --start-offset "$start"; same $? 0 "txn abort by partition and offset"
same "$(timeout 20 kcat -b "$kafka" -C -t tx -e -q -X isolation.level=read_committed | wc -l | tr -d ' ')" 0 "ends it for readers"
txn describe nosuch; same $? 2 "no such transactional id"; says "there is no transactional id 'nosuch'"
txn list --state Open; same $? 2 "no such state"; says "one of Empty, Ongoing"
for wrong in "abort" "abort --topic tx:0" "abort pay --topic tx:0" "describe" "nosuch" "list x" "abort --topic tx --start-offset 1 x y"; do
    txn $wrong; same $? 2 "txn $wrong"
done

# how a server is reached
QUICKWATER_KAFKA=$kafka "$qw" group list >"$suite_dir/o" 2>&1; same $? 0 "the server from the environment"
"$qw" group list --kafka "127.0.0.1:1,$kafka" >"$suite_dir/o" 2>"$suite_dir/e"; same $? 0 "the first of several that answers"
same "$(cat "$suite_dir/e")" "" "of those that do not nothing is said"
"$qw" group list --kafka 127.0.0.1:1 2>"$suite_dir/e"; same $? 2 "no server"; says "no server answers at 127.0.0.1:1"
for wrong in localhost localhost: , "a:b" "http://127.0.0.1:9092" "u@127.0.0.1:9092" "$kafka,x"; do
    "$qw" group list --kafka "$wrong" 2>"$suite_dir/e"; same $? 2 "--kafka $wrong"; says "HOST:PORT"
done
"$qw" topic create "$(printf 'a\033[31mb')" --kafka "$kafka" 2>"$suite_dir/e"; same $? 2 "a name that is none"
same "$(grep -c "$(printf '\033')" "$suite_dir/e")" 0 "what a terminal would obey is not printed"
"$qw" group list --kafka "$http" 2>"$suite_dir/e"; same $? 2 "a server of something else"
"$qw" group list --user ann --kafka "$kafka" 2>"$suite_dir/e"; same $? 2 "a user without a password"; says "--password-file"
"$qw" group list --password-file x --kafka "$kafka" 2>"$suite_dir/e"; same $? 2 "a password of nobody"; says "--user NAME"
QUICKWATER_PASSWORD=x "$qw" group list --user ann --kafka "$kafka" 2>"$suite_dir/e"; same $? 2 "a user where nobody is asked"; says "asks nobody who they are"
"$qw" group list --sasl NTLM --kafka "$kafka" 2>"$suite_dir/e"; same $? 2 "a mechanism that is none"
"$qw" group list --user ann --password-file "$suite_dir/nosuch" --kafka "$kafka" 2>"$suite_dir/e"; same $? 2 "no file of the password"
"$qw" acl list --kafka "$kafka" 2>"$suite_dir/e"; same $? 2 "ACLs where none are in use"; says "acls = true"

# completion
words() { QUICKWATER_KAFKA=$kafka "$qw" completion words -- "$@" 2>&1 | tr '\n' ' '; }
same "$(words gr)" "group " "completion: a command"
same "$(words group de)" "describe delete delete-offsets " "an action"
same "$(words group describe rea)" "readers " "a group of the server"
same "$(words topic describe t)" "tx " "a topic"
same "$(words txn abort pay2)" "pay2 " "a transactional id"
same "$(words bridge s)" "show state " "an action of bridges"
same "$(words bridge state x --url http://127.0.0.1:1 F)" "FORCED_OPEN " "a state of a circuit breaker"
same "$(words bridge state --url http://127.0.0.1:1 x '' | wc -w)" 6 "all of them"
same "$(words bridge show x --url http://127.0.0.1:1)" "" "no server, no bridges"
same "$(words group reset readers --to)" "--topic --to --to-time " "an option"
same "$(words group reset readers --to '')" "" "an option's value is not guessed"
same "$(words topic describe '' --kafka 127.0.0.1:1)" "" "no server, no names"
for shell in bash zsh fish; do
    "$qw" completion $shell | grep -q 'completion words'; check $? "completion $shell"
done
same "$(PATH="$PWD/build/release:$PATH" bash -c '. <(quickwater completion bash); COMP_WORDS=(quickwater topic cr); COMP_CWORD=2; _quickwater; echo "${COMPREPLY[*]}"')" create "bash runs it"
"$qw" completion csh 2>"$suite_dir/e"; same $? 2 "a shell that is not known"
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
