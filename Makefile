# make up · make down · make demo · make test · make check; what each does stands in README.md.
.DEFAULT_GOAL := up

include deploy/make/setup.mk
include deploy/make/run.mk
include deploy/make/check.mk
include deploy/make/compose.mk
include deploy/make/bench.mk
