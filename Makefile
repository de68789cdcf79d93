# The commands that a contributor needs: `make` lists them.
VENV ?= .venv
BIN = $(VENV)/bin
PYTHON ?= python3
.DEFAULT_GOAL = help

.PHONY: help test lint coverage mutation docs demo screenshots chaos model mutants lowest newest lock release

help:                   ## this list
	@awk -F ':.*## ' '/^[a-z][a-z -]*:.*## / { printf "%-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

$(BIN)/pytest: requirements/locked.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c requirements/locked.txt -e '.[dev]'
	touch $@

$(BIN)/zensical: $(BIN)/pytest
	$(BIN)/pip install -q -c requirements/locked.txt -e '.[dev,docs]'
	touch $@

test: $(BIN)/pytest   ## every test, side by side
	$(BIN)/python -m pytest -n 4 --dist worksteal

lint: $(BIN)/pytest   ## style and types
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

coverage: $(BIN)/pytest ## how much of the code tests/unit and tests/redis run, in one figure
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q -n 4 --dist worksteal tests/unit tests/redis
	@$(BIN)/coverage combine -q
	@echo "covered: $$($(BIN)/coverage report --format=total) % of lines and branches (by module: $(BIN)/coverage report)"

mutation: $(BIN)/pytest ## how many wrong lines in pure logic the unit tests notice, by module; takes minutes
	$(BIN)/python benchmarks/mutation.py

docs: $(BIN)/zensical   ## the site of the documents, into site/; fails at a broken link, and needs no network
	$(BIN)/python .ci/docs.py

demo: $(BIN)/pytest   ## both languages' jobs on a Redis of its own
	$(BIN)/pyresque demo

screenshots: $(BIN)/pytest ## the pictures of the dashboard in docs/images, anew; needs Chromium
	$(BIN)/python -m tests.web.screenshots

chaos: $(BIN)/pytest  ## the long run of kills and lost replies
	PYRESQUE_CHAOS_ROUNDS=500 $(BIN)/python -m pytest tests/chaos -s --timeout 0

model: $(BIN)/pytest  ## the long run of the model: every interleaving of small worlds, with more faults
	$(BIN)/python -m tests.model long

mutants: $(BIN)/pytest ## whether the model finds out each wrong line in a script
	$(BIN)/python -m tests.model.mutants

lowest newest:          ## the tests with the oldest, or the newest, versions of other people's packages
	PYTHON=$(PYTHON) bash .ci/versions $@

lock:                   ## renew requirements/locked.txt; with the oldest Python, so that all can install it
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "make lock PYTHON=python3.11")'
	rm -rf .venv-lock
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install -q -e '.[dev,docs]'
	{ echo '# What the tests are run with: every package, made by `make lock`.'; \
	  .venv-lock/bin/pip freeze --exclude-editable; } >requirements/locked.txt

release:                ## check version and change log, and make the tag (nothing is pushed)
	$(PYTHON) .ci/release.py tag
