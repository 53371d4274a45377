#!/bin/sh
# A disk that gets full, again and again: usage full_disk.sh QUICKWATER ROUNDS [SEED]
#
# The data directory is on a small file system of its own (a tmpfs in a mount namespace of this script). A
# round: post until the server refuses because of its reserve; fill what is left, so that the operating
# system refuses too; post, stop or kill the server, give the room back, start again. Then:
#   - what was acknowledged is there once, and nothing is there twice;
#   - a refusal was said (507 or 503), and reading went on;
#   - `quickwater check` finds the directory whole; the server takes records again once there is room.
# Ends in a line `N passed, N failed`.
set -u
qw=$1 rounds=$2 seed=${3:-1}
if [ -z "${QW_FULL_DISK:-}" ]; then
    QW_FULL_DISK=1
    export QW_FULL_DISK
    if [ "$(id -u)" = 0 ]; then exec unshare -m sh "$0" "$@"; else exec unshare -rm sh "$0" "$@"; fi
fi
dir=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || kill -9 "$server" 2>/dev/null
    umount "$dir" 2>/dev/null
    rm -rf "$dir" "$dir.out"
}
trap finish EXIT
mount -t tmpfs -o size=96m quickwater "$dir" || { echo "FAIL no file system could be mounted"; echo "0 passed, 1 failed"; exit 1; }
mkdir "$dir.out"
passed=0 failed=0
check() { # STATUS NAME
    if [ "$1" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL round $round (seed $seed): $2"; fi
}
printf '[log]\nwal_bytes = "16MiB"\nmemory_bytes = "32MiB"\ndisk_reserve_bytes = "8MiB"\n[topics]\npartitions = 1\nsegment_bytes = "4MiB"\n' >"$dir.out/conf"
start() {
    : >"$dir.out/out" # or the line of the one before is taken for this one's
    "$qw" serve --data "$dir/data" --config "$dir.out/conf" --kafka 127.0.0.1:0 --http 127.0.0.1:0 >"$dir.out/out" 2>"$dir.out/err" &
    server=$!
    for _ in $(seq 300); do
        grep -q '^ready' "$dir.out/out" && break
        kill -0 "$server" 2>/dev/null || { cat "$dir.out/err"; return 1; }
        sleep 0.1
    done
    kafka=$(sed -n 's/.*kafka=\([^ ]*\).*/\1/p' "$dir.out/out")
    http=$(sed -n 's/.*http=\([^ ]*\).*/\1/p' "$dir.out/out")
}
# post: 500 records of 1 KB with the next numbers; their numbers go to the acknowledged when it was so
post() {
    awk -v from="$next" -v pad="$pad" 'BEGIN { for (i = 0; i < 500; i++) printf "{\"id\":%d,\"pad\":\"%s\"}\n", from + i, pad }' >"$dir.out/body"
    code=$(curl -s -m 30 -o "$dir.out/answer" -w '%{http_code}' --data-binary @"$dir.out/body" "http://$http/v1/topics/t")
    [ "$code" != 200 ] || echo "$next" >>"$dir.out/acked"
    next=$((next + 500))
}
post_until_refused() {
    for _ in $(seq 200); do
        post
        [ "$code" = 200 ] || return 0
    done
    return 1
}
compare() {
    "$qw" topic consume t --kafka "$kafka" | sed 's/.*"id":\([0-9]*\).*/\1/' >"$dir.out/seen"
    [ -z "$(sort "$dir.out/seen" | uniq -d | head -1)" ]; check $? "nothing is there twice"
    awk '{ for (i = 0; i < 500; i++) print $1 + i }' "$dir.out/acked" | sort >"$dir.out/want"
    [ -z "$(sort "$dir.out/seen" | comm -13 - "$dir.out/want" | head -1)" ]; check $? "what was acknowledged is there"
}
pad=$(head -c 960 /dev/zero | tr '\0' x)
for round in $(seq "$rounds"); do
    rm -rf "$dir/data" "$dir.out/acked"
    mount -o remount,size=96m "$dir"
    next=0 && : >"$dir.out/acked"
    start || { check 1 "the server starts"; break; }
    post_until_refused; check $? "a full disk refuses"
    case $code in 503 | 507) r=0 ;; *) r=1 ;; esac
    check $r "and says so (HTTP $code: $(head -c 200 "$dir.out/answer"))"
    [ "$(wc -l <"$dir.out/acked")" -gt 20 ]; check $? "but not at once"
    compare
    cat /dev/zero >"$dir/junk" 2>/dev/null # until the operating system refuses as well
    post; post
    [ "$code" != 200 ]; check $? "nothing is acknowledged on a disk without room"
    "$qw" topic list --kafka "$kafka" >/dev/null; check $? "and the server answers"
    if [ $(((seed + round) % 2)) = 0 ]; then kill -9 "$server"; else kill -TERM "$server"; fi
    wait "$server" 2>/dev/null
    server=
    rm "$dir/junk"
    "$qw" check "$dir/data" >"$dir.out/check"; check $? "check finds it whole: $(head -3 "$dir.out/check")"
    mount -o remount,size=160m "$dir" # a larger disk
    start || { check 1 "the server starts again"; break; }
    compare
    post; [ "$code" = 200 ]; check $? "records are taken again (HTTP $code)"
    compare
    kill -TERM "$server"; wait "$server"; check $? "a clean stop"
    server=
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
