#!/usr/bin/env bash
# Runs check.py over the real spreadsheets and those that are made; its readers come from PyPI.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=$(tests/venv.sh tests/spreadsheets/requirements.txt)
"$venv/bin/python" tests/spreadsheets/check.py --gridkeep "${1:-target/debug/gridkeep}" tests/fixtures/spreadsheets tests/fixtures/workbooks
