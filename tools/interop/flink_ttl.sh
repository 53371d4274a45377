#!/bin/sh
# state with a time to live on a real Apache Flink, by the clock: tests/interop/flink/ttl.stories, which the unit tests tell
# of ours. UNIT=N: milliseconds of a story's unit
[ "${INTEROP_MODE:-full}" = ci ] && echo "by the clock: in a whole run alone" && echo "0 passed, 0 failed" && exit 0
. tools/interop/flink/oracle.sh
$(echo "$java" | sed 's/FlinkOracle$/FlinkTtl/') tests/interop/flink/ttl.stories "${UNIT:-400}" 2>"$work/err" || { tail -20 "$work/err" | cut -c1-300; exit 1; }
