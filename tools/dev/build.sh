#!/bin/sh
# set up, and build into build/<kind>/: release (default), debug, asan, tsan, clang
setup_build
build "${1:-release}" all
