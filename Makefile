# Switchboard: `make run` for the whole system on this machine, `make test` for its tests.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PORT ?= 8000
DATA_DIR ?= .local
RELAY_ARGS ?= --pictures docs
CLIENT_ENVS ?= .tools/clients
PYTHON := .venv/bin/python
UV := .tools/uv/bin/uv
SAM := .tools/sam/bin/sam
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.tools/uv/bin:$(CURDIR)/.tools/sam/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0
export UV_NO_PROGRESS := 1
export CLIENT_ENVS

CHROMIUM := /usr/bin/chromium
# Each page that a program writes, and the module that prints it. A test holds each page current.
PAGES := providers=testkit.providers_page conformance=testkit.twins.matrix failures=testkit.failures_page \
  clients=testkit.clients_page

.PHONY: help run test thorough clients browser pages check lint bench bench-relay bench-fairness soak-ledger build deploy setup sam older-runtime clients-setup lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup ## the whole system on this machine: gateway, console, database (PORT=8000 DATA_DIR=.local)
	@exec $(PYTHON) -m switchboard_local --port $(PORT) --data-dir $(DATA_DIR)

ifeq ($(origin FILE),command line)
test: setup
	@PYTHONDONTWRITEBYTECODE= $(PYTHON) -m pytest -q -p no:xdist $(FILE) $(PYTEST_ARGS)
else
# Each worker imports the tests: byte code is kept even where the machine's default is not to, so that only the first
# run compiles.
test: setup sam older-runtime ## every test that needs no container engine and no browser (4 minutes); FILE=tests/unit/…: one file or folder
	@PYTHONDONTWRITEBYTECODE= $(PYTHON) -m pytest -n auto --dist worksteal \
	  -m "not sam_local and not browser and not load and not clients and not fuzz and not recorded \
	  and not thorough" $(PYTEST_ARGS)
endif

thorough: setup sam older-runtime ## the ledger on a real engine, and other parts with every fault (2 minutes)
	@$(PYTHON) -m pytest -n auto --dist worksteal -m "thorough and not load" $(PYTEST_ARGS)

clients: setup clients-setup ## the clients that agents are built with, before the running gateway (1 GB, 2 minutes)
	@$(PYTHON) -m pytest -m clients $(PYTEST_ARGS) tests/clients

browser: setup ## the browser tests of the console; needs Chromium
	@if [ ! -x $(CHROMIUM) ]; then \
	  echo "$(CHROMIUM) is missing: install the packages chromium and fonts-dejavu-core, then run this again." >&2; exit 1; fi
	@$(PYTHON) -m pytest -m browser tests/browser $(PYTEST_ARGS)

# Printed into a temporary file first: a generator that fails leaves its page as it was.
pages: setup ## write the generated pages anew: docs/providers.md, docs/conformance.md, docs/failures.md
	@written=$$(mktemp); trap 'rm -f "$$written"' EXIT; \
	for page in $(PAGES); do \
	  $(PYTHON) -m "$${page#*=}" > "$$written"; \
	  cat "$$written" > "docs/$${page%%=*}.md"; \
	done

check: lint test ## what CI runs first: format, lint, types, imports, templates, tests

lint: setup sam ## format, lint, types, imports, templates
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@AWS_DEFAULT_REGION=eu-central-1 $(SAM) validate --lint

bench: setup ## the time that the gateway adds to a call, compared with a bare proxy in the same run
	@$(PYTHON) -m bench

bench-relay: setup ## slow providers with and without fallback and hedging, drawn into docs (10 minutes)
	@$(PYTHON) -m bench.relay $(RELAY_ARGS)

bench-fairness: setup ## what hostile callers of one project cost the calls of another (10 minutes)
	@$(PYTHON) -m bench.fairness

soak-ledger: setup ## 200,000 calls settled while much goes wrong; every total is then the sum of its calls (an hour)
	@LEDGER_CALLS=$${LEDGER_CALLS:-200000} $(PYTHON) -m pytest -m load $(PYTEST_ARGS) tests/load/test_ledger_simulation.py

# Only what is given on make's command line counts: an environment may have a variable REGION or PROFILE by chance.
given = $(if $(filter command,$(origin $(1))),--$(2) "$($(1))")
DEPLOY_OPTIONS = $(call given,STACK,stack) $(call given,REGION,region) $(call given,PROFILE,profile) \
  $(call given,ENVIRONMENT,environment) $(if $(filter command,$(origin GUIDED)),--guided)

build: .venv/.ready sam ## the deployable artifacts, with byte code (Lambda's code folder is read-only)
	@$(SAM) build --cached --parallel $(call given,ENVIRONMENT,config-env)
	@$(PYTHON) -m compileall -q --invalidation-mode unchecked-hash .aws-sam/build

# The build takes a minute: what would end the deployment is looked for before it, too.
deploy: .venv/.ready sam ## deploy to your AWS account: STACK=switchboard REGION=eu-central-1 PROFILE=… ENVIRONMENT=…; GUIDED=1: SAM asks
	@switchboard deploy $(DEPLOY_OPTIONS) --check
	@$(MAKE) --no-print-directory build
	@switchboard deploy $(DEPLOY_OPTIONS)

setup: .venv/.ready node_modules/.ready

sam: .tools/sam/.ready

older-runtime: .tools/older_runtime/.ready

clients-setup: $(CLIENT_ENVS)/python/.ready tests/clients/ai_sdk/node_modules/.ready

lock: .tools/uv/.ready ## compile every pin again from pyproject.toml
	@for file in tools sam older_runtime clients/python; do $(UV) pip compile -q --upgrade --universal --generate-hashes --no-emit-index-url \
	  --no-header --python-version 3.13 requirements/$$file.in -o requirements/$$file.txt; done
	@$(UV) pip compile -q --upgrade --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.13 \
	  pyproject.toml --all-extras --group dev -o requirements/dev.txt
	@for function in $(notdir $(wildcard functions/*)); do \
	  $(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.13 \
	    pyproject.toml --extra $$function -c requirements/dev.txt -o functions/$$function/requirements.txt; done

clean: ## remove what the tools installed and cached (not your data)
	@rm -rf .venv .tools .aws-sam node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  tests/clients/ai_sdk/node_modules

# uv gets an environment of its own: a new machine may have no uv.
.tools/uv/.ready: requirements/tools.txt
	@python3 -m venv .tools/uv
	@.tools/uv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r $<
	@touch $@

# `sync` removes the project itself, which is not pinned, so it is installed afterwards, from this folder, offline. Byte
# code is compiled at once: the tests start many processes, and each would compile what it imports.
.venv/.ready: requirements/dev.txt pyproject.toml .tools/uv/.ready
	@test -x .venv/bin/python || $(UV) venv -q --python 3.13 .venv
	@$(UV) pip sync -q --compile-bytecode --require-hashes --python .venv requirements/dev.txt
	@$(UV) pip install -q --no-deps --no-build-isolation --python .venv -e .
	@touch $@

# The SAM command line pins much of what we pin too, differently: it has its own environment.
.tools/sam/.ready: requirements/sam.txt .tools/uv/.ready
	@test -x .tools/sam/bin/python || $(UV) venv -q --python 3.13 .tools/sam
	@$(UV) pip sync -q --require-hashes --python .tools/sam requirements/sam.txt
	@touch $@

# AWS decides which version of its runtime a function gets. Tests put this folder before the newest one's packages.
.tools/older_runtime/.ready: requirements/older_runtime.txt .venv/.ready
	@$(UV) pip sync -q --require-hashes --python .venv --target $(@D) $<
	@touch $@

# The clients pin much of what we pin too, differently.
$(CLIENT_ENVS)/python/.ready: requirements/clients/python.txt .tools/uv/.ready
	@test -x $(@D)/bin/python || $(UV) venv -q --python 3.13 $(@D)
	@$(UV) pip sync -q --require-hashes --python $(@D) $<
	@touch $@

tests/clients/ai_sdk/node_modules/.ready: tests/clients/ai_sdk/package-lock.json tests/clients/ai_sdk/.npmrc
	@npm ci --prefix tests/clients/ai_sdk --silent --ignore-scripts
	@touch $@

node_modules/.ready: package-lock.json .npmrc
	@if command -v npm >/dev/null; then npm ci --silent --ignore-scripts; \
	else echo "npm is missing: install Node.js 20 or newer (the local DynamoDB engine comes from npm)" >&2; exit 1; fi
	@touch $@
