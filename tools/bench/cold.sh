#!/bin/sh
# cold.sh: state ten times larger than memory.limit, beside the same job with all of it in memory.
#
#   ./dev bench cold [--help]
#
# One job: COUNT, SUM, MIN and MAX of each of KEYS numbers, one shard, its events from a generator; of its changes, which are all
# told, a filter lets none pass, so that no sink keeps anything. First each key comes once, which is not measured; then EVENTS
# events (EVENTS_MEMORY where all is in memory), of keys all alike, then, in a second run, nine of ten events of a
# hundredth of the keys. The limit is a tenth of what the state took in memory (LIMIT=BYTES: that). Beside it a small job gets
# RATE events a second for SECONDS_EACH: from a Kafka client through its aggregate and back, which says what the loop's other
# work feels of the disk.
#
# Where a control group can be made (root), the server with a limit runs in one of GROUP_MIB more than it, which bounds the page
# cache too: else the files of state on disk stay in the machine's memory, and are read from there.
#
#   KEYS=N           1500000
#   EVENTS=N         150000
#   EVENTS_MEMORY=N  6000000
#   GROUP_MIB=N      128; 0: no control group
#   RATE=N           1000
#   SECONDS_EACH=N   5
#   WAIT=SECONDS     3600: for one run
#   NAME=NAME        cold: of the JSON in build/bench
set -eu
case ${1:-} in -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
. tools/bench/common.sh
keys=${KEYS:-1500000} events=${EVENTS:-150000} events_memory=${EVENTS_MEMORY:-6000000}
group_mib=${GROUP_MIB:-128} wait=${WAIT:-3600} limit=${LIMIT:-}
rate=${RATE:-1000} seconds=${SECONDS_EACH:-5}
plain=$qw group=
end() {
    stop_server
    [ -z "$group" ] || rmdir "$group" 2>/dev/null || true
    rm -rf "$bench_dir"
}
trap end EXIT

# A control group of so many bytes, in which $qw then runs. Nothing: there can be none.
confine() {
    group=/sys/fs/cgroup/memory/quickwater-bench-$$ most=memory.limit_in_bytes members=tasks
    [ -d /sys/fs/cgroup/memory ] || group=/sys/fs/cgroup/quickwater-bench-$$ most=memory.max members=cgroup.procs
    if ! mkdir "$group" 2>/dev/null || ! echo "$1" 2>/dev/null >"$group/$most"; then
        rmdir "$group" 2>/dev/null || true
        group=
        return
    fi
    printf '#!/bin/sh\necho $$ >"%s/%s"\nexec "%s" "$@"\n' "$group" "$members" "$plain" >"$bench_dir/confined"
    chmod +x "$bench_dir/confined"
    qw=$bench_dir/confined
}

ask() { curl -sf "http://$http/v1/jobs/$1" >"$bench_dir/job"; }
word() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$bench_dir/job" | head -1; }
first() { sed "s/[,{]\"/\n\"/g" "$bench_dir/job" | sed -n "s/^\"$1\":\([0-9]*\).*/\1/p" | head -1; }
sum() { sed "s/[,{]\"/\n\"/g" "$bench_dir/job" | sed -n "s/^\"$1\":\([0-9]*\).*/\1/p" | awk '{ n += $1 } END { print n + 0 }'; }
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$server/stat"; }
io() { awk -v name="$1:" '$1 == name { print $2 }' "/proc/$server/io"; }

# The key of an event behind the first KEYS of them.
alike="r"
skewed="CASE WHEN d < 9 THEN r % ($keys / 100 + 1) ELSE r END"

begin_jobs() { # KEY EVENTS
    sql "CREATE TABLE events (n BIGINT, r BIGINT, d INT, v INT) WITH ('connector' = 'datagen', 'rows-per-second' = '0',
  'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '$((keys + $2))',
  'fields.r.min' = '1', 'fields.r.max' = '$keys', 'fields.d.min' = '0', 'fields.d.max' = '9', 'fields.v.min' = '1', 'fields.v.max' = '1000');
CREATE TABLE asked (k STRING, sent BIGINT) WITH ('connector' = 'kafka', 'topic' = 'asked', 'format' = 'json');
CREATE TABLE answered (k STRING, n BIGINT, sent BIGINT, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'answered', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE large (k BIGINT, c BIGINT, s BIGINT, l INT, m INT) WITH ('connector' = 'blackhole');
INSERT INTO answered SELECT k, COUNT(*) AS n, MAX(sent) AS sent FROM asked GROUP BY k;
INSERT INTO large SELECT * FROM (SELECT k, COUNT(*) AS c, SUM(v) AS s, MIN(v) AS l, MAX(v) AS m
  FROM (SELECT CASE WHEN n <= $keys THEN n ELSE $1 END AS k, v FROM events) GROUP BY k) WHERE s < 0;"
}

# Waits until the job has read so many events or is at its end; sets now (ns), ticks (of CPU) and read (events).
await() { # EVENTS
    for _ in $(seq $((wait * 50))); do
        ask insert-into_large
        read=$(first rows_in) now=$(date +%s%N) ticks=$(cpu_ticks)
        case $(word state) in
        FINISHED) return ;;
        RUNNING) ;;
        *) echo "cold: the job is $(word state): $(word error)" >&2; exit 1 ;;
        esac
        [ "$read" -lt "$1" ] || return 0
        sleep 0.02
    done
    echo "cold: the job has not read $1 events in $wait s, but $read" >&2
    exit 1
}

# One run; sets speed, cpu, rss, memory, latency, cold, in and out.
run() { # KEY EVENTS OPTIONS-OF-SERVE…
    key_of=$1 more=$2
    shift 2
    rm -rf "$bench_dir/data"
    start_server "$@"
    begin_jobs "$key_of" "$more"
    await "$keys"
    from=$now from_ticks=$ticks from_read=$read in=$(io read_bytes) out=$(io write_bytes)
    build/release/bench/latency "$kafka" asked answered "$rate" "$seconds" >"$bench_dir/latency" &
    asking=$!
    await $((keys + more))
    [ "$read" -gt "$from_read" ] || { echo "cold: so few events are over before they are seen: more EVENTS and EVENTS_MEMORY" >&2; exit 1; }
    speed=$(awk -v n=$((read - from_read)) -v ns=$((now - from)) 'BEGIN { printf "%.0f", n / ns * 1e9 }')
    cpu=$(awk -v n=$((read - from_read)) -v t=$((ticks - from_ticks)) -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.3f", t / hz / n * 1e6 }')
    in=$(($(io read_bytes) - in)) out=$(($(io write_bytes) - out))
    cold=$(sum cold_rows) memory=$(first all)
    rss=$(awk '/VmHWM/ { print $2 * 1024 }' "/proc/$server/status")
    wait $asking
    latency=$(field p99_us <"$bench_dir/latency")
    stop_server
}

row() { # NAME
    printf '| %s | %s | %s | %s | %s | %s | %s | %s |\n' "$1" "$speed" "$cpu" "$(mib "$rss")" "$(mib "$in")" "$(mib "$out")" "$cold" "$latency"
}
mib() { echo $((($1 + 524288) / 1048576)); }
each="speed cpu rss in out latency"
keep() { for name in $each; do eval "$1_$name=\$$name"; done; }

run "$alike" "$events_memory"
keep alike
row "all alike, in memory" >"$bench_dir/rows"
state=$memory
run "$skewed" "$events_memory"
keep skewed
row "90 % in 1 %, in memory" >>"$bench_dir/rows"
[ -n "$limit" ] || limit=$((state / 10))
[ "$group_mib" = 0 ] || confine $((limit + group_mib * 1048576))
for key in alike skewed; do
    eval "of=\$$key"
    run "$of" "$events" --memory "$limit"
    keep "cold_$key"
    [ $key = alike ] && name="all alike" || name="90 % in 1 %"
    row "$name, memory.limit $(mib "$limit") MiB" >>"$bench_dir/rows"
done
qw=$plain

echo "cold: $keys groups, $(mib "$state") MiB of state in memory; memory.limit $(mib "$limit") MiB"
[ -n "$group" ] && echo "  in a control group of $(($(mib "$limit") + group_mib)) MiB, page cache included" ||
    echo "  no control group: the files of state on disk may stay in the page cache of this machine"
echo "| keys | events/s | CPU s per million | peak RSS, MiB | read, MiB | written, MiB | groups on disk | p99 of the other job, µs |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- |"
cat "$bench_dir/rows"
printf '  %-34s %-18s %12s %12s %8s\n' case metric "on disk" memory ratio
for key in alike skewed; do
    for pair in speed=events_per_second cpu=cpu_seconds_per_million rss=peak_rss_bytes in=read_bytes out=written_bytes latency=other_p99_us; do
        eval "a=\$cold_${key}_${pair%=*} b=\$${key}_${pair%=*}"
        better=less
        [ "${pair%=*}" != speed ] || better=more
        add_case "$key" "${pair#*=}" $better "$a" "$b" "all in memory"
    done
done
finish_json "${NAME:-cold}"
