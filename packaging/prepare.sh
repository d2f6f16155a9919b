#!/usr/bin/env bash
# Makes sure of what the build, the demo and the tests need: prepare.sh [build] [lint] [fuse] [python] [fuzz]
#
#   build   a C compiler (SQLite is compiled in) and a Rust toolchain
#   lint    rustfmt and clippy, which a minimal toolchain lacks
#   fuse    fusermount3 and /dev/fuse
#   fuzz    a C++ compiler (the fuzzer's library is compiled in)
#   python  a virtual environment in target/venv with the pinned packages of packaging/test/requirements.txt
#
# What is missing is installed with apt-get, as root only; otherwise the message says what to install.
# It does nothing where all is there.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'prepare: %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

missing=()
want_python=no
for part in "$@"; do
    case $part in
    build) have cc || missing+=(gcc libc6-dev) ;;
    lint) ;;
    fuse) have fusermount3 || missing+=(fuse3) ;;
    fuzz) have c++ || missing+=(g++) ;;
    python)
        want_python=yes
        # ensurepip is what Debian splits off; without it a virtual environment has no pip.
        have python3 && python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
        ;;
    *) say "unknown part '$part'"; exit 2 ;;
    esac
done

if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" = 0 ] && have apt-get; then
        say "installing ${missing[*]}"
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq </dev/null >&2
        apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >&2
    else
        say "please install: ${missing[*]} (as root: apt-get install ${missing[*]})"
        exit 1
    fi
fi

case " $* " in
*" build "*)
    have cargo || { say "no cargo: install a Rust toolchain (https://rustup.rs), then try again"; exit 1; }
    ;;
esac
case " $* " in
*" lint "*)
    for tool in fmt clippy; do
        cargo "$tool" --version >/dev/null 2>&1 && continue
        if [ $tool = fmt ]; then component=rustfmt; else component=clippy; fi
        have rustup || { say "no cargo $tool: install $component (rustup component add $component)"; exit 1; }
        say "adding $component to the toolchain"
        rustup component add "$component" >&2
    done
    ;;
esac
case " $* " in
*" fuse "*)
    if [ ! -e /dev/fuse ]; then
        say "/dev/fuse is not there: load the module (as root: modprobe fuse); in a container, start it with --device /dev/fuse --cap-add SYS_ADMIN"
        exit 1
    fi
    ;;
esac

if [ $want_python = yes ]; then
    venv=${CARGO_TARGET_DIR:-target}/venv
    wanted=packaging/test/requirements.txt
    # The copy beside it says which pins the environment was made from.
    if ! cmp -s "$wanted" "$venv/requirements.txt"; then
        say "making $venv (astropy and the Python VOSpace client, for the tests)"
        rm -rf "$venv"
        python3 -m venv "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check --no-input -r "$wanted" </dev/null >&2
        cp "$wanted" "$venv/requirements.txt"
    fi
fi
