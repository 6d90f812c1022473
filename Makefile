# Segue: `make run` and `make test` are all that is needed on a machine with git and make. `make help` lists the rest.
SHELL := /bin/bash
JOBS ?= $(shell nproc)
export PATH := $(CURDIR)/.deps/node/bin:$(PATH)
PRESET = build/$(1)/build.ninja
ARGS ?=
SECONDS_EACH ?= 60
SEGUE ?= build/release/segue
# Run in web/: what Prettier keeps, the scripts of the tests too.
PRETTIER = npx --no -- prettier --config .prettierrc.json . ../tests/audit/*.mjs ../tests/browser/*.mjs ../tests/clients/node/*.mjs

.DEFAULT_GOAL := help
.PHONY: help deps build run test test-asan test-tsan test-engines bench bench-audit bench-retrieval soak fuzz lint format web package clean unit

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1|\2/' | column -t -s '|'

deps: ## install what building needs (says what it installs)
	@tools/deps build

build/%/build.ninja: CMakeLists.txt CMakePresets.json | deps
	@cmake --preset $* > build-$*.log 2>&1 || { cat build-$*.log; rm -f build-$*.log; exit 1; }; rm -f build-$*.log

build: build/release/build.ninja ## build the release binary: build/release/segue
	@cmake --build build/release --target segue -j $(JOBS)

run: build ## build, then run the gateway on 127.0.0.1:8484 (ARGS="--listen …" for more)
	@build/release/segue serve $(ARGS)

test: build/dev/build.ninja ## build and run every test; the last line is "N passed, N failed"
	@tools/deps test
	@cmake --build build/dev --target all-tests segue -j $(JOBS)
	@.deps/venv/bin/python tests/run.py build/dev

test-asan: build/asan/build.ninja ## unit and contract tests under the address and undefined-behaviour sanitizers
	@tools/deps test
	@cmake --build build/asan --target all-tests segue -j $(JOBS)
	@.deps/venv/bin/python tests/run.py build/asan --only unit,conformance

test-tsan: build/tsan/build.ninja ## unit and contract tests under the thread sanitizer
	@tools/deps test
	@cmake --build build/tsan --target all-tests segue -j $(JOBS)
	@.deps/venv/bin/python tests/run.py build/tsan --only unit,conformance

test-engines: build ## the conformance suite against a real vLLM on the CPU (installs 6 GB once)
	@tools/deps test
	@tools/test-engines

bench: build ## measure beside nginx, HAProxy and peers (15 minutes, quiet machine); writes docs/performance.md
	@tools/deps bench
	@cmake --build build/release --target bench-tools -j $(JOBS)
	@python3 bench/run.py $(ARGS)

bench-audit: build ## measure segue audit beside ripgrep on trees of 20 MB to 1 GB (3 minutes, quiet machine)
	@tools/deps bench
	@python3 bench/audit_speed.py $(ARGS)

bench-retrieval: build ## measure documents and retrieval (20 minutes, quiet machine); writes the figures in docs/retrieval.md
	@tools/deps bench
	@tools/deps test
	@cmake --build build/release --target bench-tools -j $(JOBS)
	@.deps/venv/bin/python bench/retrieval.py --docs $(ARGS)

soak: ## mixed load and faults for SOAK_SECONDS (default 600); SEGUE=build/asan/segue for a build with sanitizers
	@tools/deps test
	@$(MAKE) --no-print-directory $(dir $(SEGUE))build.ninja
	@cmake --build $(dir $(SEGUE)) --target segue -j $(JOBS)
	@SEGUE_BIN=$(abspath $(SEGUE)) .deps/venv/bin/python bench/soak.py $(ARGS)

fuzz: ## fuzz every parser for SECONDS_EACH seconds (default 60)
	@tools/deps fuzz
	@$(MAKE) --no-print-directory build/fuzz/build.ninja
	@cmake --build build/fuzz --target all-fuzzers -j $(JOBS)
	@tools/fuzz build/fuzz $(SECONDS_EACH)

lint: build/dev/build.ninja ## layers, headers that compile alone, formatting, clang-tidy; the page's types and rules
	@tools/deps lint
	@tools/check_layers.py
	@tools/check_headers
	@git ls-files '*.cpp' '*.hpp' | xargs clang-format-16 --dry-run -Werror
	@tools/tidy build/dev
	@cd web && node tools/types.mjs && npx --no -- vue-tsc --noEmit && $(PRETTIER) --check && npx --no -- eslint . --max-warnings 0

format: ## format all C++ sources, the page's and the tests' scripts
	@tools/deps lint
	@git ls-files -co --exclude-standard '*.cpp' '*.hpp' | xargs clang-format-16 -i
	@cd web && $(PRETTIER) --write --log-level warn

web: deps ## build the web page alone (web/dist); "make build" does it where web/ changed
	@tools/build_web

package: build ## a Debian package in build/release
	@tools/deps package
	@cd build/release && cpack -G DEB

clean: ## remove everything that was built (keeps what was installed)
	@rm -rf build
