# What this project is built and checked with. `make help` lists the targets; what they need beside Go, git and make is
# installed by tools/setup.sh when a target first asks for it.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# The pinned tools are linked into bin/.
export PATH := $(CURDIR)/bin:$(PATH)

CONFIG ?= examples/quickstart.yaml
PKG ?= ./...
TESTFLAGS ?=
BASE ?= HEAD
BENCH ?= .
BENCHTIME ?= 1s
COUNT ?= 1
FUZZTIME ?= 20s
HISTORIES ?= 1000000
KILLS ?= 200
ATTACKTIME ?= 5s
SIMULATIONS ?= 10000
FROM ?= 1
CONVERSATIONS ?= 100000
POLICIES ?= 1000000

# Benchmarks run where there are some, so that the output holds nothing else.
bench_packages = $(sort $(dir $(shell git grep --untracked -lE '^func Benchmark' -- '*_test.go' | sed 's,^,./,')))
bench = go test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 60m $(bench_packages)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: build ## start the broker on examples/quickstart.yaml (CONFIG) and say how to call it
	@tools/run.sh '$(CONFIG)'

.PHONY: build
build: ## build bin/credbroker
	go build -o bin/credbroker ./cmd/credbroker

.PHONY: test
test: ## install what the tests need and run them all, with the race detector (PKG, TESTFLAGS)
	@tools/setup.sh test
	go test -race -count=1 -timeout 20m $(TESTFLAGS) $(PKG)

# Without the race detector, histories, large pools, kills, lost files, clusters, fleets of processes, documents that run and
# clients in other languages. Nothing is installed: what needs a program that is missing is skipped by name.
.PHONY: test-short
test-short: ## the quick tests, for use while working: CONTRIBUTING.md says what they leave out (PKG, TESTFLAGS)
	go test -short $(TESTFLAGS) $(PKG)

.PHONY: bench
bench: ## print the benchmarks for benchstat (BENCH, BENCHTIME, COUNT)
	@tools/setup.sh bench
	@$(bench) -benchtime '$(BENCHTIME)' -count '$(COUNT)'

.PHONY: compare
compare: ## the benchmarks of a commit (BASE) beside those of the working tree, in turns (BENCH, BENCHTIME, COUNT)
	@tools/setup.sh bench
	@tools/compare.sh '$(BASE)' '$(BENCH)' '$(BENCHTIME)' '$(COUNT)'

.PHONY: lint
lint: ## check style, go vet, golangci-lint, the contract, and that gen/ is fresh
	@tools/setup.sh lint
	@tools/lint.sh

.PHONY: generate
generate: ## write gen/ from proto/
	@tools/setup.sh generate
	@tools/generate.sh

.PHONY: fuzz
fuzz: ## run every fuzz target for 20s (FUZZTIME, a time or a number such as 20000x)
	@tools/fuzz.sh '$(FUZZTIME)'

.PHONY: model
model: ## check cooldowns of a fleet against a plain model, 1,000,000 histories (HISTORIES)
	CREDBROKER_HISTORIES=$(HISTORIES) go test ./selector -run TestCooldownsOfAFleet -count=1 -v -timeout 30m

.PHONY: conversations
conversations: ## play synthetic conversations against session identification, 100,000 of them (CONVERSATIONS)
	CREDBROKER_CONVERSATIONS=$(CONVERSATIONS) go test ./sessions -run TestSyntheticConversations -count=1 -v -timeout 30m

.PHONY: policies
policies: ## compare what callers get with a plain evaluator of their rules, 1,000,000 requests (POLICIES; CREDBROKER_SEED repeats one)
	CREDBROKER_POLICIES=$(POLICIES) go test ./broker -run TestPolicies -count=1 -v -timeout 30m

.PHONY: simulate
simulate: ## run simulated fleets in virtual time over a faulty network, 10,000 of them (SIMULATIONS, FROM a seed; CREDBROKER_SEED repeats one)
	CREDBROKER_SIMULATIONS=$(SIMULATIONS) CREDBROKER_SIMULATE_FROM=$(FROM) go test ./state -run TestAFleetAgrees -count=1 -v -timeout 30m

.PHONY: kill
kill: ## kill brokers under load, 200 times, and compare what they know with what they acknowledged (KILLS)
	CREDBROKER_KILLS=$(KILLS) go test ./cmd/credbroker -run TestKill -count=1 -v -timeout 30m

.PHONY: attack
attack: ## attack brokers as docs/security.md lists it, and print what a good client gets alone, beside and after (ATTACKTIME, 5s each)
	CREDBROKER_ATTACK_TIME=$(ATTACKTIME) go test ./cmd/credbroker -run TestAttack -count=1 -v -timeout 30m

.PHONY: soak
soak: ## the same 10,000 times, for two hours at most
	CREDBROKER_KILLS=10000 CREDBROKER_KILL_TIME=2h go test ./cmd/credbroker -run TestKill -count=1 -v -timeout 3h

# Each benchmark once, so that none of them rots.
.PHONY: bench-once
bench-once:
	@tools/setup.sh bench
	$(bench) -benchtime 1x

# The examples are promised to run as they are, given the secrets that they name.
.PHONY: examples
examples: build
	@for file in examples/*.yaml; do \
		env $$(sed -nE 's/.*\{env: *(\w+)\}.*/\1=made-up/p' "$$file") bin/credbroker config check "$$file"; \
	done

# The tests come last, so that their result is what a run ends with.
# Fuzzing is by number of runs: at the end of a time, go test can take its own deadline for a failure.
.PHONY: check
check: ## all that CI does, in order: lint, examples, benchmarks once, short fuzzing, the model, conversations, kills, simulated fleets, tests
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory examples
	@$(MAKE) --no-print-directory bench-once
	@$(MAKE) --no-print-directory fuzz FUZZTIME=20000x
	@$(MAKE) --no-print-directory model
	@$(MAKE) --no-print-directory conversations
	@$(MAKE) --no-print-directory kill
	@$(MAKE) --no-print-directory simulate
	@$(MAKE) --no-print-directory test

.PHONY: setup
setup: ## install everything that the targets need
	@tools/setup.sh

.PHONY: clean
clean: ## remove what was built; pinned tools stay in the user's cache
	@rm -rf bin examples/clients/node/node_modules
