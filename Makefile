# Lightbox PACS. `make` lists what there is.

SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ENV_STAMP := $(VENV)/.runtime
DEV_STAMP := $(VENV)/.dev

.PHONY: help run test check bench torture lock messages python

help: ## List the commands
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1	\2/' | expand -t 18

run: $(ENV_STAMP) ## Start everything: web, DICOM, jobs (the first time: install and load the demonstration)
	@exec $(BIN)/python -m pacs_site.supervisor

test: $(DEV_STAMP) ## Run every kind of test, and make check
	@$(BIN)/python -m tests.run

check: $(DEV_STAMP) ## Lint, types, layers, docs
	@$(BIN)/python -m tests.run check

bench: $(DEV_STAMP) ## Ratios to peers and limits, measured in the same run
	@$(BIN)/python -m tests.bench

torture: $(DEV_STAMP) ## The long tests
	@$(BIN)/python -m tests.run torture

lock: $(DEV_STAMP) ## Compile requirements*.in into exact, hashed requirements*.txt
	@for f in requirements requirements-dev; do \
	  $(BIN)/uv pip compile -q --generate-hashes --universal --python-version 3.11 --no-emit-index-url \
	    --no-emit-find-links --no-annotate --custom-compile-command "make lock" $$f.in -o $$f.txt || exit 1; done

messages: $(DEV_STAMP) ## Collect the texts to translate (needs gettext)
	@$(BIN)/python manage.py makemessages -l zh_Hans --no-obsolete --add-location file -i .venv -i var -i tests

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Lightbox PACS needs Python 3.11 or newer; '$(PYTHON)' is not. Install one, or name it: make run PYTHON=python3.12" >&2; exit 1; }

$(BIN)/python: | python
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Python cannot make a virtual environment here. On Debian: apt install python3-venv" >&2; exit 1; }

$(ENV_STAMP): requirements.txt | python $(BIN)/python
	@echo "Installing what Lightbox PACS runs on (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt 2>$(VENV)/install.log || \
	  { tail -3 $(VENV)/install.log >&2; echo "Installing failed; $(VENV)/install.log has it all. Is there a package index?" >&2; exit 1; }
	@touch $@

$(DEV_STAMP): requirements-dev.txt $(ENV_STAMP)
	@echo "Installing what the tests need (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt 2>$(VENV)/install.log || \
	  { tail -3 $(VENV)/install.log >&2; echo "Installing failed; $(VENV)/install.log has it all." >&2; exit 1; }
	@touch $@
