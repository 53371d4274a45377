#!/bin/sh
# no name of ours is also a name of a library we link with: the linker would take one for the other
. tests/lib/suite.sh
need_build
nm --defined-only build/release/libquickwater.a 2>/dev/null | awk '$2 ~ /[TDB]/ { print $3 }' | sort -u >"$suite_dir/ours"
libs=$(ldd "$qw" | awk '$3 ~ /^\// { print $3 }' | grep -vE '/(libc|libm|libgcc_s|libstdc\+\+)\.so')
for lib in $libs; do
    clash=$(nm -D --defined-only "$lib" | awk '$2 ~ /[TDBW]/ { sub(/@.*/, "", $3); print $3 }' | sort -u | comm -12 - "$suite_dir/ours" | tr '\n' ' ')
    same "$clash" "" "names of $(basename "$lib")"
done
summary
