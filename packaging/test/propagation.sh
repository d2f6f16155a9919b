#!/usr/bin/env bash
# What the manifests for Kubernetes rest on, without Kubernetes: propagation.sh SPACE MOUNTVOFS ARGUMENTS…
#
# SPACE is the directory of the volume in which the sidecar mounts. The sidecar and the work have mount namespaces of their own,
# connected as the manifests say: from the sidecar to the node and back (Bidirectional, which is rshared), and from the
# node to the work (HostToContainer, rslave). The sidecar starts after the work, is killed and started again as kubelet does it, and ends
# in order; each time the work has to see the space, or nothing. All is within a namespace of this script: whatever happens, no
# mount is left. As root.
set -euo pipefail
if [ "${1:-}" != inside ]; then
    exec unshare --mount --propagation private --pid --fork --kill-child --mount-proc "$0" inside "$@"
fi
shift
space=$1
shift
step() { printf '== %s\n' "$*"; }
point=
for word in "$@"; do case $word in --mountpoint=*) point=${word#*=} ;; esac; done

# An emptyDir, or a directory of the node: on a mount that is shared, as kubelet sees to it.
mount -t tmpfs -o mode=755 tmpfs "$space"
mount --make-shared "$space"

unshare --mount --propagation slave sleep infinity &
work=$!
work() { nsenter --target "$work" --mount "$@"; }
until work true 2>/dev/null && [ "$(readlink /proc/$work/ns/mnt)" != "$(readlink /proc/self/ns/mnt)" ]; do sleep 0.1; done

# sidecar COMMAND…: a container with the same volume, until the startup probe of the manifest is content.
sidecar() {
    local limit=$((SECONDS + 60))
    unshare --mount --propagation unchanged "$@" &
    sidecar=$!
    # The dead mount of a container that was killed still looks like one, and cannot be listed; so that is asked first.
    until nsenter --target $sidecar --mount sh -c 'ls "$1" >/dev/null 2>&1 && mountpoint -q "$1"' sh "$point"; do
        kill -0 $sidecar || { echo 'the sidecar ended' >&2; exit 1; }
        [ $SECONDS -lt $limit ] || { echo 'the sidecar does not mount' >&2; exit 1; }
        sleep 0.1
    done
}

step start
if work mountpoint -q "$point"; then echo 'mounted before anybody mounts' >&2; exit 1; fi
sidecar "$@"
[ "$(work cat "$point/f")" = here ]
case " $* " in
*' --readonly '*) if work sh -c 'echo no >"$1/no"' sh "$point" 2>/dev/null; then echo 'a read-only space was written to' >&2; exit 1; fi ;;
*) work sh -c 'echo seen >"$1/seen.txt"' sh "$point" ;;
esac

step 'killed and started again'
kill -9 $sidecar
wait $sidecar || true
if work cat "$point/f" 2>/dev/null; then echo 'the space is there without its daemon' >&2; exit 1; fi
sidecar "$@"
[ "$(work cat "$point/f")" = here ]

step end
kill -TERM $sidecar
wait $sidecar
if work mountpoint -q "$point"; then echo 'ended, and still mounted for the work' >&2; exit 1; fi
step 'all right'
