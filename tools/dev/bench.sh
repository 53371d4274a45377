#!/bin/sh
# benchmarks, side by side with a peer where there is one: nexmark, latency, idle, all
#
# Tables go to the terminal, JSON to build/bench/NAME.json.
setup_build
need_packages librdkafka-dev curl
mkdir -p build
build release all tools >build/bench-build.log 2>&1 || { tail -20 build/bench-build.log >&2; exit 1; }
mkdir -p build/bench
[ $# -gt 0 ] || set -- nexmark latency idle
for name in "$@"; do
    [ -f "tools/bench/$name.sh" ] || { echo "bench: there is no '$name'; one of $(ls tools/bench | sed 's/\.sh//' | tr '\n' ' ')" >&2; exit 2; }
    sh "tools/bench/$name.sh"
done
