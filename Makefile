# The commands of this project. `make run` and `make test` are all a newcomer needs; both install what is missing.
SHELL := /bin/bash
PRESET ?= release
BUILD := build/$(PRESET)
JOBS ?= $(shell nproc)
ARGS ?=

# What a build of this preset needs to be installed.
PURPOSE := $(if $(filter asan tsan fuzz,$(PRESET)),sanitize,build)

.PHONY: run build test bench fuzz format setup setup-test setup-format clean help

help:
	@echo "make run    install, build and start a whole network on this machine (ARGS='--tmp --workers 3' …)"
	@echo "make build  install and build; programs are in $(BUILD)/bin"
	@echo "make test   install, build and run every test (a part: scripts/test.sh unit)"
	@echo "make bench  measure, beside the peers where there is one; writes build/bench.json (ARGS='--only query' …)"
	@echo "make fuzz   run each fuzz target for FUZZ_SECONDS (60); what was learnt: scripts/fuzz.sh --merge"
	@echo "make format format the lines of C++ that changed since SINCE (HEAD)"
	@echo "PRESET=dev|asan|tsan|release chooses the build (release)"

setup:
	@scripts/setup.sh $(PURPOSE)
setup-test:
	@scripts/setup.sh all
setup-format:
	@scripts/setup.sh format

build: setup
	@mkdir -p build && { cmake --preset $(PRESET) > build/$(PRESET).configure.log 2>&1 || { cat build/$(PRESET).configure.log >&2; exit 1; }; }
	@cmake --build $(BUILD) --parallel $(JOBS) $(if $(TARGET),--target $(TARGET))

# Tests are half of what there is to compile; whoever comes to try it need not wait for them.
run: TARGET := programs
run: build
	@$(BUILD)/bin/phala dev $(ARGS)

test: setup-test
	@scripts/test.sh

bench: setup-test
	@scripts/bench.sh $(ARGS)

FUZZ_SECONDS ?= 60
fuzz: setup-test
	@FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/fuzz.sh

SINCE ?= HEAD
format: setup-format
	@git-clang-format-19 --binary clang-format-19 --force --extensions cpp,hpp $(SINCE); [ $$? -le 1 ]   # 1: it changed something, which it lists

clean:
	@rm -rf build
