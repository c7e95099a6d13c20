# The verbs. Each is idempotent and installs what it needs first.
.DEFAULT_GOAL := help
SHELL := /bin/bash
JOBS ?= $(shell nproc)

.PHONY: help lint-fast build run demo test test-unit test-system test-tsan lint tidy format \
        bench fuzz clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | \
	  sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

build: ## Build the release binary, build/bulla
	@tools/install_deps.sh build
	@cmake --preset release -DBULLA_TESTS=OFF -DBULLA_BENCH=OFF >/dev/null
	@cmake --build build --target bulla -j $(JOBS)

run: build ## Serve on 127.0.0.1:8200 from a store in .run/ (development only)
	@tools/install_deps.sh run
	@tools/run.sh

demo: build ## The whole story on a temporary store, step by step
	@tools/install_deps.sh run
	@tools/demo.sh

test: lint-fast test-unit test-tsan test-system ## Everything that must pass

lint-fast:
	@python3 tools/check_layers.py

test-unit: ## Unit tests and fuzz corpora under ASan and UBSan
	@tools/install_deps.sh build test
	@cmake --preset asan >/dev/null
	@cmake --build build-asan -j $(JOBS)
	@cd build-asan && ctest --output-on-failure -j $(JOBS)

test-tsan: ## The concurrent layers' unit tests under TSan
	@tools/install_deps.sh build test
	@cmake --preset tsan >/dev/null
	@cmake --build build-tsan -j $(JOBS) --target test_base test_storage \
	  test_barrier test_dek test_net test_audit test_engine
	@cd build-tsan && ctest --output-on-failure -j $(JOBS) \
	  -R '^(base|storage|barrier|dek|net|audit|engine)$$'

test-system: build ## The real binary, driven from outside
	@tools/install_deps.sh run test
	@cmake --preset release -DBULLA_TESTS=OFF -DBULLA_BENCH=OFF >/dev/null
	@cmake --build build --target constant_time -j $(JOBS)
	@cd test/node && npm ci --silent --no-audit --no-fund >/dev/null
	@/usr/bin/python3 -m pytest -q -p no:cacheprovider test

lint: ## clang-format and the ladder of layers
	@tools/install_deps.sh build test lint
	@git ls-files '*.cc' '*.h' | xargs clang-format-14 --dry-run --Werror
	@python3 tools/check_layers.py

tidy: ## clang-tidy over every source file (minutes; cached by content)
	@tools/install_deps.sh build test lint
	@tools/tidy.sh

format: ## Format every source file
	@tools/install_deps.sh lint
	@git ls-files '*.cc' '*.h' | xargs clang-format-14 -i

bench: ## The bench table; PEER=http://… PEER_TOKEN=… puts another server beside
	@tools/install_deps.sh build run test bench
	@cmake --preset release -DBULLA_TESTS=OFF -DBULLA_BENCH=ON >/dev/null
	@cmake --build build -j $(JOBS)
	@/usr/bin/python3 bench/run.py --peer "$(PEER)" --peer-token "$(PEER_TOKEN)"

fuzz: ## Fuzz every parser for FUZZ_SECONDS (default 30) each
	@tools/install_deps.sh build test
	@cmake --preset fuzz >/dev/null
	@cmake --build build-fuzz -j $(JOBS)
	@tools/fuzz.sh

clean: ## Remove what the verbs built
	@rm -rf build build-asan build-tsan build-dev build-fuzz .cache
