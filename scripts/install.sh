#!/usr/bin/env bash
# Installs what Gridkeep runs on and says in one line what it cannot install. Quick when nothing is missing.
# Servers without a good package go to ${GRIDKEEP_CACHE:-~/.cache/gridkeep}/bin, outside the tree.
# `install.sh --tests` adds the browser.
set -euo pipefail
cd "$(dirname "$0")/.."

nats_version=v2.12.3
cache=${GRIDKEEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gridkeep}
failed=0
say() { printf 'install: %s\n' "$*" >&2; }
lacks() { say "$*"; failed=1; }
has() { command -v "$1" >/dev/null 2>&1; }
# at_least WANTED FOUND
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -1)" = "$1" ]; }

# What is not ours to install: toolchains.
has cargo || lacks "cargo is missing: install Rust with rustup (the toolchain in rust-toolchain.toml is taken by itself)"
if has node; then
  found=$(node --version | tr -d v)
  at_least 20.19 "$found" || lacks "Node.js $found is too old: 20.19 or newer is needed"
else
  lacks "Node.js is missing: 20.19 or newer is needed"
fi
if has go; then
  found=$(go env GOVERSION | tr -d go)
  at_least 1.25 "$found" || lacks "Go $found is too old: 1.25 or newer is needed"
else
  lacks "Go is missing: 1.25 or newer is needed"
fi
[ "$failed" = 0 ] || exit 1

# Debian's packages, without starting their system services.
packages=()
[ -x /usr/lib/postgresql/15/bin/postgres ] || packages+=(postgresql-15)
has redis-server || packages+=(redis-server)
has cc || packages+=(gcc libc6-dev)
has curl || packages+=(curl)
if [ "${1:-}" = --tests ] && ! has chromium; then packages+=(chromium); fi
if [ ${#packages[@]} -gt 0 ]; then
  say "installing ${packages[*]} with apt"
  if ! has apt-get; then
    lacks "no apt-get: install ${packages[*]} by hand (Debian 12 is what this is made for)"
    exit 1
  fi
  as_root=()
  if [ "$(id -u)" != 0 ]; then
    has sudo || { lacks "not root and no sudo: install ${packages[*]} by hand"; exit 1; }
    as_root=(sudo)
  fi
  policy=/usr/sbin/policy-rc.d
  ours=0
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
    "${as_root[@]}" chmod 755 $policy
    ours=1
  fi
  # Without this file Debian makes and starts a cluster of its own.
  new_conf=0
  if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    "${as_root[@]}" mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' | "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
    new_conf=1
  fi
  log=$(mktemp)
  ok=1
  { "${as_root[@]}" apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      -o Dpkg::Options::=--force-confold "${packages[@]}"; } >"$log" 2>&1 || ok=0
  [ $ours = 0 ] || "${as_root[@]}" rm -f $policy
  if [ $ok = 0 ]; then
    tail -5 "$log" >&2
    [ $new_conf = 0 ] || "${as_root[@]}" rm -f /etc/postgresql-common/createcluster.conf
    lacks "apt could not install ${packages[*]} (the lines above say why)"
    exit 1
  fi
  rm -f "$log"
fi

# Go programs: two builds in all, a few minutes the first time.
mkdir -p "$cache/bin"
if ! "$cache/bin/nats-server" --version 2>/dev/null | grep -q "${nats_version}$"; then
  say "building nats-server $nats_version"
  GOBIN="$cache/bin" go install "github.com/nats-io/nats-server/v2@$nats_version" ||
    { lacks "nats-server could not be built"; exit 1; }
fi
if ! has mongod; then
  source_hash=$(cat crates/host/ferretdb/{go.mod,go.sum,main.go} | sha256sum | cut -c1-16)
  if [ ! -x "$cache/bin/gridkeep-mongo" ] || [ "$(cat "$cache/bin/gridkeep-mongo.source" 2>/dev/null)" != "$source_hash" ]; then
    say "building the MongoDB-protocol server (about two minutes, once)"
    (cd crates/host/ferretdb && go build -trimpath -o "$cache/bin/gridkeep-mongo" .) ||
      { lacks "the MongoDB-protocol server could not be built"; exit 1; }
    echo "$source_hash" >"$cache/bin/gridkeep-mongo.source"
  fi
fi

# npm packages, by lockfile: again only when the lockfile has changed.
npm_ci() {
  local stamp="$1/node_modules/.lock-hash" hash
  hash=$(sha256sum "$1/package-lock.json" | cut -c1-16)
  [ "$(cat "$stamp" 2>/dev/null)" = "$hash" ] && return
  say "installing the packages of $1"
  (cd "$1" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error) ||
    { lacks "npm ci failed in $1"; exit 1; }
  echo "$hash" >"$stamp"
}
npm_ci crates/host/oidc
npm_ci web
