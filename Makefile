# `make xor` runs the lab, `make test` runs the tests, `make help` lists the rest.
#
# Needs make and a Python >= 3.11 with venv.  What is installed goes into .venv, once: a stamp in
# .venv says which extras of setup.cfg are there, and a change of setup.cfg makes it stale.

VENV = .venv
PEERS = .venv-parity
VERSIONS = 3.11 3.12 3.13 3.14 3.15
PYTHONS = python3 python3.15 python3.14 python3.13 python3.12 python3.11 python
TEST_EXTRA = test
PIP_OPTIONS =
BIN = $(VENV)/bin/python
PYENV = $(HOME)/.pyenv/versions

.NOTPARALLEL:
.PHONY: help xor page gpt test whole parity pythons floors lint check format coverage mutation audit bench docs site package installed clean

# A Python that was upgraded or removed leaves a dead .venv: its stamps mean nothing then.
$(shell [ -x $(BIN) ] || rm -f $(VENV)/.created $(VENV)/.installed-*)

help:
	@echo 'make xor       train the XOR lab; log and predictions here, pictures in out/'
	@echo 'make page      write the live page of the XOR lab: one HTML file, offline'
	@echo 'make gpt       train a GPT on first names; new ones here, pictures in out/;'
	@echo '               ARGS=--page writes a page that trains it in the browser'
	@echo 'make test      see that it works here: a few cases of each test, in a minute or two'
	@echo 'make whole     run all tests (what is not installed is skipped, saying why)'
	@echo 'make check     lint and coverage: what a change has to pass'
	@echo 'make lint      ruff (lint, format) and mypy --strict'
	@echo 'make format    let ruff put the format right'
	@echo 'make parity    run the tests with PyTorch and every optional part; a skip fails'
	@echo 'make coverage  the same on all cores; fails if the tests reach too little'
	@echo 'make mutation  change a file operator by operator, and list what no test notices'
	@echo 'make pythons   run the tests on each Python of VERSIONS that is here; the others are named'
	@echo 'make floors    run the tests with the oldest version of each dependency'
	@echo 'make audit     look for withdrawn and vulnerable releases of the dependencies'
	@echo 'make bench     measure the engine beside its peers'
	@echo 'make docs      make landing page, guides and reference: build/docs/index.html'
	@echo 'make site      the same with live pages, and the notebooks in a browser: build/site'
	@echo 'make package   build sdist and wheel into dist/; run demos and some tests from the wheel'
	@echo 'make installed run the tests on the installed wheel, and in the unpacked sdist'
	@echo 'make clean     remove what make installed and built (not out/)'
	@echo
	@echo 'ARGS="..."     more arguments for xor, page, gpt, test, whole, parity, coverage, mutation or site, as'
	@echo '               in make whole ARGS="-k relu"'
	@echo 'PYTHON=...     the Python that .venv is made from'

xor: $(VENV)/.installed-demos
	@$(BIN) -m demos.xor $(ARGS)

page: $(VENV)/.installed-demos
	@$(BIN) -m demos.page $(ARGS)

gpt: $(VENV)/.installed-demos
	@$(BIN) -m demos.gpt $(ARGS)

# Many tests start a program of ours: where Python is told to keep no compiled files, each of them
# would compile all.
test coverage package: export PYTHONDONTWRITEBYTECODE =

# What a newcomer runs: the first and the last case of each test, and none that takes long and shows
# no more of whether it works here.  A change has to pass all of them: make check.
test: $(VENV)/.installed-$(TEST_EXTRA)
	@HYPOTHESIS_PROFILE=quick $(BIN) -m pytest -q -n auto --dist loadfile --no-loadscope-reorder \
	    --few -m 'not unmeasured and not thorough' $(ARGS)

whole: $(VENV)/.installed-$(TEST_EXTRA)
	@$(BIN) -m pytest $(ARGS)

# In a venv of its own: .venv stays without PyTorch, so that `make whole` shows that none is needed.
parity:
	@$(MAKE) --no-print-directory VENV=$(PEERS) TEST_EXTRA=parity ARGS='-p tests.no_skip $(ARGS)' whole

# The same on all cores, and how much of each package the tests reach, in lines and branches.  With
# one seed, so that no line is reached by luck; make whole and make parity draw their examples anew.
# A tenth of a percent is for what only a process reached that was killed, whose record may be lost.
coverage:
	@$(MAKE) --no-print-directory parity ARGS='-n auto --dist loadfile --no-loadscope-reorder \
	    --hypothesis-seed=1 --cov --cov-report= --durations=25 $(ARGS)'
	@$(PEERS)/bin/python -m coverage report --include='autodiff/*,nn/*' --precision=1 --fail-under=99.9
	@$(PEERS)/bin/python -m coverage report --include='demos/*' --fail-under=90

# Each in a venv of its own.  A version that is not here is left out, but for the oldest.
pythons:
	@tested=; absent=; failed=; \
	for version in $(VERSIONS); do \
	    found=; \
	    for candidate in $(PYENV)/$$version.*/bin/python$$version python$$version; do \
	        if $$candidate -c '' >/dev/null 2>&1; then found=$$candidate; fi; \
	    done; \
	    if [ -z "$$found" ]; then absent="$$absent $$version"; continue; fi; \
	    echo "=== Python $$version: $$found"; \
	    if $(MAKE) --no-print-directory VENV=.venv-$$version PYTHON=$$found whole; \
	    then tested="$$tested $$version"; else failed="$$failed $$version"; fi; \
	done; \
	echo "=== passed:$${tested:- none}; failed:$${failed:- none}; not here:$${absent:- none}"; \
	case "$$tested " in *' $(firstword $(VERSIONS)) '*) ;; \
	    *) echo 'Python $(firstword $(VERSIONS)), the oldest, has to pass.' >&2; exit 1;; esac; \
	[ -z "$$failed" ]

# The newest are what the other targets install.
floors: OLDEST = $(firstword $(VERSIONS))
floors:
	@$(MAKE) --no-print-directory VENV=.venv-floors \
	    PYTHONS='python$(OLDEST) $(PYENV)/$(OLDEST).*/bin/python$(OLDEST)' .venv-floors/.created
	@.venv-floors/bin/python -m tests.floors >.venv-floors/floors.txt
	@$(MAKE) --no-print-directory VENV=.venv-floors TEST_EXTRA=parity \
	    PIP_OPTIONS='--only-binary=:all: --constraint .venv-floors/floors.txt' whole

# Which files there are, and what the survivors are: docs/mutation.md.
mutation: $(VENV)/.installed-mutation
	@$(BIN) -m tests.mutation $(ARGS)

# In a venv of its own: it brings a newer pip.
audit:
	@$(MAKE) --no-print-directory VENV=.venv-audit .venv-audit/.installed-audit
	@.venv-audit/bin/python -m tests.audit

check: lint coverage

lint: $(VENV)/.installed-check
	@$(BIN) -m ruff check .
	@$(BIN) -m ruff format --check .
	@$(BIN) -m mypy --strict autodiff nn

format: $(VENV)/.installed-check
	@$(BIN) -m ruff check --fix .
	@$(BIN) -m ruff format .

bench:
	@$(MAKE) --no-print-directory VENV=.venv-bench .venv-bench/.installed-bench
	@for name in xor moons wide many engines gpt_eager gpt gpt_peers ready growth compile_growth native_growth; do \
	    echo; .venv-bench/bin/python -m benchmarks.$$name || exit 1; done

docs: $(VENV)/.installed-docs
	@$(BIN) -m docs.site build/docs

# With what runs in a browser; Pyodide comes from npm.
site: $(VENV)/.installed-site
	@$(BIN) -m docs.site build/site --live $(ARGS)

# The wheel is built from the sdist.  In build/empty there is the wheel and nothing else, until the
# packages of .venv are lent to it: what is in build/empty itself is found first.
package: $(VENV)/.installed-check $(VENV)/.installed-$(TEST_EXTRA)
	@rm -rf build dist
	@$(BIN) -m build --outdir dist . >dist.log 2>&1 || { cat dist.log; rm -f dist.log; exit 1; }
	@rm -f dist.log
	@$(BIN) -m venv --without-pip build/empty
	@$(BIN) -m pip --python build/empty/bin/python install --quiet --no-index dist/*.whl
	@cd build && empty/bin/python -I -c "import autodiff, nn, importlib.resources as r; \
	[(r.files(p) / 'py.typed').read_bytes() for p in ('autodiff', 'nn')]; \
	print('imported autodiff', autodiff.__version__, 'and nn from the wheel alone')"
	@purelib='import sysconfig; print(sysconfig.get_path("purelib"))'; \
	$(BIN) -c "$$purelib" >"$$(build/empty/bin/python -c "$$purelib")/lent.pth"
	@$(BIN) -m tests.installed build/empty/bin/python --quick -m 'not unmeasured'
	@ls dist

installed: package
	@$(BIN) -m venv build/installed
	@build/installed/bin/python -m pip install --quiet --disable-pip-version-check \
	    "$$(echo dist/*.whl)[$(TEST_EXTRA)]"
	@$(BIN) -m tests.installed build/installed/bin/python $(ARGS)

clean:
	rm -rf .venv $(PEERS) .venv-floors .venv-audit $(VERSIONS:%=.venv-%) build dist *.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .mutation
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- installing -------------------------------------------------------------------------------

$(VENV)/.created:
	@for candidate in $(or $(PYTHON),$(PYTHONS)); do \
	    if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	        found=$$candidate; break; \
	    fi; \
	done; \
	if [ -z "$$found" ]; then \
	    echo "No Python 3.11 or newer found (tried: $(or $(PYTHON),$(PYTHONS)))." >&2; \
	    echo "Install one, or say where it is: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; \
	    exit 1; \
	fi; \
	if ! $$found -c 'import venv, ensurepip' >/dev/null 2>&1; then \
	    echo "$$found comes without venv, which .venv is made with." >&2; \
	    echo "Install it (Debian and Ubuntu: apt install python3-venv), or give another Python:" >&2; \
	    echo "make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; \
	    exit 1; \
	fi; \
	if [ -x $(BIN) ]; then $$found -m venv $(VENV); else $$found -m venv --clear $(VENV); fi
	@touch $@

# Of what the demos need, half of the time to install it is compiling modules that nobody imports.
$(VENV)/.installed-demos: PIP_OPTIONS += --no-compile
$(VENV)/.installed-%: setup.cfg pyproject.toml $(VENV)/.created
	@echo 'Installing the "$*" extra of setup.cfg into $(VENV) (once; needs the network) ...'
	@$(BIN) -m pip install --quiet --disable-pip-version-check $(PIP_OPTIONS) --editable '.[$*]'
	@touch $@
