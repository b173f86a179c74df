# Every target sets up what it needs: one virtual environment in .venv, pinned by constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ONLY ?=

.PHONY: demo test lint docs bench faults constraints clean
export HF_HUB_OFFLINE ?= 1

demo: $(VENV)/.studio  ## Build the sample dataset: raw articles -> Label Studio -> exports/news-stance/
	$(BIN)/builder run experiment=demo

test: $(VENV)/.dev  ## All tests; those that need Chromium are skipped, with the reason, where there is none
	@# Two processes, each with a Label Studio of its own; the tests of one file share their fixtures.
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.dev  ## What CI checks: style, format, types, generated documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tests.documents --check

docs: $(VENV)/.dev  ## Write the generated documents again: conf/, builder/, exports/
	$(BIN)/python -m tests.documents

bench: $(VENV)/.bench  ## One line per ratio; ONLY=corpus|label_studio|quality|release picks an area
	$(BIN)/python -m tests.benchmarks $(ONLY)

faults: $(VENV)/.dev  ## Inject the faults of the fault list into a real Label Studio
	$(BIN)/python -m tests.benchmarks.faults

constraints:  ## Pin everything anew
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --no-emit-index-url \
		--no-annotate --no-header --upgrade -o constraints.txt

clean:  ## Remove what make made; the workspace (.builder) and releases stay
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name it with: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@# The pip of Python 3.11 trips over an extra that is asked for twice (lxml[html-clean]).
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=24'

# One stamp per set of extras, renewed when the dependencies change.
$(VENV)/.studio: EXTRAS := studio
$(VENV)/.dev: EXTRAS := studio,dask,s3,documents,spacy,test,dev
$(VENV)/.bench: EXTRAS := studio,dask,s3,documents,spacy,test,dev,bench
$(VENV)/.studio $(VENV)/.dev $(VENV)/.bench: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@
