#!/bin/sh
# run the interop tests against real outside systems; with NAMEs, those alone
#
# ./dev interop [--ci|--full] [NAME...]     NAME is a script tools/interop/NAME.sh
#
# --ci: every peer once, each within a time limit, 30 minutes in all. --full (the default): everything; its
# table is written to docs/compatibility.md with commit and date: the rows of the NAMEs, where they are given. A part
# of a peer (SCRIPTS=…) is no row.
# What is fetched is kept in ${QUICKWATER_CACHE:-$HOME/.cache/quickwater}/peers. A script ends in a line
# 'N passed, N failed'.
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
commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
passed=0
failed=0
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
    about="$took | $commit | $(date -u +%Y-%m-%d) |"
    # a script that ran its peer in more than one way says 'row: NAME, WAY N N' of each
    if ! sed -n "s/^row: \(.*\) \([0-9]*\) \([0-9]*\)$/| \1 | \2 | \3 | $about/p" "$out" | grep . >"build/interop-$name.row"; then
        echo "| $name | $p | $f | $about" >"build/interop-$name.row"
    fi
    passed=$((passed + p))
    failed=$((failed + f))
done

# the table: this run's rows, and of the peers that were not asked for what it had
doc=docs/compatibility.md
write_table() {
    echo "# Compatibility, as tested"
    printf '\nBy `./dev interop --full`; each row says at which commit. What the programs for Kafka clients verify:\n'
    printf '[kafka-clients.md](kafka-clients.md).\n\n'
    printf '| peer | passed | failed | seconds | commit | date |\n|--|--|--|--|--|--|\n'
    for f in tools/interop/*.sh; do
        name=$(basename "$f" .sh)
        case " $(echo $all) " in
        *" $name "*) cat "build/interop-$name.row" ;;
        *) grep -E "^\| $name( |, [^|]*)\|" $doc 2>/dev/null || true ;;
        esac
    done
    printf '\nLeft out, and why:\n\n'
    for f in tools/interop/*.sh; do
        name=$(basename "$f" .sh)
        case " $(echo $all) " in
        *" $name "*) sed -n 's/^left out: /- /p' "build/interop-$name.log" ;;
        *) grep "^- $name " $doc 2>/dev/null || true ;;
        esac
    done
}
[ $mode != full ] || [ -n "${SCRIPTS:-}" ] || { write_table >$doc.new && mv $doc.new $doc; }
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
