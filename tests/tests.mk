# Everything that tests. Every test prints TAP; tests/run_tests.sh adds it up.
#
# A test is one of
#   tests/{unit,property}/ROOM/test_*.c            Criterion programs
#   tests/stress/ROOM/stress_*.c                   plain programs that print TAP themselves
#   tests/explore/explore_*.c                      the marker under a scheduler; plain programs
#   tests/relacy/relacy_*.cpp                      models checked by Relacy; plain C++ programs
#   tests/fuzz/fuzz_*.c                            fuzz targets; here their corpus is replayed
#   tests/{cli,live,lint}/*.sh                     scripts that print TAP
# New ones are found by their names. Helpers that several tests share are in tests/support/.
#
#   make test                                the tests of this VARIANT
#   make test TEST_GROUPS="unit cli"         some groups of them
#   make test TESTS="test_heap_image"        some of them, by name
#
# docs/testing.md says what runs when, how long it takes, and where a new test goes.

# What a variant can show; all that is not named here can run everything.
# Unit tests run under the sanitizers each night: building them takes longer than all else there.
GROUPS_sanitize := $(if $(filter quick,$(CHECK_TIER)),,unit) property fuzz cli
GROUPS_tsan := stress
GROUPS_clang := unit property cli
GROUPS_fuzz := fuzz
GROUPS_aarch64 := unit property
TEST_GROUPS ?= $(or $(GROUPS_$(VARIANT)),unit property fuzz cli live stress relacy explore)
TESTS ?=
# tests/check.sh: add this run's counts to a file, and what the run is called there.
TOTALS ?=
LABEL ?=
RUN_FLAGS = $(if $(TOTALS),-s $(TOTALS)) $(if $(LABEL),-l "$(LABEL)")
FUZZ_SECONDS ?= 60

comma := ,
CRITERION_LIBS := $(if $(HAS_CRITERION),-lcriterion)

# Tests of a kind lie in folders that mirror the rooms.
tests_of = $(sort $(foreach room,. * */* */*/*,$(patsubst tests/$(1)/./%,tests/$(1)/%,$(wildcard tests/$(1)/$(room)/$(2)))))

SUPPORT_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(if $(filter tsan,$(VARIANT)),tests/support/heap_answers.c tests/support/marked_heap.c), \
	$(sort $(wildcard tests/support/*.c))))
UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(call tests_of,unit,test_*.c))
PROPERTY_TESTS := $(patsubst %.c,$(BUILD)/%,$(call tests_of,property,test_*.c))
STRESS_TESTS := $(patsubst %.c,$(BUILD)/%,$(call tests_of,stress,stress_*.c))
RELACY_TESTS := $(patsubst %.cpp,$(BUILD)/%,$(sort $(wildcard tests/relacy/relacy_*.cpp)))
FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.c,%, \
	$(filter-out tests/fuzz/fuzz_replay_main.c,$(sort $(wildcard tests/fuzz/fuzz_*.c))))
FUZZ_REPLAYS := $(FUZZ_NAMES:%=$(BUILD)/tests/fuzz/replay_%)
FUZZ_TARGETS := $(FUZZ_NAMES:%=$(BUILD)/tests/fuzz/fuzz_%)
# Programs that live tests capture, kill or starve.
LIVE_TARGETS := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/live/targets/*.c)))

# Programs that make what the scripts in tests/cli/ look at.
CLI_HELPERS := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/cli/helpers/*.c)))

CRITERION_TESTS := $(UNIT_TESTS) $(PROPERTY_TESTS)

TESTS_unit := $(UNIT_TESTS)
TESTS_property := $(PROPERTY_TESTS)
TESTS_stress := $(STRESS_TESTS)
TESTS_relacy := $(RELACY_TESTS)
TESTS_fuzz := $(foreach name,$(FUZZ_NAMES),$(BUILD)/tests/fuzz/replay_$(name):tests/fuzz/corpus/$(name))
# How work grows is counted each night, by a program compiled for that, and a browser shows pages; and
# no mutant of the marker is needed by the scripts that `make check` runs under the sanitizers.
TESTS_cli := $(filter-out $(if $(filter quick,$(CHECK_TIER)),tests/cli/growth.sh tests/cli/page_in_browser.sh), \
	$(sort $(wildcard tests/cli/*.sh)))
TESTS_live := $(sort $(wildcard tests/live/*.sh))
# That the lints can fail is shown each night.
TESTS_lint := $(filter-out $(if $(filter quick,$(CHECK_TIER)),tests/lint/lint_selftest.sh),$(sort $(wildcard tests/lint/*.sh)))
include tests/explore/explore.mk

# Names of tests are unique, so `make test TESTS=test_heap_image` needs neither folder nor ending.
ALL_TESTS = $(foreach group,unit property fuzz cli live stress relacy explore lint,$(TESTS_$(group)))
plain_name = $(basename $(notdir $(firstword $(subst :, ,$(1)))))
test_named = $(or $(strip $(foreach test,$(ALL_TESTS),$(if $(filter $(call plain_name,$(1)),$(call plain_name,$(test))),$(test)))), \
	$(error there is no test called '$(1)'))
TESTS_TO_RUN = $(if $(TESTS),$(foreach name,$(TESTS),$(call test_named,$(name))), \
	$(foreach group,$(TEST_GROUPS),$(TESTS_$(group))))

# Tests of the command line link its modules, but neither main() nor the commands.
TESTED_CLI_OBJECTS := $(filter-out $(BUILD)/cli/main.o $(BUILD)/cli/commands/%,$(CLI_OBJECTS))
$(filter $(BUILD)/tests/unit/cli/% $(BUILD)/tests/property/cli/%,$(CRITERION_TESTS)): $(TESTED_CLI_OBJECTS)

# Tests that are scripts run the program, on samples, and what helpers make.
PROGRAMS_for_scripts = $(PROGRAM) embed c-sample $(CLI_HELPERS)
PROGRAMS_cli = $(PROGRAMS_for_scripts) $(if $(filter sanitize/quick,$(VARIANT)/$(CHECK_TIER)),,$(MUTATED_PROGRAMS)) \
	$(if $(filter quick,$(CHECK_TIER)),,$(COUNTED_PROGRAM))
PROGRAMS_live = $(PROGRAMS_for_scripts) $(LIVE_TARGETS)
PROGRAMS_lint = $(LIBRARY)
# Of the tests that run: those that are compiled, and what the scripts among them need.
TEST_PROGRAMS = $(sort $(foreach test,$(TESTS_TO_RUN),$(if $(filter %.sh,$(test)), \
	$(PROGRAMS_$(patsubst tests/%/,%,$(dir $(test)))),$(firstword $(subst :, ,$(test))))))

$(CRITERION_TESTS:=.o): ALL_CFLAGS += $(TEST_FLAGS)
# Looks at its own types in its debug information.
$(BUILD)/tests/unit/snapshot/capture/debug/test_data_type_reader.o: ALL_CFLAGS += -g
# Headers of the system, as which it is included, are not in dependency files.
$(CRITERION_TESTS:=.o): $(if $(HAS_CRITERION),,tests/plain_criterion/criterion/criterion.h)
$(CRITERION_TESTS): $(BUILD)/%: $(BUILD)/%.o $(SUPPORT_OBJECTS) $(LIBRARY)
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(CC) $(ALL_LDFLAGS) $(filter %.o,$^) $(filter %.a,$^) $(CRITERION_LIBS) $(PACKAGE_LIBS) -lm -o $@

# The program with the rooms whose work a file decides compiled to count what they do: see
# tests/counted/operation_count.c. Of the release variant alone: counts do not depend on it.
COUNTED_ROOMS := base snapshot/heap snapshot/file snapshot/file/frames snapshot/file/salvage \
	snapshot/file/sections analysis analysis/names analysis/graph analysis/routes analysis/check \
	formats/json formats/html
COUNTED_OBJECTS := $(patsubst %.c,$(BUILD)/counted/%.o,$(sort $(foreach room,$(COUNTED_ROOMS),$(wildcard $(room)/*.c))))
COUNTED_PROGRAM := $(if $(filter release,$(VARIANT)),$(BUILD)/counted/rudo-snap)

$(BUILD)/counted/%.o: %.c $(BUILD)/compile-command
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC     $< (counting)")
	$(Q)$(CC) $(ALL_CFLAGS) -O0 -g0 -U_FORTIFY_SOURCE -fsanitize-coverage=trace-pc -c $< -o $@

$(BUILD)/counted/rudo-snap: $(CLI_OBJECTS) $(COUNTED_OBJECTS) $(BUILD)/tests/counted/operation_count.o $(LIBRARY)
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -Wl,--wrap=strcmp $^ $(PACKAGE_LIBS) -o $@

-include $(COUNTED_OBJECTS:.o=.d)

# Every call of ours that may find memory short goes through the test first.
$(BUILD)/tests/unit/test_allocation_failures: LDFLAGS += $(foreach function, \
	malloc calloc realloc reallocarray strdup strndup asprintf open_memstream realpath mmap \
	pthread_create ZSTD_createCCtx ZSTD_createDCtx cJSON_CreateObject cJSON_AddStringToObject cJSON_Print, \
	-Wl$(comma)--wrap=$(function))
$(BUILD)/tests/unit/marker/test_parallel_mark_coordinator: LDFLAGS += \
	-Wl,--wrap=pthread_create -Wl,--wrap=pthread_join
$(BUILD)/tests/unit/marker/test_mark_memory: LDFLAGS += $(foreach function,malloc calloc realloc aligned_alloc free \
	side_table_new side_table_free pthread_mutex_init pthread_mutex_destroy pthread_barrier_init \
	pthread_barrier_destroy,-Wl$(comma)--wrap=$(function))
$(BUILD)/tests/unit/base/test_output_file: LDFLAGS += $(foreach function,openat linkat fsync write, \
	-Wl$(comma)--wrap=$(function))

$(STRESS_TESTS): $(BUILD)/%: $(BUILD)/%.o $(SUPPORT_OBJECTS) $(LIBRARY)
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(PACKAGE_LIBS) -lm -o $@

$(FUZZ_REPLAYS): $(BUILD)/tests/fuzz/replay_%: $(BUILD)/tests/fuzz/fuzz_%.o \
		$(BUILD)/tests/fuzz/fuzz_replay_main.o $(SUPPORT_OBJECTS) $(LIBRARY)
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(PACKAGE_LIBS) -lm -o $@

# libFuzzer brings main() along; clang only, VARIANT=fuzz.
$(FUZZ_TARGETS): %: %.o $(SUPPORT_OBJECTS) $(LIBRARY)
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer $^ $(PACKAGE_LIBS) -lm -o $@

# Relacy's own headers are not clean of warnings.
$(RELACY_TESTS): $(BUILD)/%: %.cpp
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CXX    $@")
	$(Q)$(CXX) -std=c++17 -O2 -w $< -o $@

$(CLI_HELPERS): $(BUILD)/%: $(BUILD)/%.o $(SUPPORT_OBJECTS) $(LIBRARY)
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(PACKAGE_LIBS) -o $@

# It captures itself as well.
$(BUILD)/tests/live/targets/keeps_invariants: $(EMBED_ARCHIVE)
$(LIVE_TARGETS): $(BUILD)/%: $(BUILD)/%.o $(SUPPORT_OBJECTS) $(LIBRARY)
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(PACKAGE_LIBS) -lm -o $@

-include $(patsubst %,%.d,$(CRITERION_TESTS) $(STRESS_TESTS) $(FUZZ_TARGETS) $(LIVE_TARGETS) $(CLI_HELPERS))
-include $(SUPPORT_OBJECTS:.o=.d) $(BUILD)/tests/fuzz/fuzz_replay_main.d

## tests: build what the tests of this VARIANT need, without running them (TEST_GROUPS, TESTS choose some)
.PHONY: tests
tests: $(TEST_PROGRAMS)

.PHONY: criterion-tests
criterion-tests: all $(CRITERION_TESTS)

## test: build and run the tests of this VARIANT (TEST_GROUPS, TESTS choose some; TEST_DOSE, TEST_SEED)
.PHONY: test
test: tests
	$(Q)CC="$(CC)" VARIANT="$(VARIANT)" tests/run_tests.sh -b $(BUILD) $(RUN_FLAGS) $(TESTS_TO_RUN)

## check: install what is missing, then run what must hold before a change lands, in 6 minutes on two CPUs
.PHONY: check
check:
	$(Q)./install-dependencies.sh test
	$(Q)MAKE="$(MAKE)" tests/check.sh

## check-all: what runs each night: all variants, larger doses, mutants, valgrind, explore, fuzz (TEST_DOSE)
.PHONY: check-all
check-all:
	$(Q)./install-dependencies.sh test
	$(Q)MAKE="$(MAKE)" tests/check.sh all

# built-VARIANT: what the tests of a variant need. One make builds several variants at once; what they
# share comes first.
built-%: embed c-sample
	$(Q)$(MAKE) VARIANT=$* tests

## soak: the randomised tests and the stress programs with twenty times the usual dose
.PHONY: soak
soak:
	$(Q)TEST_DOSE=$${TEST_DOSE:-20} $(MAKE) test TEST_GROUPS="property stress live"
	$(Q)TEST_DOSE=$${TEST_DOSE:-20} $(MAKE) test VARIANT=sanitize TEST_GROUPS="property"
	$(Q)TEST_DOSE=$${TEST_DOSE:-20} $(MAKE) test VARIANT=tsan TEST_GROUPS="stress"
	$(Q)$(MAKE) fuzz-commands

## coverage: run the tests and say which share of each file's lines they reach
.PHONY: coverage
coverage:
	$(Q)./install-dependencies.sh test
	$(Q)find build/coverage -name '*.gcda' -delete 2>/dev/null || true
	$(Q)$(MAKE) VARIANT=coverage TEST_GROUPS="unit property fuzz cli live stress" test || true
	$(Q)tests/coverage.sh build/coverage

## lint: check layers, names, notes, headers, scripts and man page
.PHONY: lint
lint: $(LIBRARY)
	$(Q)tests/run_tests.sh -b $(BUILD) -l lint -r build/lint $(RUN_FLAGS) $(TESTS_lint)

FORMATTED_FILES = $(shell find $(ROOMS) cli samples tests -name '*.[ch]' -not -path '*/target/*')

## format: lay out all C files with clang-format
.PHONY: format
format:
	clang-format -i $(FORMATTED_FILES)

## format-check: fail when a C file is not laid out as `make format` would (a part of lint)
.PHONY: format-check
format-check:
	@clang-format --dry-run -Werror $(FORMATTED_FILES)

## fuzz: run every fuzz target for FUZZ_SECONDS (60) with clang's libFuzzer
.PHONY: fuzz
fuzz:
	$(Q)./install-dependencies.sh test
	$(Q)$(MAKE) VARIANT=fuzz CC=clang run-fuzzers

.PHONY: run-fuzzers
run-fuzzers: $(FUZZ_TARGETS)
	$(Q)set -e; for name in $(FUZZ_NAMES); do \
		mkdir -p $(BUILD)/corpus/$$name $(BUILD)/crashes tests/fuzz/corpus/$$name; \
		echo "  FUZZ   $$name, $(FUZZ_SECONDS) s; finds go to $(BUILD)/crashes/"; \
		$(BUILD)/tests/fuzz/fuzz_$$name -max_total_time=$(FUZZ_SECONDS) -timeout=20 \
			-rss_limit_mb=4096 -print_final_stats=1 -verbosity=0 \
			-artifact_prefix=$(BUILD)/crashes/$$name- \
			$(BUILD)/corpus/$$name tests/fuzz/corpus/$$name; \
	done

## fuzz-commands: run every command under ASan and UBSan on snapshots of wrong structure (FUZZ_RUNS, TEST_FIRST_SEED)
.PHONY: fuzz-commands
fuzz-commands:
	$(Q)$(MAKE) VARIANT=sanitize build/sanitize/rudo-snap build/sanitize/tests/cli/helpers/fuzz_commands
	$(Q)build/sanitize/tests/cli/helpers/fuzz_commands build/sanitize/rudo-snap $(or $(TEST_FIRST_SEED),1) \
		$(or $(FUZZ_RUNS),50000) build/fuzz-commands samples/heaps/*.zst

## hostile-files: what the commands take on small files that were made to take much (docs/benchmarks.md)
.PHONY: hostile-files
hostile-files: $(PROGRAM) $(CLI_HELPERS)
	$(Q)tests/bench/hostile_files.sh $(BUILD)

include tests/bench/bench.mk
include tests/mutate/mutate.mk

## collector-versions: capture a program of every published version of rudo-gc that builds here (COLLECTOR_VERSIONS)
.PHONY: collector-versions
collector-versions: all
	$(Q)tests/run_tests.sh -b $(BUILD) -r build/collector-versions/results -l "collector versions" \
		$(if $(TOTALS),-s $(TOTALS)) tests/versions/collector_versions.sh

## allocators: capture a program with each allocator that is walked, and with one that is not (ALLOCATORS)
.PHONY: allocators
allocators: all
	$(Q)tests/run_tests.sh -b $(BUILD) -r build/allocators/results -l "allocators" \
		$(if $(TOTALS),-s $(TOTALS)) tests/versions/allocators.sh

## build-kinds: capture a program as every kind of build leaves it, with debug information or without (BUILD_KINDS)
.PHONY: build-kinds
build-kinds: all $(CLI_HELPERS)
	$(Q)tests/run_tests.sh -b $(BUILD) -r build/build-kinds/results -l "kinds of builds" \
		$(if $(TOTALS),-s $(TOTALS)) tests/versions/build_kinds.sh

## held-kinds: capture programs that hold objects in each way that Rust programs do (HELD_KINDS, HELD_BUILDS)
.PHONY: held-kinds
held-kinds: all
	$(Q)tests/run_tests.sh -b $(BUILD) -r build/held-kinds/results -l "held kinds" \
		$(if $(TOTALS),-s $(TOTALS)) tests/versions/held_kinds.sh

## boehm-marks: compare programs on the Boehm collector with its own marks, after a collection (BOEHM_PROGRAMS)
.PHONY: boehm-marks
boehm-marks: all
	$(Q)tests/run_tests.sh -b $(BUILD) -r build/boehm-marks/results -l "Boehm marks" \
		$(if $(TOTALS),-s $(TOTALS)) tests/versions/boehm_marks.sh

## boehm-builds: stop programs with Boehm collectors of several versions at random, and capture (BOEHM_SOURCES)
.PHONY: boehm-builds
boehm-builds: all
	$(Q)tests/run_tests.sh -b $(BUILD) -r build/boehm-builds/results -l "Boehm builds" \
		$(if $(TOTALS),-s $(TOTALS)) tests/versions/boehm_builds.sh

## interop: have each export read by the programs that it is for; fetches them from npm and PyPI (INTEROP_HEAPS)
.PHONY: interop
interop: all
	$(Q)tests/run_tests.sh -b $(BUILD) -r build/interop/results -l interop tests/interop/interop.sh

## mutants: apply each recorded mutation in a scratch copy; the test that it names must fail
.PHONY: mutants
mutants:
	$(Q)MAKE="$(MAKE)" tests/run_tests.sh -r build/mutants -l mutants $(RUN_FLAGS) tests/mutants/run_mutants.sh

## check-aarch64: cross-build, and run unit and property tests under qemu-user
.PHONY: check-aarch64
check-aarch64:
	$(Q)MAKE="$(MAKE)" tests/check_aarch64.sh $(RUN_FLAGS)

## valgrind: memcheck over reading, marking and reporting
.PHONY: valgrind
valgrind: $(PROGRAM) $(CLI_HELPERS) $(BUILD)/tests/fuzz/replay_snapshot_file
	$(Q)./install-dependencies.sh test
	$(Q)tests/run_tests.sh -b $(BUILD) -r build/valgrind -l valgrind $(RUN_FLAGS) tests/check_valgrind.sh
