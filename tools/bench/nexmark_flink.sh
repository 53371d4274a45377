#!/bin/sh
# nexmark_flink.sh: Nexmark's queries here and on a real Flink (tools/bench/nexmark_flink.py), at parallelism 1 and 2.
#
#   FLINK_EVENTS=1000000 FLINK_EVENTS_JSON=500000 PARALLELISM=1,2 FLINK_SOURCES=memory,kafka-json QUERIES="q0 q5"
#   FLINK_STATES=hashmap,rocksdb FLINK_KEEP=DIR FLINK_SECONDS=140 FLINK_PREPARE=1
#
# With FLINK_KEEP the events and what was measured stay there: each run measures what is not, for about FLINK_SECONDS, and prints
# the tables of all. FLINK_PREPARE=1 makes the events alone. Without q6, which Flink refuses, and q13, whose table it cannot look
# up as it stands.
set -eu
: "${INTEROP_CACHE:=${QUICKWATER_CACHE:-$HOME/.cache/quickwater}/peers}"
export INTEROP_CACHE
work=${FLINK_KEEP:-}
if [ -z "$work" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work"
sh tools/peers/flink.sh >"$work/peer" || { cat "$work/peer" >&2; exit 1; }
dir=$(tail -1 "$work/peer")
classes=build/bench/flink
sources="tools/bench/flink/FlinkNexmark.java tools/interop/flink/OracleExecutor.java tools/interop/flink/CountChar.java"
# shellcheck disable=SC2086
if [ ! -e $classes/done ] || [ -n "$(find $sources -newer $classes/done)" ]; then
    rm -rf $classes
    mkdir -p $classes/META-INF/services
    javac -nowarn -cp "$dir/lib/*" -d $classes $sources
    touch $classes/done
fi
echo OracleExecutor >$classes/META-INF/services/org.apache.flink.core.execution.PipelineExecutorFactory
# shellcheck disable=SC2016
echo 'FlinkNexmark$Factory' >$classes/META-INF/services/org.apache.flink.table.factories.Factory

queries=${QUERIES:-$(cd bench/nexmark && ls q*.sql cep*.sql | sed 's/\.sql$//' | grep -vE '^q(6|13)$' | sort -V)}
opens="--add-opens=java.base/java.util=ALL-UNNAMED --add-opens=java.base/java.lang=ALL-UNNAMED"
python3 tools/bench/nexmark_flink.py --quickwater build/release/quickwater --work "$work" --out build/bench/nexmark_flink.json \
    --java "java -Xmx${FLINK_HEAP:-6g} -Xlog:disable -Xlog:all=warning:stderr -Duser.timezone=UTC -Dstates=${FLINK_STATES:-hashmap,rocksdb} $opens -cp $dir/lib/*:$classes FlinkNexmark" \
    --events "${FLINK_EVENTS:-1000000}" --events-json "${FLINK_EVENTS_JSON:-500000}" --parallelism "${PARALLELISM:-1,2}" \
    --sources "${FLINK_SOURCES:-memory,kafka-json}" --seconds "${FLINK_SECONDS:-1000000}" ${FLINK_PREPARE:+--prepare} --queries "$(echo $queries | tr ' ' ',')"
