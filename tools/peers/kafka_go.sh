#!/bin/sh
# sarama and franz-go, as Go modules with the versions and sums of tools/interop/go: its folder has mod/ and go
. tools/peers/common.sh
dir=$INTEROP_CACHE/kafka-go-$(cat tools/interop/go/go.mod tools/interop/go/go.sum | cksum | cut -d' ' -f1)
peer_there && exit 0
command -v go >/dev/null || (. tools/common.sh && need_packages golang-go) || exit 1
# A Go older than the modules want fetches a newer one, as a module too; 1.19 (Debian 12's) must be told how.
toolchain=golang.org/toolchain@v0.0.1-go1.26.0.$(go env GOOS)-$(go env GOARCH)
peer_fetch sh -c "
    export GOMODCACHE='$dir/mod' GOFLAGS=-modcacherw
    cp -r tools/interop/go '$dir/source' && cd '$dir' || exit 1
    case \$(go version) in
    *go1.1[0-9]* | *go1.20*) mkdir empty && cd empty && go mod init empty && go mod download $toolchain &&
        chmod -R +x '$dir/mod/$toolchain/bin' '$dir/mod/$toolchain/pkg/tool' &&
        ln -s '$dir/mod/$toolchain/bin/go' '$dir/go' ;;
    *) ln -s \"\$(command -v go)\" '$dir/go' ;;
    esac && cd '$dir/source' && '$dir/go' mod download && '$dir/go' build -o '$dir/bin/' ./sarama ./franz"
