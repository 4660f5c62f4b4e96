# The measured claims, each beside its floor in the same run: a table, and JSON in bench/results/ (docs/performance.md).
ROUNDS ?= 4

.PHONY: bench

bench: setup
	@.venv/bin/python -m bench --rounds $(ROUNDS)
