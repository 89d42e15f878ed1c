# What a newcomer and a contributor need; `make` alone lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build demo test bench format lint

SOURCES := Package.swift Sources Tests
BENCH := catchup cost rest latency notify

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing of Debian's packages
	@.ci/setup

build: setup ## build godwit (debug)
	swift build

demo: setup ## build, then carry some thousand events from PostgreSQL to Kafka and account for them
	swift run godwit demo

test: setup ## run all tests
	swift test

bench: setup ## build for release, then measure: catch-up, cost, rest, latency, notify modes (BENCH="catchup rest" chooses)
	swift build -c release --product godwit
	@for one in $(BENCH); do python3 Benchmarks/relay/$$one.py || exit 1; done

format: ## put all Swift sources into the project's format
	swift format -i -r $(SOURCES)

lint: ## check the format
	swift format lint --strict -r $(SOURCES)
