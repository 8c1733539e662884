#!/usr/bin/env bash
# Runs check.py over the real spreadsheets and those that are made; its readers come from PyPI, into a folder of their own outside the tree.
set -euo pipefail
cd "$(dirname "$0")/../.."
requirements=tests/spreadsheets/requirements.txt
venv=${GRIDKEEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gridkeep}/spreadsheets-$(sha256sum $requirements | cut -c1-12)
if [ ! -e "$venv/ready" ]; then
  rm -rf "$venv"
  python3 -c 'import ensurepip, venv' 2>/dev/null || {
    [ "$(id -u)" = 0 ] && as_root="" || as_root=sudo
    $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
  } || { echo "spreadsheets: python3 with venv is missing and could not be installed" >&2; exit 1; }
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r $requirements
  touch "$venv/ready"
fi
"$venv/bin/python" tests/spreadsheets/check.py --gridkeep "${1:-target/debug/gridkeep}" tests/fixtures/spreadsheets tests/fixtures/workbooks
