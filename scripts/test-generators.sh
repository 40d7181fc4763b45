#!/usr/bin/env bash
# Holds the description of REST against what others make of it: redocly lints it; openapi-typescript and
# openapi-python-client generate clients from a gateway's own /openapi.json, and a program in each language calls that
# gateway with them. The tools are installed in target/ when they are missing. Needs Node 20 or newer, and Python 3 with venv;
# where one is missing, it says so and that half is not tested.
set -euo pipefail
cd "$(dirname "$0")/.."

PYTHON_CLIENT=0.29.1
target="${CARGO_TARGET_DIR:-$PWD/target}"
programs=$PWD/tests/generators

source scripts/gateway.sh
export GATEWAY="http://$address"

if tools=$(scripts/node-tools.sh); then
    bin="$tools/node_modules/.bin"
    # It is asked about this description, and has nobody to tell of it.
    export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
    "$bin/redocly" lint --config "$programs/redocly.yaml" "$GATEWAY/openapi.json"

    cp "$programs/calls.ts" "$programs/tsconfig.json" "$folder"
    ln -s "$tools/node_modules" "$folder/node_modules"
    echo '{"type":"module"}' >"$folder/package.json"
    "$bin/openapi-typescript" "$GATEWAY/openapi.json" --output "$folder/people.d.ts"
    "$bin/tsc" --project "$folder"
    node "$folder/calls.js"
else
    echo "The description is not linted, and no TypeScript is made of it." >&2
fi

if python3 -c 'import ensurepip, venv' 2>/dev/null; then
    tool="$target/openapi-python-client-$PYTHON_CLIENT"
    if ! [ -e "$tool/complete" ]; then
        echo "Installing openapi-python-client $PYTHON_CLIENT in $tool."
        rm -rf "$tool"
        python3 -m venv "$tool"
        "$tool/bin/pip" install --quiet --disable-pip-version-check "openapi-python-client==$PYTHON_CLIENT"
        touch "$tool/complete"
    fi
    # A warning says that a part of the description was left out.
    "$tool/bin/openapi-python-client" generate --url "$GATEWAY/openapi.json" --config "$programs/python.yaml" \
        --meta none --output-path "$folder/people" --fail-on-warning
    PYTHONPATH="$folder" "$tool/bin/python" "$programs/calls.py"
else
    echo "No python3 with venv here: no Python is made of the description." >&2
fi
