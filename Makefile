PYTHON ?= python3
TORCH ?= torch==2.13.0
BIN := .venv/bin
INSTALLED := .venv/installed

# PyPI's torch for Linux brings gigabytes of CUDA; the CPU builds are on the PyTorch project's own index.
# Where that index cannot be reached, pip goes on at once with what it finds elsewhere.
CPU_INDEX := https://download.pytorch.org/whl/cpu
CPU_TORCH := --extra-index-url $(CPU_INDEX) --retries 1 --timeout 15

.DEFAULT_GOAL := help
.PHONY: help install run test test-slow benchmark lint fix wheel clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

install: $(INSTALLED) ## Install everything into .venv (PYTHON=python3.12, TORCH='torch==2.14.1' to choose)

# The stamp holds the torch asked for: another one, or a changed pyproject.toml, installs again.
ifneq ($(shell cat $(INSTALLED) 2>/dev/null),$(TORCH))
.PHONY: $(INSTALLED)
endif

$(INSTALLED): pyproject.toml
	@rm -f $@
	$(PYTHON) -m venv .venv
	if nvidia-smi >/dev/null 2>&1; then $(BIN)/pip install '$(TORCH)'; \
	else $(BIN)/pip install --no-deps $(CPU_TORCH) '$(TORCH)'; fi
	$(BIN)/pip install --editable '.[dev,train]'
	@echo '$(TORCH)' > $@

run: install ## Recommend hashtags for real posts
	$(BIN)/python training/showcase.py

test: install ## Run the quick tests
	$(BIN)/pytest --numprocesses 2 --dist loadfile

test-slow: install ## Run the others: trainings in small, faults of the Hub, killed processes, the built wheel
	$(BIN)/pytest -m slow --numprocesses 2 --dist loadfile

benchmark: install ## Measure and print the speeds
	$(BIN)/pytest -m benchmark tests/benchmarks -s

lint: install ## Check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy right_hf training

fix: install ## Repair style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

wheel: install ## Build the wheel into dist/
	rm -rf build
	$(BIN)/python -m build --wheel --no-isolation

clean: ## Remove what the other targets made
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find right_hf training tests -name __pycache__ -prune -exec rm -rf {} +
