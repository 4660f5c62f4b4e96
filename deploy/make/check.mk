# Tests and checks. PARTS=servers runs on PostgreSQL and RabbitMQ: the tests of services, not those of the embedded default itself.
PARTS ?= embedded
T ?= $(if $(filter servers,$(PARTS)),$(filter-out $(EMBEDDED_ALONE),$(wildcard tests/integration/*)),tests)
EMBEDDED_ALONE := $(wildcard tests/integration/test_*.py)
# one more than two cores have: tests that wait leave one of them idle. Each process has a RabbitMQ of its own, which doesn't
N ?= $(if $(filter servers,$(PARTS)),2,3)
TYPED ?= $(wildcard libs/*) $(wildcard services/*) deploy tests bench

.PHONY: test check check-types check-rules

# A test that ran out of time, and none that found something wrong, is run once more and listed as RERUN: the machine may have stood still.
RAN_OUT := UNAVAILABLE|DEADLINE_EXCEEDED|[Tt]ime(d )?[Oo]ut|did not (start|arrive|come (to pass|about))|nothing serves

test: setup
	@RECAPITO_TEST_PARTS=$(PARTS) .venv/bin/pytest -n $(N) --dist loadfile --no-loadscope-reorder --reruns 1 --only-rerun '$(RAN_OUT)' -r R $(T)

check: setup
	@$(MAKE) --no-print-directory -j 2 check-types check-rules

check-types:
	@.venv/bin/mypy $(TYPED)

check-rules:
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/lint-imports
	@cd proto && ../.venv/bin/buf lint && ../.venv/bin/buf format -d --exit-code
	@deploy/make/generated.sh
	@.venv/bin/python deploy/make/settings_doc.py --check
	@.venv/bin/python deploy/make/kubernetes.py --check
	@.venv/bin/pytest -q tests/unit/contact_change/test_asyncapi.py
	@deploy/make/clean-text.sh

# A history of requests to change a mobile while everything around them breaks (tests/chaos). REQUESTS says how many.
.PHONY: chaos
REQUESTS ?= 300

chaos: setup
	@RECAPITO_TEST_PARTS=$(PARTS) RECAPITO_CHAOS=$(REQUESTS) .venv/bin/pytest -s tests/chaos
