# common.sh: what the commands of ./dev share. Sourced, with the project's root as the folder.

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# packages_missing PACKAGE…: those that are not installed.
packages_missing() {
    for p in "$@"; do
        dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || printf ' %s' "$p"
    done
}

# packages_install PACKAGE…: without a service of theirs started, now or when the machine starts: a test brings up the
# server that it needs itself, on an address of this machine alone. Who has decided that already (policy-rc.d) is left to it.
packages_install() {
    as_root env DEBIAN_FRONTEND=noninteractive POLICY="${POLICY_RC_D:-/usr/sbin/policy-rc.d}" sh -c '
        set -e
        ours="# quickwater: until its packages are installed"
        if [ ! -e "$POLICY" ] || grep -qxF "$ours" "$POLICY"; then
            trap "rm -f \"$POLICY\"" EXIT
            trap "exit 1" INT TERM HUP
            printf "#!/bin/sh\n%s\nexit 101\n" "$ours" >"$POLICY"
            chmod 755 "$POLICY"
        fi
        apt-get update -qq
        apt-get install -y -qq -o DPkg::Lock::Timeout=300 --no-install-recommends "$@"
        command -v systemctl >/dev/null || exit 0
        for service in mosquitto nats-server postgresql rabbitmq-server redis-server; do
            case " $* " in *" $service "*) systemctl disable -q "$service" || true ;; esac
        done' sh "$@"
}

# need_packages PACKAGE…: Debian packages, installed only where one is missing, by one caller at a time.
need_packages() {
    [ -n "$(packages_missing "$@")" ] || return 0
    mkdir -p build
    exec 7>build/packages.lock
    flock 7
    missing=$(packages_missing "$@") # by now
    if [ -n "$missing" ]; then
        echo "dev: installing$missing" >&2
        log=$(mktemp)
        # shellcheck disable=SC2086
        if ! packages_install $missing >"$log" 2>&1 </dev/null 7>&-; then
            tail -20 "$log" >&2
            echo "dev: the packages could not be installed; the whole log is $log" >&2
            exit 1
        fi
        rm -f "$log"
    fi
    exec 7>&-
}

# What the program is built from, and what the tests add.
BUILD_PACKAGES="gcc g++ make pkg-config git ca-certificates python3-minimal \
 liblz4-dev libzstd-dev libsnappy-dev zlib1g-dev libxxhash-dev libsimdjson-dev libpcre2-dev \
 libutf8proc-dev libssl-dev libedit-dev libcurl4-openssl-dev libjansson-dev librdkafka-dev libhiredis-dev librabbitmq-dev libpq-dev"
TEST_PACKAGES="clang libclang-rt-14-dev curl kcat chromium tzdata"

# What the program is linked with, for its cross-build: installed beside this machine's own.
setup_arm64() {
    libs=$(echo "$BUILD_PACKAGES" | tr ' ' '\n' | sed -n 's/-dev$/&:arm64/p')
    dpkg --print-foreign-architectures | grep -qx arm64 || as_root dpkg --add-architecture arm64
    need_packages gcc-aarch64-linux-gnu g++-aarch64-linux-gnu qemu-user-static $libs
}

# Node.js may be there from elsewhere, and then Debian's npm cannot be installed beside it.
node_packages() { command -v npm >/dev/null 2>&1 || echo nodejs npm; }

setup_build() { need_packages $BUILD_PACKAGES $(node_packages); }
setup_test() { need_packages $BUILD_PACKAGES $(node_packages) $TEST_PACKAGES; }

jobs_count() { nproc 2>/dev/null || echo 2; }

# build KIND TARGET…: make, quiet unless it fails.
build() {
    kind=$1
    shift
    make --no-print-directory -j"$(jobs_count)" KIND="$kind" "$@"
}
