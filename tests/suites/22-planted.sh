#!/bin/sh
# planted bugs: the simulation must find each within 100 seeds
. tools/common.sh
build asan build/asan/quickwater || { echo "0 passed, 1 failed"; exit 1; }
qw=build/asan/quickwater
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
passed=0 failed=0

# found BUG: runs seeds, two at a time, until one fails. A run that is out of time (124) or was called
# wrongly (2) has found nothing.
found() {
    rm -f "$out/found"
    seq 1 "${SEEDS:-100}" | xargs -P "$(jobs_count)" -I{} sh -c \
        "[ -f $out/found ] && exit 0; timeout 300 $qw sim --seed {} --bug $1 >$out/{} 2>&1; code=\$?; \
         case \$code in 0 | 2 | 124) ;; *) echo {} >>$out/found ;; esac"
    [ -f "$out/found" ]
}

# fill-early is found by the log's own simulation (tests/sim/log_crash.c, in 10-unit): the order of the
# server's pass, flush before background work, covers it here.
for bug in ack-before-sync half-tick skip-note hash-order release-early; do
    if found "$bug"; then
        s=$(head -1 "$out/found")
        passed=$((passed + 1))
        echo "ok $bug: seed $s: $(grep -m1 -hE 'FAIL|ERROR|check' "$out/$s" | cut -c1-200)"
    else
        failed=$((failed + 1))
        echo "FAIL no seed found the planted bug $bug"
    fi
done
"$qw" sim --seed 1 --bug nosuch >"$out/none" 2>&1
if [ $? = 2 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL an unknown bug is not refused"; fi
echo "$passed passed, $failed failed"
