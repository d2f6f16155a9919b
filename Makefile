# make help says what there is. Each target does on a fresh machine all that it needs; see docs/development.md.

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)

# nextest runs each test in a process of its own and stops one that hangs; cargo test does as well without it.
NEXTEST := $(shell $(CARGO) nextest --version >/dev/null 2>&1 && echo yes)

.PHONY: help build release test fmt lint unit e2e crash interop fuzz soak soak-write bench bench-quick demo install uninstall packages packages-test clean

help:
	@echo 'make build            debug binaries'
	@echo 'make release          optimised binaries'
	@echo 'make test             format, lints, unit tests, end-to-end tests on real mounts, interoperability, fuzzing'
	@echo 'make soak             mixed readers for SOAK_MINUTES (60), every byte checked; docs/benchmarking.md'
	@echo 'make soak-write       kills mount and service CRASH_KILLS (1000) times under a write load, every byte checked'
	@echo 'make bench            measures everything against its peers, writes docs/benchmarking.md; see there'
	@echo 'make bench-quick      runs every work of the bench once at tiny sizes (part of make test)'
	@echo 'make demo             two services with sample images, mounted side by side, until Ctrl-C'
	@echo 'make install          into PREFIX=$(PREFIX): programs in BINDIR=$(BINDIR), manual pages, completions,'
	@echo '                      systemd units, the helper of mount(8); DESTDIR is honoured'
	@echo 'make uninstall        removes them'
	@echo 'make packages         deb, rpm and Python wheel in $(TARGET)/packages'
	@echo 'make packages-test    the same of debug binaries, installed and tried (part of make test; as root)'
	@echo 'make fmt lint unit e2e crash interop fuzz   the parts of make test; FUZZ_SECONDS=60 for all fuzz targets together'
	@echo 'DEMO_ONCE=1 make demo a scripted tour in both profiles, each step checked'

build:
	@packaging/prepare.sh build
	$(CARGO) build --workspace --bins --locked

release:
	@packaging/prepare.sh build
	$(CARGO) build --workspace --bins --release --locked

test: fmt lint unit e2e crash interop packages-test fuzz bench-quick

fmt:
	@echo '== make fmt'
	@packaging/prepare.sh build lint
	$(CARGO) fmt --all --check

lint:
	@echo '== make lint'
	@packaging/prepare.sh build lint
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

unit:
	@echo '== make unit'
	@packaging/prepare.sh build
ifeq ($(NEXTEST),yes)
	$(CARGO) nextest run --workspace --locked -E 'not package(vofs-tests)'
else
	$(CARGO) test --workspace --locked --exclude vofs-tests
endif

# The tests start the binaries that lie beside them, so these are built first, with the same features.
e2e:
	@echo '== make e2e'
	@packaging/prepare.sh build fuse python man programs
	$(CARGO) build --workspace --bins --locked
ifeq ($(NEXTEST),yes)
	$(CARGO) nextest run --package vofs-tests --test e2e --locked
else
	$(CARGO) test --package vofs-tests --test e2e --locked -- --test-threads 4
endif

# Twenty kills of mount and service under a write load; soak-write is the long form.
crash:
	@echo '== make crash'
	@packaging/prepare.sh build fuse
	$(CARGO) build --workspace --bins --locked
	$(TARGET)/debug/crash

# The Python client as the judge of the service, requests byte by byte, and every document before a validator.
interop:
	@echo '== make interop'
	@packaging/prepare.sh build python
	$(CARGO) build --workspace --bins --locked
ifeq ($(NEXTEST),yes)
	$(CARGO) nextest run --package vofs-tests --test interop --locked
else
	$(CARGO) test --package vofs-tests --test interop --locked -- --test-threads 4
endif

fuzz:
	@echo '== make fuzz'
	@packaging/prepare.sh build fuzz
	@packaging/test/fuzz.sh

soak:
	@packaging/prepare.sh build fuse python
	$(CARGO) build --workspace --bins --release --locked
	$(TARGET)/release/soak

soak-write:
	@packaging/prepare.sh build fuse
	$(CARGO) build --workspace --bins --release --locked
	CRASH_KILLS=$(or $(CRASH_KILLS),1000) $(TARGET)/release/crash

# Options by BENCH_WORKS, BENCH_COLUMNS, BENCH_LINKS, BENCH_RUNS and BENCH_OPTIONS=--quick.
bench:
	@packaging/prepare.sh build fuse git peers
	$(CARGO) build --workspace --bins --release --locked
	$(TARGET)/release/vofs-bench --directory $(TARGET)/bench --document docs/benchmarking.md $(BENCH_OPTIONS)

bench-quick:
	@echo '== make bench-quick'
	@packaging/prepare.sh build fuse git
	$(CARGO) build --workspace --bins --locked
	$(TARGET)/debug/vofs-bench check

demo:
	@packaging/prepare.sh build fuse
	$(CARGO) build --workspace --bins --release --locked
	@packaging/demo/demo.sh $(TARGET)/release

install: release
	@DESTDIR=$(DESTDIR) BINDIR=$(BINDIR) packaging/install.sh install $(PREFIX) $(TARGET)/release

uninstall:
	@DESTDIR=$(DESTDIR) BINDIR=$(BINDIR) packaging/install.sh uninstall $(PREFIX)

packages:
	@packaging/prepare.sh build
	$(CARGO) build --workspace --bins --profile dist --locked
	packaging/deb/build.sh $(TARGET)/dist $(TARGET)/packages
	packaging/rpm/build.sh $(TARGET)/dist $(TARGET)/packages
	packaging/wheel/build.py $(TARGET)/dist $(TARGET)/packages

# Packages, units, examples and documents, each tried as far as one machine can.
packages-test:
	@echo '== make packages-test'
	@packaging/prepare.sh build fuse python packages
	$(CARGO) build --workspace --bins --locked
ifeq ($(NEXTEST),yes)
	$(CARGO) nextest run --package vofs-tests --test packages --locked
else
	$(CARGO) test --package vofs-tests --test packages --locked -- --test-threads 4
endif

clean:
	$(CARGO) clean
