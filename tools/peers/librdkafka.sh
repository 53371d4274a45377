#!/bin/sh
# librdkafka's sources, which an npm package carries, built with their tests
. tools/peers/common.sh
version=1.8.0 # of the npm package
dir=$INTEROP_CACHE/librdkafka-npm-$version-r1 # r1: built as below
peer_there && exit 0
# its topics with three replicas are given one: there is one node
peer_fetch sh -c "cd '$dir' && npm pack --silent '@confluentinc/kafka-javascript@$version' >/dev/null && tar xzf ./*.tgz &&
    cd package/deps/librdkafka &&
    sed -i 's/\\(test_create_topic_wait_exists(.*\\), 3, 5000)/\\1, 1, 5000)/' tests/0103-transactions.c &&
    ./configure --disable-gssapi --disable-sasl --disable-curl &&
    make -j2 libs && make -j2 -C tests build"
