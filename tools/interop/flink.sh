#!/bin/sh
# the same SQL on a real Apache Flink and on ours: tests/interop/flink/*.sql, *.expr
# ci: a slice chosen by the commit's hash; full: all. SCRIPTS="joins casts" runs those; with KEPT=1 Flink's
# answers are kept, and asked again only for a script that has changed.
. tools/interop/common.sh
sh tools/peers/flink.sh >"$work/peer" || { cat "$work/peer"; give_up "fetching Flink"; }
dir=$(tail -1 "$work/peer")
make -s -j2 KIND=release build/release/quickwater || give_up "the build"

# The classes are kept beside the jars; they are built anew when their source is newer.
classes=$dir/oracle
service=META-INF/services/org.apache.flink.core.execution.PipelineExecutorFactory
if [ ! -e "$classes/done" ] || [ -n "$(find tools/interop/flink -name '*.java' -newer "$classes/done")" ]; then
    mkdir -p "$classes/META-INF/services"
    echo OracleExecutor >"$classes/$service"
    echo LookedUp >"$classes/META-INF/services/org.apache.flink.table.factories.Factory"
    javac -nowarn -cp "$dir/lib/*" -d "$classes" tools/interop/flink/*.java || give_up "compiling"
    touch "$classes/done"
fi

all=$(cd tests/interop/flink && ls | grep -E '[.](sql|expr)$')
if [ -n "${SCRIPTS:-}" ]; then
    all=$(for s in $SCRIPTS; do for f in $all; do case $f in "$s" | "$s".*) echo "$f" ;; esac; done; done)
elif [ "$INTEROP_MODE" = ci ]; then
    # A quarter of the scripts: one whole run takes some minutes.
    start=$((0x$(git rev-parse HEAD | cut -c1-4) % $(echo $all | wc -w)))
    most=$((($(echo $all | wc -w) + 3) / 4))
    all=$(echo $all $all | tr ' ' '\n' | tail -n +$((start + 1)) | head -n $most | tr '\n' ' ')
    echo "the slice of this commit: $all"
fi
files=$(for f in $all; do echo "tests/interop/flink/$f"; done)

opens="--add-opens=java.base/java.util=ALL-UNNAMED --add-opens=java.base/java.lang=ALL-UNNAMED"
# The first compiler alone: a query runs for milliseconds, and two cores are few.
# what the JVM has to say goes past the answers; each query is code of its own
java="java -Xmx1g -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=400m -Xlog:disable -Xlog:all=warning:stderr -Duser.timezone=UTC $opens -cp $dir/lib/*:$classes FlinkOracle"
# shellcheck disable=SC2086
python3 tools/interop/flink/compare.py --oracle "$java" --quickwater build/release/quickwater --work "$work" ${KEPT:+--kept "$dir/answers"} $files
