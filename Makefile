# Everything a fresh machine with Python 3.11 needs: `make demo` shows it, `make test` proves it.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# The tests start processes by the hundred, and without bytecode each compiles the two thousand modules that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test unit check lint mypy pyright bench format clean

demo: $(VENV)/.installed
	$(BIN)/terse-temporal demo

test: check
	$(BIN)/python -m pytest -n 4 --dist loadgroup

# More than half of them, in under a minute: those that need no server and start no other process.
unit: $(VENV)/.installed
	$(BIN)/python -m pytest -n 2 -m "not server"

# The engine under another Python that is at hand: `make test-3.12`.
test-3.%:
	$(MAKE) VENV=.venv-3.$* PYTHON=python3.$* .venv-3.$*/.installed
	.venv-3.$*/bin/python -m pytest -n 2 --dist loadgroup tests/engine

check: $(VENV)/.installed
	@$(MAKE) --no-print-directory --output-sync -j 2 mypy pyright lint

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache --no-logo

mypy: $(VENV)/.installed
	$(BIN)/mypy

# By itself it asks the package index whether there is a newer one.
pyright: $(VENV)/.installed
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright --pythonpath $(BIN)/python

bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) .terse .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
