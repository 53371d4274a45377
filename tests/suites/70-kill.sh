#!/bin/sh
# SIGKILL under load, again and again; after each restart everything is read back and compared
. tools/common.sh
build release build/release/quickwater build/release/tests/crash/kill || { echo "0 passed, 1 failed"; exit 1; }
timeout 600 build/release/tests/crash/kill build/release/quickwater "${ROUNDS:-100}" "${SEED:-1}"
