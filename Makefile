# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors

# The front door. What it does is in scripts/ and in CMakePresets.json.

PREFIX ?= /usr/local
DESTDIR ?=
SECONDS ?= 60
# What else to tell the benchmarks, e.g. BENCH="--peers --rounds 300".
BENCH ?=
export DESTDIR

# The targets that installing needs, so that it does not build the tests.
INSTALLED = pmemstream pmemstream_static miniasync miniasync_static pmemstream_tool

.PHONY: help deps build demo test crash damage interleavings fuzz coverage bench install clean

help:
	@echo "make demo      install what is missing, build, and show a stream surviving kill -9"
	@echo "make test      install what is missing, build and run the tests"
	@echo "make crash     install what is missing, build, and explore crash states: some minutes"
	@echo "make damage    install what is missing, build, and damage images in every way: some minutes"
	@echo "make interleavings install what is missing, build, and run interleavings of threads: some minutes"
	@echo "make coverage  install what is missing, build, run the tests, and show what of the libraries they run"
	@echo "make fuzz      install what is missing, build with clang, and fuzz for SECONDS ($(SECONDS))"
	@echo "make bench     install what is missing, build, and measure beside the floor and other logs: minutes, idle machine"
	@echo "make deps      install what is missing, with apt-get"
	@echo "make build     build what is to be installed, into build/release"
	@echo "make install   build and install below PREFIX ($(PREFIX)), DESTDIR is honoured"
	@echo "make clean     remove build/"

deps:
	scripts/deps.sh

build:
	scripts/deps.sh build
	cmake --preset release -DCMAKE_INSTALL_PREFIX="$(PREFIX)"
	cmake --build --preset release --target $(INSTALLED)

demo:
	@scripts/demo.sh

test: deps
	scripts/test.sh

crash: deps
	cmake --preset release
	cmake --build --preset release --target crash_explorer
	build/release/tests/crash/explorer/crash_explorer --workers "$$(nproc)"

damage: deps
	cmake --preset release
	cmake --build --preset release --target damage_sweep
	build/release/tests/damage/damage_sweep --workers "$$(nproc)"

interleavings: deps
	cmake --preset release
	cmake --build --preset release --target interleavings
	build/release/tests/interleavings/interleavings --workers "$$(nproc)"

fuzz:
	scripts/deps.sh fuzz
	scripts/fuzz.sh "$(SECONDS)"

coverage:
	scripts/deps.sh coverage
	scripts/coverage.sh

bench:
	scripts/deps.sh bench
	cmake --preset release
	cmake --build --preset release --target pmemstream_bench
	build/release/benchmarks/pmemstream_bench $(BENCH) \
	    --markdown build/performance.md --json build/performance.json --svg build/performance.svg

install: build
	cmake --install build/release

clean:
	rm -rf build
