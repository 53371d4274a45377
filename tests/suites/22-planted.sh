#!/bin/sh
# planted bugs: the simulation must find each within 100 seeds, by the check that is meant to, and again
. tools/common.sh
build asan build/asan/quickwater || { echo "0 passed, 1 failed"; exit 1; }
qw=build/asan/quickwater
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
passed=0 failed=0

# found BUG PATTERN: runs seeds, as many at a time as there are cores, until the first failure that one of
# them tells is what PATTERN says. A run that is out of time or was called wrongly has found nothing, and a
# failure of another kind is none of what is asked for.
found() {
    rm -f "$out/found"
    seq 1 "${SEEDS:-100}" | xargs -P "$(jobs_count)" -I{} sh -c \
        "[ -f $out/found ] && exit 0; timeout 300 $qw sim --seed {} --bug $1 >$out/{} 2>&1; \
         if [ \$? = 1 ] && grep -m1 -hE '^FAIL|ERROR' $out/{} | grep -qE '$2'; then echo {} >>$out/found; fi"
    [ -f "$out/found" ]
}

# check BUG PATTERN
check() {
    if ! found "$1" "$2"; then
        failed=$((failed + 1))
        echo "FAIL no seed of ${SEEDS:-100} found the planted bug $1 by: $2"
        return
    fi
    s=$(sort -n "$out/found" | head -1)
    passed=$((passed + 1))
    echo "ok $1: seed $s: $(grep -m1 -hE '^FAIL' "$out/$s" | cut -c6-200)"
    timeout 300 $qw sim --seed "$s" --bug "$1" >"$out/again" 2>&1
    if cmp -s "$out/$s" "$out/again"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL seed $s with $1 run twice gives: $(tail -1 "$out/$s") and $(tail -1 "$out/again")"
    fi
}

check ack-before-sync 'was acknowledged at|were acknowledged$|idempotent producer.s next batch is refused'
check half-tick 'is 0 times in the first job.s output|a recomputation gives .* the job has no such row|a recomputation gives no such row'
check skip-note 'FAILED: note [0-9]+ of job .* is of tick'
check hash-order 'DIVERGED: tick [0-9]+ run again does not give what it gave'
check fill-early 'cannot be read past|offset [0-9]+ follows|is damaged, or its sources|times in the first job|run again does not give'
check cold-key 'and has shown .* before|a recomputation gives .* the job has|a recomputation gives no such row|run again does not give'
check cold-save 'and has shown .* before|a recomputation gives .* the job has|a recomputation gives no such row|run again does not give'
check release-early 'were shown$|was shown with other bytes before|what was shown up to'

"$qw" sim --seed 1 --bug nosuch >"$out/none" 2>&1
if [ $? = 2 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL an unknown bug is not refused"; fi
echo "$passed passed, $failed failed"
