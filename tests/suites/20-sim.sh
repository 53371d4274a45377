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

# what each seed must have had
for s in $(seq 1 "${SEEDS:-100}"); do
    sed -n "s/^\([0-9]*\) ticks, .* \([0-9]*\) crashes .* \([0-9]*\) checkpoints\$/\1 \2 \3/p" "$out/$s"
done | awk '$1 < 1000 || $2 < 3 || $3 < 1 { bad++ } END { exit bad > 0 || NR == 0 }'
if [ $? = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL some seed had fewer than 1,000 ticks, 3 crashes or 1 checkpoint"; fi

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
