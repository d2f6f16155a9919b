# What every package is made of. Sourced, not run.
#
#   version      as Cargo.toml says
#   description  one line
#   glibc BIN…   the C library that the programs need at least, as 2.34
packaging=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$packaging/../Cargo.toml" | head -n 1)
description='VOSpace as a directory, and the v* commands'
glibc() { objdump -T "$@" | grep -o 'GLIBC_2\.[0-9]*' | sort -t. -k2 -n | tail -n 1 | cut -d_ -f2; }

# stripped FROM TO: the programs without debugging information, which is most of a debug build.
stripped() {
    local program
    mkdir -p "$2"
    for program in mountvofs vospace vospaced; do strip --strip-debug -o "$2/$program" "$1/$program"; done
}

# staged BUILT OUT: what both packages begin with. Afterwards $built and $out are full paths (OUT is made), and the
# installation below /usr is in $work/root, the stripped programs in $work/built; $work goes when the script ends.
staged() {
    built=$(cd "$1" && pwd) out=$(mkdir -p "$2" && cd "$2" && pwd)
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    stripped "$built" "$work/built"
    DESTDIR=$work/root "$packaging/install.sh" install /usr "$work/built" >/dev/null
}
