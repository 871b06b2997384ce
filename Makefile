# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

# The two commands of a user, `make full-run` and `make test`, and the steps they are made of.
VENV := .venv
IN_ENV := . $(VENV)/bin/activate &&
PYTHON_SOURCES := workflow tests
WORKFLOW_TARGETS := full-run artifact-evaluation nightly-regression accuracy-study pareto-front kernel-figures tuner-quality

# Packages of another Python would hide those of the environment.
unexport PYTHONPATH PYTHONHOME

.PHONY: help env test lint clean $(WORKFLOW_TARGETS) fuzz-nightly

help:
	@echo "make full-run             everything, from the toolchain to the report"
	@echo "make artifact-evaluation  the claims, each with its evidence"
	@echo "make nightly-regression   modelled cycles against the recorded baseline"
	@echo "make accuracy-study       patterns and recipes compared over seeds (hours)"
	@echo "make kernel-figures       bounds and decomposition of the speedup, beside full-run's tables"
	@echo "make pareto-front         a pattern for every layer, top-1 against modelled cycles"
	@echo "make tuner-quality        what tuning missed, against running all candidates"
	@echo "make test                 linters, type checker and tests"
	@echo "make fuzz-nightly         ten million damaged inputs for all that the programs read"
	@echo "make env                  only the Python environment, in $(VENV)"
	@echo "make clean                remove the environment, the toolchain and the results"

env:
	@sh workflow/envs/create.sh $(VENV)

$(WORKFLOW_TARGETS): env
	$(IN_ENV) snakemake $@

lint: env
	$(IN_ENV) ruff check $(PYTHON_SOURCES)
	$(IN_ENV) ruff format --check $(PYTHON_SOURCES)
	$(IN_ENV) snakefmt --check Snakefile workflow/rules
	$(IN_ENV) snakemake --lint
	$(IN_ENV) mypy
	$(IN_ENV) lint-imports

test: lint
	$(IN_ENV) pytest

# Ten million inputs, by all fuzz targets: hours.
fuzz-nightly: env
	$(IN_ENV) COLONNADE_FUZZ_RUNS=10000000 pytest tests/integration/test_fuzz.py

clean:
	@# A root file system has folders that even their owner may not write to.
	@if [ -d .colonnade ]; then chmod -R u+w .colonnade; fi
	rm -rf $(VENV) .colonnade .snakemake
	find results -mindepth 1 -maxdepth 1 ! -name baseline -exec rm -rf {} + 2>/dev/null || true
