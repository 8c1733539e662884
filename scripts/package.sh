#!/usr/bin/env bash
# `make package`: one zip per function, target/lambda/<function>/bootstrap.zip, and the program in it beside it. One package a call: one call for all would link every
# function's libraries into every zip. cargo-lambda and the linker it needs come from PyPI, into a folder of their own outside the tree.
# `package.sh etl data-api` makes only those; GRIDKEEP_ARCH=arm64 builds for Graviton where the toolchain has that target.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo_lambda=1.9.2
cache=${GRIDKEEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gridkeep}
venv=$cache/cargo-lambda-$cargo_lambda
if [ ! -x "$venv/bin/cargo-lambda" ]; then
  command -v python3 >/dev/null || { echo "package: python3 is missing: cargo-lambda comes from PyPI" >&2; exit 1; }
  rm -rf "$venv"
  python3 -m venv "$venv" || { echo "package: python3 cannot make a venv; install python3-venv" >&2; exit 1; }
  "$venv/bin/pip" install --quiet --disable-pip-version-check "cargo-lambda==$cargo_lambda"
fi
export PATH=$venv/bin:$PATH

functions=("$@")
[ $# -gt 0 ] || functions=(auth presign etl consumer data-api)
# Amazon Linux 2023 has glibc 2.34.
case ${GRIDKEEP_ARCH:-x86_64} in
  x86_64) target=x86_64-unknown-linux-gnu.2.34 strip=strip ;;
  arm64) target=aarch64-unknown-linux-gnu.2.34 strip=aarch64-linux-gnu-strip ;;
  *) echo "package: GRIDKEEP_ARCH is x86_64 or arm64" >&2; exit 1 ;;
esac
out=${CARGO_TARGET_DIR:-target}/lambda
command -v "$strip" >/dev/null || { echo "package: $strip is missing: install binutils for that architecture" >&2; exit 1; }
for function in "${functions[@]}"; do
  cargo lambda build --global cargo-lambda.toml --locked --quiet --target "$target" --package "$function"
done
for function in "${functions[@]}"; do
  # Symbols are three quarters of a program, and nobody reads them there.
  "$strip" "$out/$function/bootstrap"
  zip=$out/$function/bootstrap.zip
  python3 - "$out/$function/bootstrap" "$zip" <<'ZIP'
import sys, zipfile
program, out = sys.argv[1:]
entry = zipfile.ZipInfo("bootstrap")
entry.external_attr = 0o755 << 16
with open(program, "rb") as file, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    archive.writestr(entry, file.read(), zipfile.ZIP_DEFLATED, 9)
ZIP
  printf '%-10s %5.1f MB  %s\n' "$function" "$(stat -c %s "$zip" | awk '{print $1 / 1e6}')" "$zip"
done
