#!/bin/sh
# Runs a command with a VOSpace mounted, on a machine that a batch system chose: with-space.sh URI COMMAND...
#
# The command finds the mount in $SPACE. Mount point and cache are in the scratch directory of the job (TMPDIR, or what
# VOFS_SCRATCH names), so that nothing is needed of HOME. VOFS_OPTIONS holds more options of mountvofs. At the end
# everything that the command wrote is uploaded before the job ends; the exit status is that of the command, or 75
# (EX_TEMPFAIL) when something could not be uploaded: then the scratch directory is kept, and its path is named.
set -u
space=$1
shift

scratch=$(mktemp -d "${VOFS_SCRATCH:-${TMPDIR:-/tmp}}/vofs.XXXXXX") || exit 73
SPACE=$scratch/space
export SPACE
mkdir "$SPACE"
# By this the command finds the mount, too: `mountvofs warm "$SPACE/raw"`, `mountvofs status`.
export VOFS_CACHE_DIR=$scratch/cache

# In the foreground, as a child of this job: its end is waited for, and its exit status tells whether all was uploaded.
# A session of its own, so that the signal that ends the job does not end the mount before its files are closed.
# shellcheck disable=SC2086  # several options in one variable
setsid mountvofs --foreground --vospace "$space" --mountpoint "$SPACE" \
    --log "$scratch/mountvofs.log" ${VOFS_OPTIONS:-} &
mount=$!

finish() {
    trap '' INT TERM
    kill -TERM "$mount" 2>/dev/null
    if wait "$mount"; then
        rm -rf "$scratch"
    else
        echo "with-space: not everything was uploaded; it is kept in $scratch (see mountvofs.log there), and goes out with" >&2
        echo "with-space: mountvofs --vospace $space --mountpoint DIR --cache_dir $scratch/cache" >&2
        [ "$1" = 0 ] && exit 75
    fi
    exit "$1"
}
work=
trap '[ -n "$work" ] && kill -TERM "$work" 2>/dev/null && wait "$work"; finish 143' TERM
trap '[ -n "$work" ] && kill -INT "$work" 2>/dev/null && wait "$work"; finish 130' INT
until mountpoint -q "$SPACE"; do
    kill -0 "$mount" 2>/dev/null || { wait "$mount"; status=$?; rm -rf "$scratch"; exit "$status"; }
    sleep 0.1
done
"$@" &
work=$!
wait "$work"
finish $?
