# From a fresh clone this needs make and a Python of 3.10 or later, nothing else.

PYTHON ?= python3
WORKERS ?= auto
ARGS ?=

# inline-snapshot rewrites no file here, and so need not say why it cannot
QUIET := -q --inline-snapshot=disable

BIN := .venv/bin
INSTALLED := .venv/.installed
SCALE := $(wildcard tests/*/test_scale.py)
TYPED := pytest_traces examples benchmarks .ci $(wildcard tests/typing)

.PHONY: help demo test check lint types scale coverage smoke matrix clean
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

demo: $(INSTALLED) ## run the examples and show their traces
	@$(BIN)/python -m pytest examples $(QUIET) -p no:randomly --traces-show=all $(ARGS)

test: $(INSTALLED) ## run the tests and the examples (ARGS="-k tree" for some of them)
	@$(BIN)/python -m pytest $(QUIET) -n $(WORKERS) $(ARGS)

# In this order: what is quick fails first, and how many tests ran is read last.
check: lint types scale coverage smoke ## everything a change must pass

lint: $(INSTALLED)
	@$(BIN)/ruff check -q
	@$(BIN)/ruff format -q --check

types: $(INSTALLED)
	@$(BIN)/mypy $(TYPED)
	@$(BIN)/pyright --pythonpath $(BIN)/python

# 100,000 spans in each; measuring coverage would make minutes of it.
scale: $(INSTALLED)
	@$(BIN)/python -m pytest $(QUIET) -n $(WORKERS) $(SCALE)

# Not pytest-cov: the plugin is loaded before pytest-cov begins to measure.
coverage: $(INSTALLED)
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest $(QUIET) -n $(WORKERS) $(SCALE:%=--ignore=%)
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report

smoke: $(INSTALLED)
	@$(BIN)/python .ci/smoke.py

matrix: $(INSTALLED) ## run the tests on every Python found, with old and new libraries
	@$(BIN)/python .ci/matrix.py $(ARGS)

clean: ## remove everything that make made
	@rm -rf examples/processes/node/node_modules examples/processes/node/dist .venv .matrix build dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or later is needed; try: make PYTHON=python3.12")'
	@echo "installing into .venv ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'
	@# Tests start programs with `opentelemetry-instrument`. With the rest, pip would try every
	@# version of the instrumentations for the newest of this one.
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps \
	  "opentelemetry-distro==$$($(BIN)/python -c \
	  'from importlib.metadata import version; print(version("opentelemetry-instrumentation"))')"
	@touch $@
