#!/usr/bin/env bash
# Runs every fuzz target for a bounded time from a fixed seed, as many at once as there are cores.
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

# fuzz TARGET: one target, and what came of it in one piece, for several run side by side.
fuzz() {
    local target=$1 corpus=$target_dir/corpus/$1 log=$target_dir/$1.log words=() outcome=0
    if [ "${CORPUS:-}" != keep ]; then rm -rf "$corpus"; fi
    mkdir -p "$corpus" "artifacts/$target" "seeds/$target"
    if [ -f "dictionaries/$target" ]; then words=(-dict="dictionaries/$target"); fi
    "$target_dir/$triple/release/$target" "$corpus" "seeds/$target" "${words[@]}" \
        -seed="$seed" -max_total_time="$seconds" -max_len=4096 \
        -timeout=20 -rss_limit_mb=2048 -artifact_prefix="artifacts/$target/" \
        -print_final_stats=1 >"$log" 2>&1 || outcome=$?
    local said
    if [ "$outcome" -eq 0 ]; then
        said=$(grep -E '^(Done|stat::(number_of_executed_units|new_units_added))' "$log" || true)
    else
        said=$(tail -n 40 "$log")
        said+=$(printf '\n-- fuzz %s FAILED; the input is in fuzz/artifacts/%s' "$target" "$target")
    fi
    printf '\n-- fuzz %s: %s seconds, seed %s\n%s\n' "$target" "$seconds" "$seed" "$said"
    return "$outcome"
}

# As many at once as there are cores; a target that ends makes room for the next.
cores=$(nproc)
failed=0
running=0
for target in "${targets[@]}"; do
    if [ "$running" -ge "$cores" ]; then
        wait -n || failed=$((failed + 1))
        running=$((running - 1))
    fi
    fuzz "$target" &
    running=$((running + 1))
done
while [ "$running" -gt 0 ]; do
    wait -n || failed=$((failed + 1))
    running=$((running - 1))
done

printf '\nfuzz: %s targets, %s failed\n' "${#targets[@]}" "$failed"
[ "$failed" -eq 0 ]
