#!/bin/sh
# One task of an array: reduce.sh NUMBER. Runs below with-space.sh, which sets SPACE.
#
# Warms the cache with the one file that is its share, works on it, and writes the result back. Here the work is a
# checksum; put yours in its place.
set -eu
number=$1
mkdir -p "$SPACE/results"
# The share of this task: line NUMBER of the list, counted from 0.
# shellcheck disable=SC2012  # names of files without newlines
input=$(ls "$SPACE/raw" | sed -n "$((number + 1))p")
[ -n "$input" ] || { echo "reduce: there is no file for task $number" >&2; exit 1; }
# Warm: all of it is on this machine before the work begins, which may then jump about in it. What does not fit into the cache is said
# before anything is fetched.
mountvofs warm "$SPACE/raw/$input"
sha256sum <"$SPACE/raw/$input" >"$SPACE/results/$input.sha256"
echo "task $number: $input"
