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

# A backup of what runs, or of what lies in var/. The order matters: auth last (docs/ops-backup.md).
.PHONY: backup restore
TO ?= var/backups/$(shell date -u +%Y%m%dT%H%M%SZ)

backup: setup
	@for service in claims contact-change auth; do .venv/bin/recapito-$$service backup $(TO)/$$service || exit 1; done
	@echo "The backup is in $(TO). The keys are not in it: keep var/secrets apart."

restore: setup
	@[ -d "$(FROM)" ] || { echo "Say from where: make restore FROM=var/backups/…" >&2; exit 1; }
	@.venv/bin/python -m recapito_embedded status >/dev/null; [ $$? -eq 3 ] || { echo "Stop the system first: make down" >&2; exit 1; }
	@for service in claims contact-change auth; do \
		.venv/bin/recapito-$$service restore $(FROM)/$$service $(if $(FORCE),--force) && .venv/bin/recapito-$$service migrate || exit 1; \
	done
	@rm -rf var/redis
	@echo "Restored. Everybody is signed out (Redis starts afresh). Now: make up"

# All that the system keeps of a customer, across services, as one archive (docs/ops.md).
.PHONY: export-customer
export-customer: setup
	@[ -n "$(ID)" ] || { echo "Say whose: make export-customer ID=… TO=archive.zip" >&2; exit 1; }
	@for service in auth contact-change claims; do .venv/bin/recapito-$$service export-customer $(ID) $(TO) || exit 1; done

# Erases a customer in all services, after a look at what would go and what stays; DRY_RUN=1: the look alone; YES=1: asks nothing;
# REGISTRY_ENTRY=1: the company's own systems hold them no more (docs/ops-privacy.md).
.PHONY: erase-customer
ERASE = $(if $(filter-out 0,$(DRY_RUN)),--dry-run) $(if $(filter-out 0,$(YES)),--yes) $(if $(filter-out 0,$(REGISTRY_ENTRY)),--registry-entry)
erase-customer: setup
	@[ -n "$(ID)" ] || { echo "Say whom: make erase-customer ID=… [DRY_RUN=1] [YES=1] [REGISTRY_ENTRY=1]" >&2; exit 1; }
	@deploy/customer/erase $(ID) $(ERASE)
