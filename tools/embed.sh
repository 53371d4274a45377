#!/bin/sh
# embed.sh OUT.c SYMBOL FILE…: a C table of small text files, by name without folder and ending.
out=$1 symbol=$2
shift 2
mkdir -p "$(dirname "$out")"
{
    echo "/* made from: $* */"
    echo '#include <stddef.h>'
    echo "const struct { const char *name, *text; } $symbol[] = {"
    for f in "$@"; do
        echo "    {\"$(basename "$f" | sed 's/\.[^.]*$//')\","
        sed 's/\\/\\\\/g; s/"/\\"/g; s/^/     "/; s/$/\\n"/' "$f"
        echo '    },'
    done
    echo '    {NULL, NULL},'
    echo '};'
} >"$out.tmp"
mv "$out.tmp" "$out"
