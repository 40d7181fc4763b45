#!/usr/bin/env bash
# Prints the folder of the npm programs that tests use (in node_modules/.bin), and installs them there when they are
# missing. Needs Node 20 or newer; where there is none, it says so and fails.
set -euo pipefail
cd "$(dirname "$0")/.."

# openapi-typescript 7 needs TypeScript 5.
PACKAGES=(
    typescript@5.9.3 openapi-typescript@7.13.0 openapi-fetch@0.17.0 @redocly/cli@2.77.0
    @types/node@20.19.25 @types/react@19.2.7 csstype@3.2.3
)

if ! command -v npm >/dev/null || ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then
    echo "No Node 20 or newer with npm here." >&2
    exit 1
fi
tools="${CARGO_TARGET_DIR:-$PWD/target}/node-tools-$(printf '%s\n' "${PACKAGES[@]}" | cksum | cut -d ' ' -f 1)"
if ! [ -e "$tools/complete" ]; then
    echo "Installing ${PACKAGES[*]} in $tools." >&2
    rm -rf "$tools"
    mkdir -p "$tools"
    echo '{"private":true}' >"$tools/package.json"
    npm install --prefix "$tools" --no-audit --no-fund --no-package-lock --save-exact --loglevel=error "${PACKAGES[@]}" >&2
    touch "$tools/complete"
fi
echo "$tools"
