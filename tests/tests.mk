# Everything that tests. Every test prints TAP; tests/run_tests.sh adds it up.
#
# A test is one of
#   tests/unit/test_*.c, tests/property/test_*.c   Criterion programs
#   tests/stress/stress_*.c                        plain programs that print TAP themselves
#   tests/explore/explore_*.c                      the marker under a scheduler; plain programs
#   tests/relacy/relacy_*.cpp                      models checked by Relacy; plain C++ programs
#   tests/fuzz/fuzz_*.c                            fuzz targets; here their corpus is replayed
#   tests/{cli,live,lint}/*.sh                     scripts that print TAP
# New ones are found by their names. Helpers that several share are in tests/support/.
#
#   make test                                the tests of this VARIANT
#   make test TEST_GROUPS="unit cli"         some groups of them
#   make test TESTS="test_heap_image"        some of them, by name

TEST_GROUPS ?= unit property fuzz cli live stress relacy explore
TESTS ?=
TOTALS ?=
FUZZ_SECONDS ?= 60

comma := ,
CRITERION_LIBS ?= -lcriterion
# Goes before everything else that says where headers are.
PLAIN_CRITERION ?=

# Tests of a kind lie in folders that mirror the rooms.
tests_of = $(sort $(foreach room,. * */* */*/*,$(patsubst tests/$(1)/./%,tests/$(1)/%,$(wildcard tests/$(1)/$(room)/$(2)))))

SUPPORT_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/support/*.c)))
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
TEST_PROGRAMS := $(CRITERION_TESTS) $(STRESS_TESTS) $(FUZZ_REPLAYS) $(LIVE_TARGETS) $(CLI_HELPERS)

TESTS_unit := $(UNIT_TESTS)
TESTS_property := $(PROPERTY_TESTS)
TESTS_stress := $(STRESS_TESTS)
TESTS_relacy := $(RELACY_TESTS)
TESTS_fuzz := $(foreach name,$(FUZZ_NAMES),$(BUILD)/tests/fuzz/replay_$(name):tests/fuzz/corpus/$(name))
TESTS_cli := $(sort $(wildcard tests/cli/*.sh))
TESTS_live := $(sort $(wildcard tests/live/*.sh))
TESTS_lint := $(sort $(wildcard tests/lint/*.sh))

# Names of tests are unique, so `make test TESTS=test_heap_image` needs neither folder nor ending.
ALL_TESTS = $(foreach group,unit property fuzz cli live stress relacy explore lint,$(TESTS_$(group)))
NAMED_TESTS = $(foreach name,$(TESTS),$(or $(foreach test,$(ALL_TESTS),$(if $(filter \
	$(basename $(notdir $(name))),$(basename $(notdir $(firstword $(subst :, ,$(test)))))),$(test))),$(name)))
TESTS_TO_RUN = $(if $(TESTS),$(NAMED_TESTS),$(foreach group,$(TEST_GROUPS),$(TESTS_$(group))))

# Tests of the command line link its modules, but neither main() nor the commands.
TESTED_CLI_OBJECTS := $(filter-out $(BUILD)/cli/main.o $(BUILD)/cli/commands/%,$(CLI_OBJECTS))
$(filter $(BUILD)/tests/unit/cli/%,$(CRITERION_TESTS)): $(TESTED_CLI_OBJECTS)

$(CRITERION_TESTS:=.o): ALL_CFLAGS += $(PLAIN_CRITERION)
$(CRITERION_TESTS): $(BUILD)/%: $(BUILD)/%.o $(SUPPORT_OBJECTS) $(LIBRARY)
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(CC) $(ALL_LDFLAGS) $(filter %.o,$^) $(filter %.a,$^) $(CRITERION_LIBS) $(PACKAGE_LIBS) -lm -o $@

# Every call of ours that may find memory short goes through the test first.
$(BUILD)/tests/unit/test_allocation_failures: LDFLAGS += $(foreach function, \
	malloc calloc realloc reallocarray strdup strndup asprintf open_memstream realpath mmap \
	pthread_create ZSTD_createCCtx ZSTD_createDCtx cJSON_CreateObject cJSON_AddStringToObject cJSON_Print, \
	-Wl$(comma)--wrap=$(function))
$(BUILD)/tests/unit/base/test_output_file: LDFLAGS += $(foreach function,open link fsync write, \
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

$(LIVE_TARGETS): $(BUILD)/%: $(BUILD)/%.o $(SUPPORT_OBJECTS) $(LIBRARY)
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(PACKAGE_LIBS) -lm -o $@

-include $(patsubst %,%.d,$(CRITERION_TESTS) $(STRESS_TESTS) $(FUZZ_TARGETS) $(LIVE_TARGETS) $(CLI_HELPERS))
-include $(SUPPORT_OBJECTS:.o=.d) $(BUILD)/tests/fuzz/fuzz_replay_main.d

include tests/explore/explore.mk

## tests: build the test programs of this VARIANT without running them
.PHONY: tests
tests: all $(TEST_PROGRAMS) $(MUTATED_PROGRAM) $(if $(filter release,$(VARIANT)),$(RELACY_TESTS) $(EXPLORE_TESTS))

.PHONY: criterion-tests
criterion-tests: all $(CRITERION_TESTS)

## test: build and run the tests of this VARIANT (TEST_GROUPS, TESTS choose some)
.PHONY: test
test: tests
	$(Q)CC="$(CC)" VARIANT="$(VARIANT)" tests/run_tests.sh -b $(BUILD) \
		$(if $(TOTALS),-s $(TOTALS)) $(TESTS_TO_RUN)

## check: install what is missing, then build and run every test in every variant that counts
.PHONY: check
check:
	$(Q)./install-dependencies.sh test
	$(Q)MAKE="$(MAKE)" tests/check.sh

## soak: the randomised tests and the stress programs with twenty times the usual dose
.PHONY: soak
soak:
	$(Q)TEST_DOSE=$${TEST_DOSE:-20} $(MAKE) test TEST_GROUPS="property stress live"
	$(Q)TEST_DOSE=$${TEST_DOSE:-20} $(MAKE) test VARIANT=asan TEST_GROUPS="property"
	$(Q)TEST_DOSE=$${TEST_DOSE:-20} $(MAKE) test VARIANT=tsan TEST_GROUPS="stress"

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
	$(Q)tests/run_tests.sh -b $(BUILD) -l lint -r build/lint $(if $(TOTALS),-s $(TOTALS)) $(TESTS_lint)

FORMATTED_FILES = $(shell find $(ROOMS) cli samples tests -name '*.[ch]' -not -path '*/target/*')

## format: lay out all C files with clang-format
.PHONY: format
format:
	clang-format -i $(FORMATTED_FILES)

## format-check: fail when a C file is not laid out as `make format` would
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

include tests/bench/bench.mk

## mutants: apply each recorded mutation in a scratch copy; the test that it names must fail
.PHONY: mutants
mutants:
	$(Q)MAKE="$(MAKE)" tests/run_tests.sh -r build/mutants -l mutants tests/mutants/run_mutants.sh

## check-aarch64: cross-build, and run unit and property tests under qemu-user
.PHONY: check-aarch64
check-aarch64:
	$(Q)MAKE="$(MAKE)" tests/check_aarch64.sh

## valgrind: memcheck over reading, marking and reporting
.PHONY: valgrind
valgrind: tests
	$(Q)./install-dependencies.sh test
	$(Q)tests/run_tests.sh -b $(BUILD) -r build/valgrind -l valgrind tests/check_valgrind.sh
