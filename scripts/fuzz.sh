#!/usr/bin/env bash
# `make fuzz MINUTES=30`: libFuzzer over the targets of tests/fuzz, the time shared out evenly. What it learns stays in target/fuzz/corpus;
# `scripts/fuzz.sh --keep` puts the smallest files that reach as much into tests/fuzz/corpus. A crash ends the run, and its input is named.
#
# The flags are those of cargo-fuzz without a sanitizer: they need no other toolchain than ours.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v c++ >/dev/null || { echo "fuzz: a C++ compiler is missing (Debian: g++); libFuzzer is built from source" >&2; exit 1; }
seconds=$((${MINUTES:-30} * 60))
targets=(${TARGETS:-file cells workbook packed})
triple=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
-Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0 --cfg fuzzing"
# A target of its own keeps the flags from build scripts, and its folder from everything else.
cargo build --locked --quiet -p gridkeep-fuzz --features libfuzzer --bin fuzz --profile fuzz --target "$triple" --target-dir target/fuzz
fuzz=target/fuzz/$triple/fuzz/fuzz

for target in "${targets[@]}"; do
  export GRIDKEEP_FUZZ_TARGET=$target
  learnt=target/fuzz/corpus/$target
  kept=tests/fuzz/corpus/$target
  mkdir -p "$learnt" "$kept" target/fuzz/crashes
  if [ "${1:-}" = --keep ]; then
    rm -rf "target/fuzz/merged/$target"
    mkdir -p "target/fuzz/merged/$target"
    "$fuzz" -merge=1 -max_len=4096 "target/fuzz/merged/$target" "$kept" "$learnt"
    rm -rf "$kept"
    mv "target/fuzz/merged/$target" "$kept"
    continue
  fi
  printf '== %s\n' "$target"
  "$fuzz" "$learnt" "$kept" -max_total_time=$((seconds / ${#targets[@]})) -max_len=4096 -timeout=20 -rss_limit_mb=1024 \
    -artifact_prefix="target/fuzz/crashes/$target-" -fork="$(nproc)" -print_final_stats=1
done
