# make alone prints this help. The environment is .venv (.venv-bench, .venv-fuzz for those two); nothing outside this folder is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCH := $(VENV)-bench
FUZZ := $(VENV)-fuzz
CLIENTS := $(VENV)-clients
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo test coverage check format bench fuzz clients lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements/dev.txt pyproject.toml setup.py
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

install: $(STAMP) ## set up .venv from the pinned, hashed list

demo: $(STAMP) ## one order's way from checkout to erased data, on this machine
	@$(BIN)/waybill demo

test: $(STAMP) ## the tests (a real PostgreSQL comes with the environment)
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

coverage: $(STAMP) ## the tests with branch coverage, and what they miss by file (make coverage TESTS=tests/test_scan.py)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest --numprocesses auto --dist loadfile $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

check: $(STAMP) ## format, lint, types, contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## apply the formatter and safe lint fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(BENCH)/.installed: requirements/bench.txt pyproject.toml # the peers we measure against are no part of .venv
	@test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@touch $@

bench: $(BENCH)/.installed ## measure: make bench ONLY=seal (LONG=1 for the slow ones)
	@$(BENCH)/bin/python benchmarks/run.py $(ONLY)

$(FUZZ)/.installed: requirements/fuzz.txt
	@test -x $(FUZZ)/bin/python || $(PYTHON) -m venv $(FUZZ)
	@$(FUZZ)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/fuzz.txt
	@touch $@

fuzz: $(FUZZ)/.installed ## coverage-guided: every parser of hostile bytes, a minute in all
	@$(FUZZ)/bin/python -m fuzz.run $(SECONDS_EACH)

$(CLIENTS)/.installed: requirements/clients.txt tests/clients/package.json tests/clients/package-lock.json
	@test -x $(CLIENTS)/bin/python || $(PYTHON) -m venv $(CLIENTS)
	@$(CLIENTS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/clients.txt
	@cp tests/clients/package.json tests/clients/package-lock.json $(CLIENTS)
	@cd $(CLIENTS) && PATH="$$PWD/bin:$$PATH" npm ci --silent --ignore-scripts --no-audit --no-fund
	@touch $@

clients: $(CLIENTS)/.installed ## install the generators that tests/test_clients.py drives (they need a JDK)

lock: $(STAMP) ## pin anew (maintainers; uses uv if installed in .venv)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --extra dev --no-emit-package waybill-masking -o requirements/dev.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --extra dev --extra bench --no-emit-package waybill-masking -o requirements/bench.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --extra fuzz --no-emit-package waybill-masking -o requirements/fuzz.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header -o requirements/clients.txt requirements/clients.in
	cd tests/clients && npm install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --no-audit --no-fund

clean: ## remove the environment and everything made by the demo
	rm -rf $(VENV) $(BENCH) $(FUZZ) $(CLIENTS) demo-out build dist *.egg-info
