# rudo-snap. `make help` lists the targets; docs/design.md explains the rooms.
#
# One tree of objects per VARIANT (release, debug, asan, ubsan, tsan, fuzz,
# coverage) in build/$(VARIANT)/, which mirrors the source tree.

VARIANT ?= release
PREFIX ?= /usr/local
CC ?= cc
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
BUILD := build/$(VARIANT)
PKG_CONFIG ?= pkg-config

ROOMS := snapshot marker analysis formats
VERSION := $(shell sed -n 's/^\#define RUDO_SNAP_VERSION "\(.*\)"/\1/p' snapshot/version.h)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wundef -Wvla -Wcast-qual \
	-Wwrite-strings -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wimplicit-fallthrough
WERROR ?= -Werror
HARDENING := -fstack-protector-strong -fPIE

FLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2
FLAGS_debug := -O0 -g
FLAGS_asan := -O1 -g -fsanitize=address -fno-omit-frame-pointer
FLAGS_ubsan := -O1 -g -fsanitize=undefined -fno-sanitize-recover=all
FLAGS_tsan := -O1 -g -fsanitize=thread
FLAGS_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
FLAGS_coverage := -O0 -g --coverage

PACKAGES := libzstd libcjson libxxhash libelf libdw
PACKAGE_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null)
PACKAGE_LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES) 2>/dev/null) -liberty

ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -I. -MMD -MP -pthread $(WARNINGS) $(WERROR) $(HARDENING) \
	$(FLAGS_$(VARIANT)) $(PACKAGE_CFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -pthread -Wl,-z,relro,-z,now $(FLAGS_$(VARIANT)) $(LDFLAGS)

LIBRARY_SOURCES := $(sort $(foreach room,$(ROOMS),$(wildcard $(room)/*.c)))
CLI_SOURCES := $(sort $(wildcard cli/*.c))
LIBRARY := $(BUILD)/librudo-snap.a
PROGRAM := $(BUILD)/rudo-snap
LIBRARY_OBJECTS := $(LIBRARY_SOURCES:%.c=$(BUILD)/%.o)
CLI_OBJECTS := $(CLI_SOURCES:%.c=$(BUILD)/%.o)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

## all: build the program (the default)
.PHONY: all
all: $(PROGRAM) c-sample

# The packages must be there before any header of theirs is asked for.
ifeq ($(filter clean help install-dependencies,$(MAKECMDGOALS)),)
ifeq ($(shell $(PKG_CONFIG) --exists $(PACKAGES) && echo yes),)
DEPENDENCIES_MISSING := yes
endif
endif

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC     $<")
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@

$(LIBRARY): $(LIBRARY_OBJECTS)
	$(if $(Q),@echo "  AR     $@")
	$(Q)rm -f $@ && ar rcs $@ $^

$(PROGRAM): $(CLI_OBJECTS) $(LIBRARY)
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(PACKAGE_LIBS) -o $@

-include $(LIBRARY_OBJECTS:.o=.d) $(CLI_OBJECTS:.o=.d)

include tests/tests.mk
include samples/samples.mk

## install: install program and man page under PREFIX (default /usr/local; DESTDIR is honoured)
.PHONY: install
install: $(PROGRAM)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/rudo-snap
	install -m 644 docs/rudo-snap.1 $(DESTDIR)$(PREFIX)/share/man/man1/rudo-snap.1

## clean: remove everything that was built
.PHONY: clean
clean:
	rm -rf build

## help: list the targets
.PHONY: help
help:
	@sed -n 's/^## \([a-z0-9-]*\): /  \1\t/p' $(MAKEFILE_LIST) | sort | expand -t 24
