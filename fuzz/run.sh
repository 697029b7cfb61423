#!/usr/bin/env bash
# Runs every fuzz target for a bounded time from a fixed seed.
#
#   fuzz/run.sh [SECONDS_PER_TARGET] [TARGET...]      defaults: 20 seconds, all targets
#   SEED=7 fuzz/run.sh 600 decode_block         another start
#   CORPUS=keep fuzz/run.sh 3600                      go on from what the last run found
#
# Stable cargo is enough: coverage counters are an LLVM pass that rustc can run, and libfuzzer-sys
# brings the fuzzer. No address sanitizer: the crates under test have no unsafe code, so what we
# look for is panics, overflows and broken round trips. To shrink a finding with cargo-fuzz:
#   RUSTC_BOOTSTRAP=1 cargo fuzz tmin TARGET fuzz/artifacts/TARGET/crash-...
#
# fuzz/seeds/TARGET holds inputs worth starting from (committed; those of `scenario` are a link to
# scenarios/), fuzz/dictionaries/TARGET words worth trying; what a run discovers goes to the target
# directory, a finding to fuzz/artifacts/TARGET (neither committed).
set -euo pipefail
cd "$(dirname "$0")"

seconds=${1:-20}
shift || true
seed=${SEED:-1}
target_dir=${CARGO_TARGET_DIR:-$PWD/../target}/fuzz
triple=$(rustc -vV | sed -n 's/^host: //p')

flags=(
    -Cpasses=sancov-module
    -Cllvm-args=-sanitizer-coverage-level=4
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
    -Cllvm-args=-sanitizer-coverage-pc-table
    -Cllvm-args=-sanitizer-coverage-trace-compares
    -Cllvm-args=-simplifycfg-branch-fold-threshold=0
    -Ccodegen-units=1
    --cfg fuzzing
)
# `--target` keeps the flags away from build scripts and procedural macros.
RUSTFLAGS="${flags[*]}" CARGO_INCREMENTAL=0 CARGO_TARGET_DIR=$target_dir \
    cargo build --release --target "$triple" --bins

targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    for source in fuzz_targets/*.rs; do
        targets+=("$(basename "$source" .rs)")
    done
fi

failed=0
for target in "${targets[@]}"; do
    printf '\n-- fuzz %s: %s seconds, seed %s\n' "$target" "$seconds" "$seed"
    corpus=$target_dir/corpus/$target
    if [ "${CORPUS:-}" != keep ]; then rm -rf "$corpus"; fi
    mkdir -p "$corpus" "artifacts/$target" "seeds/$target"
    log=$target_dir/$target.log
    words=()
    if [ -f "dictionaries/$target" ]; then words=(-dict="dictionaries/$target"); fi
    if "$target_dir/$triple/release/$target" "$corpus" "seeds/$target" "${words[@]}" \
        -seed="$seed" -max_total_time="$seconds" -max_len=4096 -timeout=20 -rss_limit_mb=2048 \
        -artifact_prefix="artifacts/$target/" -print_final_stats=1 >"$log" 2>&1; then
        grep -E '^(Done|stat::(number_of_executed_units|new_units_added))' "$log" || true
    else
        failed=$((failed + 1))
        tail -n 40 "$log"
        printf -- '-- fuzz %s FAILED; the input is in fuzz/artifacts/%s\n' "$target" "$target"
    fi
done

printf '\nfuzz: %s targets, %s failed\n' "${#targets[@]}" "$failed"
[ "$failed" -eq 0 ]
