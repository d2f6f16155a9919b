# make help says what there is. Each target does on a fresh machine all that it needs; see docs/development.md.

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)

# nextest runs each test in a process of its own and stops one that hangs, but no examples of the documentation; cargo test does as
# well without it.
NEXTEST := $(shell $(CARGO) nextest --version >/dev/null 2>&1 && echo yes)

# Every end-to-end test runs on the profiles of all makers in make e2e, half an hour on two processors. Where time counts, the tests of
# caches, daemons, options, large directories and programs run on the two of CADC, and all others on all.
FOR_ALL := commands|copies|crash|durability|fits|guides|makers|posix|relays|rights|safety|semantics|sync|trees|verbs|walks|weather
QUICK := -E 'not test(/::(strict|pyvospace|datalab|srcnet)::/) or test(/^($(FOR_ALL))::/)'

# One suite of end-to-end tests, with a filter: $(call suite,e2e,FILTER). Its tests start programs and wait for them: four at a time are enough.
ifeq ($(NEXTEST),yes)
suite = $(CARGO) nextest run --workspace --test $(1) --locked $(2)
unit_tests = $(CARGO) nextest run --workspace --locked -E 'not package(vofs-tests)' && $(CARGO) test --workspace --doc --locked
else
suite = $(CARGO) test --package vofs-tests --test $(1) --locked -- --test-threads 4
unit_tests = $(CARGO) test --workspace --locked --exclude vofs-tests
endif

# The tests start the programs that lie beside them. These are built together with them, because by themselves their dependencies have
# other features and would be compiled once more.
BUILD_TESTED = $(CARGO) build --workspace --all-targets --locked

.PHONY: help build release test fmt lint deny unit e2e e2e-quick crash interop fuzz soak soak-write bench bench-document bench-quick demo install uninstall packages packages-test static clean

help:
	@echo 'make build            debug binaries'
	@echo 'make release          optimised binaries'
	@echo 'make test             format, lints, licences, unit tests, end-to-end tests on real mounts, interoperability, fuzzing'
	@echo 'make soak             mixed readers for SOAK_MINUTES (60), every byte checked; docs/benchmarking.md'
	@echo 'make soak-write       PROPTEST_CASES (5000) of the model, then kills mount and service CRASH_KILLS (1000) times under a'
	@echo '                      write load, then EXERCISE_OPERATIONS (1000000) of fsx, every byte checked'
	@echo 'make bench            measures everything against its peers, writes docs/benchmarking.md; see there'
	@echo 'make bench-document   the tables of docs/benchmarking.md from the results that are kept, without measuring'
	@echo 'make bench-quick      runs every work of the bench once at tiny sizes (part of make test)'
	@echo 'make demo             two services with sample images, mounted side by side, until Ctrl-C'
	@echo 'make install          into PREFIX=$(PREFIX): programs in BINDIR=$(BINDIR), manual pages, completions,'
	@echo '                      systemd units, the helper of mount(8); DESTDIR is honoured'
	@echo 'make uninstall        removes them'
	@echo 'make packages         deb, rpm and Python wheel in $(TARGET)/packages'
	@echo 'make static           statically linked programs in an archive, in the same place (musl; STATIC_LIBC=gnu: glibc)'
	@echo 'make packages-test    the same of debug binaries, installed and tried (part of make test; as root)'
	@echo 'make fmt lint deny unit e2e-quick crash interop fuzz   the parts of make test; FUZZ_SECONDS=60 for all fuzz targets together'
	@echo 'make e2e              every end-to-end test on the profiles of all makers; make test leaves out some that cost much time'
	@echo 'DEMO_ONCE=1 make demo a scripted tour in both profiles, each step checked'

build:
	@packaging/prepare.sh build
	$(CARGO) build --workspace --bins --locked

release:
	@packaging/prepare.sh build
	$(CARGO) build --workspace --bins --release --locked

test: fmt lint deny unit e2e-quick crash interop packages-test fuzz bench-quick

fmt:
	@echo '== make fmt'
	@packaging/prepare.sh build lint
	$(CARGO) fmt --all --check

lint:
	@echo '== make lint'
	@packaging/prepare.sh build lint
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	@packaging/test/macos.sh

# Licences, origins and known defects of the dependencies.
deny:
	@echo '== make deny'
	@packaging/prepare.sh build deny
	@packaging/test/deny.sh

unit:
	@echo '== make unit'
	@packaging/prepare.sh build
	$(unit_tests)

e2e-quick: FILTER := $(QUICK)
e2e e2e-quick:
	@echo '== make $@'
	@packaging/prepare.sh build fuse python man shells programs
	$(BUILD_TESTED)
	$(call suite,e2e,$(FILTER))

# Twenty kills of mount and service under a write load; soak-write is the long form.
crash:
	@echo '== make crash'
	@packaging/prepare.sh build fuse
	$(BUILD_TESTED)
	$(TARGET)/debug/crash

# The Python client as the judge of the service, requests byte by byte, and every document before a validator.
interop:
	@echo '== make interop'
	@packaging/prepare.sh build python
	$(BUILD_TESTED)
	$(call suite,interop)

fuzz:
	@echo '== make fuzz'
	@packaging/prepare.sh build fuzz
	@packaging/test/fuzz.sh

soak:
	@packaging/prepare.sh build fuse python
	$(CARGO) build --workspace --bins --release --locked
	$(TARGET)/release/soak

soak-write:
	@packaging/prepare.sh build fuse programs
	$(CARGO) build --workspace --bins --release --locked
	PROPTEST_CASES=$(or $(PROPTEST_CASES),5000) $(CARGO) test -p vofs-core --lib --locked plain_file_system
	CRASH_KILLS=$(or $(CRASH_KILLS),1000) $(TARGET)/release/crash
	$(TARGET)/release/exercise

# Options by BENCH_WORKS, BENCH_COLUMNS, BENCH_LINKS, BENCH_RUNS, BENCH_COMMIT and BENCH_OPTIONS=--quick.
bench:
	@packaging/prepare.sh build fuse git peers
	$(CARGO) build --workspace --bins --release --locked
	$(TARGET)/release/vofs-bench --directory $(TARGET)/bench --document docs/benchmarking.md $(BENCH_OPTIONS)

# The tables from the results that are kept, and from others: BENCH_OPTIONS="--import FILE …".
bench-document:
	@packaging/prepare.sh build
	$(CARGO) build --workspace --bins --release --locked
	$(TARGET)/release/vofs-bench document docs/benchmarking.md --directory $(TARGET)/bench $(BENCH_OPTIONS)

bench-quick:
	@echo '== make bench-quick'
	@packaging/prepare.sh build fuse git
	$(BUILD_TESTED)
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

# For machines that are too old for the other packages, and for containers without anything. With musl the allocator is slower than
# that of glibc, and only users of /etc/passwd are known. STATIC_LIBC=gnu is for toolchains without musl: the program then has the
# glibc of this machine in it, which may try to load parts of that of another one (nsswitch.conf).
STATIC_LIBC ?= musl
STATIC := $(shell uname -m)-unknown-linux-$(STATIC_LIBC)
static:
	@packaging/prepare.sh build static-$(STATIC_LIBC)
	RUSTFLAGS='-C target-feature=+crt-static' $(CARGO) build --workspace --bins --profile dist --locked --target $(STATIC)
	packaging/static/build.sh $(TARGET)/$(STATIC)/dist $(TARGET)/packages

# Packages, units, examples and documents, each tried as far as one machine can.
packages-test:
	@echo '== make packages-test'
	@packaging/prepare.sh build fuse python packages
	$(BUILD_TESTED)
	$(call suite,packages)

clean:
	$(CARGO) clean
