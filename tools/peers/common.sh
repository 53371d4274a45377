# common.sh: what the scripts that fetch outside systems share. Sourced, with the project's root as the
# folder. Each keeps its peer in a folder $dir of $INTEROP_CACHE whose name has its version; its last line
# is that folder, and a second call finds everything there.
: "${INTEROP_CACHE:=${QUICKWATER_CACHE:-$HOME/.cache/quickwater}/peers}"

# peer_there: it is, and its folder is said.
peer_there() {
    if [ -f "$dir/whole" ]; then
        echo "$(basename "$dir"): there"
        echo "$dir"
        return 0
    fi
    rm -rf "$dir" # half a fetch
    mkdir -p "$dir"
    return 1
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
