#!/usr/bin/env bash
# Makes an RPM of built binaries: build.sh BUILT OUT; prints its path.
#
# RPM_COMPRESSION chooses the compressor (zstd, level 19, unless given; the tests take one that is sooner done).
set -euo pipefail
. "$(dirname "$0")/../version.sh"
staged "$1" "$2"
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
