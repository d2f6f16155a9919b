#!/usr/bin/env bash
# Lays all that belongs to an installation into a prefix, or removes it again: install.sh install|uninstall PREFIX [BUILT]
#
# BUILT is where cargo put the binaries. DESTDIR, when set, is put before all that is written, as packages need it;
# BINDIR, when set, takes the place of PREFIX/bin. The v* commands are links to vospace, and mount.vofs (the helper of
# mount(8)) is one to mountvofs: both act by the name they are called with. One list serves both ways, so that nothing
# is laid that is not removed. The programs write their manual pages and completions (bash, zsh, fish) themselves.
set -euo pipefail

programs=(mountvofs vospace vospaced)
commands=(vls vcp vsync vcat vmkdir vrm vrmdir vmv vln vlock vchmod vtag vfind vdu vdf vdoctor
    vlogin vlogout vos-config cadc-get-cert getCert)

here=$(cd "$(dirname "$0")" && pwd)
action=${1:-} prefix=${2:-} built=${3:-}
bindir=${BINDIR:-$prefix/bin}
root=${DESTDIR:-}

usage() { echo "usage: install.sh install|uninstall PREFIX [BUILT]" >&2; exit 2; }
[ -n "$prefix" ] || usage
case $action in
install) [ -n "$built" ] || usage ;;
uninstall) ;;
*) usage ;;
esac

# file MODE FROM TO: an ordinary file.
file() {
    if [ "$action" = install ]; then install -D -m "$1" "$2" "$root$3"; else rm -f "$root$3"; fi
}
# unit FROM TO: a unit, which names the programs by their full path.
unit() {
    if [ "$action" = install ]; then
        install -d "$(dirname "$root$2")"
        sed "s|@BINDIR@|$bindir|g" "$1" >"$root$2"
        chmod 644 "$root$2"
    else
        rm -f "$root$2"
    fi
}
# link TARGET TO: one that is not ours (the Python client's vls) is replaced, but never removed.
link() {
    if [ "$action" = install ]; then
        install -d "$(dirname "$root$2")"
        ln -sf "$1" "$root$2"
    elif [ "$(readlink "$root$2" 2>/dev/null)" = "$1" ]; then
        rm -f "$root$2"
    fi
}

# written FROM TO: what a program printed or wrote.
written() { file 644 "$scratch/$1" "$2"; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
if [ "$action" = install ]; then
    for shell in bash zsh fish; do "$built/vospace" completions $shell >"$scratch/$shell"; done
    "$built/vospace" man "$scratch"
    "$built/mountvofs" --man >"$scratch/mountvofs.1"
fi
share=$prefix/share
written bash "$share/bash-completion/completions/vospace"
written zsh "$share/zsh/site-functions/_vospace"
written fish "$share/fish/vendor_completions.d/vospace.fish"
written vospace.1 "$share/man/man1/vospace.1"
written mountvofs.1 "$share/man/man1/mountvofs.1"
for command in mountvofs "${commands[@]}"; do
    # These two shells look for the script by the name of the command.
    link vospace "$share/bash-completion/completions/$command"
    link vospace.fish "$share/fish/vendor_completions.d/$command.fish"
done
for command in "${commands[@]}"; do
    # The page of a command of the same name that is not ours stays.
    if [ "$action" = install ] || [ "$(readlink "$root$bindir/$command" 2>/dev/null)" = vospace ]; then
        written "$command.1" "$share/man/man1/$command.1"
    fi
done

for program in "${programs[@]}"; do file 755 "$built/$program" "$bindir/$program"; done
for command in "${commands[@]}"; do link vospace "$bindir/$command"; done
link "$bindir/mountvofs" "$prefix/sbin/mount.vofs"
unit "$here/systemd/user/vofs@.service" "$share/systemd/user/vofs@.service"
unit "$here/systemd/system/vofs@.service" "$prefix/lib/systemd/system/vofs@.service"
for part in demo.sh lib.sh tour.sh; do file 755 "$here/demo/$part" "$share/vofs/demo/$part"; done
for text in "$here"/../*.md "$here"/../docs/*.md "$here"/../LICENSE-*; do
    file 644 "$text" "$share/doc/vofs/$(basename "$text")"
done
for example in kubernetes batch; do
    for text in "$here/$example"/*; do
        file "$(stat -c %a "$text")" "$text" "$share/doc/vofs/examples/$example/$(basename "$text")"
    done
done

if [ "$action" = uninstall ]; then
    # Directories of our own; those that others may use stay.
    rm -rf "$root$share/vofs" "$root$share/doc/vofs"
    echo "removed from $root$prefix"
else
    echo "installed in $root$prefix"
    case $prefix in
    /usr | /) ;;
    *) echo "for mount -t vofs and /etc/fstab, as root: ln -s $bindir/mountvofs /sbin/mount.vofs" ;;
    esac
fi
