# Works with Python 3.11+, pip and make alone. Another Python: make PYTHON=python3.12 ...
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# The models here are too small for more than one thread; a busy machine is slower with two.
export OMP_NUM_THREADS ?= 1

.PHONY: help install venv quickstart test check bench refusal clean

help:
	@echo "make quickstart   install into .venv, then forget a person of the embedded world"
	@echo "make install      only install into .venv"
	@echo "make test         all tests"
	@echo "make check        ruff and pyright"
	@echo "make bench        our ReBO and offline steps and our evaluation against stock ones; how cost grows"
	@echo "make refusal      what the judgement of refusals is worth: the tables of docs/refusal.md"
	@echo "make clean        remove .venv and caches; runs/ stays"

install venv: $(INSTALLED)

# torch comes first: what follows then finds it there instead of choosing one of its own.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=python3.12"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

quickstart: $(INSTALLED)
	$(BIN)/lethe quickstart

test: $(INSTALLED)
	$(BIN)/python -m pytest

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

bench: $(INSTALLED)
	$(BIN)/python bench/rebo_step.py
	$(BIN)/python bench/offline_step.py
	$(BIN)/python bench/evaluate.py
	$(BIN)/python bench/scaling.py

refusal: $(INSTALLED)
	$(BIN)/python bench/refusal.py

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
