#!/usr/bin/env bash
# Installs the Python clients that judge the simulated gateway, for `cargo test --test judges`:
# IB's own (with its licence for non-commercial use) and ib_async (BSD). They are used by these
# tests only, and are no part of what is built or given to anybody.
#
# Needs Python 3.11 or later with pip. Does nothing where all is installed.
set -euo pipefail
cd "$(dirname "$0")/.."

requirements=tests/judges/python/requirements.txt
folder=target/tools/judges

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || { printf 'the judges need Python 3.11 or later\n' >&2; exit 1; }

# Compiled packages fit one version of Python on one kind of machine.
stamp() {
    python3 -c 'import sys, sysconfig; print("#", sys.version_info[:2], sysconfig.get_platform())'
    cat "$requirements"
}

if [[ -f "$folder/installed.txt" && $(stamp) == $(<"$folder/installed.txt") ]]; then
    exit 0
fi

# What ends half-way leaves no folder that looks whole: the stamp comes last.
rm -rf "$folder"
python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore \
    --compile --only-binary :all: --require-hashes --target "$folder" \
    --requirement "$requirements"
stamp >"$folder/installed.txt"
