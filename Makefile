# What a newcomer and a contributor need; `make` alone lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build demo test format lint

SOURCES := Package.swift Sources Tests

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

format: ## put all Swift sources into the project's format
	swift format -i -r $(SOURCES)

lint: ## check the format
	swift format lint --strict -r $(SOURCES)
