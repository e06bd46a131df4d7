# `make help` lists the targets. Everything runs from .venv, which is made from requirements-dev.lock, with hashes.
SHELL := /bin/bash
BASE_PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3.13 python3,$(shell command -v $(p))))
PYTHON := .venv/bin/python
STACK := $(PYTHON) -m deploy.local
INSTALLED := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help up down status logs token verify rebuild incidents backup restore keys demo demo-compose test test-three-brokers test-secured test-kubernetes fuzz chaos bench lint lint-api scan schemas lock .venv

help: ## this list
	@awk -F ':.*## ' '/^[a-z.-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv: $(INSTALLED) ## the virtual environment, from the lock

$(INSTALLED): requirements-dev.lock
	@[ -n "$(BASE_PYTHON)" ] && "$(BASE_PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: install it, or name it with make BASE_PYTHON=/path/to/python3.11"; exit 1; }
	@"$(BASE_PYTHON)" -m venv .venv || { echo "Python's venv module is missing: apt-get install python3-venv"; exit 1; }
	@echo 'Installing requirements-dev.lock into .venv (once) …' >&2
	@SECONDS=0; $(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock && \
	  echo "Installed it in $$SECONDS s." >&2
	@touch $@

up: $(INSTALLED) ## start MongoDB, Apache Kafka and the seven services; wait until they are ready
	@$(STACK) up $(if $(ACCEPT_LOST_LOG),--accept-lost-log)

down: $(INSTALLED) ## stop them
	@$(STACK) down

status: $(INSTALLED) ## what runs, where, since when
	@$(STACK) status || true

logs: $(INSTALLED) ## the last lines of each log (NAME=gateway for one of them)
	@$(STACK) logs $(NAME)

token: $(INSTALLED) ## a token for the local gateway (SUB= ORG= ROLES=a,b PERMISSIONS=x,y or +x,y to add; TTL=seconds)
	@$(STACK) token $(if $(SUB),--sub "$(SUB)") $(if $(ORG),--org "$(ORG)") $(if $(ROLES),--roles "$(ROLES)") \
	  $(if $(PERMISSIONS),--permissions "$(PERMISSIONS)") $(if $(TTL),--ttl $(TTL))

verify: $(INSTALLED) ## whether the hash chains of all local runs hold, or that of an exported FILE=evidence.json
	@$(STACK) verify $(FILE)

rebuild: $(INSTALLED) ## NAME=timeline or analytics anew from its log, compared with the one in use (REPLACE=1: and put in its place)
	@$(STACK) rebuild $(NAME) $(if $(REPLACE),--replace)

incidents: $(INSTALLED) ## runs to which a command was set aside (RELEASE=run_id: send it again)
	@$(STACK) incidents $(if $(RELEASE),--release $(RELEASE))

backup: $(INSTALLED) ## MongoDB, Kafka's log and the keys of the local stack, into a new folder (TO=)
	@[ -n "$(TO)" ] || { echo "Name the folder: make backup TO=folder"; exit 2; }
	@$(STACK) backup "$(TO)"

restore: $(INSTALLED) ## a backup (FROM=) into an empty local stack (REPLACE=1: delete what it holds; KAFKA_FROM= a later log)
	@[ -n "$(FROM)" ] || { echo "Name the folder: make restore FROM=folder"; exit 2; }
	@$(STACK) restore "$(FROM)" $(if $(KAFKA_FROM),--kafka-from "$(KAFKA_FROM)") $(if $(REPLACE),--replace)

keys: $(INSTALLED) ## which of ENCRYPTION_KEYS are still needed, and for what (REWRAP=1: wrap all by the first)
	@$(STACK) keys $(if $(REWRAP),--rewrap)

demo: $(INSTALLED) ## the reference's playbook from end to end, on the local stack
	@$(PYTHON) -m deploy.demo

demo-compose: $(INSTALLED) ## the same on what `docker compose up` has started (with its JWT_SECRET and KAFKA_ADMIN_PASSWORD)
	@KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT KAFKA_SASL_MECHANISM=PLAIN KAFKA_SASL_USERNAME=admin \
		KAFKA_SASL_PASSWORD="$$KAFKA_ADMIN_PASSWORD" $(PYTHON) -m deploy.demo --gateway http://127.0.0.1:8000 --kafka 127.0.0.1:9094

test: $(INSTALLED) ## all tests, on the embedded MongoDB and Apache Kafka unless others are given (attacks over HTTP on the local stack only)
	@$(PYTHON) -m pytest tests --ignore=tests/secured/attacks/over_http

test-three-brokers: $(INSTALLED) ## the integration and end-to-end tests on three brokers instead of one
	@$(PYTHON) -m tests.on_three_brokers

test-secured: $(INSTALLED) ## attacks and the demo on three brokers with TLS, users and ACLs
	@$(PYTHON) -m pytest tests/secured

test-kubernetes: ## the manifests on a real API server, by dry run and as an upgrade (needs Go 1.26)
	@cd tests/kubernetes && go run . ../fixtures/kubernetes ../../deploy/kubernetes overlay tls

fuzz: $(INSTALLED) ## an hour of requests made from the OpenAPI document (FUZZ_SECONDS=, FUZZ_EXAMPLES=, FUZZ_SEED=)
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-3600} FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-500} FUZZ_SEED=$${FUZZ_SEED:-$$RANDOM} $(PYTHON) -m pytest -s tests/fuzz

chaos: $(INSTALLED) ## ten minutes of a storm (kills, a frozen MongoDB, skewed clocks, bad producers) under load, then a lost log (CHAOS_SECONDS=)
	@CHAOS_SECONDS=$${CHAOS_SECONDS:-600} $(PYTHON) -m pytest -s tests/e2e/test_crashes.py tests/e2e/test_lost_log.py

bench: $(INSTALLED) ## throughput and latency of the local stack
	@$(PYTHON) -m tests.bench

lint: $(INSTALLED) ## style, types, and which floor may import which
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/lint-imports

lint-api: ## Redocly's linter over the OpenAPI and AsyncAPI documents (needs Node 20 and npm)
	@cd deploy/lint && npm ci --silent --ignore-scripts --no-audit --no-fund && for document in openapi asyncapi; do \
	  REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true npx --no-install redocly lint --config redocly.yaml ../../docs/api/$$document.json || exit 1; done

scan: $(INSTALLED) ## secrets, locks, licenses, vulnerabilities, and build/sbom.json (RECORD=1: new candidates for secrets to review)
	@$(PYTHON) -m deploy.scan $(if $(RECORD),--record)

schemas: $(INSTALLED) ## OpenAPI, AsyncAPI and the JSON Schemas of the contracts, written anew
	@$(PYTHON) -m deploy.documents

lock: $(INSTALLED) ## requirements*.lock from pyproject.toml (needs uv), and the jars of Apache Kafka with their checksums
	uv pip compile -q --generate-hashes pyproject.toml -o requirements.lock
	uv pip compile -q --generate-hashes --extra local --extra dev pyproject.toml -o requirements-dev.lock
	@$(PYTHON) -m deploy.local.kafka.jars
