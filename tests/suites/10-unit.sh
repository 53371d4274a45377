#!/bin/sh
# unit and model tests under ASan and UBSan
. tools/common.sh
build asan unit || { echo "0 passed, 1 failed"; exit 1; }
ASAN_OPTIONS=detect_leaks=1 build/asan/unit
