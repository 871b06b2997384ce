# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

# The two commands of a user, `make full-run` and `make test`, and the steps they are made of.
VENV := .venv
IN_ENV := . $(VENV)/bin/activate &&
PYTHON_SOURCES := workflow tests kernels
C_SOURCES := $(shell find $(wildcard kernels tests) -name "*.c" -o -name "*.cc" -o -name "*.h" | sort)
ON_PHOTOGRAPHS := test_photographs_are_seen_as_in_pytorch_and_solving_weights_helps
WORKFLOW_TARGETS := full-run artifact-evaluation nightly-regression accuracy-study recipe-search pareto-front kernel-figures tuner-quality

# Packages of another Python would hide those of the environment.
unexport PYTHONPATH PYTHONHOME

.PHONY: help env dev smoke verify nightly-cycles release image lint unit all-units coverage check toolchain test docs tidy format clean $(WORKFLOW_TARGETS) \
	fuzz-nightly kill-nightly engine-nightly board-nightly networks-nightly riscv-programs

help:
	@echo "make full-run             everything, from the toolchain to the report"
	@echo "make smoke                every stage on small inputs, in minutes, and a check of what it left"
	@echo "make verify               check results: checksums, tables, claims, report; nothing is run"
	@echo "make artifact-evaluation  the claims, each with its evidence"
	@echo "make nightly-regression   modelled cycles against the recorded baseline"
	@echo "make nightly-cycles       every layer's modelled cycles against the baseline, without training"
	@echo "make accuracy-study       patterns and recipes compared over seeds (hours)"
	@echo "make recipe-search        fine-tunings for the study, compared on validation images (hours)"
	@echo "make kernel-figures       bounds and decomposition of the speedup, beside full-run's tables"
	@echo "make pareto-front         a pattern for every layer, top-1 against modelled cycles"
	@echo "make tuner-quality        what tuning missed, against running all candidates"
	@echo "make check                linters, type checker and unit tests, in minutes"
	@echo "make test                 the same with documentation and all other tests"
	@echo "make coverage             all unit tests, and how much of the library they run"
	@echo "make docs                 the documentation as a site, in results/docs"
	@echo "make format               write the sources as the linters want them"
	@echo "make tidy                 clang-tidy over the programs"
	@echo "make fuzz-nightly         ten million damaged inputs for all that the programs read"
	@echo "make kill-nightly         a full run that is killed 50 times"
	@echo "make engine-nightly       the toolchain image by Docker, and twice by mmdebstrap: all of it"
	@echo "make board-nightly        a full run and a calibration on an emulated board"
	@echo "make networks-nightly     other people's networks and random ones, all of them"
	@echo "make release              sources, source distribution, wheel, checksums, Zenodo metadata: results/release"
	@echo "make image                the toolchain with the workflow in it, as an image for Docker: colonnade:latest"
	@echo "make env                  only the Python environment, in $(VENV); make dev: with developers' tools"
	@echo "make riscv-programs       after a full run: a folder that measures a RISC-V machine by itself"
	@echo "make clean                remove the environment, the toolchain and the results"

env:
	@sh workflow/envs/create.sh $(VENV)

dev:
	@sh workflow/envs/create.sh $(VENV) dev

$(WORKFLOW_TARGETS): env
	$(IN_ENV) snakemake $@

smoke: env
	$(IN_ENV) snakemake full-run --configfile config/default.yaml config/smoke.yaml
	$(IN_ENV) colonnade verify results/smoke

nightly-cycles: env
	$(IN_ENV) snakemake nightly-cycles --configfile config/default.yaml config/cycles.yaml

verify: env
	$(IN_ENV) colonnade verify results

lint: dev
	$(IN_ENV) ruff check $(PYTHON_SOURCES)
	$(IN_ENV) ruff format --check $(PYTHON_SOURCES)
	$(IN_ENV) snakefmt --check Snakefile workflow/rules
	$(IN_ENV) snakemake --lint
	$(IN_ENV) mypy
	$(IN_ENV) lint-imports
	$(IN_ENV) codespell
	$(IN_ENV) actionlint
	$(IN_ENV) reuse lint --quiet
	$(IN_ENV) clang-format --dry-run -Werror $(C_SOURCES)

unit: dev
	$(IN_ENV) pytest -n auto -m "not slow" tests/unit

# The slow ones too.
all-units: dev
	$(IN_ENV) pytest -n auto tests/unit

# The same, and it fails where less of the library ran than pyproject.toml asks for; that takes half as long again.
coverage: dev
	$(IN_ENV) pytest -n auto --cov=colonnade tests/unit

toolchain: dev
	$(IN_ENV) snakemake toolchain --quiet all

# Side by side: linters have one process.
check: dev
	@$(MAKE) --no-print-directory --jobs=2 lint unit

# The toolchain, part of whose time is the network's, is built while what needs none of it is tested.
test: dev
	@$(MAKE) --no-print-directory --jobs=3 toolchain lint all-units docs
	$(IN_ENV) pytest -n auto --durations=40 --durations-min=20 --ignore=tests/unit

# Pages, links and anchors are checked, and nothing is fetched: the site is read offline.
docs: dev
	$(IN_ENV) NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet

format: dev
	$(IN_ENV) ruff check --fix $(PYTHON_SOURCES)
	$(IN_ENV) ruff format $(PYTHON_SOURCES)
	$(IN_ENV) snakefmt Snakefile workflow/rules
	$(IN_ENV) clang-format -i $(C_SOURCES)

tidy: dev
	$(IN_ENV) snakemake kernels_host
	$(IN_ENV) colonnade shell -- sh kernels/tidy.sh results/build/host $(VENV)/lib/python3.*/site-packages/clang_tidy/data/bin/clang-tidy

# Ten million inputs, by all fuzz targets: hours.
fuzz-nightly: dev
	$(IN_ENV) COLONNADE_FUZZ_RUNS=10000000 pytest tests/integration/test_fuzz.py

# 50 kills at random moments, and then every rule again.
kill-nightly: dev
	$(IN_ENV) COLONNADE_KILLS=50 pytest tests/integration/workflow/test_refusals.py tests/integration/workflow/test_rules.py -k "killed_anywhere or rules"

# Of the commit that is checked out; twice gives the same bytes.
release: dev
	$(IN_ENV) snakemake wheel --quiet all
	$(IN_ENV) python workflow/envs/release.py results/release results/wheel/*.whl

# Of the commit that is checked out. A container of it runs `make smoke`.
image: env
	$(IN_ENV) colonnade release-image colonnade:latest

# With the emulator, which `make test` copies.
engine-nightly: dev
	$(IN_ENV) COLONNADE_WHOLE_IMAGE=1 pytest tests/integration/test_engines.py tests/integration/test_rebuilding.py

# Of the networks of a full run.
riscv-programs: env
	$(IN_ENV) snakemake full-run --quiet all
	$(IN_ENV) colonnade board programs --schedules results/schedules.json --image-px 64 results/riscv-programs \
		results/packages/dense:xnnpack_nhwc_dense results/packages/dense:colnm_dense results/packages/full0.5:colnm_tuned

# Over SSH, with the emulator behind it.
board-nightly: dev
	$(IN_ENV) COLONNADE_WHOLE_BOARD=1 pytest tests/integration/workflow/test_board.py

# The nine of the `onnx` package, its node tests, random networks, and one on photographs.
networks-nightly: dev
	$(IN_ENV) COLONNADE_WHOLE_NETWORKS=1 pytest -n auto tests/integration/test_imported_networks.py \
		tests/unit/models/importing/test_onnx_nodes.py tests/integration/test_onnx_nodes.py \
		tests/integration/test_random_networks.py "tests/integration/workflow/test_results.py::$(ON_PHOTOGRAPHS)"

clean:
	@# A root file system has folders that even their owner may not write to.
	@if [ -d .colonnade ]; then chmod -R u+w .colonnade; fi
	rm -rf $(VENV) .colonnade .snakemake
	find results -mindepth 1 -maxdepth 1 ! -name baseline -exec rm -rf {} + 2>/dev/null || true
