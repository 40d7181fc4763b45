#!/usr/bin/env bash
# Calls a gateway by its own description of REST: schemathesis makes requests of all kinds, valid and not, and holds the
# answers against /openapi.json. Streams are left out: they do not end. So is /asyncapi.yaml: it is described as a text, and
# schemathesis reads YAML before it looks. The program is the one in PEOPLE_GATEWAY, or the
# debug build; schemathesis (PyPI) is installed in target/ when it is missing. Needs Python 3 with venv; where there is none,
# it says so and nothing is tested.
set -euo pipefail
cd "$(dirname "$0")/.."

VERSION=4.32.5
target="${CARGO_TARGET_DIR:-$PWD/target}"
tool="$target/schemathesis-$VERSION"

if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    echo "No python3 with venv here: REST is not tested by its description." >&2
    exit 0
fi
if ! [ -x "$tool/bin/st" ]; then
    echo "Installing schemathesis $VERSION in $tool."
    rm -rf "$tool"
    python3 -m venv "$tool"
    "$tool/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$VERSION"
fi

source scripts/gateway.sh

# What it keeps between runs would be found in the folder that it runs in.
configuration=$PWD/tests/api
cp "$configuration"/* "$folder"
cd "$folder"
"$tool/bin/st" --config-file schemathesis.toml run "http://$address/openapi.json" \
    --exclude-by '/x-stream == true' --exclude-path /asyncapi.yaml --max-examples 50 --generation-database none "$@"
