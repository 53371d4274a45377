#!/bin/sh
# the same SQL on a real Apache Flink and on ours: tests/interop/flink/*.sql, *.expr
# ci: a slice chosen by the commit's hash; full: all. SCRIPTS="joins casts" runs those; with KEPT=1 Flink's
# answers are kept, and asked again only for a script that has changed.
. tools/interop/flink/oracle.sh

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

# shellcheck disable=SC2086
python3 tools/interop/flink/compare.py --oracle "$java" --quickwater build/release/quickwater --work "$work" ${KEPT:+--kept "$dir/answers"} $files
