#!/usr/bin/env bash
# Type-checks what is compiled on macOS only, without a Mac: this project's own crates with the conditions of macOS turned on, against
# the standard library and the dependencies of Linux. What differs in their types there is not seen. Called without arguments it starts
# cargo with itself around the compiler.
set -euo pipefail

case "$*" in
'')
    cd "$(dirname "$0")/../.."
    RUSTC_WORKSPACE_WRAPPER=$PWD/packaging/test/macos.sh exec "${CARGO:-cargo}" check --workspace --lib --bins --locked --quiet
    ;;
*--print* | *-vV*) exec "$@" ;;
*) exec "$@" -D warnings -A explicit_builtin_cfgs_in_flags --cfg 'target_os="macos"' ;;
esac
