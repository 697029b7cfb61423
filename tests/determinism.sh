#!/usr/bin/env bash
# The same scenarios must give the same state digests whatever the compiler made of the code.
#
#   tests/determinism.sh [SCENARIO...]        default: every scenarios/**/*.jsonl
#
# Three builds that share as little as possible replay the same files:
#   release  optimised as shipped (thin LTO, one codegen unit)
#   debug    not optimised at all
#   native   this processor's instructions, no LTO, many codegen units
# Their output must be equal byte for byte, and at least one line per scenario, so that a build
# that prints nothing cannot agree with another that prints nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

target_dir=${CARGO_TARGET_DIR:-$PWD/target}
out=$target_dir/determinism-digests
mkdir -p "$out"

scenarios=("$@")
if [ ${#scenarios[@]} -eq 0 ]; then
    mapfile -t scenarios < <(find scenarios -name '*.jsonl' 2>/dev/null | LC_ALL=C sort)
fi
if [ ${#scenarios[@]} -eq 0 ]; then
    echo "no scenario to replay"
    exit 77
fi

# Without the network: what replays is the same code, and a node takes long to build.
cargo build --quiet --release -p lockstep --no-default-features --target-dir "$target_dir/replay"
CARGO_PROFILE_DEV_OPT_LEVEL=0 CARGO_INCREMENTAL=0 \
    cargo build --quiet -p lockstep --no-default-features \
    --target-dir "$target_dir/determinism-debug"
CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    CARGO_PROFILE_RELEASE_OPT_LEVEL=2 RUSTFLAGS="-C target-cpu=native" \
    cargo build --quiet --release -p lockstep --no-default-features \
    --target-dir "$target_dir/determinism-native"

# digests NAME BINARY: the digests of all scenarios as that binary computes them.
digests() {
    local name=$1 binary=$2 lines
    if ! "$binary" replay --digest-only "${scenarios[@]}" >"$out/$name"; then
        echo "$name: replay failed"
        return 1
    fi
    lines=$(wc -l <"$out/$name")
    if [ "$lines" -lt ${#scenarios[@]} ]; then
        echo "$name: $lines digests for ${#scenarios[@]} scenarios"
        return 1
    fi
    echo "$name: $lines digests"
}

digests release "$target_dir/replay/release/lockstep"
digests debug "$target_dir/determinism-debug/debug/lockstep"
digests native "$target_dir/determinism-native/release/lockstep"

for other in debug native; do
    if ! diff -u "$out/release" "$out/$other"; then
        echo "the digests of the release and the $other build differ"
        exit 1
    fi
done
echo "equal in release, debug and native builds"
