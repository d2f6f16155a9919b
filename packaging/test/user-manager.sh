#!/usr/bin/env bash
# The units under a user manager of systemd: user-manager.sh HOME INSTANCE
#
# HOME is a home directory in which ~/.config/systemd/user has the user unit as vofs@.service and the system unit as vofs-system@.service,
# with their environment in ~/.config/vofs. The manager is one of our own, in a mount namespace with a /run of its own: whatever
# happens, neither a process nor a mount is left. Each unit is enabled and started as the guide says, killed, stopped from moving,
# and stopped in order; each time it has to be there again, or gone. Of the system unit what only the system's manager
# can do is taken out (another user); its directories are those that a user manager has in the place of /run and /var/cache.
# As root. Ends with 77, and says why, where no user manager can be started.
set -euo pipefail
home=$1 instance=$2
step() { printf '== %s\n' "$*"; }

if [ "${3:-}" != inside ]; then
    exec unshare --mount --propagation private "$0" "$home" "$instance" inside
fi

export HOME=$home XDG_RUNTIME_DIR=$home/run
unset DBUS_SESSION_BUS_ADDRESS NOTIFY_SOCKET XDG_CONFIG_HOME
mkdir -p -m 700 "$XDG_RUNTIME_DIR"
mount -t tmpfs -o mode=755 tmpfs /run
# What says to its programs that systemd runs here.
mkdir -p /run/systemd/system
for manager in /usr/lib/systemd/systemd /lib/systemd/systemd; do [ -x "$manager" ] && break; done
"$manager" --user --log-target=console >"$home/manager.log" 2>&1 &
own=$!
finish() {
    kill "$own" 2>/dev/null || true
    wait "$own" 2>/dev/null || true
    # It leaves the control groups of its units behind.
    find /sys/fs/cgroup -depth -maxdepth 3 -type d \( -path '*/app.slice*' -o -name init.scope \) -exec rmdir {} + 2>/dev/null || true
}
trap finish EXIT
until systemctl --user list-units >/dev/null 2>&1; do
    kill -0 "$own" 2>/dev/null || { echo "no user manager can be started here: $(cat "$home/manager.log")" >&2; exit 77; }
    sleep 0.1
done

show() { systemctl --user show --property "$1" --value "$unit"; }
# within SECONDS COMMAND...: until it succeeds.
within() {
    local limit=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $limit ] || { echo "not in time: $*" >&2; systemctl --user status "$unit" >&2; cat "$home/manager.log" >&2; exit 1; }
        sleep 0.1
    done
}
here() { [ "$(cat "$point/f" 2>/dev/null)" = here ]; }
restarted() { [ "$(show NRestarts)" = "$1" ] && [ "$(show ActiveState)" = active ] && here; }

# life TEMPLATE POINT: of a unit, from its first start to its last end.
life() {
    local template=$1
    unit=$template@$instance point=$2
    step "$template: start"
    systemctl --user enable --now "$unit"
    # No waiting: it is started when the mount answers.
    here
    [ "$(show ActiveState)" = active ] && [ -n "$(show StatusText)" ]
    echo first >"$point/$template.first"

    step "$template: kill -9"
    kill -9 "$(show MainPID)"
    within 60 restarted 1

    step "$template: a daemon that stands still"
    # Of the watchdog's minute two seconds are left for the test.
    mkdir -p "$home/.config/systemd/user/$template@.service.d"
    printf '[Service]\nWatchdogSec=2s\n' >"$home/.config/systemd/user/$template@.service.d/watchdog.conf"
    systemctl --user daemon-reload
    systemctl --user restart "$unit"
    here
    kill -STOP "$(show MainPID)"
    within 60 restarted 1

    step "$template: stop"
    # In background mode it is the end that sends this.
    echo last >"$point/$template.last"
    systemctl --user stop "$unit"
    [ "$(show Result)" = success ]
    if grep -q " $point fuse" /proc/mounts; then echo 'stopped, and still mounted' >&2; exit 1; fi
    systemctl --user disable "$unit"
}

life vofs "$home/vofs/$instance"
mkdir -p "$home/.config/systemd/user/vofs-system@.service.d"
printf '[Service]\nUser=\n' >"$home/.config/systemd/user/vofs-system@.service.d/user.conf"
life vofs-system "$XDG_RUNTIME_DIR/vofs/$instance/mount"

step 'a space that is not there'
unit=vofs@vos:nowhere-at-all
if systemctl --user start "$unit"; then echo 'started without anything to mount' >&2; exit 1; fi
# The exit status says why, and systemd keeps it.
[ "$(show ExecMainStatus)" = 7 ]
systemctl --user stop "$unit"
step 'all right'
