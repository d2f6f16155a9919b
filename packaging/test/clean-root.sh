#!/usr/bin/env bash
# Installs a Debian package in a minimal system and tries it there: clean-root.sh ROOT PACKAGE.deb
#
# Works on a copy of ROOT, in a mount and a process namespace of its own: whatever happens, neither a mount nor a process
# is left. As root.
set -euo pipefail
root=$(cd "$1" && pwd) package=$(realpath "$2") here=$(cd "$(dirname "$0")" && pwd)

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
cp -a --reflink=auto "$root/." "$work/root"
# As an installer leaves it; fusermount3 looks there.
ln -sf ../proc/self/mounts "$work/root/etc/mtab"
cp "$package" "$work/root/tmp/vofs.deb"
cp "$here/clean-root-inside.sh" "$work/root/tmp/inside.sh"
# The lines of tables that it tries are those that are documented.
for table in fstab autofs; do
    sed -n "/^\`\`\`$table\$/,/^\`\`\`\$/ { /^\`\`\`/d; p }" "$here/../../docs/guide.md" >"$work/root/tmp/guide.$table"
done
unshare --mount --propagation private --pid --fork --kill-child bash -euc '
    # Devices of its own: as on a workstation, everybody may open /dev/fuse.
    mount -t tmpfs -o mode=755 tmpfs "$1/dev"
    for device in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "fuse 10 229" "autofs 10 235"; do
        set -- "$1" $device
        mknod -m 666 "$1/dev/$2" c "$3" "$4"
    done
    ln -s /proc/self/fd "$1/dev/fd"
    mount -t proc proc "$1/proc"
    exec chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
        bash /tmp/inside.sh
' bash "$work/root" </dev/null
