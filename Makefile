# What a newcomer and a contributor need; `make` alone lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup hooks build install demo smoke test tidy tsan torture bench format lint package package-check image-lint image-check docs

SOURCES := Package.swift Sources Tests Benchmarks
PREFIX ?= /usr/local
# As in the image: Swift's libraries are in the program, which needs only Debian's, starts sooner and takes less memory.
RELEASE := swift build -c release --product godwit --static-swift-stdlib
BENCH := catchup cost records rest latency notify limits projection many sources audit verify exactly

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing of Debian's packages
	@.ci/setup

hooks: ## have git check the format before each commit
	git config core.hooksPath .githooks

build: setup ## build godwit (debug)
	swift build

install: setup ## build for release, and install to PREFIX/bin (PREFIX=/usr/local)
	$(RELEASE)
	install -D .build/release/godwit $(DESTDIR)$(PREFIX)/bin/godwit

demo: setup ## build, then carry some thousand events from PostgreSQL to Kafka and account for them
	swift run godwit demo

smoke: setup ## build for release, and have that build carry the demo's events: the optimizer is part of the product
	$(RELEASE)
	.build/release/godwit demo

# Many tests start servers and processes; more of them at a time than this wait for one another past their limits.
test: export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH ?= 10
test: setup ## run all tests
	swift test

tidy: ## check words, file sizes, imports, SQL, documentation and sleeps: the rules of Tests/TidyTests
	swift test --filter TidyTests

# librdkafka's threads are not known to the sanitizer, so only what runs without Kafka is tested.
tsan: setup ## run the tests of consumers and of what they rest on under ThreadSanitizer
	swift test --sanitize=thread --scratch-path .build-tsan \
		--filter 'ConsumersTests|EventSourcingTests|PostgresTests|DedicatedThreadTests|TelemetryTests'

torture: SECONDS ?= 60
torture: setup ## break servers, networks and processes around relays for SECONDS=60, and check the account (SEED= repeats a schedule)
	swift build --product godwit
	swift build --product Torture
	.build/debug/Torture --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

bench: setup ## build for release, then measure: catch-up, cost, records, rest, latency, notify modes, memory, projections, many consumers, audits, verify, exactly once (BENCH="catchup rest" chooses)
	$(RELEASE)
	@for one in $(BENCH); do python3 Benchmarks/relay/$$one.py || exit 1; done

format: ## put all Swift sources into the project's format
	swift format -i -r $(SOURCES)

lint: ## check the format
	swift format lint --strict -r $(SOURCES)

docs: ## build the documentation as a DocC archive, and stop at any warning
	@rm -rf .build/documentation && mkdir -p .build/documentation
	@# The program's own symbols are of no use to a reader: a module without any is enough for a title.
	@printf '%s' '{"metadata": {"formatVersion": {"major": 0, "minor": 6, "patch": 0}, "generator": "make"}, "module":' \
		'{"name": "godwit", "platform": {}}, "symbols": [], "relationships": []}' \
		>.build/documentation/godwit.symbols.json
	docc convert Sources/godwit/Documentation.docc --output-path .build/documentation/godwit.doccarchive \
		--additional-symbol-graph-dir .build/documentation --warnings-as-errors \
		--fallback-display-name godwit --fallback-bundle-identifier godwit

package: setup ## build for release, and make a Debian package, a tarball and an image's context in .build/package
	@.ci/package

package-check: setup ## make the package, install it in a clean Debian root, relay events there, and remove it; needs root
	@.ci/package --check

image-lint: ## check the form of docker/
	@docker/check --lint

image-check: ## build the image's steps by hand in a clean Debian root, and relay events there; needs root
	@docker/check
