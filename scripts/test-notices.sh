#!/usr/bin/env bash
# Checks that THIRD-PARTY-NOTICES.txt names what is linked today. Needs Python 3; where there is none, it says so and nothing is
# checked.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v python3 >/dev/null; then
    echo "No python3 here: THIRD-PARTY-NOTICES.txt is not checked." >&2
    exit 0
fi
if ! scripts/third-party-notices.py | cmp - THIRD-PARTY-NOTICES.txt; then
    echo "THIRD-PARTY-NOTICES.txt is older than Cargo.lock: run 'make notices'." >&2
    exit 1
fi
