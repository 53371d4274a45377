#!/bin/sh
# the demo as a newcomer types it, for a few seconds
. tests/lib/suite.sh
need_build build/release/examples/flights/feed
timeout 60 ./dev demo --seconds 12 --speed 36000 >"$suite_dir/o" 2>&1; check $? "./dev demo ends with exit code 0"
grep -q 'demo: ready.*http://' "$suite_dir/o"; check $? "it prints the dashboard's address"
grep -qE '\| *[1-9][0-9]+ *\|' "$suite_dir/o"; check $? "results move in the terminal"
grep -qE 'windows closed.*[1-9]' "$suite_dir/o"; check $? "windows close"
summary
