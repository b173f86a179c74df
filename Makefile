# Every target sets up what it needs: one virtual environment in .venv, from constraints-studio.txt or
# constraints-all.txt, which name every file that may be installed by its hash.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ONLY ?=

.PHONY: demo test lint docs bench faults constraints sbom clean
export HF_HUB_OFFLINE ?= 1

demo: $(VENV)/.studio  ## Build the sample dataset: raw articles -> Label Studio -> exports/news-stance/
	$(BIN)/builder run experiment=demo

test: $(VENV)/.all  ## All tests; those that need Chromium are skipped, with the reason, where there is none
	@# Two processes, each with a Label Studio of its own; the tests of one file share their fixtures.
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.all  ## What CI checks: style, format, types, generated documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tests.documents --check

docs: $(VENV)/.all  ## Write the generated documents again: conf/, builder/, exports/
	$(BIN)/python -m tests.documents

bench: $(VENV)/.all  ## One line per ratio; ONLY=corpus|label_studio|quality|release|report picks an area
	$(BIN)/python -m tests.benchmarks $(ONLY)

faults: $(VENV)/.all  ## Inject the faults of the fault list into a real Label Studio
	$(BIN)/python -m tests.benchmarks.faults

PINS := uv pip compile -q --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header
COMPILE := $(PINS) pyproject.toml --group build
constraints:  ## Pin what pyproject.toml asks for; UPGRADE=--upgrade renews all pins
	$(COMPILE) --all-extras $(UPGRADE) -o constraints.txt
	$(COMPILE) --extra studio -c constraints.txt --generate-hashes -o constraints-studio.txt
	$(COMPILE) --all-extras -c constraints.txt --generate-hashes -o constraints-all.txt
	echo pip | $(PINS) $(UPGRADE) --generate-hashes -o constraints-pip.txt -

sbom: $(VENV)/.all  ## Write what runs with the embedded Label Studio as CycloneDX: dist/sbom.cdx.json
	mkdir -p dist
	$(BIN)/cyclonedx-py requirements constraints-studio.txt --pyproject pyproject.toml \
		--output-reproducible -o dist/sbom.cdx.json

clean:  ## Remove what make made; the workspace (.builder) and releases stay
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name it with: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The pip that came with Python 3.11 takes three times as long as the one that is pinned, and no pip compiles on more than
# one core: this does. One stamp per file of pins, renewed when the dependencies change.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile
$(VENV)/.%: constraints-%.txt constraints-pip.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) --require-hashes -r constraints-pip.txt
	$(PIP) --require-hashes -r $<
	$(PIP) --no-build-isolation -e .
	-$(BIN)/python -m compileall -q -j 0 $(VENV)/lib
	@touch $@
