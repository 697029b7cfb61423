#!/usr/bin/env bash
# Networks of hosts, each in a network namespace of its own, and what may befall them. Traders bring
# commands over HTTP all the while.
#
# Four hosts: one is cut off, one is frozen, two are cut off from two, nodes are killed again and
# again, files are lost. Then seven hosts, of which four vote: stake changes until three others have
# taken their seats, and the chain goes on without those who left. Afterwards all roots are equal
# and every acknowledged command is in the chain of every node.
#
#   tests/hosts.sh [SECONDS_OF_KILLING] [four|seven]   default: 120, and both
#   LOCKSTEP=path/to/lockstep tests/hosts.sh           another binary than the release build's
#
# It needs to be root and to be allowed namespaces; otherwise it says so and exits with 77. All that
# it makes is in namespaces and a folder of its own, and is gone afterwards; KEEP=1 keeps the folder.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

killing=${1:-120}
wanted=${2:-both}
target_dir=${CARGO_TARGET_DIR:-$PWD/target}
lockstep=${LOCKSTEP:-$target_dir/release/lockstep}
name=lockstep$$
# Namespaces that are made, and hosts of the network that runs.
places=7
count=0

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
trader=

stop_all() {
    local index
    if [ -n "$trader" ]; then kill -9 "$trader" 2>/dev/null; fi
    trader=
    for index in "${!pids[@]}"; do
        if [ -n "${pids[index]}" ]; then kill -9 "${pids[index]}" 2>/dev/null; fi
    done
    pids=()
    wait 2>/dev/null
}

clean() {
    local index
    stop_all
    for index in $(seq 0 $((places - 1))); do ip netns delete "$name-$index" 2>/dev/null; done
    ip netns delete "$name-o" 2>/dev/null
    ip netns delete "$name-s" 2>/dev/null
    if [ -n "${KEEP:-}" ]; then echo "files are in $folder"; else rm -rf "$folder"; fi
}
trap clean EXIT

say() { printf '%4ss  %s\n' "$SECONDS" "$*"; }

fail() {
    say "FAILED: $*"
    local index
    for index in $(seq 0 $((count - 1))) trader; do
        printf -- '-- %s\n' "$index"
        tail -n 5 "$net/log-$index" 2>/dev/null
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
for index in $(seq 0 $((places - 1))); do cable "$index" "10.77.0.$((index + 1))" "$index"; done
cable o 10.77.0.100 100

plug() { ip -n "$name-s" link set "port$1" "$2"; } # plug HOST up|down
url() { echo "http://10.77.0.$(($1 + 1)):43000"; } # url HOST
# urls HOST...: their addresses, with spaces between.
urls() { for index in "$@"; do url "$index"; done | paste -s -d ' '; }

# network NAME HOSTS OPTION...: makes the files of a network of the first HOSTS hosts.
network() {
    net=$folder/$1
    count=$2
    shift 2
    local addresses index
    addresses=$(for index in $(seq 1 "$count"); do echo "10.77.0.$index"; done | paste -s -d ,)
    "$lockstep" testnet init --out "$net" --base-port 42000 --open-rpc --hosts "$addresses" "$@" \
        >/dev/null || fail "testnet init"
    # Prices that rise and fall by a quarter in forty seconds, so that gamblers lose: a mark may lag
    # behind its index by a twentieth (P4).
    awk 'BEGIN { for (t = 0; t < 40; t++) {
        d = t < 20 ? t : 40 - t; printf "%d,%d\n", t, 102000 + 1300 * d } }' >"$net/btc.csv"
    awk 'BEGIN { for (t = 0; t < 40; t++) {
        d = t < 20 ? 20 - t : t - 20; printf "%d,%d\n", t, 3850 + 16 * d } }' >"$net/eth.csv"
    for index in $(seq 0 $((count - 1))); do
        awk -v net="$net" '/^\[\[feed.sources\]\]/ {
            for (n = split("BTC btc ETH eth", part, " "); n > 1; n -= 2)
                printf "[[feed.sources]]\nkind = \"file\"\nunderlying = \"%s\"\npath = \"%s\"\n\n",
                    part[n - 1], net "/" part[n] ".csv"
            skip = 3 } skip > 0 { skip--; next } { print }' \
            "$net/host-$index/node.toml" >"$net/node.toml"
        mv "$net/node.toml" "$net/host-$index/node.toml"
    done
}

begin() { # begin HOST
    ip netns exec "$name-$1" "$lockstep" node --config "$net/host-$1/node.toml" --lines 5 \
        >>"$net/log-$1" 2>&1 &
    pids[$1]=$!
}
end() { # end HOST, by kill -9
    kill -9 "${pids[$1]}" 2>/dev/null
    wait "${pids[$1]}" 2>/dev/null
    pids[$1]=
}

# trade OPTION...: traders on all hosts, until settle.
trade() {
    ip netns exec "$name-o" "$lockstep" trade run --network "$net" --record "$net/record" \
        --lines 1 --node "$(urls $(seq 0 $((count - 1))) | tr ' ' ,)" "$@" \
        >"$net/log-trader" 2>&1 &
    trader=$!
}
acknowledged() { cat "$net/record" 2>/dev/null | grep -c '"outcome":"final"'; }
# counted WORD: the number behind it in the traders' last line.
counted() {
    sed -n "s/^height .* $1 \([0-9]*\).*/\1/p" "$net/log-trader" 2>/dev/null | tail -n 1 |
        grep . || echo 0
}
# goes_on SECONDS: commands become final and there are trades, as before.
goes_on() {
    local final trades deadline=$((SECONDS + $1))
    final=$(($(acknowledged) + 50))
    trades=$(counted trades)
    while [ "$(acknowledged)" -lt "$final" ] || [ "$(counted trades)" -le "$trades" ]; do
        if [ "$SECONDS" -gt "$deadline" ]; then
            fail "of $final commands $(acknowledged) are final, $(counted trades) trades"
        fi
        sleep 0.2
    done
}
# settle: no more trading; what became of the commands, and whether every node has them.
settle() {
    kill "$trader"
    if ! wait "$trader"; then fail "the traders failed"; fi
    trader=
    sed -n '/^Commands/,$p' "$net/log-trader"
    ip netns exec "$name-o" "$lockstep" trade check --record "$net/record" \
        --node "$(urls $(seq 0 $((count - 1))) | tr ' ' ,)" || fail "commands are missing"
}

# status URL...: lines `url | height | ...` of the nodes; fails if roots differ or one is silent.
status() { ip netns exec "$name-o" timeout 20 "$lockstep" status --lines "$@" 2>&1; }
# height HOST: its height, or 0 if it does not answer.
height() {
    local found
    found=$(status "$(url "$1")" | awk -F ' [|] ' 'NF > 1 { print $2; exit }')
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
agree() { # agree HOST...
    local final
    # shellcheck disable=SC2046
    final=$(status $(urls "$@")) || fail "they do not agree: $final"
    say "they agree:"
    echo "$final"
}
# memory HOST: its resident memory in MiB.
memory() { awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/${pids[$1]}/status" 2>/dev/null; }

four() {
    local index at first second kills=0 until before victim
    network four 4
    for index in 0 1 2 3; do begin "$index"; done
    beyond 20 60 0 1 2 3
    trade --gamblers 12
    goes_on 60
    say "four hosts make blocks and trade"

    plug 3 down
    at=$(height 0)
    beyond $((at + 50)) 60 0 1 2
    goes_on 60
    say "host 3 is cut off: the others went on from $at to $(height 0)," \
        "$(counted trades) trades, $(counted liquidations) liquidations so far"
    plug 3 up
    beyond "$(height 0)" 60 3
    say "host 3 is back and has caught up"

    before=$(memory 0)
    kill -STOP "${pids[3]}"
    at=$(height 0)
    sleep 10
    goes_on 60
    say "host 3 is frozen, with all cables in: from $at to $(height 0)," \
        "memory of host 0 from $before to $(memory 0) MiB"
    kill -CONT "${pids[3]}"
    beyond "$(height 0)" 60 3
    say "host 3 has thawed and has caught up"

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
    goes_on 60
    say "together again they go on: $(height 0)"

    say "nodes are killed for $killing seconds"
    until=$((SECONDS + killing))
    before=$(acknowledged)
    while [ "$SECONDS" -lt "$until" ]; do
        victim=$((RANDOM % count))
        end "$victim"
        sleep "0.$((RANDOM % 10))"
        begin "$victim"
        kills=$((kills + 1))
        sleep "$((RANDOM % 3)).$((RANDOM % 10))"
    done
    say "$(($(acknowledged) - before)) commands became final meanwhile"
    at=$(height 0)
    beyond $((at + 20)) 90 0 1 2 3
    say "$kills kills later all go on: $(height 0)"

    end 1
    rm -rf "$net/host-1/data"
    begin 1
    beyond "$(height 0)" 90 1
    goes_on 60
    say "host 1 lost its files and has joined again at $(height 1)"
    settle
    agree 0 1 2 3
    stop_all
}

# stake HOST WHAT...: the owner of a host's validator tells host 0.
stake() {
    local host=$1
    shift
    ip netns exec "$name-o" "$lockstep" stake "$@" --node "$(url 0)" \
        --key "$net/host-$host/validator.key" --genesis "$net/genesis.bin" >/dev/null ||
        fail "host $host: stake $*"
}
# seated: the hosts whose keys have a seat, as host 0 knows them.
seated() {
    local index key shown
    shown=$(ip netns exec "$name-o" "$lockstep" stake show --node "$(url 0)")
    for index in $(seq 0 $((count - 1))); do
        key=$("$lockstep" keys show "$net/host-$index/validator.key")
        if echo "$shown" | grep " $key\$" | grep -q ' 1 seats'; then echo "$index"; fi
    done | paste -s -d ' '
}
number() { # number HOST: of its validator
    ip netns exec "$name-o" "$lockstep" stake show --node "$(url 0)" |
        grep " $("$lockstep" keys show "$net/host-$1/validator.key")\$" |
        sed 's/validator \([0-9]*\) .*/\1/'
}

seven() {
    local index key deadline
    network seven 7 --validators 4 --candidates 3 --seats 4 --epoch-blocks 64
    for index in 0 1 2 3 4 5 6; do begin "$index"; done
    beyond 10 60 0 1 2 3 4 5 6
    trade --rate 20
    say "seven hosts follow the chain, and $(seated) vote"
    for index in 4 5 6; do
        key=$("$lockstep" keys show "$net/host-$index/validator.key")
        stake "$index" register --seat "$key" --commission 5 --stake 15000
    done
    stake 3 delegate --validator "$(number 3)" 6000
    stake 0 undelegate --validator "$(number 0)" 4000
    deadline=$((SECONDS + 90))
    until [ "$(seated)" = "3 4 5 6" ]; do
        if [ "$SECONDS" -gt "$deadline" ]; then fail "$(seated) vote"; fi
        sleep 0.5
    done
    say "stake has moved, and $(seated) vote"
    beyond $(($(height 0) + 20)) 60 0 1 2 3 4 5 6
    say "those who left follow"
    for index in 0 1 2; do end "$index"; done
    beyond $(($(height 3) + 50)) 90 3 4 5 6
    say "the chain does not need them: $(height 3)"
    for index in 0 1 2; do begin "$index"; done
    beyond "$(height 3)" 90 0 1 2
    settle
    agree 0 1 2 3 4 5 6
    stop_all
}

case $wanted in
both) four && seven ;;
four | seven) "$wanted" ;;
*) echo "four or seven, not $wanted" && exit 2 ;;
esac
