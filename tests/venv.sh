#!/usr/bin/env bash
# Prints the folder of a Python environment that holds what a requirements file lists, outside the tree; makes it the first time.
set -euo pipefail
requirements=$1
venv=${GRIDKEEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gridkeep}/python-$(sha256sum "$requirements" | cut -c1-12)
if [ ! -e "$venv/ready" ]; then
  rm -rf "$venv"
  python3 -c 'import ensurepip, venv' 2>/dev/null || {
    [ "$(id -u)" = 0 ] && as_root="" || as_root=sudo
    { $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends python3-venv; } >&2
  } || { echo "python3 with venv is missing and could not be installed" >&2; exit 1; }
  python3 -m venv "$venv" >&2
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" >&2
  touch "$venv/ready"
fi
echo "$venv"
