#!/bin/sh
# run the interop tests against real outside systems; with NAMEs, those alone
#
# ./dev interop [--ci|--full] [NAME...]     NAME is a script tools/interop/NAME.sh
#
# --ci: every peer once, each within a time limit, 30 minutes in all. --full (the default): everything;
# its table is written to docs/compatibility.md with commit and date. What is fetched is kept in
# ${QUICKWATER_CACHE:-$HOME/.cache/quickwater}/peers. A script ends in a line 'N passed, N failed'.
mode=full
names=
for arg in "$@"; do
    case $arg in
    --ci | --full) mode=${arg#--} ;;
    -*) echo "interop: unknown option $arg" >&2; exit 2 ;;
    *) [ -f "tools/interop/$arg.sh" ] || { echo "interop: no tools/interop/$arg.sh" >&2; exit 2; }
        names="$names $arg" ;;
    esac
done
all=$names
[ -n "$all" ] || all=$(for f in tools/interop/*.sh; do basename "$f" .sh; done | grep -v '^common$')
limit=7200
[ $mode = full ] || limit=480
INTEROP_MODE=$mode
INTEROP_CACHE=${QUICKWATER_CACHE:-$HOME/.cache/quickwater}/peers
export INTEROP_MODE INTEROP_CACHE
mkdir -p "$INTEROP_CACHE" build
# what is there already, from wherever, is good enough
for tool in gcc make git python3 npm kcat; do
    command -v $tool >/dev/null || { setup_test; break; }
done
passed=0
failed=0
table=build/interop.md
printf '| peer | passed | failed | seconds |\n|--|--|--|--|\n' >$table
for name in $all; do
    echo "== $name"
    out=build/interop-$name.log
    begun=$(date +%s)
    timeout $limit sh "tools/interop/$name.sh" >"$out" 2>&1 </dev/null || true
    took=$(($(date +%s) - begun))
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$out" | tail -1)
    [ -n "$line" ] || line="0 passed, 1 failed"
    p=${line%% passed*}
    f=${line#*, }
    f=${f%% failed*}
    [ "$f" = 0 ] || { grep -v '^ok' "$out" | tail -40; echo "   the whole log: $out"; }
    echo "   $line ($took s)"
    echo "| $name | $p | $f | $took |" >>$table
    passed=$((passed + p))
    failed=$((failed + f))
done
if [ $mode = full ] && [ -z "$names" ]; then
    { echo "# Compatibility, as tested"
        echo
        echo "By \`./dev interop --full\` at commit $(git rev-parse --short=12 HEAD 2>/dev/null), $(date -u +%Y-%m-%d)."
        echo
        cat $table
        printf '\nWhat the programs for Kafka clients verify: [kafka-clients.md](kafka-clients.md).\n'
        printf '\nLeft out, and why:\n\n'
        for name in $all; do sed -n 's/^left out: /- /p' "build/interop-$name.log"; done; } >docs/compatibility.md
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
