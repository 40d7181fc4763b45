#!/usr/bin/env bash
# Tests the console's modules, and the JavaScript client against a gateway: the program in PEOPLE_GATEWAY, or the debug
# build. TypeScript checks its types and the examples of the documents. Needs Node 20 or newer; where there is none, it says
# so and nothing is tested.
set -euo pipefail
cd "$(dirname "$0")/../clients/js"

if ! command -v node >/dev/null; then
    echo "No node here: the JavaScript is not tested." >&2
    exit 0
fi
if ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then
    echo "node $(node --version) is older than 20: the JavaScript is not tested." >&2
    exit 0
fi

NODE_TOOLS=$(../../scripts/node-tools.sh) || echo "The types are not tested." >&2
export NODE_TOOLS

# Node 20 has a WebSocket only where it is asked for; since 22 it is always there.
flags=()
node -e 'process.exit(typeof WebSocket === "undefined" ? 1 : 0)' || flags=(--experimental-websocket)
exec node "${flags[@]}" --test --test-timeout=120000 test/*.test.js ../../tests/pages/console/*.test.mjs
