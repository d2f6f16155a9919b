#!/usr/bin/env bash
# Lays the programs into a prefix, or removes them again: install.sh install|uninstall BINDIR SHAREDIR [BUILT]
#
# BUILT is where cargo put the binaries. The v* commands are links to vospace, which acts by the name it is called with.
# Manual pages and completions for bash, zsh and fish go below SHAREDIR; the programs write them themselves.
set -euo pipefail

programs=(mountvofs vospace vospaced)
commands=(vls vcp vsync vcat vmkdir vrm vrmdir vmv vln vlock vchmod vtag vfind vdu vdf vdoctor
    vos-config cadc-get-cert)

action=$1 bin=$2 share=$3
bash=$share/bash-completion/completions zsh=$share/zsh/site-functions fish=$share/fish/vendor_completions.d man=$share/man/man1
case $action in
install)
    built=$4
    install -d "$bin" "$bash" "$zsh" "$fish" "$man"
    for program in "${programs[@]}"; do install -m 755 "$built/$program" "$bin/$program"; done
    for command in "${commands[@]}"; do ln -sf vospace "$bin/$command"; done
    "$bin/vospace" completions bash >"$bash/vospace"
    "$bin/vospace" completions zsh >"$zsh/_vospace"
    "$bin/vospace" completions fish >"$fish/vospace.fish"
    # These two shells look for the script by the name of the command.
    for command in mountvofs "${commands[@]}"; do
        ln -sf vospace "$bash/$command"
        ln -sf vospace.fish "$fish/$command.fish"
    done
    "$bin/vospace" man "$man"
    "$bin/mountvofs" --man >"$man/mountvofs.1"
    echo "installed ${programs[*]} ${commands[*]} in $bin"
    ;;
uninstall)
    for command in "${commands[@]}"; do
        # A command of the same name that is not ours (the Python client's) stays.
        if [ "$(readlink "$bin/$command" 2>/dev/null)" = vospace ]; then rm -f "$bin/$command" "$man/$command.1"; fi
    done
    for command in mountvofs "${commands[@]}"; do
        if [ "$(readlink "$bash/$command" 2>/dev/null)" = vospace ]; then rm -f "$bash/$command"; fi
        if [ "$(readlink "$fish/$command.fish" 2>/dev/null)" = vospace.fish ]; then rm -f "$fish/$command.fish"; fi
    done
    rm -f "$bash/vospace" "$zsh/_vospace" "$fish/vospace.fish" "$man/vospace.1" "$man/mountvofs.1"
    for program in "${programs[@]}"; do rm -f "$bin/$program"; done
    echo "removed from $bin"
    ;;
*)
    echo "usage: install.sh install|uninstall BINDIR SHAREDIR [BUILT]" >&2
    exit 2
    ;;
esac
