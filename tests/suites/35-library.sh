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
# Typed: a program of C++ pushes a row and reads it back from the result.
cat >"$suite_dir/typed.cc" <<'EOF'
#include <quickwater.h>
#include <cstdio>
int main()
{
    qw *q;
    qw_writer *w;
    qw_result *r;
    qw_error e;
    qw_value v[] = {qw_int64(7), qw_text("a", 1), qw_decimal(1250, 2), qw_null()}, back;
    if (qw_open(nullptr, &q, &e) ||
        qw_sql(q, "CREATE TABLE t (n BIGINT, s STRING, m DECIMAL(10, 2), d DOUBLE) WITH ('connector' = 'kafka', "
                  "'topic' = 't', 'format' = 'row')", nullptr, &e) ||
        qw_writer_open(q, "t", &w, &e) || qw_push_row(w, v, 4, nullptr, nullptr, &e) || qw_push_wait(q, &e) ||
        qw_sql(q, "SELECT * FROM t", &r, &e) || qw_result_value(r, 0, 2, QW_DECIMAL, &back, &e))
        return std::fprintf(stderr, "%s\n", e.message), 1;
    std::printf("%llu %d\n", (unsigned long long)back.as.decimal.low, back.scale);
    v[0] = qw_double(1);
    std::printf("%d %s\n", qw_push_row(w, v, 4, nullptr, nullptr, &e), e.message);
    qw_result_free(r);
    qw_writer_close(w);
    qw_close(q);
}
EOF
c++ -std=c++17 -Wall -Wextra -Werror -Iinclude "$suite_dir/typed.cc" -L"$lib" -lquickwater -Wl,-rpath,"$lib" -o "$suite_dir/typed"
check $? "a typed program of C++ builds"
timeout 60 "$suite_dir/typed" >"$suite_dir/o"; check $? "and runs"
same "$(head -1 "$suite_dir/o")" "1250 2" "a DECIMAL comes back as it went"
same "$(tail -1 "$suite_dir/o")" "-1 column 'n' is BIGINT: it takes an integer, not a double" "a wrong type is named"
echo '#include <quickwater.h>' | c++ -std=c++17 -Iinclude -x c++ -fsyntax-only -; check $? "the header is C++ too"
# Only qw_ names leave the shared object.
same "$(nm -D --defined-only "$lib/libquickwater.so" | awk '$2 ~ /[TDB]/ && $3 !~ /^qw_/' | wc -l)" 0 "no other name is exported"
summary
