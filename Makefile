# Everything a user or CI runs. `make demo` and `make test` work on a bare machine with Python 3.11+.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DATA ?= ../shared/data
PACKAGES := features simulation training offers serving holdfast

.PHONY: help setup demo serve test soak lint bench lock wheel clean

help:
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

setup: $(READY)  ## make .venv with the locked dependencies

# uv installs the lock in seconds; where it cannot reach a registry that pip is set up for, pip does.
# Compiled here once, imports are quick from the first command on, and for users who may not write here.
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --compile-bytecode --require-hashes --no-deps \
		--requirement requirements.lock \
		|| $(BIN)/python -m pip install --quiet --require-hashes --no-deps --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q $(PACKAGES)
	touch $@

demo: $(READY)  ## the main job on a simulated shop: history, models, scores, a campaign planned and measured
	$(BIN)/holdfast demo

serve: $(READY)  ## the API on the demo's store at the demo's day, http://127.0.0.1:8000
	MLFLOW_TRACKING_URI=sqlite:///demo/mlruns/mlflow.db HOLDFAST_CLOCK_START=2025-10-01 \
		$(BIN)/holdfast serve --store sqlite:///demo/store.db

lint: $(READY)  ## formatting, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint  ## every check: lint, tests with doctests, notebooks
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile
	$(BIN)/python -m pytest --nbmake -p no:warnings notebooks

soak: $(READY)  ## more random files, requests and steps than make test makes, and ten minutes of load on each database
	HOLDFAST_FUZZ_FILES=10000 $(BIN)/python -m pytest tests/features/intake/readers/test_fuzz.py
	HOLDFAST_FUZZ_EXAMPLES=1000 $(BIN)/python -m pytest tests/features/test_text_dates.py \
		tests/training/selection/test_grade.py
	HOLDFAST_FUZZ_REQUESTS=160 $(BIN)/python -m pytest -s tests/serving/test_schema.py
	HOLDFAST_FUZZ_REQUESTS=160 HOLDFAST_FUZZ_STORE=postgresql $(BIN)/python -m pytest -s tests/serving/test_schema.py
	HOLDFAST_STATEFUL_EXAMPLES=100 HOLDFAST_SOAK_MINUTES=10 $(BIN)/python -m pytest -s -o faulthandler_timeout=3600 \
		tests/serving/soak

bench: $(READY)  ## speed and out-of-time accuracy against peers; long, the first time above all
	$(BIN)/python -m benchmarks.features
	$(BIN)/python -m benchmarks.metrics
	$(BIN)/python -m benchmarks.serving
	$(BIN)/python -m benchmarks.btyd
	$(BIN)/python -m benchmarks.allocation
	$(BIN)/python -m benchmarks.experiment
	$(BIN)/python -m benchmarks.simulated
	$(BIN)/python -m benchmarks.treated
	$(BIN)/python -m benchmarks.pilot
	$(BIN)/python -m benchmarks.promises
	$(BIN)/python -m benchmarks.campaigns
	$(BIN)/python -m benchmarks.hillstrom --data $(DATA)
	$(BIN)/python -m benchmarks.small_shops --data $(DATA)
	$(BIN)/python -m benchmarks.leaderboard --data $(DATA)

lock: $(READY)  ## renew requirements.lock; it records no registry address
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url \
		--python-version 3.11 --extra spark --group dev pyproject.toml --upgrade --output-file requirements.lock

wheel: $(READY)  ## the package to install elsewhere, in dist/
	$(BIN)/python -m hatchling build --target wheel

clean:  ## remove what the demo and the checks made
	rm -rf demo dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
