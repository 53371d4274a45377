#!/bin/sh
# nexmark.sh: every query that there are statements for, from each source, on one shard; beside five to nine of them
# a loop written by hand in C over the same columns in memory (bench/roofline), whose answer is compared. Then beside a
# real Flink (tools/bench/nexmark_flink.sh), unless FLINK=no.
#
#   EVENTS=4000000 EVENTS_JSON=1000000 SOURCES="generator memory kafka-json" QUERIES="q0 q5" SHARDS=1
set -eu
. tools/bench/common.sh
events=${EVENTS:-4000000} events_json=${EVENTS_JSON:-1000000} shards=${SHARDS:-1}
queries=${QUERIES:-$(ls bench/nexmark | sed -n 's/^\(q[0-9]*\|cep[0-9]\)\.sql$/\1/p' | sort -V)}
roofline="q0 q2 q4 q5 q7 q8 q17 q18 q20"

# value NAME of a line of JSON with texts too
value() { sed -n "s/.*\"$1\":\"\{0,1\}\([0-9a-f.]*\).*/\1/p"; }
per_million() { awk -v s="$1" -v n="$2" 'BEGIN { printf "%.4f", s / n * 1e6 }'; }

one() { # QUERY SOURCE EVENTS
    name="$1 p$shards $2"
    ours=$("$qw" bench nexmark --query "$1" --source "$2" --events "$3" --shards "$shards" --json)
    cost=$(per_million "$(echo "$ours" | value cpu_seconds)" "$3")
    peer='' peer_rate='' peer_name=''
    case " $roofline " in
    *" $1 "*)
        if [ "$2" = memory ]; then
            hand=$(build/release/bench/roofline/nexmark "$1" "$3")
            [ "$(echo "$hand" | value output_hash)" = "$(echo "$ours" | value output_hash)" ] ||
                { echo "nexmark: $1: the loop by hand gives another answer: $hand" >&2; exit 1; }
            peer=$(per_million "$(echo "$hand" | value cpu_seconds)" "$3")
            peer_rate=$(echo "$hand" | value events_per_second)
            peer_name="a loop by hand"
        fi ;;
    esac
    add_case "$name" cpu_s_per_million less "$cost" "$peer" "$peer_name"
    add_case "$name" events_per_second more "$(echo "$ours" | value events_per_second)" "$peer_rate" "$peer_name"
    add_case "$name" peak_rss_bytes less "$(echo "$ours" | value peak_rss_bytes)" "" ""
    for q in p50 p99 p999; do
        add_case "$name" ${q}_us less "$(echo "$ours" | value $q)" "" ""
    done
}
echo "nexmark: $events events ($events_json of kafka-json), $shards shard(s)"
printf '  %-34s %-25s %12s %12s %8s\n' case metric ours peer ratio
for source in ${SOURCES:-generator memory kafka-json}; do
    n=$events
    [ "$source" = kafka-json ] && n=$events_json
    for q in $queries; do one "$q" "$source" "$n"; done
done
finish_json nexmark
[ "${FLINK:-yes}" = no ] || sh tools/bench/nexmark_flink.sh
