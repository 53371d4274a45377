#!/bin/sh
# set up, and build into build/<kind>/: release (default), debug, asan, tsan, clang, fuzz, arm64
kind=${1:-release}
case $kind in
release | debug | asan | tsan | clang) setup_build; build "$kind" all ;;
fuzz) setup_build; need_packages clang libclang-rt-14-dev; build fuzz fuzz ;;
arm64) setup_build; setup_arm64; build arm64 all unit ;;
*) echo "build: there is no kind '$kind'; one of release, debug, asan, tsan, clang, fuzz, arm64" >&2; exit 2 ;;
esac
