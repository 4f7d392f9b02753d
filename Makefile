# The commands of the README and of CONTRIBUTING, for those who like make.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: train test lint types check tables page vsix clean

train: $(VENV)/.installed  ## train a network on the embedded digits
	$(BIN)/specc train specs/digits.cnn

test: $(VENV)/.installed-dev
	$(BIN)/pytest

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

check: lint types test

tables: $(VENV)/.installed-dev  ## after a change of the grammar
	$(BIN)/python -m specc.syntax.precompile

page:  ## after a change of the page of `specc play`
	cd specc/play/page && npm ci && npm run build

vsix:  ## the extension for VS Code, editors/vscode/specc.vsix, an asset of a release
	cd editors/vscode && npm install && npm run package && node --test test/package.test.js

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -e .
	touch $@

$(VENV)/.installed-dev: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
