# Everything that is done with this repository, in one place. `make help` lists it.

PYTHON ?= python3
JOBS   ?= 2
BIN    := .venv/bin
READY  := .venv/.ready
PYTEST := $(BIN)/python -m pytest
FAST   := $(PYTEST) -n $(JOBS) --dist loadfile -m "not slow" --ignore tests/crash --ignore tests/browser
# These start the embedded Valkey or no server at all: running them for Redis again would show nothing new.
NO_REDIS := cli client embedded docs runner contract containers benchmarks

.DEFAULT_GOAL := help
.PHONY: help run test lint browser screenshots crash faults containers docs site doccheck bench soak recovery lock clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# A plain environment, made again when pyproject.toml changes.
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "jobsapi needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

run: $(READY) ## starts the whole system, loads real data and runs a job on it; PORT=5001 changes the port
	@$(BIN)/python examples/tour.py $(if $(PORT),--port $(PORT))

test: lint ## checks the code, then the tests on Valkey, and on Redis where redis-server is installed
	$(FAST) tests
	@if command -v redis-server >/dev/null; then set -x; $(FAST) --server redis $(NO_REDIS:%=--ignore tests/%) --ignore-glob 'tests/data/test_reading*' tests; \
	else echo "The tests on Redis were left out: there is no redis-server."; fi

lint: $(READY) ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

browser: $(READY) ## the web page in a real Chromium; every page is kept as a picture in out/screenshots (slow)
	$(PYTEST) tests/browser

screenshots: browser ## takes the pictures of the README anew
	cp out/screenshots/overview-1280-light.png docs/images/overview.png
	cp out/screenshots/job-1280-light.png docs/images/job.png

crash: $(READY) ## tests that kill processes in the middle of their work (slow)
	$(PYTEST) tests/crash

faults: $(READY) ## kills, clocks, a bad store, and random histories against a model, all at random; FAULTS_SECONDS, FAULTS_SEED (slow)
	MODEL_STEPS=$${MODEL_STEPS:-60000} $(PYTEST) -n $(JOBS) --dist worksteal -rP tests/faults

containers: ## builds the image and runs the whole system in containers (needs Docker)
	tests/containers/run

docs: $(READY) ## writes the parts of the docs that are made of the code
	$(BIN)/python -m tests.contract.test_commands
	$(BIN)/python -m tests.contract.test_diagram
	$(BIN)/python -m tests.contract.test_settings_page
	$(BIN)/python -m tests.contract.test_routes_page
	$(BIN)/python -m tests.contract.test_python_page

site: $(READY) ## builds the documentation's site into site/, strictly
	$(BIN)/zensical build --strict --clean

doccheck: $(READY) ## does everything that the docs and the examples tell a reader to do (minutes)
	$(PYTEST) -m slow tests/docs

bench: $(READY) ## measures jobsapi beside other job queues and writes docs/benchmarks.md (an hour); QUICK=1 only prints
	$(BIN)/python -m benchmarks.run $(if $(QUICK),--quick,--write)

soak: $(READY) ## half an hour at half of the machine's rate, memory sampled; SOAK_SECONDS (slow)
	$(BIN)/python -m benchmarks.soak

recovery: $(READY) ## how long after a kill a job runs again (slow)
	$(BIN)/python -m benchmarks.recovery

lock: $(READY) ## writes requirements.txt, the exact packages of the image, from pyproject.toml
	@echo '# The exact packages of the container image; made from pyproject.toml by `make lock`.' > requirements.new
	@$(BIN)/pip-compile --quiet --extra plot --strip-extras --no-header --annotation-style line \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options --output-file - pyproject.toml \
	  >> requirements.new || { rm requirements.new; exit 1; }
	@mv requirements.new requirements.txt

clean: ## removes what the targets made, the environment too
	rm -rf .venv .jobsapi .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
