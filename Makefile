# make run    the emulator and the pages          make test   every check
# make setup  .venv alone                         make check  the fast loop: lint, types, unit tests
# make lock   compile requirements/ anew          make package   the archives that are deployed
# make smoke  try a running system                make deploy, make destroy   a stage: STAGE=dev
# <gatepost>
# make bench  the benchmarks                      make wheel  what `pip install gatepost` takes
# </gatepost>

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/pytest
UNIT := tests/functions
# <gatepost>
UNIT += tests/gatepost
# </gatepost>
# <project>
# # What pip installs as gatepost: the version that pyproject.toml names, or what you give: make run GATEPOST=...
# GATEPOST ?= $(shell sed -n 's/^ *"\(gatepost==[^"]*\)".*/\1/p' pyproject.toml)
# </project>

.DEFAULT_GOAL := help
.PHONY: help setup run test check lint types unit lock package smoke deploy destroy clean

help: ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(VENV)/.run ## prepare .venv for `make run`

run: setup ## start the emulator and the pages
	@exec $(BIN)/gatepost dev --env-file local.env $(ARGS)

test: $(VENV)/.dev ## run every check
	@$(MAKE) --no-print-directory lint types
	$(PYTEST) -n logical $(ARGS)

check: $(VENV)/.dev lint types unit ## the fast loop: lint, types and unit tests

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

types: $(VENV)/.dev
	$(BIN)/mypy

unit: $(VENV)/.dev
	$(PYTEST) -q -n logical $(UNIT)

lock: $(VENV)/.dev ## compile requirements/*.txt from pyproject.toml
	for name in run dev functions tokens; do sh requirements/compile.sh $$name || exit 1; done

package: $(VENV)/.dev ## build build/functions.zip and build/tokens.zip for Lambda
	@$(BIN)/python -m infra.package $(ARGS)

# A token comes by SMOKE_TOKEN in the environment, which no list of processes shows.
smoke: setup ## try a running system: make smoke URL=wss://.../dev
	@$(if $(URL),:,echo 'make smoke needs URL=wss://.../stage; a token in SMOKE_TOKEN' >&2; exit 2)
	@$(BIN)/gatepost smoke '$(URL)' $(ARGS)

# They check first what is missing. REGION, ACCOUNT and CONFIRM may be given too.
STAGE_OPTIONS = $(if $(REGION),--region '$(REGION)') $(if $(ACCOUNT),--account '$(ACCOUNT)')

deploy: setup ## deploy a stage with osls: make deploy STAGE=dev
	@$(BIN)/python -m infra.deploy --stage '$(STAGE)' $(STAGE_OPTIONS)

destroy: setup ## remove a stage and what it holds: make destroy STAGE=dev
	@$(BIN)/python -m infra.deploy --destroy --stage '$(STAGE)' $(STAGE_OPTIONS) $(if $(CONFIRM),--confirm '$(CONFIRM)')

# <gatepost>
.PHONY: bench parity costs permissions wheel
bench: $(VENV)/.dev ## run the benchmarks
	$(BIN)/python -m benchmarks $(ARGS)

parity: $(VENV)/.dev ## write docs/reference/parity.md from the tests
	$(BIN)/python -m tests.parity

costs: $(VENV)/.dev ## write the figures of docs/explanation/cost.md
	$(BIN)/python -m tests.cost_page

permissions: $(VENV)/.dev ## write the table of docs/reference/permissions.md
	$(BIN)/python -m tests.rights_page

wheel: $(VENV)/.run ## build dist/gatepost-*.whl
	$(BIN)/python -m hatchling build -t wheel
# </gatepost>

clean: ## remove what make made
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .serverless

# The stamps make the second call quick: a set of packages is installed again only when its file changes.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "gatepost needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.13 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
# <gatepost>
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
# </gatepost>
# <project>
#	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps "$(GATEPOST)"
# </project>
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@
