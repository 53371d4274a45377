#!/bin/sh
# the dashboard in headless Chromium, against the real server with a small job: the test sees numbers change
. tools/common.sh
build release build/release/quickwater || { echo "0 passed, 1 failed"; exit 1; }
[ -d ui/node_modules/playwright-core ] || (cd ui && npm ci --ignore-scripts >/dev/null) ||
    { echo "0 passed, 1 failed"; exit 1; }

work=$(mktemp -d)
server=
flow=
stop() {
    [ -z "$flow" ] || kill "$flow" 2>/dev/null
    [ -z "$server" ] || { kill -TERM "$server" 2>/dev/null; wait "$server"; }
    rm -rf "$work"
}
trap stop EXIT INT TERM
build/release/quickwater serve --data "$work/data" --kafka off --http 127.0.0.1:0 --pg off --redis off \
    >"$work/out" 2>"$work/err" &
server=$!
for _ in $(seq 1 100); do
    grep -q '^ready ' "$work/out" && break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
done
url=http://$(sed -n 's/^ready .*http=\([^ ]*\).*/\1/p' "$work/out")
node ui/test/flow.mjs "$url" >"$work/flow" 2>&1 &
flow=$!
for _ in $(seq 1 100); do
    grep -q flowing "$work/flow" && break
    kill -0 "$flow" 2>/dev/null || break
    sleep 0.1
done
if ! grep -q flowing "$work/flow"; then
    cat "$work/out" "$work/err" "$work/flow"
    echo "0 passed, 1 failed"
    exit 1
fi
timeout 400 node ui/test/page.mjs "$url" build/ui.png >"$work/test" 2>&1 || cat "$work/flow" "$work/err"
cat "$work/test"
