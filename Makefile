# Two commands matter: `make up` and `make test`. README.md says what a machine needs.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export GRIDKEEP_PORT ?= 8080
export GRIDKEEP_DATA ?= .gridkeep
# The queries are checked against .sqlx; set DATABASE_URL to check them against a live database instead.
ifndef DATABASE_URL
export SQLX_OFFLINE := true
endif
GRIDKEEP := target/debug/gridkeep
CARGO_FLAGS ?= --locked

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

.PHONY: install
install: ## install what the stack runs on
	@scripts/install.sh

.PHONY: build
build: install
	@cd web && npm run --silent build
	cd .. && cargo build $(CARGO_FLAGS) --quiet -p host

.PHONY: up
up: build ## start everything in the background, with sample data
	@scripts/up.sh $(GRIDKEEP)

.PHONY: down
down: ## stop all of it; data is kept
	@[ ! -x $(GRIDKEEP) ] || $(GRIDKEEP) down

.PHONY: dev
dev: install ## the same in the foreground, the page with hot reload
	@cargo build $(CARGO_FLAGS) --quiet -p host
	exec $(GRIDKEEP) dev

.PHONY: test
test: ## every test
	@scripts/test.sh

.PHONY: bench
bench: install ## ratios beside their anchors, as a table and as JSON
	@tests/fetch-flights.sh
	cargo build $(CARGO_FLAGS) --quiet --release -p host -p gridkeep-tests --bins --bench pace
	cargo bench $(CARGO_FLAGS) --quiet -p host -p gridkeep-tests --bench pace

.PHONY: soak
soak: install ## long runs: the full file, all kill points; a file of 5 GB (GRIDKEEP_SOAK_BYTES)
	@tests/fetch-flights.sh
	cargo build $(CARGO_FLAGS) --quiet --release -p host
	GRIDKEEP_SOAK=1 GRIDKEEP_BIN=$(CURDIR)/target/release/gridkeep \
	  cargo test $(CARGO_FLAGS) --workspace --test kills --test together --test big -- --nocapture

.PHONY: fuzz
fuzz: install ## MINUTES=30 of fuzzing what files are read with
	@scripts/fuzz.sh

.PHONY: shots
shots: up ## the README's pictures, from the flights, in a running stack
	@scripts/install.sh --tests
	tests/fetch-flights.sh
	url=$$(node -p "JSON.parse(require('fs').readFileSync('$(GRIDKEEP_DATA)/stack.json')).url")
	cd web && GRIDKEEP_URL=$$url FLIGHTS_CSV=$$PWD/../tests/data/flights.csv npm run --silent shots

.PHONY: package
package: ## one zip per function for AWS Lambda
	@scripts/package.sh

.PHONY: openapi
openapi: ## write docs/openapi.json and the page's client types from the routes
	@cargo build $(CARGO_FLAGS) --quiet -p host
	$(GRIDKEEP) openapi > docs/openapi.json.new
	mv docs/openapi.json.new docs/openapi.json
	cd web && npm run --silent api

.PHONY: sqlx
sqlx: ## write .sqlx anew (needs DATABASE_URL of a migrated database)
	@: "$${DATABASE_URL:?set DATABASE_URL to a database that gridkeep migrate has seen}"
	rm -rf .sqlx && mkdir .sqlx
	touch crates/*/src/lib.rs functions/*/src/lib.rs
	SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$$PWD/.sqlx cargo check $(CARGO_FLAGS) --workspace --all-targets

.PHONY: fmt
fmt: ## format the Rust
	@cargo fmt --all

.PHONY: lint
lint: ## formatting, clippy, dependency policy where cargo-deny is installed
	@cargo fmt --all --check
	cargo clippy $(CARGO_FLAGS) --quiet --workspace --all-targets -- -D warnings
	if command -v cargo-deny >/dev/null; then cargo deny --locked check bans licenses sources; fi
