#!/bin/sh
# what crosses threads (the tests named "thread") under ThreadSanitizer
. tools/common.sh
build tsan unit || { echo "0 passed, 1 failed"; exit 1; }
TSAN_OPTIONS=halt_on_error=1 build/tsan/unit thread
