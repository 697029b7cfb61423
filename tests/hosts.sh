#!/usr/bin/env bash
# A network of four hosts, each in a network namespace of its own, and what may befall it: one host
# cut off, two cut off from two, nodes killed again and again, files lost. Afterwards all roots are
# equal.
#
#   tests/hosts.sh [SECONDS_OF_KILLING]        default: 120
#   LOCKSTEP=path/to/lockstep tests/hosts.sh   another binary than the release build's
#
# It needs to be root and to be allowed namespaces; otherwise it says so and exits with 77. All that
# it makes is in namespaces and a folder of its own, and is gone afterwards; KEEP=1 keeps the folder.
set -uo pipefail
cd "$(dirname "$0")/.."

killing=${1:-120}
target_dir=${CARGO_TARGET_DIR:-$PWD/target}
lockstep=${LOCKSTEP:-$target_dir/release/lockstep}
name=lockstep$$
count=4

if [ "$(id -u)" -ne 0 ] || ! ip netns add "$name-s" 2>/dev/null; then
    echo "network namespaces need root and a kernel that allows them"
    exit 77
fi
if [ ! -x "$lockstep" ]; then
    ip netns delete "$name-s"
    echo "$lockstep is missing: cargo build --release"
    exit 1
fi

folder=$(mktemp -d)
pids=()

clean() {
    local index
    for index in "${!pids[@]}"; do
        if [ -n "${pids[index]}" ]; then kill -9 "${pids[index]}" 2>/dev/null; fi
    done
    wait 2>/dev/null
    for index in $(seq 0 $((count - 1))); do ip netns delete "$name-$index" 2>/dev/null; done
    ip netns delete "$name-o" 2>/dev/null
    ip netns delete "$name-s" 2>/dev/null
    if [ -n "${KEEP:-}" ]; then echo "files are in $folder"; else rm -rf "$folder"; fi
}
trap clean EXIT

say() { printf '%4ss  %s\n' "$SECONDS" "$*"; }

fail() {
    say "FAILED: $*"
    local index
    for index in $(seq 0 $((count - 1))); do
        printf -- '-- host %s\n' "$index"
        tail -n 5 "$folder/log-$index" 2>/dev/null
    done
    exit 1
}

# A switch in a namespace of its own, and a cable from it to each host and to an observer.
if ! ip -n "$name-s" link add switch type bridge || ! ip -n "$name-s" link set switch up ||
    ! ip -n "$name-s" link add trial type veth peer name trial-end; then
    echo "this kernel has no bridges or no virtual cables"
    exit 77
fi
ip -n "$name-s" link delete trial
cable() { # cable NAMESPACE ADDRESS PORT
    ip netns add "$name-$1"
    ip -n "$name-s" link add "port$3" type veth peer name eth0 netns "$name-$1"
    ip -n "$name-s" link set "port$3" master switch up
    ip -n "$name-$1" address add "$2/24" dev eth0
    ip -n "$name-$1" link set eth0 up
    ip -n "$name-$1" link set lo up
}
for index in $(seq 0 $((count - 1))); do cable "$index" "10.77.0.$((index + 1))" "$index"; done
cable o 10.77.0.100 100

plug() { ip -n "$name-s" link set "port$1" "$2"; } # plug HOST up|down

urls=()
hosts=()
for index in $(seq 0 $((count - 1))); do
    urls+=("http://10.77.0.$((index + 1)):43000")
    hosts+=("10.77.0.$((index + 1))")
done
"$lockstep" testnet init --validators "$count" --out "$folder/net" --base-port 42000 --open-rpc \
    --hosts "$(IFS=,; echo "${hosts[*]}")" >/dev/null || fail "testnet init"

begin() { # begin HOST
    ip netns exec "$name-$1" "$lockstep" node --config "$folder/net/host-$1/node.toml" --lines 5 \
        >>"$folder/log-$1" 2>&1 &
    pids[$1]=$!
}
end() { # end HOST, by kill -9
    kill -9 "${pids[$1]}" 2>/dev/null
    wait "${pids[$1]}" 2>/dev/null
    pids[$1]=
}

# status URL...: lines `url | height | ...` of the nodes; fails if roots differ or one is silent.
status() { ip netns exec "$name-o" timeout 20 "$lockstep" status --lines "$@" 2>&1; }
# height HOST: its height, or 0 if it does not answer.
height() {
    local found
    found=$(status "${urls[$1]}" | awk -F ' [|] ' 'NF > 1 { print $2; exit }')
    case $found in '' | *[!0-9]*) echo 0 ;; *) echo "$found" ;; esac
}
# beyond HEIGHT SECONDS HOST...: all of these hosts get beyond a height in time.
beyond() {
    local wanted=$1 deadline=$((SECONDS + $2)) index
    shift 2
    for index in "$@"; do
        while [ "$(height "$index")" -le "$wanted" ]; do
            if [ "$SECONDS" -gt "$deadline" ]; then
                fail "host $index is at $(height "$index"), not beyond $wanted"
            fi
            sleep 0.3
        done
    done
}

for index in $(seq 0 $((count - 1))); do begin "$index"; done
beyond 20 60 0 1 2 3
say "four hosts make blocks"

plug 3 down
at=$(height 0)
beyond $((at + 50)) 60 0 1 2
say "host 3 is cut off: the others went on from $at to $(height 0)"
plug 3 up
beyond "$(height 0)" 60 3
say "host 3 is back and has caught up"

plug 2 down
plug 3 down
sleep 3
first=$(height 0)
sleep 8
second=$(height 0)
# What was under way when the cables went may still have become final.
if [ "$second" -gt $((first + 1)) ]; then fail "two of four went on from $first to $second"; fi
say "two are cut off from two: nothing goes on at $second"
plug 2 up
plug 3 up
beyond $((second + 20)) 90 0 1 2 3
say "together again they go on: $(height 0)"

say "nodes are killed for $killing seconds"
kills=0
until=$((SECONDS + killing))
while [ "$SECONDS" -lt "$until" ]; do
    victim=$((RANDOM % count))
    end "$victim"
    sleep "0.$((RANDOM % 10))"
    begin "$victim"
    kills=$((kills + 1))
    sleep "$((RANDOM % 3)).$((RANDOM % 10))"
done
at=$(height 0)
beyond $((at + 20)) 90 0 1 2 3
say "$kills kills later all go on: $(height 0)"

end 1
rm -rf "$folder/net/host-1/data"
begin 1
beyond "$(height 0)" 90 1
say "host 1 lost its files and has joined again at $(height 1)"

final=$(status "${urls[@]}") || fail "they do not agree: $final"
say "all four agree:"
echo "$final"
