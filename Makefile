# Thin on purpose: what a target does stands in the script it calls.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup run demo lint test test-heavy

setup:  ## make .venv and install everything; nothing to do when up to date
	@$(PYTHON) packaging/setup.py

run: setup  ## start the app
	@$(BIN)/python packaging/launch.py

demo: setup  ## the main job in the terminal
	@$(BIN)/stride demo

lint: setup  ## style, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint  ## lint, then all tests: no display, GPU or network
	$(BIN)/pytest

test-heavy: setup  ## more prompts, longer fuzzing, lm-eval; fetches the starter model
	$(BIN)/pip install --quiet ".[eval]"
	$(BIN)/pytest -m heavy
