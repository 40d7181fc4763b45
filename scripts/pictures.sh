#!/usr/bin/env bash
# Takes the pictures of the console in docs/ again, with the Chromium of the tests.
set -euo pipefail
cd "$(dirname "$0")/.."

./scripts/install-test-tools.sh
cargo test --locked --test pages -- --ignored --exact console::pictures::take_the_pictures_of_the_console
ls -l docs/console-*.png
