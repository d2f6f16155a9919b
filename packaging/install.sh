#!/usr/bin/env bash
# Lays the programs into a prefix, or removes them again: install.sh install|uninstall BINDIR [BUILT]
#
# BUILT is where cargo put the binaries. The v* commands are links to vospace, which acts by the name it is called with.
set -euo pipefail

programs=(mountvofs vospace vospaced)
commands=(vls vcp vsync vcat vmkdir vrm vrmdir vmv vln vlock vchmod vtag vfind vdu vdf vdoctor
    vos-config cadc-get-cert)

action=$1 bin=$2
case $action in
install)
    built=$3
    install -d "$bin"
    for program in "${programs[@]}"; do install -m 755 "$built/$program" "$bin/$program"; done
    for command in "${commands[@]}"; do ln -sf vospace "$bin/$command"; done
    echo "installed ${programs[*]} ${commands[*]} in $bin"
    ;;
uninstall)
    for command in "${commands[@]}"; do
        # A command of the same name that is not ours (the Python client's) stays.
        if [ "$(readlink "$bin/$command" 2>/dev/null)" = vospace ]; then rm -f "$bin/$command"; fi
    done
    for program in "${programs[@]}"; do rm -f "$bin/$program"; done
    echo "removed from $bin"
    ;;
*)
    echo "usage: install.sh install|uninstall BINDIR [BUILT]" >&2
    exit 2
    ;;
esac
