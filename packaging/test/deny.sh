#!/usr/bin/env bash
# The dependencies against deny.toml: licences, origins, what is banned, and known defects.
#
# The first three need nothing but Cargo.lock. Known defects are in a database on the network (RustSec): where it cannot be fetched, the
# copy of a former run serves; where there is none either, the last line says that they were not looked for.
set -euo pipefail
cd "$(dirname "$0")/../.."

tools=${CARGO_TARGET_DIR:-target}/tools/bin
PATH=$PATH:$(mkdir -p "$tools" && cd "$tools" && pwd)
# What other systems would compile is looked at too, and has to be here for that.
cargo fetch --locked --quiet
cargo deny --offline --locked --log-level error check bans licenses sources
if cargo deny --locked --log-level error fetch db >/dev/null 2>&1; then
    cargo deny --locked --log-level error check advisories
elif compgen -G "${CARGO_HOME:-$HOME/.cargo}/advisory-db*/*/" >/dev/null; then
    cargo deny --offline --locked --log-level error check advisories
    echo 'deny: the database of known defects could not be fetched; an older copy finds none'
else
    echo 'deny: known defects NOT CHECKED: their database cannot be fetched from here'
fi
