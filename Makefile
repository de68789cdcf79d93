# The commands that a contributor needs.
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: test lint types demo bench chaos

$(BIN)/pyresque:
	python3 -m venv $(VENV)
	$(BIN)/pip install -q -e '.[dev]'

test: $(BIN)/pyresque   ## every test
	$(BIN)/python -m pytest

lint: $(BIN)/pyresque   ## style and types
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

demo: $(BIN)/pyresque   ## both languages' jobs on a Redis of its own
	$(BIN)/pyresque demo

chaos: $(BIN)/pyresque  ## the long run of kills and lost replies
	PYRESQUE_CHAOS_ROUNDS=500 $(BIN)/python -m pytest tests/chaos -s --timeout 0
