#!/usr/bin/env bash
# How long a newcomer's first build takes: everything that `cargo run --release -- dev` needs, with the
# default features, into an empty folder. What has to be downloaded is fetched before the clock starts.
#
#   scripts/measure-build.sh [REPORT.html]
#
# Prints one line of JSON: seconds on the clock, seconds of all cores together (which others on the
# machine disturb less), crates, and the size of the program. With an argument, keeps cargo's report
# on what took how long.
set -euo pipefail
cd "$(dirname "$0")/.."

report=${1:-}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export CARGO_TARGET_DIR=$folder/target CARGO_INCREMENTAL=0

cargo fetch --locked --quiet

TIMEFORMAT='%R %U %S'
if ! { time cargo build --release --locked --timings >"$folder/log" 2>&1; } 2>"$folder/times"; then
    cat "$folder/log" >&2
    exit 1
fi
read -r wall user system <"$folder/times"

crates=$(grep --count '^ *Compiling ' "$folder/log")
size=$(wc -c <"$CARGO_TARGET_DIR/release/rungate")
if [[ -n "$report" ]]; then
    cp "$CARGO_TARGET_DIR/cargo-timings/cargo-timing.html" "$report"
fi
awk -v wall="$wall" -v user="$user" -v sys="$system" -v crates="$crates" -v size="$size" \
    -v cores="$(nproc)" 'BEGIN {
        printf "{\"cold_build_s\": %.0f, \"cpu_s\": %.0f, \"cores\": %d, \"crates\": %d, " \
            "\"program_bytes\": %d}\n", wall, user + sys, cores, crates, size
    }'
