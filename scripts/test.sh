#!/usr/bin/env bash
# `make test`: every test, from a clean clone. One throwaway PostgreSQL serves the crates' own tests; those that need the whole stack
# start it themselves (crates/testkit). Nothing is left running.
set -euo pipefail
cd "$(dirname "$0")/.."
started=$SECONDS
step() { printf '\n== %s (%d s)\n' "$*" $((SECONDS - started)); }
flags=(--locked)

step install
scripts/install.sh --tests
tests/fetch-flights.sh

work=$(mktemp -d)
stack=""
mongo=""
nats=""
cleanup() {
  local code=$?
  [ -z "$stack" ] || target/debug/gridkeep --data "$stack" down --delete-data >/dev/null 2>&1 || true
  [ ! -d "$work/pg" ] || as_postgres /usr/lib/postgresql/15/bin/pg_ctl -D "$work/pg" -m immediate stop >/dev/null 2>&1 || true
  [ -z "$mongo" ] || kill "$mongo" 2>/dev/null || true
  [ -z "$nats" ] || kill "$nats" 2>/dev/null || true
  rm -rf "$work"
  [ $code = 0 ] || printf '\nmake test FAILED\n' >&2
  exit $code
}
as_postgres() { if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi; }
trap cleanup EXIT

if [ "${CI:-}" = true ]; then
  step "format and lint"
  cargo fmt --all --check
  cargo clippy "${flags[@]}" --quiet --workspace --all-targets -- -D warnings
fi

step "page: types, lint, unit tests, build"
(cd web && npm run --silent check && npm test --silent && npm run --silent build)

step "build"
# One selection for everything: another one would build the dependencies again with other features.
cargo build "${flags[@]}" --quiet --workspace --all-targets

step "a PostgreSQL, a MongoDB-protocol server and a NATS for the crates' own tests"
free_port() { node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
port=$(free_port)
chmod 755 "$work"
mkdir "$work/pg"
[ "$(id -u)" != 0 ] || chown postgres "$work/pg"
as_postgres /usr/lib/postgresql/15/bin/initdb -D "$work/pg" -U gridkeep --auth=trust -E UTF8 --locale=C.UTF-8 >/dev/null
as_postgres /usr/lib/postgresql/15/bin/pg_ctl -D "$work/pg" -w -l "$work/pg/log" start \
  -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$work/pg -c fsync=off -c max_connections=300" >/dev/null
export GRIDKEEP_TEST_PG_URL="postgres://gridkeep@127.0.0.1:$port/postgres"
port=$(free_port)
mkdir "$work/mongo"
if command -v mongod >/dev/null; then
  mongod --quiet --bind_ip 127.0.0.1 --port "$port" --dbpath "$work/mongo" >"$work/mongo.log" 2>&1 &
else
  "${GRIDKEEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gridkeep}/bin/gridkeep-mongo" "127.0.0.1:$port" "$work/mongo" >"$work/mongo.log" 2>&1 &
fi
mongo=$!
export GRIDKEEP_TEST_MONGO_URL="mongodb://127.0.0.1:$port/"
port=$(free_port)
"${GRIDKEEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gridkeep}/bin/nats-server" -a 127.0.0.1 -p "$port" -js -sd "$work/nats" >"$work/nats.log" 2>&1 &
nats=$!
export GRIDKEEP_TEST_NATS_URL="nats://127.0.0.1:$port"

step "Rust tests"
cargo test "${flags[@]}" --workspace --no-fail-fast

step "spreadsheets, beside readers of other hands"
tests/spreadsheets/check.sh

step "the page in a real browser"
stack=$work/stack
export GRIDKEEP_DATA=$stack
GRIDKEEP_PORT=$(free_port)
export GRIDKEEP_PORT
target/debug/gridkeep up >/dev/null
(cd web && GRIDKEEP_URL="http://localhost:$GRIDKEEP_PORT" FLIGHTS_CSV="$PWD/../tests/data/flights.csv" npm run --silent e2e)

step "all green"
