#!/bin/sh
# set up, build, and show real flights moving through a job, here and on the dashboard
#
# ./dev demo [--seconds N] [--speed X]
#   --seconds N   stop by itself N seconds after it is ready (default: until Ctrl-C)
#   --speed X     event time over real time (default 3600: an hour of January 2001 a second)
seconds=0 speed=3600
while [ $# -gt 0 ]; do
    case $1 in
    --seconds) seconds=${2:?--seconds needs a number}; shift 2 ;;
    --speed) speed=${2:?--speed needs a number}; shift 2 ;;
    *) echo "demo: there is no option '$1'; see ./dev demo --help" >&2; exit 2 ;;
    esac
done
setup_build
need_packages librdkafka-dev curl
mkdir -p build
echo "demo: building (a first build takes a minute or two)"
build release all build/release/examples/flights/feed >build/demo-build.log 2>&1 ||
    { tail -20 build/demo-build.log >&2; exit 1; }
sh tools/demo/run.sh "$seconds" "$speed"
