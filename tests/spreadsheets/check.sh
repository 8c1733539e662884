#!/usr/bin/env bash
# Runs check.py over the real spreadsheets; its readers come from PyPI, into a folder of their own outside the tree.
set -euo pipefail
cd "$(dirname "$0")/../.."
requirements=tests/spreadsheets/requirements.txt
venv=${GRIDKEEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gridkeep}/spreadsheets-$(sha256sum $requirements | cut -c1-12)
if [ ! -e "$venv/ready" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv" || { echo "spreadsheets: python3 cannot make a venv; install python3-venv" >&2; exit 1; }
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r $requirements
  touch "$venv/ready"
fi
"$venv/bin/python" tests/spreadsheets/check.py --gridkeep "${1:-target/debug/gridkeep}" tests/fixtures/spreadsheets
