# common.sh: what the scripts that fetch outside systems share. Sourced, with the project's root as the
# folder. Each keeps its peer in a folder $dir of $INTEROP_CACHE whose name has its version; its last line
# is that folder, and a second call finds everything there, or waits for one that is fetching it.
: "${INTEROP_CACHE:=${QUICKWATER_CACHE:-$HOME/.cache/quickwater}/peers}"

# peer_there FILE…: it is, with those FILEs of its folder, and its folder is said. If not, the folder is empty, and nobody
# else's until the script ends.
peer_there() {
    peer_whole "$@" && return 0
    mkdir -p "$INTEROP_CACHE"
    exec 8>"$dir.lock"
    flock 8
    peer_whole "$@" && return 0
    rm -rf "$dir" # half a fetch
    mkdir -p "$dir"
    return 1
}

peer_whole() {
    for file in whole "$@"; do
        [ -f "$dir/$file" ] || return 1
    done
    echo "$(basename "$dir"): there"
    echo "$dir"
}

# peer_fetch COMMAND…: fetches into $dir, or says why not; ends the script.
peer_fetch() {
    echo "$(basename "$dir"): fetching"
    if ! "$@" >"$dir.log" 2>&1; then
        tail -5 "$dir.log"
        echo "$(basename "$dir"): not fetched; the whole log: $dir.log"
        exit 1
    fi
    rm -f "$dir.log"
    touch "$dir/whole"
    echo "$(basename "$dir"): $(du -sh "$dir" | cut -f1)"
    echo "$dir"
    exit 0
}

# peer_jars GROUP:NAME:VERSION…: peer_fetch of jars, and of what they need, from Maven Central into $dir/lib.
peer_jars() {
    command -v mvn >/dev/null && command -v javac >/dev/null ||
        (. tools/common.sh && need_packages maven default-jdk-headless) || exit 1
    {
        echo '<project><modelVersion>4.0.0</modelVersion><groupId>t</groupId><artifactId>t</artifactId><version>1</version>'
        echo '<dependencies>'
        for jar in "$@"; do
            echo "$jar" | sed 's|\(.*\):\(.*\):\(.*\)|<dependency><groupId>\1</groupId><artifactId>\2</artifactId><version>\3</version></dependency>|'
        done
        echo '</dependencies></project>'
    } >"$dir/pom.xml"
    # one at a time: two would write to one store of Maven's
    peer_fetch flock "$INTEROP_CACHE/maven.lock" \
        mvn -q -B -f "$dir/pom.xml" dependency:copy-dependencies -DoutputDirectory="$dir/lib"
}
