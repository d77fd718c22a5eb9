#!/usr/bin/env bash
# How long the service takes from exec to listening, and what memory it holds when idle: the median
# of several starts, each with an empty store of its own.
#
#   cargo build --release && scripts/measure-start.sh [BINARY [STARTS]]
#
# Prints one line of JSON. Linux only: the memory is read from /proc.
set -euo pipefail
cd "$(dirname "$0")/.."

binary=${1:-${CARGO_TARGET_DIR:-target}/release/rungate}
starts=${2:-11}

# A start that takes longer has failed.
LISTEN_MAX_US=10000000
# Between two attempts to connect: the resolution. An attempt without pause would take the time of
# the core that the start needs.
PAUSE_SECONDS=0.0005
# After this the allocator and the runtime have settled.
SETTLE_SECONDS=1

[[ -x "$binary" ]] || { printf 'no program at %s: cargo build --release\n' "$binary" >&2; exit 64; }
[[ "$starts" =~ ^[1-9][0-9]*$ ]] || { printf 'STARTS is a number from 1 on\n' >&2; exit 64; }

folder=$(mktemp -d)
pid=
# Ends what this script started, by its number, and nothing else.
finish() {
    if [[ -n "$pid" ]]; then
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
        pid=
    fi
}
trap 'finish; rm -rf "$folder"' EXIT

# Nobody ever writes there: waiting for it is a pause without a process.
mkfifo "$folder/silence"
exec 9<>"$folder/silence"

listens() {
    { true 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null
}

free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 10000))
        listens "$port" || break
    done
    printf '%s' "$port"
}

median() {
    sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

start_times=() memories=()
for ((n = 0; n < starts; n++)); do
    port=$(free_port)
    began=${EPOCHREALTIME/[.,]/}
    TRADING_MODE=paper STORE_URL="sqlite:$folder/$n.db" BIND_ADDR=127.0.0.1 PORT="$port" \
        RUST_LOG=warn "$binary" serve >"$folder/log" 2>&1 &
    pid=$!
    until listens "$port"; do
        if ! kill -0 "$pid" 2>/dev/null || ((${EPOCHREALTIME/[.,]/} - began > LISTEN_MAX_US)); then
            printf 'it does not listen on port %s; it said:\n' "$port" >&2
            cat "$folder/log" >&2
            exit 1
        fi
        read -r -t "$PAUSE_SECONDS" -u 9 || true
    done
    start_times+=($((${EPOCHREALTIME/[.,]/} - began)))
    sleep "$SETTLE_SECONDS"
    memories+=("$(awk '/^VmRSS:/ { print $2 }' "/proc/$pid/status")")
    finish
done

printf '{"starts": %d, "exec_to_listening_us": %d, "idle_rss_kib": %d}\n' "$starts" \
    "$(printf '%s\n' "${start_times[@]}" | median)" "$(printf '%s\n' "${memories[@]}" | median)"
