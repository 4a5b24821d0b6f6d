# Guanxi. `make` alone lists the targets.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := libs/common libs/testing libs/sandbox libs/operator services/customer-svc services/engagement-svc services/scoring-svc
SOURCES := $(addsuffix /src,$(PACKAGES))
SEEDS ?= 500
MINUTES ?= 3
WORKERS ?= 2
# Byte code makes every process start in half the time; an empty value means that it is written.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev setup-bench run test check lint types imports dependencies migrations contracts format simulate \
	mutants supply-chain bench replay fit-lifetime evaluate evaluate-signals train uplift verify-audit token docs lock smoke clean reset \
	restore-drill soak

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.run ## Make the environment for running
setup-dev: $(VENV)/.dev ## Make the environment for testing and checking
setup-bench: $(VENV)/.bench ## Add the peers that the benchmark compares with

$(VENV)/.run: requirements-run.txt $(addsuffix /pyproject.toml,$(PACKAGES))
	@deploy/install requirements-run.txt
	@touch $@
$(VENV)/.dev: requirements-dev.txt $(addsuffix /pyproject.toml,$(PACKAGES))
	@deploy/install requirements-dev.txt
	@touch $@ $(VENV)/.run
$(VENV)/.bench: requirements-bench.txt $(addsuffix /pyproject.toml,$(PACKAGES))
	@deploy/install requirements-bench.txt
	@touch $@ $(VENV)/.dev $(VENV)/.run

run: setup ## Start PostgreSQL, the three services and the sandbox; Ctrl-C stops all
	@$(BIN)/guanxi run --sandbox

test: setup-dev ## Run the whole suite on the embedded default and, where Java and Maven are, on real Kafka
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadscope --no-loadscope-reorder $(ARGS)

check: lint types imports dependencies migrations contracts ## Run every static check

lint: setup-dev ## Lint and check the format
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@! git grep -nE '^(<<<<<<<|>>>>>>>)' || { echo "a merge's marks are left"; exit 1; }

types: setup-dev ## Type-check, strictly
	@$(BIN)/mypy $(SOURCES)

imports: setup-dev ## Check the import contracts of the house
	@$(BIN)/lint-imports

dependencies: setup-dev ## Check that each package declares what it imports
	@for package in $(PACKAGES); do (cd $$package && ../../$(BIN)/deptry src) || exit 1; done

migrations: setup-dev ## Check that migrations and tables agree
	@$(BIN)/guanxi check-migrations

contracts: setup-dev ## Compare OpenAPI and event schemas with the last release
	@$(BIN)/guanxi check-contracts

supply-chain: setup-dev ## Write the SBOM and the licences to build/, refuse what is not accepted, look for known vulnerabilities
	@$(BIN)/python deploy/supply_chain.py

format: setup-dev ## Format and apply safe fixes
	@$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format .

simulate: setup-dev ## Run SEEDS simulated schedules of the event fabric
	@$(BIN)/python -m guanxi_testing.simulation --seeds $(SEEDS)

soak: setup-dev ## Run everything under load and faults for MINUTES (SEED=n to see it again, KAFKA=1 on a real Kafka)
	@$(BIN)/python -m tests.soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(if $(KAFKA),--kafka)

mutants: setup-dev ## Remove each rule in turn and see that a test catches it (ARGS='words of its name, file or test')
	@$(BIN)/python -m tests.mutants $(ARGS)

bench: setup-bench ## Measure the hot paths beside their peers and limits; writes docs/benchmarks.md
	@$(BIN)/python -m tests.load

replay: setup ## Replay DATASET=file.csv through the public intake (see docs/guides/replay.md)
	@$(BIN)/guanxi replay $(DATASET)

evaluate: setup ## Judge every model on real data; writes docs/evaluation.md (ARGS=--quick for a look)
	@$(BIN)/guanxi-scoring evaluate $(ARGS)

fit-lifetime: setup ## Fit the lifetime models on FILE=purchases.csv END=date (ARGS='--id … --date … --amount …')
	@$(BIN)/guanxi-scoring fit-lifetime $(FILE) --calibration-end $(END) $(ARGS)

train: setup ## Train, judge, explain and keep a model: FILE=book.csv LABEL=column OUT=folder (ARGS='--date … --kind …')
	@$(BIN)/guanxi-scoring train $(FILE) --label $(LABEL) --out $(OUT) $(ARGS)

uplift: setup ## Report what a randomised treatment changed: FILE=trial.csv TREATMENT=column OUTCOME=column
	@$(BIN)/guanxi-scoring uplift $(FILE) --treatment $(TREATMENT) --outcome $(OUTCOME) $(ARGS)

evaluate-signals: setup ## Replay the Berka data and judge the signals; writes docs/evaluation/signals.md
	@$(BIN)/guanxi-scoring evaluate-signals

verify-audit: setup ## Check the audit log offline
	@$(BIN)/guanxi verify-audit $(ARGS)

token: setup ## Print a token: make token SUBJECT=rm-01
	@$(BIN)/guanxi token --subject $(SUBJECT)

docs: setup-dev ## Write the OpenAPI and AsyncAPI documents to docs/api
	@$(BIN)/guanxi write-contracts

lock: ## Compile the requirement locks anew
	@for name in requirements requirements-run requirements-dev requirements-bench; do \
	  $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	    $$name.in -o $$name.txt || exit 1; done

restore-drill: setup-dev ## Back up under load, restore elsewhere, let the missing days arrive again
	@$(BIN)/python -m pytest -q -n 0 libs/common/tests/integration/backup tests/restore

smoke: ## Clone, start, ask for a worklist, stop: what a newcomer does
	@deploy/smoke

reset: ## Delete the data of `make run`
	@$(BIN)/guanxi reset

clean: ## Delete the environment and the caches
	@rm -rf $(VENV) .cache .mypy_cache .ruff_cache .hypothesis
