#!/bin/sh
# answers of queries over literal rows; Nexmark's queries on one shard and on 2, 3 and 8, each on a thread
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
query_file() { case $1 in cep*) echo "$1" ;; *) echo "q$1" ;; esac; }
for q in 0 1 2 3 4 5 7 8 9 13 14 15 16 17 18 19 20 21 22 cep0 cep1 cep2 cep3; do
    sed "s/'connector' = 'nexmark'/'connector' = 'nexmark', 'generators' = '5', 'events.num' = '20000', 'first-event.rate' = '500', 'next-event.rate' = '500'/" \
        bench/nexmark/ddl.sql >"$suite_dir/q.sql"
    sed "s/'connector' = 'blackhole'/'connector' = 'print'/" "bench/nexmark/$(query_file "$q").sql" >>"$suite_dir/q.sql"
    run "$suite_dir/q.sql" | folded >"$suite_dir/one"
    [ -s "$suite_dir/one" ] && ! grep -q '^-' "$suite_dir/one"
    check $? "query $q gives rows"
    for p in 2 3 8; do
        run "$suite_dir/q.sql" --shards $p | folded >"$suite_dir/more"
        cmp "$suite_dir/one" "$suite_dir/more"
        check $? "query $q gives the same on one shard and on $p"
    done
done

# The examples of docs/sql/match.md: its statements, and what they print.
page=docs/sql/match.md
sed -n '/^```sql$/,/^```$/p' "$page" | grep -v '^```' >"$suite_dir/page.sql"
sed -n '/^```text$/,/^```$/p' "$page" | grep -v '^```' >"$suite_dir/page.want"
here=$PWD
(cd "$suite_dir" && QW=$here/$qw && timeout 60 "$QW" run page.sql --kafka off --http off 2>&1) |
    grep -v '^ready$\|made$\|^OK$' >"$suite_dir/page.got"
diff "$suite_dir/page.want" "$suite_dir/page.got"; check $? "$page prints what it says"

# And at the size of ticks that keep all threads at work: the hash of what each folds into.
hash_of() { "$qw" bench nexmark --query "$1" --events 300000 --shards "$2" --json | sed -n "s/.*\"output_hash\":\"\([0-9a-f]*\)\".*/\1/p"; }
for q in q0 q3 q4 q5 q7 q8 q17 q18 q20; do
    one=$(hash_of $q 1)
    for p in 2 3 8; do same "$(hash_of $q $p)" "${one:-none}" "bench $q has the same hash on $p shards"; done
done
summary
