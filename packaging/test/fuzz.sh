#!/usr/bin/env bash
# Coverage-guided fuzzing of the targets in fuzz/: fuzz.sh [TARGET…], all of them by default.
#
# FUZZ_SECONDS (60) is the time for all targets together. A crash, an input that takes longer than ten seconds and
# a process above 1 GiB are failures; the input is left in target/fuzz/found and belongs into fuzz/corpus/TARGET,
# where ordinary tests then try it for ever. What covers more is kept in target/fuzz/corpus for the next run.
#
# The stable compiler does it: the coverage instrumentation is a pass of LLVM that `-C passes` switches on. What needs
# a nightly compiler, the address sanitizer, would look for faults in unsafe code, of which these parts have none.
set -euo pipefail
cd "$(dirname "$0")/../.."

cargo=${CARGO:-cargo}
directory=${CARGO_TARGET_DIR:-target}/fuzz
triple=$(rustc -vV | sed -n 's/^host: //p')
targets=("$@")
if [ ${#targets[@]} = 0 ]; then targets=(node listing transfer job ranges transactions); fi
seconds=$((${FUZZ_SECONDS:-60} / ${#targets[@]}))
[ "$seconds" -ge 1 ] || seconds=1

coverage='-C passes=sancov-module -C llvm-args=-sanitizer-coverage-level=4
    -C llvm-args=-sanitizer-coverage-inline-8bit-counters -C llvm-args=-sanitizer-coverage-pc-table
    -C llvm-args=-sanitizer-coverage-trace-compares -C codegen-units=1'
bins=()
for target in "${targets[@]}"; do bins+=(--bin "fuzz_$target"); done
# With --target, build scripts and macros stay as they are.
RUSTFLAGS=$(tr -s '\n ' ' ' <<<"$coverage") "$cargo" build --locked --package vofs-fuzz --features fuzzer \
    "${bins[@]}" --profile fuzz --target "$triple" --target-dir "$directory"

status=0
for target in "${targets[@]}"; do
    mkdir -p "$directory/corpus/$target" "$directory/found"
    log=$directory/$target.log
    case $target in
    ranges | transactions) words=headers ;;
    *) words=xml ;;
    esac
    result=ok
    "$directory/$triple/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=16384 \
        -print_final_stats=1 -artifact_prefix="$directory/found/$target-" -dict="fuzz/$words.dict" \
        "$directory/corpus/$target" "fuzz/corpus/$target" >"$log" 2>&1 </dev/null || result=FOUND
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    covered=$(grep -oE 'cov: [0-9]+' "$log" | tail -1)
    echo "fuzz $target: $result, ${executions:-0} executions in ${seconds}s, ${covered:-cov: 0}"
    if [ $result != ok ]; then
        grep -vE '^#[0-9]+' "$log" | tail -40
        status=1
    fi
done
exit $status
