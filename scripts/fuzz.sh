#!/usr/bin/env bash
# Looks for inputs at which a fuzz target panics: in all targets, one after the other, or in the named ones.
#
#     scripts/fuzz.sh [--seconds N] [--merge] [TARGET...]
#
# --seconds N   how long each target runs; default 60
# --merge       then adds the inputs that reach new code to fuzz/corpus, which `make test` replays
#
# Needs a C++ compiler and cargo-fuzz (cargo install cargo-fuzz --locked). What is found lies in fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=60 merge=false targets=()
while (($#)); do
    case $1 in
    --seconds) seconds=$2 && shift 2 ;;
    --merge) merge=true && shift ;;
    -*) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" && exit 2 ;;
    *) targets+=("$1") && shift ;;
    esac
done
if ((${#targets[@]} == 0)); then
    for file in fuzz/fuzz_targets/*.rs; do targets+=("$(basename "$file" .rs)"); done
fi

# The compiler's own instrumentation, without nightly. The program has no unsafe code, so memory is not watched; without
# optimisation across crates a build takes minutes less.
export RUSTC_BOOTSTRAP=1 CARGO_PROFILE_RELEASE_LTO=off
engine=(--sanitizer none --features libfuzzer)

for target in "${targets[@]}"; do
    found="target/fuzz-corpus/$target"
    mkdir -p "$found"
    cargo fuzz run "${engine[@]}" "$target" "$found" "fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1
    if $merge; then
        cargo fuzz run "${engine[@]}" "$target" "fuzz/corpus/$target" "$found" -- -merge=1 -max_len=4096 \
            -use_counters=0
    fi
done
