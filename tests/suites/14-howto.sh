#!/bin/sh
# docs/howto: the files that the pages name are there, each ends in what to copy, and their commands run
. tests/lib/suite.sh
for page in docs/howto/*.md; do
    name=$(basename "$page" .md)
    [ "$(wc -l <"$page")" -le 60 ]; check $? "$name is a page at most"
    missing=
    for path in $(grep -oE '`(src|tests|docs|tools|include|examples)/[A-Za-z0-9_./*-]+`' "$page" | tr -d '`' | sort -u); do
        ls $path >/dev/null 2>&1 || missing="$missing $path"
    done
    same "$missing" "" "$name names files that are there"
    [ "$name" != README ] || continue
    grep -q "($name.md)" docs/howto/README.md; check $? "$name is in the list"
    tail -1 "$page" | grep -q '^Copy .*`'; check $? "$name ends in what to copy"
    sed -n '/^```sh$/,/^```$/p' "$page" | grep -v '^```' >"$suite_dir/commands"
    [ -s "$suite_dir/commands" ]; check $? "$name has a command"
    while read -r command; do
        sh -c "$command" >"$suite_dir/out" 2>&1 </dev/null || { tail -20 "$suite_dir/out"; false; }
        check $? "$name: $command"
    done <"$suite_dir/commands"
done
summary
