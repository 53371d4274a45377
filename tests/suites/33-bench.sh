#!/bin/sh
# Nexmark's answers are the same from every source and on any number of shards; what bench refuses
. tests/lib/suite.sh
need_build build/release/bench/latency

# The hash and the rows of one run.
answer() {
    timeout 120 "$qw" bench nexmark --query "$1" --source "$2" --shards "$3" --events "$4" --json 2>&1 |
        sed 's/.*"output_rows":\([0-9]*\),"output_hash":"\([^"]*\)".*/\1 \2/'
}
# Whether a sync takes time is not the question here.
kept_tmpdir=${TMPDIR:-/tmp}
[ -d /dev/shm ] && TMPDIR=/dev/shm && export TMPDIR
for q in 0 1 2 3 4 5 6 7 8 9 12 13 14 15 16 17 18 19 20 21 22 23; do
    events=30000
    [ $q = 23 ] && events=120000 # fewer have no bidder who is a person
    answer q$q generator 1 $events >"$suite_dir/want"
    grep -qE '^[1-9][0-9]* [0-9a-f]{16}$' "$suite_dir/want" || cat "$suite_dir/want"
    grep -qE '^[1-9][0-9]* [0-9a-f]{16}$' "$suite_dir/want"
    check $? "q$q from the generator has rows"
    want=$(sed 's/.* //' "$suite_dir/want")
    for case in "generator 2" "generator 3" "memory 1" "memory 2" "memory 3" "kafka-json 1" "kafka-json 2" \
        "kafka-json 3"; do
        # shellcheck disable=SC2086
        same "$(answer q$q $case $events | sed 's/.* //')" "$want" "q$q, $case shards: the same folded result"
    done
done

same "$("$qw" bench nexmark --query q5 --source memory --results none --events 30000 --json 2>&1 | sed 's/.*hash":"\([^"]*\).*/\1/')" \
    "$(answer q5 generator 1 30000 | sed 's/.* //')" "q5 with its results swallowed: the same folded result"
"$qw" bench nexmark --query q5 --results nowhere >"$suite_dir/out" 2>&1
grep -q "results 'nowhere' is neither log nor none" "$suite_dir/out"
check $? "bench: a place for results that there is not is refused"

TMPDIR=$kept_tmpdir

# Another seed gives other events, the same from every source.
hash_of_seed() { "$qw" bench nexmark --query q2 --events 30000 --seed "$1" --source "$2" --json 2>&1 | sed 's/.*hash":"\([^"]*\).*/\1/'; }
same "$(hash_of_seed 7 memory)" "$(hash_of_seed 7 generator)" "another seed: memory as generator"
[ "$(hash_of_seed 7 generator)" != "$(hash_of_seed 42 generator)" ]; check $? "another seed gives others"

# The line of JSON: every field of the contract, and a latency that was measured.
for source in generator memory kafka-json; do
    "$qw" bench nexmark --query q5 --events 100000 --source $source --json >"$suite_dir/json" 2>&1
    python3 - "$suite_dir/json" <<'PY'
import json, sys
lines = open(sys.argv[1]).read().splitlines()
assert len(lines) == 1, lines
d = json.loads(lines[0])
want = ["query", "events", "seconds", "events_per_second", "cpu_seconds", "shards", "output_rows",
        "output_hash", "peak_rss_bytes", "latency_us"]
assert list(d) == want, list(d)
l = d["latency_us"]
assert 0 < l["p50"] <= l["p99"] <= l["p999"] <= d["seconds"] * 1.1e6, l
PY
    check $? "$source: one line of JSON with a measured latency"
done

# Results are in the log, and what stays can be read by a server.
"$qw" bench nexmark --query q2 --events 20000 --source kafka-json --data "$suite_dir/kept" >"$suite_dir/out" 2>&1
check $? "a directory that stays"
"$qw" check "$suite_dir/kept" >"$suite_dir/out" 2>&1; check $? "what stays is whole"
"$qw" serve --data "$suite_dir/kept" --kafka 127.0.0.1:0 --http 127.0.0.1:0 --pg off --redis off >"$suite_dir/out" 2>&1 &
server=$!
for _ in $(seq 100); do grep -q '^ready' "$suite_dir/out" && break; sleep 0.05; done
http=$(sed -n 's/.*http=\([^ ]*\).*/\1/p' "$suite_dir/out")
same "$(ask "SELECT COUNT(*) FROM datagen")" 20000 "the topic of events has them all"
same "$(ask "SELECT COUNT(*) FROM nexmark_q2_results")" "$(answer q2 generator 1 20000 | sed 's/ .*//')" \
    "the results are a topic"
stop_server; check $? "the server stops"
left=$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'quickwater-bench-*' -newer "$suite_dir/want" | wc -l)
same "$left" 0 "no temporary directory is left"

refused() { # WANTED-TEXT ARGUMENT…
    text=$1
    shift
    "$qw" bench nexmark "$@" >"$suite_dir/out" 2>&1
    [ $? = 2 ] && grep -q "$text" "$suite_dir/out"
    check $? "refused: $*"
}
refused "no --source 'disk': generator, memory or kafka-json" --query q0 --source disk
refused "not one of q0 to q23 and cep0 to cep3" --query ddl
refused "is not empty" --query q0 --source memory --data "$suite_dir/kept"
refused "are free: fewer --events" --query q0 --source kafka-json --events 900000000000 --data "$suite_dir/none2"

sed "s/'connector' = 'nexmark'/'connector' = 'nexmark', 'events.num' = '9000000', 'preload' = 'true', 'preload.bytes-max' = '9000000'/" \
    bench/nexmark/ddl.sql | cat - bench/nexmark/q0.sql >"$suite_dir/q.sql"
"$qw" run "$suite_dir/q.sql" --kafka off --http off >"$suite_dir/out" 2>&1
[ $? != 0 ] && grep -q "take about [0-9]* MB for 9000000 events, and there is room for 8 MB" "$suite_dir/out"
check $? "rows that do not fit in memory are refused, with what they need"

# Bridges: a small run has a line for each figure, and what is wrong is said.
mkdir "$suite_dir/figures"
BENCH_OUT=$suite_dir/figures RECORDS=3000 SYSTEMS=redis timeout 120 sh tools/bench/bridges.sh >"$suite_dir/out" 2>&1
check $? "bridges: a small run"
python3 - "$suite_dir/figures/bridges.json" <<'PY'
import json, sys
cases = json.load(open(sys.argv[1]))["cases"]
assert [c["case"] for c in cases[::3]] == ["redis, hashes written", "redis, a stream written", "redis, a stream read"], cases
assert [c["metric"] for c in cases[:3]] == ["records_per_second", "cpu_s_per_million", "outside_cpu_s_per_million"], cases
assert len(cases) == 9 and all(c["ours"] > 0 for c in cases), cases
PY
check $? "bridges: all has been carried, and measured"
SYSTEMS=oracle sh tools/bench/bridges.sh >"$suite_dir/out" 2>&1
[ $? = 2 ] && grep -q "bridges to kafka, redis, influxdb; not 'oracle'" "$suite_dir/out"; check $? "bridges: another system is refused"
RECORDS=some sh tools/bench/bridges.sh >"$suite_dir/out" 2>&1
[ $? = 2 ] && grep -q "RECORDS is a number from 1, not 'some'" "$suite_dir/out"; check $? "bridges: no number is refused"

# A signal stops it, and its directory goes.
"$qw" bench nexmark --query q20 --source kafka-json --events 2000000 >"$suite_dir/out" 2>&1 &
bench=$!
sleep 1
kill -TERM $bench
wait $bench
same "$?" 1 "a signal ends it with 1"
grep -q "stopped by a signal" "$suite_dir/out"; check $? "and it says so"
left=$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'quickwater-bench-*' -newer "$suite_dir/want" | wc -l)
same "$left" 0 "and nothing is left"

# State larger than memory.limit, small.
sh tools/bench/cold.sh --help | grep -q 'EVENTS_MEMORY=N'
check $? "cold: --help tells what can be set"
mkdir -p build/bench
KEYS=200000 EVENTS=100000 EVENTS_MEMORY=1500000 LIMIT=16777216 GROUP_MIB=0 SECONDS_EACH=1 WAIT=120 NAME=cold_small \
    sh tools/bench/cold.sh >"$suite_dir/cold" 2>&1
check $? "cold: runs to its end"
# keys, events/s, CPU s, RSS, read, written, groups on disk, p99
awk -F' *[|] *' '/in memory \|/ { memory += $3 > 0 && $4 > 0 && $8 == 0 && $9 > 0 }
    /memory.limit 16 MiB/ { disk += $3 > 0 && $4 > 0 && $8 > 50000 && $8 <= 200000 && $9 > 0 }
    END { exit !(memory == 2 && disk == 2) }' "$suite_dir/cold"
check $? "cold: two runs in memory, two with most groups on disk"
[ "$failed" = 0 ] || cat "$suite_dir/cold"
python3 - build/bench/cold_small.json <<'PY'
import json, sys
cases = {(c["case"], c["metric"]): c for c in json.load(open(sys.argv[1]))["cases"]}
assert len(cases) == 12, sorted(cases)
for keys in ("alike", "skewed"):
    assert 0 < cases[keys, "events_per_second"]["ours"], cases[keys, "events_per_second"]
PY
check $? "cold: the JSON has each figure"
summary
