#!/bin/sh
# format every C file with clang-format
need_packages clang-format
find src include tests bench examples \( -name '*.[ch]' -o -name '*.cc' \) -print0 | xargs -0 clang-format -i
