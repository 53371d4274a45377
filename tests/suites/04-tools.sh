#!/bin/sh
# the tools of this tree: peers side by side, of which nothing is left; packages whose services do not start
. tests/lib/suite.sh
peers=$suite_dir/peers
mkdir "$peers" "$suite_dir/tmp"

peer() { cat >"$peers/$1.sh"; } # NAME: a script, by standard input
lanes() { # OPTIONS NAME…: what lanes.py prints
    TMPDIR=$suite_dir/tmp HERE=$suite_dir COMMIT=c0ffee python3 tools/interop/lanes.py --scripts "$peers" --logs "$suite_dir" "$@"
}
# of the processes whose ids are in FILES, those that live
alive() { for pid in $(cat "$@"); do kill -0 "$pid" 2>/dev/null && echo "$pid"; done; }
until_there() { # FILE…
    for file in "$@"; do
        n=0
        until [ -s "$file" ] || [ $n -ge 600 ]; do sleep 0.1; n=$((n + 1)); done
    done
}

# two that can only end beside each other
for pair in "left right" "right left"; do
    set -- $pair
    peer "$1" <<PEER
echo begun
echo here >"\$HERE/$1"
n=0
until [ -f "\$HERE/$2" ] || [ \$n = 600 ]; do sleep 0.1; n=\$((n + 1)); done
[ \$n = 600 ] || echo "ok met"
echo '1 passed, 0 failed'
PEER
done
peer bad <<'PEER'
echo 'ok one'
echo 'FAILED two'
echo 'left out: bad three: why'
echo 'row: bad, its way 1 1'
echo '1 passed, 1 failed'
PEER
peer silent <<'PEER'
echo 'says no more'
PEER
lanes --lanes 2 --limit 120 right bad silent left >"$suite_dir/said" 2>/dev/null
same $? 1 "lanes: a failure is one"
same "$(grep -c 'ok met' "$suite_dir/interop-left.log" "$suite_dir/interop-right.log" | tr '\n' ' ')" \
    "$suite_dir/interop-left.log:1 $suite_dir/interop-right.log:1 " "lanes: two are side by side"
same "$(sed -n '/^== bad/,/ s)$/p' "$suite_dir/said" | sed 's/ ([0-9]* s)//')" "== bad
FAILED two
left out: bad three: why
row: bad, its way 1 1
1 passed, 1 failed
   the whole log: $suite_dir/interop-bad.log
   1 passed, 1 failed" "lanes: what failed is told in one piece"
same "$(tail -6 "$suite_dir/said" | sed 's/  */ /g; s/^\(.* [0-9]* [0-9]*\) [0-9]*$/\1/')" "peer passed failed seconds
right 1 0
bad 1 1
silent 0 1
left 1 0
3 passed, 2 failed" "lanes: the table has the order of the names"
same "$(sed 's/ | [0-9]* | c0ffee.*//' "$suite_dir/interop-bad.row" "$suite_dir/interop-left.row" | tr '\n' ';')" \
    "| bad, its way | 1 | 1;| left | 1 | 0;" "lanes: rows of the table of peers"

# the longest begin first, and those of which nothing is known before them
for name in short long new; do echo "echo $name >>\"\$HERE/order\"; echo '1 passed, 0 failed'" | peer $name; done
printf '# NAME SECONDS\nshort 5\nlong 50\n' >"$peers/seconds.txt"
lanes --lanes 1 --limit 120 short long new >/dev/null 2>&1
same "$(tr '\n' ' ' <"$suite_dir/order")" "new long short " "lanes: the longest first"

# what a peer leaves running is ended, be it in a session of its own; so is one that takes too long, and fails whatever it said
peer leaves <<'PEER'
mktemp >"$HERE/leaves.tmp"
setsid sh -c 'echo $$ >"$HERE/leaves.pid"; exec sleep 1000' &
until [ -s "$HERE/leaves.pid" ]; do sleep 0.1; done
echo '1 passed, 0 failed'
PEER
lanes --lanes 1 --limit 120 leaves >/dev/null 2>&1
same "$? $(alive "$suite_dir/leaves.pid")" "0 " "lanes: nothing of a peer outlives it"
[ ! -e "$(cat "$suite_dir/leaves.tmp")" ] && [ -z "$(ls "$suite_dir/tmp")" ]; check $? "lanes: nor its temporary files"
peer long <<'PEER'
trap '' TERM
echo '1 passed, 0 failed'
echo $$ >"$HERE/long.pid"
while :; do sleep 1; done
PEER
lanes --lanes 1 --limit 1 long >"$suite_dir/said" 2>/dev/null
same "$? $(alive "$suite_dir/long.pid") $(grep -c 'not at its end after 1 s' "$suite_dir/said")" "1  1" "lanes: one that takes too long"

# one signal ends all, and nothing begins after it
for name in first second; do
    peer $name <<PEER
setsid sh -c 'echo \$\$ >"\$HERE/$name.pid"; exec sleep 1000' &
sleep 1000
PEER
done
for signal in INT TERM; do
    rm -f "$suite_dir"/first.pid "$suite_dir"/second.pid "$suite_dir/order"
    TMPDIR=$suite_dir/tmp HERE=$suite_dir python3 tools/interop/lanes.py --scripts "$peers" --logs "$suite_dir" --lanes 2 --limit 1000 \
        first second short >/dev/null 2>&1 &
    lanes=$!
    until_there "$suite_dir/first.pid" "$suite_dir/second.pid"
    kill -$signal $lanes
    code=0
    wait $lanes || code=$?
    same "$code $(alive "$suite_dir/first.pid" "$suite_dir/second.pid") $(ls "$suite_dir/tmp")$(cat "$suite_dir/order" 2>/dev/null)" "130  " \
        "lanes: SIG$signal ends all"
done

same "$(./dev interop --ci kafka_nobody common 2>&1)" "interop: no tools/interop/kafka_nobody.sh, and none that begins with kafka_nobody" \
    "interop: a peer that is not there"

# slices: each test in one of them, none longer than it may be but a test that is so alone
printf '# TEST SECONDS\na 70\nb 40\nc 30\nd 130\ne 1\n' >"$suite_dir/seconds"
slice() { python3 tools/interop/slice.py "$suite_dir/seconds" 100 "$1" a b c d e new; }
same "$(for n in 0 1 2; do slice $n; done | tr '\n' ';')" "d;a c;b e new;" "slices: each test once"
same "$(slice 7)" "$(slice 1)" "slices: counted round"

# packages: no service of theirs starts, and the machine's own word about that stands
fake() { cat >"$suite_dir/bin/$1"; chmod +x "$suite_dir/bin/$1"; }
mkdir "$suite_dir/bin"
: >"$suite_dir/installed"
fake sudo <<'FAKE'
#!/bin/sh
exec "$@"
FAKE
fake dpkg-query <<'FAKE'
#!/bin/sh
for package; do :; done
grep -qx "$package" "$HERE/installed" && echo 'install ok installed'
FAKE
fake apt-get <<'FAKE'
#!/bin/sh
[ "$1" = install ] || exit 0
code=-
[ ! -e "$POLICY" ] || { code=0; "$POLICY" || code=$?; }
echo "install policy=$code" >>"$HERE/calls"
for package; do case $package in refused) exit 100 ;; [a-z]*) echo "$package" >>"$HERE/installed" ;; esac; done
FAKE
fake systemctl <<'FAKE'
#!/bin/sh
echo "systemctl $*" >>"$HERE/calls"
FAKE
POLICY=$suite_dir/policy-rc.d
needed() ( # PACKAGE…: its exit code, and what was called
    : >"$suite_dir/calls"
    code=0
    (PATH=$suite_dir/bin:$PATH HERE=$suite_dir POLICY_RC_D=$POLICY && export PATH HERE POLICY_RC_D && need_packages "$@") 2>/dev/null || code=$?
    echo "$code $(tr '\n' ';' <"$suite_dir/calls")$(cat "$POLICY" 2>/dev/null)"
)
same "$(needed mosquitto libx-dev)" "0 install policy=101;systemctl disable -q mosquitto;" "packages: no service starts, now or later"
same "$(needed mosquitto libx-dev)" "0 " "packages: what is there is not installed again"
same "$(needed refused)" "1 install policy=101;" "packages: the policy goes with one that cannot be installed"
printf '#!/bin/sh\n# quickwater: until its packages are installed\nexit 101\n' >"$POLICY"
chmod +x "$POLICY"
same "$(needed redis-server)" "0 install policy=101;systemctl disable -q redis-server;" "packages: one that was left behind goes"
printf '#!/bin/sh\nexit 104' >"$POLICY"
chmod +x "$POLICY"
same "$(needed other)" "0 install policy=104;#!/bin/sh
exit 104" "packages: a policy of the machine's own stands"
summary
