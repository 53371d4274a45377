#!/bin/sh
# Imports point only downward: src/LAYERS names what each folder may include. $1: another src.
src=${1:-src}
grep -rn --include='*.[ch]' --include='*.cc' '^#include "' "$src" | sed "s|^$src/|src/|" | awk -F'[:"]' '
    FNR == NR { if ($0 !~ /^#/ && $1 != "") allow[$1] = " " $1 " " $2 " "; next }
    { split($1, p, "/"); split($4, q, "/")
      if (q[2] == "") next                      # the public header and generated ones by name
      if (q[1] == "quickwater.h") next
      if (!(p[2] in allow)) { print $1 ": folder " p[2] " is not in src/LAYERS"; bad = 1; next }
      if (!index(allow[p[2]], " " q[1] " ")) { print $1 ":" $2 ": " p[2] " may not include " q[1]; bad = 1 } }
    END { exit bad }' "$src/LAYERS" -
