# Tests and checks.
T ?= tests
TYPED ?= $(wildcard libs/*) $(wildcard services/*) deploy tests

.PHONY: test check

test: setup
	@.venv/bin/pytest -n 2 $(T)

check: setup
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy $(TYPED)
	@.venv/bin/lint-imports
	@cd proto && ../.venv/bin/buf lint && ../.venv/bin/buf format -d --exit-code
	@deploy/make/generated.sh
	@.venv/bin/python deploy/make/settings_doc.py --check
	@deploy/make/clean-text.sh
