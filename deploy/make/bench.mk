# The measured claims, each beside its floor in the same run: a table, and JSON in bench/results/ (docs/performance.md).
ROUNDS ?= 5

.PHONY: bench

bench: setup
	@.venv/bin/python -m bench.codes --rounds $(ROUNDS)
	@.venv/bin/python -m bench.introspect --rounds $(ROUNDS)
	@.venv/bin/python -m bench.sign_in
