#!/bin/sh
# InfluxDB 1.6.7 out of Debian's package, unpacked and never installed, so that no service of it starts; and its Python
# clients, for 1.x and for 2.x, from PyPI. The folder has usr/bin/influxd and bin/python
. tools/peers/common.sh
. tools/common.sh
dir=$INTEROP_CACHE/influxdb-1.6.7-5.3.2-1.50.0
peer_there && exit 0
python3 -c 'import ensurepip' 2>/dev/null || (need_packages python3-venv) || exit 1
apt-cache show influxdb >/dev/null 2>&1 || as_root apt-get update -qq || exit 1
peer_fetch sh -c "cd '$dir' && apt-get download -qq influxdb && dpkg-deb -x influxdb_1.6.7*.deb . && rm influxdb_*.deb &&
    python3 -m venv '$dir' && '$dir/bin/python' -m pip install -q --disable-pip-version-check \
    influxdb==5.3.2 influxdb-client==1.50.0"
