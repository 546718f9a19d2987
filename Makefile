# make book   build the site into _build/html          make test   lint, tests, every notebook
# make lab    open the notebooks in JupyterLab         make serve  look at the site on localhost
# make bench  speed, as ratios to TensorFlow           make lock   write constraints.txt anew
# make clean  remove what was built (not .venv)

# The first Python here that is new enough; `make PYTHON=/path/to/python book` overrides it.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; \
	done)
BIN := .venv/bin
# Named after the contents, so that a new checkout or a touched file does not install again.
INSTALLED := .venv/installed-$(shell cat pyproject.toml constraints.txt | cksum | cut -d' ' -f1)
PORT ?= 8000

.PHONY: book test lab serve bench lock clean

book: $(INSTALLED)
	$(BIN)/jupyter-book build book/ -W -n --keep-going --all --quiet
	@$(BIN)/python book/_ext/budget.py
	@echo "The book is ready: open _build/html/index.html in a browser, or run: make serve"

test: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pytest -n 2
	$(BIN)/pytest --nbval-lax -p no:doctest -n 2 --dist loadfile book

lab: $(INSTALLED)
	cd book && ../$(BIN)/jupyter lab

serve:
	@test -f _build/html/index.html || { echo "There is no site yet: run 'make book' first."; exit 1; }
	$(PYTHON) -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

bench: $(INSTALLED)
	$(BIN)/pytest tests/benchmarks --benchmark-only

lock:
	$(PYTHON) -m venv --clear _build/lock
	_build/lock/bin/pip install --quiet uv
	_build/lock/bin/uv pip compile --universal --python-version 3.11 --no-emit-index-url --upgrade --quiet \
		--custom-compile-command "make lock" --all-extras pyproject.toml -o constraints.txt

clean:
	rm -rf _build .pytest_cache .ruff_cache .hypothesis .benchmarks *.egg-info

$(INSTALLED): pyproject.toml constraints.txt
	@$(or $(PYTHON),python3) .ci/preflight.py
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[book,test]"
	@touch $@
