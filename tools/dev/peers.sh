#!/bin/sh
# fetch the real outside systems that the interop tests use; with NAMEs, those alone
#
# Kept by version in ${QUICKWATER_CACHE:-$HOME/.cache/quickwater}/peers, shared by all clones. ./dev interop
# fetches what it needs by itself; this is for fetching ahead. A NAME is a script tools/peers/NAME.sh.
all=$(cd tools/peers && ls | sed -n 's/\.sh$//p' | grep -v '^common$')
for name in "$@"; do
    [ -f "tools/peers/$name.sh" ] && [ "$name" != common ] ||
        { echo "peers: there is no '$name'; one of $(echo $all)" >&2; exit 2; }
done
[ $# -gt 0 ] || set -- $all
# what is there already, from wherever, is good enough
for tool in gcc make python3 npm; do
    command -v $tool >/dev/null || { setup_test; break; }
done
failed=0
for name in "$@"; do
    sh "tools/peers/$name.sh" || failed=$((failed + 1))
done
echo "$(($# - failed)) fetched, $failed failed"
[ "$failed" = 0 ]
