# make book   build the site into _build/html          make test   lint, tests, every notebook
# make lab    open the notebooks in JupyterLab         make serve  look at the site on localhost
# make bench  speed, as ratios to TensorFlow           make lock   write constraints.txt anew
# make mutation  break the NumPy modules, count the breaks that the tests notice (takes up to an hour)
# make clean  remove what was built (not .venv)          make sphinx build with Sphinx alone, without Jupyter Book
# make setup  only install; then everything above but lock works without a network

# The first Python here that is new enough; `make PYTHON=/path/to/python book` overrides it.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; \
	done)
BIN := .venv/bin
# Named after the contents, so that a new checkout or a touched file does not install again.
INSTALLED := .venv/installed-$(shell cat pyproject.toml constraints.txt | cksum | cut -d' ' -f1)
PORT ?= 8000

.PHONY: setup book sphinx test lab serve bench mutation lock clean

# Without these two TensorFlow writes log lines into the notebooks.
export TF_CPP_MIN_LOG_LEVEL ?= 3
export TF_ENABLE_ONEDNN_OPTS ?= 0

setup: $(INSTALLED)

book: setup
	@mkdir -p _build
	$(BIN)/jupyter-book build book/ -W -n --keep-going --all --quiet >_build/book.log
	@echo "The book is ready: open _build/html/index.html in a browser, or run: make serve"

# The way out when Jupyter Book 1 is no longer kept: it only writes conf.py, and that file can be kept by hand.
sphinx: setup
	$(BIN)/jupyter-book config sphinx book/ >/dev/null
	mv conf.py book/
	PYTHONPATH=book/_ext $(BIN)/sphinx-build -q -W -n --keep-going -d _build/sphinx-doctrees book _build/sphinx

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pytest -n 2
	$(BIN)/pytest --nbval-lax --nbval-cell-timeout=120 -p notebook_gates -n 2 --dist loadfile book

lab: setup
	cd book && ../$(BIN)/jupyter lab

serve:
	@test -f _build/html/index.html || { echo "There is no site yet: run 'make book' first."; exit 1; }
	$(PYTHON) -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

bench: setup
	$(BIN)/pytest tests/benchmarks --benchmark-only

mutation: setup
	$(BIN)/python .ci/mutation.py

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
