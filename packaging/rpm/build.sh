#!/usr/bin/env bash
# Makes an RPM of built binaries: build.sh BUILT OUT; prints its path.
#
# RPM_COMPRESSION chooses the compressor (zstd, level 19, unless given; the tests take one that is sooner done).
set -euo pipefail
. "$(dirname "$0")/../version.sh"
built=$(cd "$1" && pwd) out=$(mkdir -p "$2" && cd "$2" && pwd)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stripped "$built" "$work/built"
DESTDIR=$work/root "$packaging/install.sh" install /usr "$work/built" >/dev/null
# Files, and the directories that are ours alone.
{
    (cd "$work/root" && find . \( -type f -o -type l \) -printf '"/%P"\n')
    (cd "$work/root" && find ./usr/share/vofs ./usr/share/doc/vofs -type d -printf '%%dir "/%p"\n' | sed 's|"/\./|"/|')
} >"$work/files"
rpmbuild -bb --quiet --define "_topdir $work/rpm" --define "_rpmdir $out" --define "_rpmfilename %{name}-%{version}-%{release}.%{arch}.rpm" \
    --define "_binary_payload ${RPM_COMPRESSION:-w19.zstdio}" \
    --define "vofs_version $version" --define "staged $work/root" --define "listed $work/files" \
    "$packaging/rpm/vofs.spec" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
echo "$out/vofs-$version-1.$(rpm --eval '%{_arch}').rpm"
