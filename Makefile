# Two commands do all the set-up on a fresh machine with Python 3.11: `make demo` and `make test`.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export OMP_WAIT_POLICY ?= passive

.PHONY: demo test verify bench app docs lint lock chromium clean

$(STAMP): requirements.lock pyproject.toml
	@echo "Installing Python packages into $(VENV): once, about 1 to 5 minutes, nothing is printed meanwhile."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: $(STAMP)
	$(BIN)/twin demo

app: $(STAMP)
	$(BIN)/twin serve

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

chromium: $(STAMP)
	$(BIN)/python tests/ui/install_chromium.py

docs: $(STAMP)
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html

test: $(STAMP) lint chromium docs
	$(BIN)/pytest -m "not verify and not pyfunc" -n 2 --dist loadfile --ignore=tests/verification
	NUMBA_DISABLE_JIT=1 $(BIN)/pytest -m pyfunc --ignore=tests/verification

verify: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.lock
	$(BIN)/pytest -m verify -n 2 --dist worksteal --durations=12
	# Once more with every index of the kernels tested: neither negative nor beyond an array.
	NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=build/bounds $(BIN)/pytest tests/unit tests/property \
	  -m "not verify and not pyfunc" -n 2 --dist loadfile

bench: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.lock
	$(BIN)/python -m benchmarks

lock:
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --editable '.[dev,docs]' setuptools
	{ echo '# Exact versions of everything that `make` installs: names and versions only. Renew with `make lock`.'; \
	  build/lock/bin/python -m pip freeze --all --exclude-editable --exclude pip; } > requirements.lock

clean:
	rm -rf $(VENV) docs/_build build *.egg-info
