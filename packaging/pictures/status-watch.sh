#!/usr/bin/env bash
# The picture of `mountvofs status --watch` in docs/pictures: status-watch.sh BINARIES OUT.svg [SECONDS]
#
# A service over a slow line, a mount in background mode, programs that read and write, and one upload that is refused.
set -euo pipefail
bin=$(cd "$1" && pwd) out=$2 seconds=${3:-12} here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-$here/../../${CARGO_TARGET_DIR:-target}/venv/bin/python}

work=$(mktemp -d "${TMPDIR:-/tmp}/vofs-picture.XXXXXX")
service= worker=
finish() {
    trap - EXIT
    if [ -n "$worker" ]; then kill "$worker" 2>/dev/null || true; wait "$worker" 2>/dev/null || true; fi
    fusermount3 -uz "$work/vault" 2>/dev/null || true
    if [ -n "$service" ]; then kill "$service"; wait "$service" 2>/dev/null || true; fi
    rm -rf --one-file-system "$work"
}
trap finish EXIT

"$bin/vospaced" populate --data "$work/data" demo/run7 --count 6 --length 40MB --seed 1 >/dev/null 2>&1
"$bin/vospaced" serve --data "$work/data" --listen 127.0.0.1:0 --control --latency 20ms --connection-rate 4MB/s \
    --total-rate 12MB/s >"$work/served" 2>"$work/served.err" &
service=$!
until grep -qs '^vospaced ready:' "$work/served"; do kill -0 "$service" || { cat "$work/served.err" >&2; exit 1; }; sleep 0.1; done
registry=$(sed -n 's/^vospaced ready: registry=//p' "$work/served")
export VOSPACE_REGISTRY_URL=$registry VOSPACE_TOKEN=demo-token HOME=$work XDG_CACHE_HOME=$work/known
mkdir "$work/vault"
"$bin/mountvofs" --vospace vos:demo --mountpoint "$work/vault" --cache-limit 200MiB --write-back background --drain-timeout 1
refused='{"method": "PUT", "path": "/minoc/", "header": "content-length: 1234", "status": 403}'
"$python" -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], sys.argv[2].encode())' \
    "${registry%/reg/*}/_bench/fault" "$refused"
(
    cd "$work/vault"
    head -c 1234 /dev/zero >refused.dat
    mkdir results
    for name in a b c; do head -c 30000000 /dev/urandom >results/$name.fits; done
    files=(run7/*)
    for file in "${files[@]:0:3}"; do cat "$file" >/dev/null & done
    wait
    cat "${files[0]}" "${files[3]}" >/dev/null
) >/dev/null 2>&1 &
worker=$!
until "$bin/mountvofs" status --vospace vos:demo | grep -q refused; do kill -0 "$service"; sleep 0.2; done
"$python" "$here/screen.py" "$out" "$seconds" "$bin/mountvofs" status --watch --vospace vos:demo
