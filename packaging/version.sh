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
