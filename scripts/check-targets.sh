#!/usr/bin/env bash
# Checks that the library and the programs compile for systems other than Linux: types, not more. Nothing is linked or
# run, so C compilers for these systems are not needed: `true` stands in for them.
#
#     scripts/check-targets.sh [TRIPLE...]
set -euo pipefail
cd "$(dirname "$0")/.."

targets=("$@")
[ "${#targets[@]}" -gt 0 ] || targets=(x86_64-apple-darwin x86_64-pc-windows-gnu)

for target in "${targets[@]}"; do
    # Before the first compilation, or a missing standard library is told in every crate.
    if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; then
        echo "NOT CHECKED: Rust's standard library for $target is not here. Where rustup reaches it: rustup target add $target" >&2
        continue
    fi
    name=${target//-/_}
    echo "Checking $target."
    env "CC_$name=true" "CXX_$name=true" "AR_$name=true" cargo check --workspace --locked --lib --bins --target "$target"
done
