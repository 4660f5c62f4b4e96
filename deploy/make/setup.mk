# Setting up, and what is generated or locked.
PYTHON ?= python3

.PHONY: setup proto docs lock

setup:
	@command -v $(PYTHON) >/dev/null || { echo "Recapito needs Python 3.11 or newer, and there is no $(PYTHON)." >&2; exit 1; }
	@$(PYTHON) deploy/make/setup.py

proto: setup
	@cd proto && ../.venv/bin/buf format -w
	@deploy/make/generate.sh proto

docs: setup
	@.venv/bin/python deploy/make/settings_doc.py
	@.venv/bin/python deploy/make/kubernetes.py

lock: setup
	@requirements/compile
