#!/bin/sh
# the floors hold, and the check that says so can fail; clang agrees with gcc on warnings
. tools/common.sh
p=0 f=0
result() { if [ "$1" = 0 ]; then p=$((p + 1)); echo "ok $2"; else f=$((f + 1)); echo "FAIL $2"; fi; }
sh tools/lint/layers.sh; result $? "floors"
d=$(mktemp -d); mkdir -p "$d/base" "$d/flow"; cp src/LAYERS "$d/"; echo '#include "flow/x.h"' >"$d/base/x.c"
sh tools/lint/layers.sh "$d" >/dev/null; [ $? -ne 0 ]; result $? "floors: a climbing include is found"
rm -rf "$d"
for d in tests/fuzz/corpus/*/; do
    n=$(basename "$d")
    [ -f "tests/fuzz/$n.c" ] && grep -q "FUZZ($n," "tests/fuzz/$n.c"; result $? "fuzz: corpus/$n has its target"
done
for n in $(sed -n '/topic_configs\[\] = {/,/^};/s/^    {"\([^"]*\)".*/\1/p' src/serve/kafka/configs.c); do
    grep -q "^| .*\`$n\`" docs/kafka-configs.md; result $? "docs: what $n does"
done
build clang lib unit; result $? "clang builds without a warning"
# benchmarks and makers of queries are run by hand: nothing else would notice that they no longer build
build release tools; result $? "every tool builds"
echo "$p passed, $f failed"
