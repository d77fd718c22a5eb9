#!/usr/bin/env bash
# The whole gate. What is cheap comes first; the tests come last, so that their count is the last
# word. All steps but one build with the same features into the same folder: nothing is built twice.
#
# Without CI set, a tool that is missing is skipped, aloud. With CI set it is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

# How long fetching the list of advisories may take. It is small; a network that is not there can
# take minutes to say so.
ADVISORIES_MAX=120

step() {
    printf '\n== %s\n' "$*"
}

missing() {
    if [[ -n "${CI:-}" ]]; then
        printf 'failed: %s is missing, and CI is set\n' "$1" >&2
        exit 1
    fi
    printf 'skipped: %s is missing (%s)\n' "$1" "$2"
}

# Known weaknesses of dependencies come from a list on the network. Without network there is no
# answer, and that is said; a weakness found is a failure.
advisories() {
    local said status=0
    said=$(timeout "$ADVISORIES_MAX" cargo deny check advisories 2>&1) || status=$?
    if ((status == 0)); then
        echo 'advisories ok'
    elif ((status == 124)) || grep --quiet 'failed to fetch advisory database' <<<"$said"; then
        echo 'skipped: advisories are not checked, their database is out of reach'
    else
        printf '%s\n' "$said" >&2
        return 1
    fi
}

step formatting
cargo fmt --check

step dependencies
if command -v cargo-deny >/dev/null; then
    cargo deny --log-level error check --hide-inclusion-graph bans licenses sources
    advisories
else
    missing cargo-deny 'cargo install cargo-deny --locked'
fi

step lints
cargo clippy --all-targets --all-features -- -D warnings

# What `cargo run -- dev` builds on a fresh clone has no optional features, and no other step sees it.
step 'the build without features'
cargo check --lib --bins

step documentation
RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --all-features

step 'examples in the documentation'
cargo test --doc --all-features

step tests
if command -v cargo-nextest >/dev/null; then
    cargo nextest run --all-features
else
    cargo test --all-features --lib --bins --tests
fi
