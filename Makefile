# Every target prepares .venv by itself; the second time that costs nothing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: run serve test check bench schemas docs clean
.DEFAULT_GOAL := run

$(VENV)/.run: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Preparing $(VENV) (only the first time) ..."
	@$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@echo "Adding what tests need to $(VENV) ..."
	@$(PIP) install --constraint constraints.txt --editable ".[dev]"
	@touch $@

$(VENV)/.bench: $(VENV)/.dev
	@$(PIP) install --constraint constraints.txt --editable ".[dev,bench]"
	@touch $@

run: $(VENV)/.run
	@$(BIN)/entrygate run --rules rules --at 2025-06-01T07:46:00Z --minutes 10 $(ARGS)

serve: $(VENV)/.run
	@$(BIN)/entrygate serve --rules rules $(ARGS)

test: $(VENV)/.dev
	@$(BIN)/python -m pytest -n auto $(ARGS)

check: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/entrygate check rules

schemas: $(VENV)/.run
	@$(BIN)/entrygate schema --write schemas

docs: $(VENV)/.dev
	@PYTHONPATH=. $(BIN)/python tests/docs/replay.py

bench: $(VENV)/.bench
	@$(BIN)/python -m bench $(ARGS)

clean:
	rm -rf $(VENV) build dist .pytest_cache .hypothesis .ruff_cache
