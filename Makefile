# Thin: everything happens in scripts/dev.py. Extra words for a verb: make test ARGS="tests/lib -x"
PYTHON ?= python3
ARGS ?=

.PHONY: run test check fix prove lock shots bench
.DEFAULT_GOAL := run

run test check fix prove lock shots bench:
	@$(PYTHON) scripts/dev.py $@ -- $(ARGS)
