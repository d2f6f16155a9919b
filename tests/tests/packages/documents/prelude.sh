# Before the commands of a document: what stays in the foreground there goes on in the background here, and all of it ends with the
# shell. PORT is the free port that takes the place of 8080.
service=
stop() { if [ -n "$service" ]; then kill "$service"; wait "$service" || true; service=; fi; }
finish() {
    # Behind a command that failed there may be mounts; what is done about them is no result.
    set +e
    cut -d' ' -f2 /proc/mounts | grep "^$HOME/" | while read -r point; do fusermount3 -uz "$point"; done
    stop
}
trap finish EXIT
vospaced() {
    if [ "$1" != serve ]; then command vospaced "$@"; return; fi
    stop
    case " $* " in *' --listen '*) ;; *) set -- "$@" --listen "127.0.0.1:$PORT" ;; esac
    case " $* " in *' --control '*) ;; *) set -- "$@" --control ;; esac
    command vospaced "$@" >"$HOME/served" 2>"$HOME/served.err" &
    service=$!
    until grep -qs '^vospaced ready:' "$HOME/served"; do
        kill -0 "$service" || { cat "$HOME/served.err" >&2; return 1; }
        sleep 0.1
    done
}
# In the foreground it would stay until the unmount.
mountvofs() {
    local word words=()
    for word in "$@"; do case $word in -f | --foreground) ;; *) words+=("$word") ;; esac; done
    command mountvofs "${words[@]}"
}
