# `make` shows the targets. Everything is installed into VENV; nothing else on the machine changes.

VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin
RUNNABLE = $(VENV)/.runnable
INSTALLED = $(VENV)/.installed

SEEDS ?= 1000
KILLS ?= 300
RUNS ?= 1000000
ORDERS ?= 20

.PHONY: help install run run-fleet run-money run-portal test test-any-order lint simulate torture torture-money fuzz check-tools clean

help:
	@echo 'make run      try it: three nodes, real usage data, balances (under two minutes)'
	@echo 'make run-fleet  see it live: a forge, twenty nodes, webhooks and balances, for a minute'
	@echo 'make run-money  see payments: a checkout, a dispute, a card that is charged, and a thief who is caught'
	@echo 'make run-portal  open the pages of a customer in your browser, until Ctrl-C'
	@echo 'make test     everything that guards the project'
	@echo 'make test-any-order ORDERS=20   the tests in as many random orders'
	@echo 'make lint     only ruff, mypy and the import rules'
	@echo 'make simulate SEEDS=1000   a fleet under faults, one history for each seed'
	@echo 'make torture KILLS=300     the real programs, killed at random moments'
	@echo 'make torture-money KILLS=200   the programs of a till, killed while payments come in and cards are charged'
	@echo 'make fuzz RUNS=1000000     every parser, guided by coverage'
	@echo 'make install  programs and development tools into $(BIN)'
	@echo 'make clean    remove the virtual environment, caches and the demo'

install: $(INSTALLED)

check-tools:
	@command -v git >/dev/null || { echo 'git is missing: apt-get install git' >&2; exit 1; }
	@command -v $(PYTHON) >/dev/null || { echo '$(PYTHON) is missing: apt-get install python3 python3-venv' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or newer is needed; this is' "$$($(PYTHON) --version)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo 'the venv module is missing: apt-get install python3-venv' >&2; exit 1; }

# The pip of $(PYTHON), where it has one: another in the environment costs as much as half of the packages. Modules
# are compiled when they are imported, which most of them never are.
install = if $(PYTHON) -m pip --python $(BIN)/python --version >/dev/null 2>&1; \
	then pip='$(PYTHON) -m pip --python $(BIN)/python'; \
	else $(BIN)/python -m ensurepip >/dev/null && pip='$(BIN)/python -m pip'; fi && \
	$$pip install --quiet --disable-pip-version-check --no-compile --editable '.[$(1)]'

$(BIN)/python: | check-tools
	@$(PYTHON) -m venv --without-pip $(VENV)

$(RUNNABLE): pyproject.toml | $(BIN)/python
	@echo 'installing the programs into $(VENV) ...'
	@$(call install,aggregator)
	@touch $@

$(INSTALLED): pyproject.toml | $(BIN)/python
	@echo 'installing programs and development tools into $(VENV) ...'
	@$(call install,dev)
	@touch $@ $(RUNNABLE)

run: $(RUNNABLE)
	@$(BIN)/python -m fixtures.demo

run-fleet: $(INSTALLED)
	@$(BIN)/python -m fixtures.fleet_demo

run-money: $(INSTALLED)
	@$(BIN)/python -m fixtures.money_demo

run-portal: $(INSTALLED)
	@$(BIN)/python -m fixtures.portal_demo

test: $(INSTALLED) lint
	@sh tests/debian-packages.sh
	$(BIN)/pytest -n 2

# Modules in random order and the tests in each; `pytest --random-order-seed=N` repeats one.
test-any-order: $(INSTALLED)
	@failed=; for seed in $$(seq $(ORDERS)); do \
	  echo "order $$seed:"; $(BIN)/pytest -n 2 --random-order-seed=$$seed || failed="$$failed $$seed"; \
	done; test -z "$$failed" || { echo "orders that failed:$$failed" >&2; exit 1; }

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

simulate: $(INSTALLED)
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS)

torture: $(INSTALLED)
	@$(BIN)/python -m tests.torture --kills $(KILLS)

torture-money: $(INSTALLED)
	@$(BIN)/python -m tests.till.kills --kills $(KILLS)
	@$(BIN)/python -m tests.till.charging.history --crashes $(KILLS)

fuzz: $(INSTALLED)
	@$(BIN)/python -m tests.fuzz --runs $(RUNS)

clean:
	rm -rf $(VENV) demo demo-fleet demo-money demo-portal .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
