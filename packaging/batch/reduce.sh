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
# Warm: one pass in order is the fastest way to have it all on this machine; the work may then jump about in it.
cat "$SPACE/raw/$input" >/dev/null
sha256sum <"$SPACE/raw/$input" >"$SPACE/results/$input.sha256"
echo "task $number: $input"
