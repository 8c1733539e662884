#!/usr/bin/env bash
# `make fuzz MINUTES=30`: libFuzzer over the targets of tests/fuzz, the time shared out evenly; TARGETS="file cells" runs some of them.
# A crash ends the run and its input is named. What was learnt stays in target/fuzz/corpus; `scripts/fuzz.sh --keep` leaves in
# tests/fuzz/corpus the fewest files that reach as much, beside the fixtures.
#
# The flags are those of cargo-fuzz without a sanitizer: they need no other toolchain than ours.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v c++ >/dev/null || { echo "fuzz: a C++ compiler is missing (Debian: g++); libFuzzer is built from source" >&2; exit 1; }
targets=(${TARGETS:-file cells workbook packed})
seconds=$((${MINUTES:-30} * 60 / ${#targets[@]}))
[ "$seconds" -gt 0 ] || { echo "fuzz: MINUTES must be at least 1" >&2; exit 64; }
triple=$(rustc -vV | sed -n 's/^host: //p')
# A panic of a foreign reader is caught, and common.
export RUST_BACKTRACE=0
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
-Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0 --cfg fuzzing"
# A target of its own keeps the flags from build scripts, and its folder from everything else.
cargo build --locked --quiet -p gridkeep-fuzz --features libfuzzer --bin fuzz --profile fuzz --target "$triple" --target-dir target/fuzz
fuzz=target/fuzz/$triple/fuzz/fuzz
bytes=4096

# The fixtures that a target begins with, as tests/fuzz/tests/replay.rs has them.
fixtures() {
  local folders=()
  case $1 in
    file) folders=(bad encodings formats json packed spreadsheets text types workbooks) ;;
    packed) folders=(json text types) ;;
    cells) folders=(types) ;;
    *) return ;;
  esac
  find "${folders[@]/#/tests/fixtures/}" -type f -size -$((bytes + 1))c
}

for target in "${targets[@]}"; do
  export GRIDKEEP_FUZZ_TARGET=$target
  work=target/fuzz/work/$target
  learnt=target/fuzz/corpus/$target
  kept=tests/fuzz/corpus/$target
  rm -rf "$work"
  mkdir -p "$work" "$learnt" "$kept" target/fuzz/crashes
  fixtures "$target" | while read -r file; do cp "$file" "$work/$(sha1sum <"$file" | cut -c1-40)"; done
  printf '== %s\n' "$target"
  if [ "${1:-}" = --keep ]; then
    ls "$work" >"$work.given"
    "$fuzz" -merge=1 -use_counters=0 -max_len=$bytes "$work" "$kept" "$learnt" 2>&1 | grep -a '^MERGE-OUTER'
    (cd "$work" && xargs -r rm -f <"../$target.given")
    rm -rf "$kept"
    mv "$work" "$kept"
  else
    "$fuzz" "$learnt" "$kept" "$work" -max_total_time="$seconds" -max_len=$bytes -timeout=20 -rss_limit_mb=1024 \
      -artifact_prefix="target/fuzz/crashes/$target-" -fork="$(nproc)" -print_final_stats=1
  fi
done
