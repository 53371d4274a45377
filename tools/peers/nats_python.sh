#!/bin/sh
# nats-py, the NATS project's own client for Python, from PyPI: its folder has bin/python
. tools/peers/common.sh
dir=$INTEROP_CACHE/nats-py-2.16.0
peer_there && exit 0
python3 -c 'import ensurepip' 2>/dev/null || (. tools/common.sh && need_packages python3-venv) || exit 1
peer_fetch sh -c "python3 -m venv '$dir' && '$dir/bin/python' -m pip install -q --disable-pip-version-check nats-py==2.16.0"
