#!/usr/bin/env bash
# Packs statically linked programs into an archive that needs nothing of the machine it is unpacked on: build.sh BUILT OUT; prints its path.
#
# BUILT is where cargo put programs that were linked statically. Within the archive, `packaging/install.sh install PREFIX bin` lays what the
# other packages lay. It is tried here where it can be: no program asks for an interpreter or a library, and in a root directory that
# holds nothing else they start.
set -euo pipefail
. "$(dirname "$0")/../version.sh"
built=$(cd "$1" && pwd) out=$(mkdir -p "$2" && cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

name=vofs-$version-$(uname -m)-linux-static
root=$work/$name
mkdir -p "$root/packaging"
stripped "$built" "$root/bin"
for program in "$root"/bin/*; do
    if readelf --program-headers --dynamic "$program" | grep -qE 'INTERP|NEEDED'; then
        echo "$program is not statically linked" >&2
        exit 1
    fi
done
if [ "$(id -u)" = 0 ]; then
    for program in mountvofs vospace vospaced; do chroot "$root" "/bin/$program" --version >/dev/null; done
fi
cp -r "$packaging"/{install.sh,systemd,demo,batch,kubernetes} "$root/packaging"
cp -r "$packaging"/../{README.md,CHANGELOG.md,LICENSE-MIT,LICENSE-APACHE,docs} "$root"
tar --create --gzip --owner=0 --group=0 --file "$out/$name.tar.gz" --directory "$work" "$name"
echo "$out/$name.tar.gz"
