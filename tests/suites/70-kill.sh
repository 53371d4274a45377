#!/bin/sh
# SIGKILL under load, again and again; after each restart everything is read back and compared
. tools/common.sh
build release build/release/quickwater build/release/tests/crash/kill build/release/tests/crash/producers || { echo "0 passed, 1 failed"; exit 1; }
last() { grep -E '^[0-9]+ passed, [0-9]+ failed$' "$1" | tail -1; }
d=$(mktemp -d)
# beside each other: both wait for the disk most of the time
timeout 600 build/release/tests/crash/kill build/release/quickwater "${ROUNDS:-100}" "${SEED:-1}" >"$d/jobs" &
timeout 600 build/release/tests/crash/producers build/release/quickwater "${ROUNDS:-50}" "${SEED:-1}" >"$d/producers"
wait
p=0 f=0
for part in jobs producers; do
    cat "$d/$part"
    line=$(last "$d/$part")
    [ -n "$line" ] || { echo "FAIL $part did not come to its end"; line='0 passed, 1 failed'; }
    p=$((p + ${line%% *})) line=${line#*, } f=$((f + ${line%% *}))
done
rm -rf "$d"
echo "$p passed, $f failed"
