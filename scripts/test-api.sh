#!/usr/bin/env bash
# Calls a gateway by its own description of REST: schemathesis makes requests of all kinds, valid and not, and holds the
# answers against /openapi.json. Streams are left out: they do not end. The program is the one in PEOPLE_GATEWAY, or the
# debug build; schemathesis (PyPI) is installed in target/ when it is missing. Needs Python 3 with venv; where there is none,
# it says so and nothing is tested.
set -euo pipefail
cd "$(dirname "$0")/.."

VERSION=4.32.5
target="${CARGO_TARGET_DIR:-$PWD/target}"
program="${PEOPLE_GATEWAY:-$target/debug/people-gateway}"
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

folder=$(mktemp -d)
"$program" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --store "embedded:$folder/data" >"$folder/welcome" 2>"$folder/log" &
gateway=$!
end() {
    kill "$gateway" 2>/dev/null || true
    wait "$gateway" 2>/dev/null || true
    rm -rf "$folder"
}
trap end EXIT

# The welcome is written when it listens.
for _ in $(seq 300); do
    address=$(sed -n 's|.*REST and live updates  http://\([^/]*\)/.*|\1|p' "$folder/welcome")
    [ -n "$address" ] && break
    kill -0 "$gateway" 2>/dev/null || break
    sleep 0.1
done
if [ -z "$address" ]; then
    echo "The gateway did not start:" >&2
    cat "$folder/log" >&2
    exit 1
fi

# What it keeps between runs would be found in the folder that it runs in.
configuration=$PWD/tests/api
cp "$configuration"/* "$folder"
cd "$folder"
NO_PROXY=127.0.0.1 "$tool/bin/st" --config-file schemathesis.toml run "http://$address/openapi.json" \
    --exclude-by '/x-stream == true' --max-examples 50 --generation-database none "$@"
