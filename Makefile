# Everything that people and CI run. Each target sets up what it needs in .venv; Python 3.11 or newer is enough.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUN    := $(BIN)/python -m

.DELETE_ON_ERROR:
.PHONY: help demo test check bars soak bench app clean install dev

help:            ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/  /'

install: $(VENV)/.installed          ## convscope and what it needs, in .venv
dev: $(VENV)/.dev                    ## the same with the tools of development

demo: $(VENV)/.installed             ## train LeNet-5 on built-in digits and judge it; offline, under a minute
	@$(BIN)/convscope demo

test: $(VENV)/.dev                   ## what CI runs: style, types, tests, doctests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(RUN) pytest -n 2 --dist loadfile

check: $(VENV)/.dev                  ## style and types alone, in seconds
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bars: $(VENV)/.dev                   ## every promised figure in full, as a table
	$(BIN)/python benchmarks/bars.py

soak: $(VENV)/.dev                   ## what takes hours
	$(BIN)/python benchmarks/soak.py

bench: $(VENV)/.dev                  ## speed, as ratios against named peers
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/decode.py
	$(BIN)/python benchmarks/decoded.py
	$(BIN)/python benchmarks/predict.py
	$(BIN)/python benchmarks/train_step.py
	$(BIN)/python benchmarks/loop_tax.py
	$(BIN)/python benchmarks/transfer.py
	$(BIN)/python benchmarks/backbones.py
	$(BIN)/python benchmarks/quota.py

app: $(VENV)/.installed              ## the app in a browser
	@$(RUN) pip install --quiet --constraint constraints.txt --editable '.[app]'
	@$(BIN)/convscope app

clean:                               ## remove what was built here; runs/ stays, it is yours
	rm -rf $(VENV) bars dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "convscope needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
	$(RUN) pip install --quiet --upgrade pip

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing convscope and its libraries into $(VENV) (about 6 GB, a few minutes)" >&2
	$(RUN) pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(RUN) pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@
