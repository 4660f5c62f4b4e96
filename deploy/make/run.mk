# The embedded default.
.PHONY: up down demo

up: setup
	@.venv/bin/python -m recapito_embedded up $(if $(filter-out 0,$(DETACH)),--detach)

down:
	@if [ -x .venv/bin/python ]; then .venv/bin/python -m recapito_embedded down; else echo "Recapito is down: it was never set up."; fi

# Against the system that runs; where none does, one is started and stopped again.
demo: setup
	@.venv/bin/python -m recapito_embedded status >/dev/null; was=$$?; \
	if [ $$was -eq 3 ]; then \
		trap '.venv/bin/python -m recapito_embedded down' EXIT; \
		trap 'exit 130' INT TERM; \
	fi; \
	[ $$was -eq 0 ] || .venv/bin/python -m recapito_embedded up --detach || exit 1; \
	.venv/bin/python deploy/demo
