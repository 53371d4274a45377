#!/bin/sh
# the whole server on a simulated clock, disk and network: 100 seeds, each with crashes, and all read back
. tools/common.sh
build asan build/asan/quickwater || { echo "0 passed, 1 failed"; exit 1; }
qw=build/asan/quickwater
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
passed=0 failed=0

seq 1 "${SEEDS:-100}" | xargs -P "$(jobs_count)" -I{} sh -c \
    "timeout 300 $qw sim --seed {} >$out/{} 2>&1; echo \$? >$out/{}.code"
for s in $(seq 1 "${SEEDS:-100}"); do
    if [ "$(cat "$out/$s.code")" = 0 ] && tail -1 "$out/$s" | grep -qE "^seed $s hash [0-9a-f]{16}\$"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL seed $s; again: ./dev sim --seed $s"
        grep -m3 -E 'FAIL|ERROR|runtime error|check' "$out/$s" || tail -3 "$out/$s"
    fi
done

# all of them together: what one seed need not have had (a seed fails by itself for what each must)
totals() { sed -n "s/.*\b\([0-9][0-9]*\) $1.*/\1/p" "$out"/[0-9]* | awk '{ n += $1 } END { print n + 0 }'; }
for what in 'deaths in it' 'times a job was dropped' 'partitions added' 'times the disk was full' 'rows of a view' 'offsets committed'; do
    n=$(totals "$what")
    echo "$n $what"
    if [ "$n" -gt 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL in no seed: $what"; fi
done

# the same seed, the same run
for s in 1 17 42; do
    [ -f "$out/$s" ] || continue
    timeout 300 $qw sim --seed $s >"$out/again" 2>&1
    if cmp -s "$out/$s" "$out/again"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL seed $s run twice gives: $(tail -1 "$out/$s") and $(tail -1 "$out/again")"
    fi
done
echo "$passed passed, $failed failed"
