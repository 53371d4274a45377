#!/bin/sh
# the library from outside: the example builds against the public header and the shared object alone
. tests/lib/suite.sh
need_build build/release/libquickwater.so
lib=$PWD/build/release
cc -std=c11 -Wall -Wextra -Werror -Iinclude examples/embed/score.c -L"$lib" -lquickwater -Wl,-rpath,"$lib" -o "$suite_dir/score"
check $? "examples/embed builds"
timeout 60 "$suite_dir/score" 5000 >"$suite_dir/o"; check $? "and runs"
grep -q '^5000 payments scored' "$suite_dir/o"; check $? "every payment is counted"
grep -q '^suspicious' "$suite_dir/o"; check $? "suspicious ones are found"
echo '#include <quickwater.h>' | c++ -std=c++17 -Iinclude -x c++ -fsyntax-only -; check $? "the header is C++ too"
# Only qw_ names leave the shared object.
same "$(nm -D --defined-only "$lib/libquickwater.so" | awk '$2 ~ /[TDB]/ && $3 !~ /^qw_/' | wc -l)" 0 "no other name is exported"
summary
