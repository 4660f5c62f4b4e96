# docker-compose: the system as ops run it (docs/ops.md). Needs a running docker engine and nothing else.
COMPOSE ?= $(shell command -v docker-compose || echo docker compose)

.PHONY: compose-prepare compose-up compose-down compose-test compose-outages compose-backup compose-restore compose-drill

# Builds the images, then makes secrets and .env in one of them.
compose-prepare:
	@deploy/compose/run-prepare

compose-up: compose-prepare
	@$(COMPOSE) up -d
	@deploy/compose/wait-healthy

compose-down:
	@$(COMPOSE) down

# From nothing to healthy, the demo, more replicas, the demo again, down; in a project and with ports of its own.
compose-test: setup
	@deploy/compose/test

# A contact change while each store is away for 30 s, in turn: it arrives, once.
compose-outages: setup
	@deploy/compose/outages

# A backup of what runs; a restore of one, in place of what is there: docs/ops-backup.md.
compose-backup:
	@deploy/compose/backup $(NAME)

compose-restore:
	@[ -n "$(FROM)" ] || { echo "Say from where: make compose-restore FROM=20261122T201500Z" >&2; exit 1; }
	@deploy/compose/restore $(FROM) $(if $(FORCE),--force)

# What a customer may ask for, with docker-compose: docs/ops-privacy.md. The archive goes from service to service.
.PHONY: compose-export-customer compose-erase-customer
compose-export-customer:
	@[ -n "$(ID)" ] && [ -n "$(TO)" ] || { echo "Say whose: make compose-export-customer ID=… TO=archive.zip" >&2; exit 1; }
	@: > $(TO); for service in auth contact-change claims; do \
		$(COMPOSE) exec -T $$service service export-customer $(ID) - < $(TO) > $(TO).part && mv $(TO).part $(TO) || exit 1; done

compose-erase-customer:
	@[ -n "$(ID)" ] || { echo "Say whom: make compose-erase-customer ID=… [DRY_RUN=1] [YES=1] [REGISTRY_ENTRY=1]" >&2; exit 1; }
	@RECAPITO_RUN="$(COMPOSE) exec -T {} service" deploy/customer/erase $(ID) $(ERASE)

# Backup, everything destroyed, restore: a customer's whole history is there afterwards.
compose-drill: setup
	@deploy/compose/drill
