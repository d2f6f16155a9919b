# Shared by the demo and the tour: two services, two mounts, and their removal. Sourced, not run.
#
# Sets up below one temporary directory $demo:
#   sample/                  the FITS files
#   vault/ cavern/           where the two spaces are mounted
#   vault.d/ cavern.d/       data, cache and logs of each
#   vault.env cavern.env     to be sourced by who wants to talk to that service
# and leaves nothing behind: mounts are taken down first, and no directory is removed while something is mounted in it.

profiles=(vault cavern)
servers=()

# The short form of a profile's URIs.
prefix_of() { case $1 in vault) echo vos ;; cavern) echo arc ;; esac }

say() { printf '%s\n' "$*"; }
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.1
    done
}

is_mounted() { mountpoint -q "$1"; }

# The mountvofs that serves a mount point of ours; our directory's random name keeps others out.
daemon_of() {
    local entry
    for entry in /proc/[0-9]*; do
        if tr '\0' '\n' 2>/dev/null <"$entry/cmdline" | grep -qxF -- "$demo/$1"; then echo "${entry#/proc/}"; fi
    done 2>/dev/null
}
is_gone() { [ -z "$(daemon_of "$1")" ]; }

start_server() {
    local profile=$1 home=$demo/$1.d
    mkdir -p "$home"
    "$bin/vospaced" import --data "$home/data" --profile "$profile" "$demo/sample" demo/data >"$home/import.log" 2>&1 ||
        die "cannot load the sample files: $(cat "$home/import.log")"
    # In a session of its own: Ctrl-C is for the demo, and the services must outlive the unmount.
    setsid "$bin/vospaced" serve --data "$home/data" --profile "$profile" --listen 127.0.0.1:0 \
        >"$home/server.out" 2>"$home/server.log" &
    servers+=($!)
    wait_for 20 grep -qs '^vospaced ready:' "$home/server.out" || die "vospaced did not start: $(cat "$home/server.log")"
    local registry
    registry=$(sed -n 's/^vospaced ready: registry=//p' "$home/server.out")
    {
        echo "export VOSPACE_REGISTRY_URL='$registry'"
        echo "export VOSPACE_TOKEN='demo-token'"
        echo "export XDG_CACHE_HOME='$home/cache'"
        echo "export PATH='$commands':\"\$PATH\""
    } >"$demo/$profile.env"
}

mount_profile() {
    local profile=$1 home=$demo/$1.d
    mkdir -p "$demo/$profile"
    (
        . "$demo/$profile.env"
        mountvofs --vospace "$(prefix_of "$profile"):demo" --mountpoint "$demo/$profile" \
            --cache_dir "$home/mount-cache" --log "$home/mount.log"
    ) || die "mountvofs failed for $profile; its log is: $(cat "$home/mount.log" 2>/dev/null)"
}

unmount_profile() {
    local profile=$1
    if is_mounted "$demo/$profile"; then fusermount3 -u "$demo/$profile" || return 1; fi
    # The daemon goes when its last upload is done.
    wait_for 60 is_gone "$profile"
}

setup() {
    demo=$(mktemp -d "${TMPDIR:-/tmp}/vofs-demo.XXXXXX")
    trap cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    commands=$bin
    if [ ! -e "$bin/vls" ]; then
        # Fresh from cargo: without the names of the commands.
        "$(dirname "$0")/../install.sh" install "$demo/installed" "$bin" >/dev/null || die 'cannot install'
        commands=$demo/installed/bin
    fi
    "$bin/vospaced" sample "$demo/sample" >/dev/null || die "cannot write the sample files"
    local profile
    for profile in "${profiles[@]}"; do
        start_server "$profile"
        mount_profile "$profile"
    done
}

cleanup() {
    local status=$? profile server
    trap - EXIT
    trap '' INT TERM
    for profile in "${profiles[@]}"; do
        unmount_profile "$profile" 2>/dev/null && continue
        fusermount3 -uz "$demo/$profile" 2>/dev/null
        for daemon in $(daemon_of "$profile"); do kill "$daemon" 2>/dev/null; done
    done
    for server in "${servers[@]}"; do
        kill "$server" 2>/dev/null
        wait "$server" 2>/dev/null
    done
    for profile in "${profiles[@]}"; do
        if is_mounted "$demo/$profile"; then
            echo "demo: $demo/$profile is still mounted and in use; run: fusermount3 -u $demo/$profile; rm -r $demo" >&2
            exit 1
        fi
    done
    rm -rf --one-file-system "$demo"
    exit "$status"
}
