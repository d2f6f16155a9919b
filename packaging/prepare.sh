#!/usr/bin/env bash
# Makes sure of what the build, the demo and the tests need: prepare.sh [build] [lint] [fuse] [python] [fuzz] [git] [man] [shells] [peers] [packages] [deny] [static-musl] [static-gnu]
#
#   build   a C compiler (SQLite is compiled in) and a Rust toolchain
#   lint    rustfmt and clippy, which a minimal toolchain lacks
#   fuse    fusermount3 and /dev/fuse
#   fuzz    a C++ compiler (the fuzzer's library is compiled in)
#   programs  what the tests run on a mount: editors, archivers, databases; strace; fsx and pjdfstest, built into target/tools
#   git     git, which is a work of the bench
#   shells  zsh and fish, which load the completions
#   man     man and script, with which the tests read manual pages and look at a terminal
#   peers   what the bench compares with: rclone, davfs2, and the Python vofs with libfuse 2 in target/bench/venv;
#           what cannot be installed is left out, and the bench reports it as absent
#   deny    cargo-deny, built into target/tools
#   static-musl  the compiler's target with musl, and musl-gcc for the C that is compiled in
#   static-gnu   the C library as an archive
#   packages  what makes packages and tries them: rpmbuild, systemd-analyze, and a minimal Debian (or whatever this
#           machine is) in target/clean-root, made with mmdebstrap from the package sources of this machine
#   python  a virtual environment in target/venv with the pinned packages of packaging/test/requirements.txt
#
# What is missing is installed with apt-get, as root only; otherwise the message says what to install.
# It does nothing where all is there.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'prepare: %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

missing=()
want_tools=no want_deny=no want_musl=no want_python=no want_peers=no want_root=no
for part in "$@"; do
    case $part in
    build) have cc || missing+=(gcc libc6-dev) ;;
    lint) ;;
    fuse) have fusermount3 || missing+=(fuse3) ;;
    fuzz) have c++ || missing+=(g++) ;;
    git) have git || missing+=(git) ;;
    shells)
        have zsh || missing+=(zsh)
        have fish || missing+=(fish)
        ;;
    man)
        have man || missing+=(man-db)
        have script || missing+=(bsdutils)
        ;;
    peers) want_peers=yes ;;
    deny) want_deny=yes ;;
    static-musl)
        want_musl=yes
        have musl-gcc || missing+=(musl-tools)
        have readelf || missing+=(binutils)
        ;;
    static-gnu)
        [ -e "$(cc -print-file-name=libc.a)" ] || missing+=(libc6-dev)
        have readelf || missing+=(binutils)
        ;;
    packages)
        want_root=yes
        have dpkg-deb || { say "packages are made on Debian or Ubuntu: no dpkg-deb here"; exit 1; }
        have strip || missing+=(binutils)
        have rpmbuild || missing+=(rpm)
        have systemd-analyze || missing+=(systemd)
        have mmdebstrap || missing+=(mmdebstrap)
        # The commands of the documents.
        have curl || missing+=(curl)
        ;;
    programs)
        want_tools=yes
        for program in fio git nano rsync sqlite3 strace vim; do
            have "$program" || missing+=("$program")
        done
        # `script` gives a program a terminal; minimal systems have it apart.
        have script || missing+=(bsdutils)
        ;;
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

# A virtual environment with the packages of a file of pins: environment WHERE PINS PURPOSE
environment() {
    # The copy beside it says which pins the environment was made from.
    cmp -s "$2" "$1/requirements.txt" && return
    say "making $1 ($3)"
    rm -rf "$1"
    python3 -m venv "$1" &&
        "$1/bin/pip" install --quiet --disable-pip-version-check --no-input -r "$2" </dev/null >&2 &&
        cp "$2" "$1/requirements.txt"
}

target=${CARGO_TARGET_DIR:-target}
if [ $want_python = yes ]; then
    environment "$target/venv" packaging/test/requirements.txt "astropy and the Python VOSpace client, for the tests"
fi

if [ $want_root = yes ] && [ ! -x "$target/clean-root/usr/sbin/automount" ]; then
    [ "$(id -u)" = 0 ] || { say "only root can make $target/clean-root and go into it (sudo make packages-test)"; exit 1; }
    say "making $target/clean-root (a minimal system to install the package in; about a minute)"
    rm -rf --one-file-system "$target/clean-root" "$target/clean-root.new"
    sources=()
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
        if [ -e "$list" ]; then sources+=("$list"); fi
    done
    mmdebstrap --quiet --variant=minbase --include=fuse3,autofs "$(. /etc/os-release && echo "$VERSION_CODENAME")" \
        "$target/clean-root.new" "${sources[@]}" </dev/null >&2
    mv "$target/clean-root.new" "$target/clean-root"
fi

# Not a dependency in Cargo.toml: these are programs of the tests, and one has a licence that a dependency must not have.
tool() {
    grep -qs "^\"$1 $2 " "$target/tools/.crates.toml" && return
    say "building $1 $2 into $target/tools, for the tests"
    cargo install --quiet --locked --root "$target/tools" --target-dir "$target/tools/build" "${@:3}" "$1@$2" </dev/null >&2
    rm -rf "$target/tools/build"
}
if [ $want_tools = yes ]; then
    tool fsx 0.3.2
    tool pjdfstest 0.2.2
fi

if [ $want_deny = yes ] && ! cargo deny --version >/dev/null 2>&1; then
    # Without optimisation it is built in a third of the time, and slow enough for nobody to notice.
    tool cargo-deny 0.20.2 --debug
fi

if [ $want_musl = yes ]; then
    triple=$(uname -m)-unknown-linux-musl
    if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$triple/lib" ]; then
        have rustup || { say "this toolchain has no $triple: take one from https://rustup.rs, or the package of your system (rust-std-static-$triple)"; exit 1; }
        say "adding $triple to the toolchain"
        rustup target add "$triple" >&2 || { say "$triple cannot be fetched: once, with a network, rustup target add $triple"; exit 1; }
    fi
fi

if [ $want_peers = yes ]; then
    # The package with libfuse 2 has another name since Debian 13 and Ubuntu 24.04.
    fuse2=libfuse2
    if ! ldconfig -p | grep -q 'libfuse\.so\.2' && have apt-cache && apt-cache show libfuse2t64 >/dev/null 2>&1; then
        fuse2=libfuse2t64
    fi
    packages=()
    have rclone || packages+=(rclone)
    [ -e /usr/sbin/mount.davfs ] || packages+=(davfs2)
    ldconfig -p | grep -q 'libfuse\.so\.2' || packages+=("$fuse2")
    python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
    for package in "${packages[@]}"; do
        if [ "$(id -u)" = 0 ] && have apt-get; then
            say "installing $package"
            # A fresh machine has no lists of packages.
            apt-cache show "$package" >/dev/null 2>&1 || apt-get update -qq </dev/null >&2 || true
            DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" </dev/null >&2 ||
                say "left out: $package"
        else
            say "left out: $package (as root: apt-get install $package)"
        fi
    done
    environment "$target/bench/venv" packaging/test/peers.txt "the Python mount, for the bench" ||
        say "left out: the Python mount"
fi
