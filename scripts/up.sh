#!/usr/bin/env bash
# `make up`: start everything (or mend it), load the sample dataset once, print where it is.
set -euo pipefail
cd "$(dirname "$0")/.."
gridkeep=$1
data=${GRIDKEEP_DATA:-.gridkeep}

split=()
[ "${GRIDKEEP_SPLIT:-0}" != 1 ] || split=(--split)
"$gridkeep" up "${split[@]}" >/dev/null

field() { node -p "JSON.parse(require('fs').readFileSync('$data/stack.json')).$1"; }
url=$(field url)
if [ ! -e "$data/sample-loaded" ]; then
  token=$("$gridkeep" token --user ada@example.com --create)
  GRIDKEEP_URL=$url GRIDKEEP_TOKEN=$token "$gridkeep" upload samples/planes.csv --name "Planes (sample)" >/dev/null && loaded=0 || loaded=$?
  # 1 is "done with warnings", which a sample may have.
  [ "$loaded" -le 1 ] || { echo "up: the sample dataset could not be loaded; the logs are in $(field log_dir)" >&2; exit 1; }
  touch "$data/sample-loaded"
fi

cat <<END

Gridkeep is up:  $url
Sign in as       ada@example.com (owns the sample dataset), ben@example.com or carol@example.com; no password
Logs             $(field log_dir)
Stop it with     make down
END
