#!/usr/bin/env bash
# Makes a Debian package of built binaries: build.sh BUILT OUT; prints its path.
#
# DEB_COMPRESSION chooses the compressor (xz unless given; the tests take gzip, which is sooner done).
set -euo pipefail
. "$(dirname "$0")/../version.sh"
staged "$1" "$2"
mv "$work/root/usr/share/doc/vofs/LICENSE-MIT" "$work/root/usr/share/doc/vofs/copyright"

architecture=$(dpkg --print-architecture)
mkdir "$work/root/DEBIAN"
cat >"$work/root/DEBIAN/control" <<END
Package: vofs
Version: $version-1
Architecture: $architecture
Maintainer: The vofs developers <vofs@localhost>
Section: science
Priority: optional
Depends: libc6 (>= $(glibc "$work"/built/*)), libgcc-s1, fuse3
Recommends: ca-certificates
Installed-Size: $(du -ks "$work/root/usr" | cut -f1)
Description: $description
 mountvofs presents a VOSpace (CADC's Vault, ARC, or any IVOA VOSpace 2.1
 service) as a directory that programs can work in. vls, vcp, vsync and the
 other v* commands do the same from the command line. vospaced is a small
 VOSpace service of one's own.
END
# Units are new or gone; a machine without a running systemd needs nothing.
for moment in postinst postrm; do
    cat >"$work/root/DEBIAN/$moment" <<'END'
#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
END
    chmod 755 "$work/root/DEBIAN/$moment"
done
package=$out/vofs_$version-1_$architecture.deb
dpkg-deb --root-owner-group -Z"${DEB_COMPRESSION:-xz}" --build "$work/root" "$package" >/dev/null
echo "$package"
