# docker-compose: the system as ops run it (docs/ops.md). Needs a running docker engine and nothing else.
COMPOSE ?= $(shell command -v docker-compose || echo docker compose)

.PHONY: compose-prepare compose-up compose-down compose-test

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
