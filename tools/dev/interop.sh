#!/bin/sh
# run the interop tests against real outside systems; with NAMEs, those alone
#
# ./dev interop [--ci|--full] [--lanes N] [NAME...]     NAME is a script tools/interop/NAME.sh, or what the names
#                                                       of several begin with: kafka, bridge
#
# --ci: every peer once, each within a time limit, 30 minutes in all. --full (the default): everything; its
# table is written to docs/compatibility.md with commit and date: the rows of the NAMEs, where they are given. A part
# of a peer (SCRIPTS=…) is no row.
# --lanes: so many peers side by side, most of which wait most of the time; 2 with --ci, 1 with --full.
# What is fetched is kept in ${QUICKWATER_CACHE:-$HOME/.cache/quickwater}/peers. A script ends in a line
# 'N passed, N failed'; its log is build/interop-NAME.log.
mode=full
names=
lanes=
peers() { for f in tools/interop/*.sh; do basename "$f" .sh; done | grep -v '^common$'; }
named() { peers | grep -x -e "$1" || peers | grep -e "^$1"; } # NAME: that script, or all that begin so
while [ $# -gt 0 ]; do
    case $1 in
    --ci | --full) mode=${1#--} ;;
    --lanes) case ${2:-} in
        [1-9] | [1-9][0-9]) lanes=$2 ;;
        *) echo "interop: --lanes wants a number from 1 to 99, not '${2:-}'" >&2; exit 2 ;;
        esac
        shift ;;
    -*) echo "interop: unknown option $1" >&2; exit 2 ;;
    *) found=$(named "$1" || true)
        [ -n "$found" ] || { echo "interop: no tools/interop/$1.sh, and none that begins with $1" >&2; exit 2; }
        names="$names $found" ;;
    esac
    shift
done
all=$names
[ -n "$all" ] || all=$(peers)
[ -n "$lanes" ] || { [ $mode = full ] && lanes=1 || lanes=2; }
limit=7200
[ $mode = full ] || limit=480
[ "$lanes" = 1 ] || limit=$((2 * limit)) # neighbours at work
INTEROP_MODE=$mode
INTEROP_CACHE=${QUICKWATER_CACHE:-$HOME/.cache/quickwater}/peers
COMMIT=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
export INTEROP_MODE INTEROP_CACHE COMMIT
mkdir -p "$INTEROP_CACHE" build
# what is there already, from wherever, is good enough
for tool in gcc make git python3 npm kcat; do
    command -v $tool >/dev/null || { setup_test; break; }
done
# what the peers' scripts use of ours, here once (built, in tools/interop/common.sh)
build release build/release/quickwater $(find tests/interop -name '*.c' | sed 's|\(.*\)\.c$|build/release/\1|') >&2
INTEROP_BUILT=1
export INTEROP_BUILT
status=0
# shellcheck disable=SC2086
python3 tools/interop/lanes.py --lanes "$lanes" --limit $limit $all || status=$?
[ $status -le 1 ] || exit $status

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
exit $status
