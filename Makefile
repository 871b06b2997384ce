# The two commands of a user, `make full-run` and `make test`, and the steps they are made of.
VENV := .venv
INSTALLED := $(VENV)/.installed
PYTHON_SOURCES := workflow tests
RUN := $(VENV)/bin/snakemake --profile workflow/profiles/default
WORKFLOW_TARGETS := full-run artifact-evaluation nightly-regression accuracy-study pareto-front kernel-figures tuner-quality

# Rules call the tools of the environment by name.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

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

env: $(INSTALLED)

$(INSTALLED): requirements.txt pyproject.toml containers/host-setup.sh
	@python=$$(sh containers/host-setup.sh) && \
		echo "Creating $(VENV) with $$python" && "$$python" -m venv $(VENV)
	$(VENV)/bin/pip install --disable-pip-version-check -r requirements.txt
	$(VENV)/bin/pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(WORKFLOW_TARGETS): $(INSTALLED)
	$(RUN) $@

lint: $(INSTALLED)
	$(VENV)/bin/ruff check $(PYTHON_SOURCES)
	$(VENV)/bin/ruff format --check $(PYTHON_SOURCES)
	$(VENV)/bin/snakefmt --check Snakefile workflow/rules
	$(VENV)/bin/snakemake --lint
	$(VENV)/bin/mypy

test: lint
	$(VENV)/bin/pytest

# Ten million inputs, by all fuzz targets: hours.
fuzz-nightly: $(INSTALLED)
	COLONNADE_FUZZ_RUNS=10000000 $(VENV)/bin/pytest tests/integration/test_fuzz.py

clean:
	@# A root file system has folders that even their owner may not write to.
	@if [ -d .colonnade ]; then chmod -R u+w .colonnade; fi
	rm -rf $(VENV) .colonnade .snakemake
	find results -mindepth 1 -maxdepth 1 ! -name baseline -exec rm -rf {} + 2>/dev/null || true
