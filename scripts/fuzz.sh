#!/usr/bin/env bash
# Feeds the simulated gateway bytes for so many seconds (default 60) and fails on a panic or a hang.
# libFuzzer comes as a crate and its instrumentation with every Rust compiler, so that neither a
# nightly compiler nor cargo-fuzz is needed; `cargo fuzz run gateway_connection` works too.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
target=gateway_connection
# An input is a few frames. What takes longer than this, or more memory, is a finding.
timeout=10
memory_mib=2048

host=$(rustc --version --verbose | sed -n 's/^host: //p')
export RUSTFLAGS="--cfg fuzzing \
-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares \
-Cdebug-assertions -Coverflow-checks"

# With a target named, build scripts and macros are built without the flags above.
cargo build --quiet --locked --manifest-path fuzz/Cargo.toml --target-dir target/fuzz \
    --target "$host" --bin "$target" --profile fuzz

found=target/fuzz/found
mkdir -p "$found/corpus"
"target/fuzz/$host/fuzz/$target" "$found/corpus" "fuzz/corpus/$target" \
    -max_total_time="$seconds" -timeout="$timeout" -rss_limit_mb="$memory_mib" \
    -max_len=4096 -artifact_prefix="$found/" -print_final_stats=1 2>&1 | tail -n 20
