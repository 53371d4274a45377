#!/bin/sh
# static checks, and the check of the floors
sh tools/lint/layers.sh
setup_test
build clang lib unit
echo "lint: clean"
