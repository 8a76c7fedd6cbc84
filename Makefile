# rudo-snap. `make help` lists the targets; docs/design.md explains the rooms.
#
# One tree of objects per VARIANT (release, debug, sanitize, tsan, clang, fuzz, coverage, aarch64)
# in build/$(VARIANT)/, which mirrors the source tree.

VARIANT ?= release
PREFIX ?= /usr/local
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
BUILD := build/$(VARIANT)
PKG_CONFIG ?= pkg-config

# A compiler that only make's own defaults name counts as not chosen.
ifeq ($(origin CC),default)
CC := $(if $(filter sanitize clang fuzz,$(VARIANT)),clang,cc)
endif

# The rooms of the libraries; docs/design.md says which may use which.
ROOMS := base snapshot embed marker analysis formats
VERSION := $(shell sed -n 's/^\#define RUDO_SNAP_VERSION "\(.*\)"/\1/p' base/version.h)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wundef -Wvla -Wcast-qual \
	-Wwrite-strings -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wimplicit-fallthrough
WERROR ?= -Werror
HARDENING := -fstack-protector-strong -fPIE

FLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2
FLAGS_clang := $(FLAGS_release)
FLAGS_debug := -O0 -g
# Line numbers are all that reports of sanitizers need of debug information.
FLAGS_sanitize := -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
FLAGS_tsan := -O1 -g1 -fsanitize=thread
FLAGS_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
FLAGS_aarch64 := -O2 -g -D_FORTIFY_SOURCE=2
FLAGS_coverage := -O0 -g --coverage

# Unit and property tests are half of what a variant compiles, and nearly all of it runs once.
# Criterion starts a new program for each test: under a sanitizer that takes longer than most tests
# do, and under an emulator it does not work. There, tests/plain_criterion/ runs them.
HAS_CRITERION := $(if $(filter sanitize aarch64,$(VARIANT)),,yes)
TEST_FLAGS := $(if $(filter release,$(VARIANT)),-O0 -g1 -U_FORTIFY_SOURCE) $(if $(filter sanitize,$(VARIANT)),-O0) \
	$(if $(HAS_CRITERION),,-isystem tests/plain_criterion -Wno-gnu-zero-variadic-macro-arguments)

ifeq ($(FLAGS_$(VARIANT)),)
$(error there is no VARIANT '$(VARIANT)')
endif

PACKAGES := libzstd libcjson libxxhash libelf libdw sqlite3 zlib
PACKAGE_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null)
PACKAGE_LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES) 2>/dev/null) -liberty -lm

ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -I. -Imarker/native -MMD -MP -pthread $(WARNINGS) $(WERROR) $(HARDENING) \
	$(FLAGS_$(VARIANT)) $(PACKAGE_CFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -pthread -Wl,-z,relro,-z,now $(FLAGS_$(VARIANT)) $(LDFLAGS)

# What lays out the charts of the page (node-d3-hierarchy); formats/html/page.mk builds it in.
D3_HIERARCHY ?= /usr/share/nodejs/d3-hierarchy/dist/d3-hierarchy.min.js
D3_LICENCE ?= /usr/share/doc/node-d3-hierarchy/copyright

# Sources of a room and of its sub-rooms.
sources_of = $(sort $(foreach room,$(1),$(wildcard $(room)/*.c $(room)/*/*.c $(room)/*/*/*.c)))
# Only stress programs are built for TSan, and they use no more.
LIBRARY_ROOMS := $(if $(filter tsan,$(VARIANT)),base snapshot marker,$(ROOMS))
LIBRARY_SOURCES := $(filter-out marker/explore/sim/exploring_marker.c $(if $(filter tsan,$(VARIANT)),marker/explore/%), \
	$(call sources_of,$(LIBRARY_ROOMS)))
CLI_SOURCES := $(call sources_of,cli)
LIBRARY := $(BUILD)/librudo-snap.a
PROGRAM := $(BUILD)/rudo-snap
LIBRARY_OBJECTS := $(LIBRARY_SOURCES:%.c=$(BUILD)/%.o) $(if $(filter tsan,$(VARIANT)),,$(BUILD)/exploring_marker.o)
# The marker once more, for the exploring build; the oracle, scheduled marks and those in passes are not explored.
EXPLORED_SOURCES := $(filter-out marker/mark_serial.c marker/mark_in_passes.c marker/passes_%.c,$(wildcard marker/*.c)) \
	marker/explore/sim/exploring_marker.c
EXPLORED_OBJECTS := $(EXPLORED_SOURCES:%.c=$(BUILD)/explored/%.o)
CLI_OBJECTS := $(CLI_SOURCES:%.c=$(BUILD)/%.o)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

## all: build the program, the library and the samples in C (the default)
.PHONY: all
all: $(PROGRAM) embed c-sample

# Some targets install what is missing and then call make again; all others say what to do.
BARE_TARGETS := clean help check soak fuzz coverage demo format format-check
ifneq ($(filter-out $(BARE_TARGETS),$(or $(MAKECMDGOALS),all)),)
ifneq ($(shell $(PKG_CONFIG) --exists $(PACKAGES) 2>/dev/null && echo yes),yes)
$(error libraries are missing: run ./install-dependencies.sh build)
endif
ifneq ($(words $(wildcard $(D3_HIERARCHY) $(D3_LICENCE))),2)
$(error d3-hierarchy for the page of a report is missing, $(D3_HIERARCHY): run ./install-dependencies.sh build, or name \
	its two files: make D3_HIERARCHY=FILE D3_LICENCE=FILE)
endif

# The compiler and its flags; rewritten only when they change, so that objects are made again when the
# compiler or its flags change, and the library when a source file comes or goes.
COMPILE_COMMAND := $(strip $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(TEST_FLAGS))
ifneq "$(strip $(file <$(BUILD)/compile-command))" "$(COMPILE_COMMAND)"
$(shell mkdir -p $(BUILD))
$(file >$(BUILD)/compile-command,$(COMPILE_COMMAND))
endif
ifneq "$(strip $(file <$(BUILD)/library-sources))" "$(LIBRARY_SOURCES) $(CLI_SOURCES)"
$(file >$(BUILD)/library-sources,$(LIBRARY_SOURCES) $(CLI_SOURCES))
endif
endif

# Where no loop is hot, the sanitizers' code takes longer to optimise than to run.
ifeq ($(VARIANT),sanitize)
$(foreach room,snapshot/capture formats analysis cli,$(BUILD)/$(room)/%.o): ALL_CFLAGS += -O0
endif

$(BUILD)/%.o: %.c $(BUILD)/compile-command
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC     $<")
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@

# The same sources against another shared_memory.h, all in one object with one door; memory comes
# from the run's arena.
OBJCOPY ?= $(shell $(CC) -print-prog-name=objcopy)
EXPLORED_RENAMES := $(foreach function,malloc calloc realloc free aligned_alloc side_table_new \
	side_table_free,--redefine-sym $(function)=sim_$(function))

$(BUILD)/explored/%.o: %.c $(BUILD)/compile-command
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC     $< (exploring)")
	$(Q)$(CC) -Imarker/explore/sim $(ALL_CFLAGS) -c $< -o $@

$(BUILD)/exploring_marker.o: $(EXPLORED_OBJECTS) $(BUILD)/library-sources
	$(if $(Q),@echo "  LD     $@")
	$(Q)$(CC) -r -nostdlib $(EXPLORED_OBJECTS) -o $@
	$(Q)$(OBJCOPY) --keep-global-symbol=exploring_marker $(EXPLORED_RENAMES) $@

$(LIBRARY): $(LIBRARY_OBJECTS) $(BUILD)/library-sources
	$(if $(Q),@echo "  AR     $@")
	$(Q)rm -f $@ && ar rcs $@ $(LIBRARY_OBJECTS)

$(PROGRAM): $(CLI_OBJECTS) $(LIBRARY) $(BUILD)/library-sources
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(CC) $(ALL_LDFLAGS) $(CLI_OBJECTS) $(LIBRARY) $(PACKAGE_LIBS) -o $@

-include $(LIBRARY_OBJECTS:.o=.d) $(EXPLORED_OBJECTS:.o=.d) $(CLI_OBJECTS:.o=.d)

include embed/embed.mk
include formats/html/page.mk
include tests/tests.mk
include tests/determinism.mk
include samples/samples.mk

## install: install program, library, man pages and bash completion under PREFIX (default /usr/local; DESTDIR is honoured)
.PHONY: install
install: $(PROGRAM) install-embed
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/rudo-snap
	install -m 644 docs/rudo-snap.1 $(DESTDIR)$(PREFIX)/share/man/man1/rudo-snap.1
	install -D -m 644 docs/rudo-snap.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/rudo-snap

## clean: remove everything that was built
.PHONY: clean
clean:
	rm -rf build

## help: list the targets
.PHONY: help
help:
	@sed -n 's/^## \([a-z0-9-]*\): /  \1\t/p' $(MAKEFILE_LIST) | sort | expand -t 24
