#!/bin/sh
# answers of queries over literal rows; Nexmark's queries on one shard and on three
. tests/lib/suite.sh
need_build

run() { timeout 60 "$qw" run "$@" --kafka off --http off 2>&1 | grep -v '^ready'; }

for sql in tests/golden/sql/*.sql; do
    run "$sql" >"$suite_dir/got"
    if [ -n "${QW_GOLDEN_WRITE:-}" ]; then cp "$suite_dir/got" "${sql%.sql}.out"; fi
    diff "${sql%.sql}.out" "$suite_dir/got"; check $? "$sql"
done

# What is left of a printed changelog, in order.
folded() {
    awk '/^[+-][IUD]\[/ { n = substr($0, 1, 2); row = substr($0, 3); c[row] += (n == "+I" || n == "+U") ? 1 : -1 }
         END { for (row in c) if (c[row]) print c[row] " " row }' | sort
}
for q in 0 1 2 3 4 5 7 8 9 14 15 16 17 18 19 20 21 22; do
    sed "s/'connector' = 'nexmark'/'connector' = 'nexmark', 'events.num' = '20000', 'first-event.rate' = '500', 'next-event.rate' = '500'/" \
        bench/nexmark/ddl.sql >"$suite_dir/q.sql"
    sed "s/'connector' = 'blackhole'/'connector' = 'print'/" "bench/nexmark/q$q.sql" >>"$suite_dir/q.sql"
    run "$suite_dir/q.sql" | folded >"$suite_dir/one"
    run "$suite_dir/q.sql" --shards 3 | folded >"$suite_dir/three"
    [ -s "$suite_dir/one" ] && ! grep -q '^-' "$suite_dir/one" && cmp "$suite_dir/one" "$suite_dir/three"
    check $? "q$q gives the same on one shard and on three"
done
summary
