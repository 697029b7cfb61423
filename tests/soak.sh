#!/usr/bin/env bash
# Four nodes that keep few blocks, under trading load: what they take of memory and disk over time.
#
#   tests/soak.sh [SECONDS]                       default: 180
#   LOCKSTEP=path/to/lockstep tests/soak.sh       another binary than the release build's
#   PORT=26000                                    first of the ports on the loopback address
#
# It fails when a node takes more than it may (docs/operations.md says why so much), when the second
# half of the run needs more disk than the first, when nodes disagree, or when a command that was
# acknowledged is missing. All files are in a folder of its own and are gone afterwards.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

seconds=${1:-180}
target_dir=${CARGO_TARGET_DIR:-$PWD/target}
lockstep=${LOCKSTEP:-$target_dir/release/lockstep}
port=${PORT:-26000}
# MiB of memory of a node, and of its files, at any moment.
memory_max=${MEMORY_MIB:-768}
disk_max=${DISK_MIB:-512}
kept=256
count=4

if [ ! -x "$lockstep" ]; then
    echo "$lockstep is missing: cargo build --release"
    exit 1
fi

folder=$(mktemp -d)
pids=()
clean() {
    local index
    for index in "${!pids[@]}"; do kill -9 "${pids[index]}" 2>/dev/null; done
    wait 2>/dev/null
    if [ -n "${KEEP:-}" ]; then echo "files are in $folder"; else rm -rf "$folder"; fi
}
trap clean EXIT
fail() {
    echo "FAILED: $*"
    tail -n 3 "$folder"/log-*
    exit 1
}

"$lockstep" testnet init --out "$folder/net" --base-port "$port" --kept-blocks "$kept" \
    --epoch-blocks 512 >/dev/null || fail "testnet init"
urls=()
for index in $(seq 0 $((count - 1))); do
    "$lockstep" node --config "$folder/net/host-$index/node.toml" --lines 5 \
        >"$folder/log-$index" 2>&1 &
    pids[index]=$!
    urls+=("http://127.0.0.1:$((port + 1000 + index))")
done
"$lockstep" trade run --network "$folder/net" --node "$(IFS=,; echo "${urls[*]}")" \
    --record "$folder/record" --seconds "$seconds" --rate 60 --gamblers 8 --lines 5 \
    >"$folder/log-trader" 2>&1 &
pids[count]=$!

# sample: a line `second memory... disk...`, MiB.
sample() {
    local index
    printf '%s' "$SECONDS"
    for index in $(seq 0 $((count - 1))); do
        awk '/^VmRSS/ { printf " %d", $2 / 1024 }' "/proc/${pids[index]}/status"
    done
    for index in $(seq 0 $((count - 1))); do
        printf ' %s' "$(du -sm "$folder/net/host-$index/data" 2>/dev/null | cut -f 1)"
    done
    echo
}

every=$((seconds / 60))
if [ "$every" -lt 2 ]; then every=2; fi
echo "second, MiB of memory of each node, MiB of its files"
while kill -0 "${pids[count]}" 2>/dev/null; do
    sample | tee -a "$folder/samples" |
        awk '{ printf "%6d ", $1; for (i = 2; i <= NF; i++) printf "%6d", $i; print "" }'
    sleep "$every"
    for index in $(seq 0 $((count - 1))); do
        kill -0 "${pids[index]}" 2>/dev/null || fail "node $index is gone"
    done
done
wait "${pids[count]}" || fail "the traders failed"
unset "pids[count]"
sed -n '/^Commands/,$p' "$folder/log-trader"
"$lockstep" trade check --record "$folder/record" --kept-only \
    --node "$(IFS=,; echo "${urls[*]}")" || fail "commands are missing"
"$lockstep" status --lines "${urls[@]}" || fail "the nodes do not agree"

# The worst of each half; a node fills its caches in the first.
awk -v nodes="$count" -v memory_max="$memory_max" -v disk_max="$disk_max" -v end="$SECONDS" '
    { half = $1 < end / 2 ? 1 : 2
      for (i = 1; i <= nodes; i++) {
          if ($(1 + i) > memory[half]) memory[half] = $(1 + i)
          if ($(1 + nodes + i) > disk[half]) disk[half] = $(1 + nodes + i) } }
    END {
      printf "most memory %d MiB, then %d (at most %d); most disk %d MiB, then %d (at most %d)\n",
          memory[1], memory[2], memory_max, disk[1], disk[2], disk_max
      if (memory[1] > memory_max || memory[2] > memory_max) { print "too much memory"; bad = 1 }
      if (disk[1] > disk_max || disk[2] > disk_max) { print "too much disk"; bad = 1 }
      if (disk[2] > disk[1] * 1.25 + 16) { print "the disk fills"; bad = 1 }
      exit bad }' "$folder/samples" || fail "a node takes too much"
echo "four nodes stayed within their bounds for $seconds seconds"
