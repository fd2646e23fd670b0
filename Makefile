# The short way. Beneath is CMake with the presets release, debug, asan, tsan and fuzz, each in build/NAME.
# CC=clang (any compiler) builds beside, in build/NAME-clang.

ifneq ($(origin CC),default)
  export CC
  SUFFIX := -$(notdir $(firstword $(CC)))
endif
PREFIX  ?= /usr/local
DESTDIR ?=
SECONDS ?= 120
TARGET  ?=
RELEASE := build/release$(SUFFIX)

.PHONY: all help deps bench-deps demo test quick debug asan tsan fuzz arm64 lint format install clean

all: build-needs
	@tools/build.sh release $(RELEASE)

help:
	@echo "make              build the library and the program into $(RELEASE)"
	@echo "make demo         train a small model on the King James Bible for a minute, and let it write"
	@echo "make test         run every test"
	@echo "make quick        run the tests labelled quick"
	@echo "make asan, tsan   run the quick tests with the address or the thread sanitizer"
	@echo "make fuzz         SECONDS=$(SECONDS) [TARGET=name]: hostile files for every reader, with clang's libFuzzer"
	@echo "make arm64        compile everything for 64-bit ARM, and run the quick tests in its emulation (qemu)"
	@echo "make debug        build for the debugger, into build/debug$(SUFFIX)"
	@echo "make lint         cppcheck, clang-tidy, shellcheck, white space"
	@echo "make format       lay out changed C files with clang-format"
	@echo "make install      PREFIX=$(PREFIX) DESTDIR="
	@echo "make deps         install every package that any of this needs (prints the apt command; runs it when root)"
	@echo "make bench-deps   install the libraries that bench/ measures beside, nothing else needs them"
	@echo "make clean        remove build/"
	@echo
	@echo "Each target installs what it misses when run as root on Debian, and otherwise says what is missing."
	@echo "make CC=clang ... builds with another compiler, beside."

deps:
	@tools/install_packages.sh build demo test fuzz arm64 lint

# Other libraries to measure beside: nothing else needs them.
bench-deps:
	@tools/install_packages.sh bench

.PHONY: build-needs
build-needs:
	@tools/install_packages.sh build

demo:
	@tools/install_packages.sh build demo
	@tools/build.sh release $(RELEASE) canto
	@tools/demo.sh $(RELEASE)/canto

test:
	@tools/install_packages.sh build test
	@tools/test.sh release $(RELEASE)

quick:
	@tools/install_packages.sh build test
	@tools/test.sh release $(RELEASE) -L quick

asan tsan:
	@tools/install_packages.sh build test
	@tools/test.sh $@ build/$@$(SUFFIX) -L quick

fuzz:
	@tools/install_packages.sh build fuzz
	@tools/fuzz.sh build/fuzz $(SECONDS) $(TARGET)

arm64:
	@tools/install_packages.sh build arm64
	@tools/test.sh arm64 build/arm64 -L quick -E '^(crash|fuzz)'

debug: build-needs
	@tools/build.sh debug build/debug$(SUFFIX)

lint:
	@tools/install_packages.sh build lint
	@CANTO_CONFIGURE=1 tools/build.sh release $(RELEASE)
	@tools/lint.sh $(RELEASE)

format:
	@tools/install_packages.sh lint
	@git diff --name-only HEAD -- '*.c' '*.h' | xargs -r clang-format -i

install: build-needs
	@tools/build.sh release $(RELEASE)
	@cmake -DCMAKE_INSTALL_PREFIX="$(PREFIX)" $(RELEASE) >/dev/null
	@DESTDIR="$(DESTDIR)" cmake --install $(RELEASE)

clean:
	rm -rf build
