# Exploring the marker's schedules: our own code, and mutants of it that must be found.
#
# A mutant is a patch in tests/mutants/ (which stress programs must catch too) or in
# tests/explore/mutants/ (which only a scheduler can catch). It is the exploring build of the marker
# with that one change, beside the real one in the same program.

# Not explored: an error that needs more objects than the explorer's heaps have.
NOT_EXPLORED := roots_without_room
EXPLORE_MUTANTS := $(filter-out $(NOT_EXPLORED),$(sort $(basename \
	$(notdir $(wildcard tests/mutants/*.patch tests/explore/mutants/*.patch)))))
MUTANT_OBJECTS := $(EXPLORE_MUTANTS:%=$(BUILD)/tests/explore/mutants/%.o)
EXPLORE_TESTS := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/explore/explore_*.c)))
TESTS_explore := $(EXPLORE_TESTS)

BUILD_MUTANT = mkdir -p $(@D) && CC="$(CC)" FLAGS="$(ALL_CFLAGS)" OBJCOPY="$(OBJCOPY)" \
	RENAMES="$(EXPLORED_RENAMES)" tests/explore/build_mutant.sh $< $@ $(EXPLORED_OBJECTS)

$(BUILD)/tests/explore/mutants/%.o: tests/mutants/%.patch $(EXPLORED_OBJECTS) $(BUILD)/library-sources \
		tests/explore/build_mutant.sh
	$(if $(Q),@echo "  MUTATE $*")
	$(Q)$(BUILD_MUTANT)

$(BUILD)/tests/explore/mutants/%.o: tests/explore/mutants/%.patch $(EXPLORED_OBJECTS) $(BUILD)/library-sources \
		tests/explore/build_mutant.sh
	$(if $(Q),@echo "  MUTATE $*")
	$(Q)$(BUILD_MUTANT)

# The queue of rudo-gc, rewritten in C, against the same shared_memory.h as the exploring build.
$(BUILD)/tests/explore/rudo_gc_queue.o: tests/explore/rudo_gc_queue.c $(BUILD)/compile-command
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC     $<")
	$(Q)$(CC) -Imarker/explore/sim $(ALL_CFLAGS) -c $< -o $@

$(BUILD)/tests/explore/explore_mutants: $(MUTANT_OBJECTS) $(BUILD)/tests/explore/rudo_gc_queue.o

$(EXPLORE_TESTS): $(BUILD)/%: $(BUILD)/%.o $(SUPPORT_OBJECTS) $(LIBRARY)
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(CC) $(ALL_LDFLAGS) $(filter %.o,$^) $(LIBRARY) $(PACKAGE_LIBS) -lm -o $@

-include $(EXPLORE_TESTS:=.d) $(BUILD)/tests/explore/rudo_gc_queue.d

# The command line on a marker that goes wrong; two of them for tests/cli/explore.sh.
MUTATED_PROGRAMS := $(BUILD)/tests/explore/rudo-snap-lost_wake_up \
	$(BUILD)/tests/explore/rudo-snap-steal_trusts_the_look
$(BUILD)/tests/explore/rudo-snap-%: $(BUILD)/tests/explore/mutants/%.o $(CLI_OBJECTS) $(LIBRARY)
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(OBJCOPY) --redefine-sym mutant_$*=exploring_marker $< $@.o
	$(Q)$(CC) $(ALL_LDFLAGS) $(CLI_OBJECTS) $@.o $(LIBRARY) $(PACKAGE_LIBS) -o $@

## explore-table: write into docs/design-marking.md which mutant is found after how many schedules
.PHONY: explore-table
explore-table: $(BUILD)/tests/explore/explore_mutants
	$(Q)tests/explore/write_table.sh $< docs/design-marking.md

## explore: search 1,000,000 schedules per memory model, and all of small queues (EXPLORE_SCHEDULES)
# The dose is that of the time limit.
.PHONY: explore
explore:
	$(Q)EXPLORE_SCHEDULES=$${EXPLORE_SCHEDULES:-1000000} EXPLORE_OPERATIONS=8 TEST_DOSE=12 \
		$(MAKE) test TEST_GROUPS=explore

# The exploring marker once more, counting its lines.
COVERED := $(BUILD)/explore-coverage
COVERED_OBJECTS := $(EXPLORED_SOURCES:%.c=$(COVERED)/%.o)

$(COVERED)/%.o: %.c $(BUILD)/compile-command
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC     $< (exploring, counting lines)")
	$(Q)$(CC) -Imarker/explore/sim $(ALL_CFLAGS) -O0 -U_FORTIFY_SOURCE --coverage -c $< -o $@

$(COVERED)/exploring_marker.o: $(COVERED_OBJECTS)
	$(if $(Q),@echo "  LD     $@")
	$(Q)$(CC) -r -nostdlib $^ -o $@
	$(Q)$(OBJCOPY) --keep-global-symbol=exploring_marker $(EXPLORED_RENAMES) $@

$(COVERED)/explore_coverage: $(BUILD)/tests/explore/coverage_main.o $(COVERED)/exploring_marker.o $(LIBRARY)
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(CC) $(ALL_LDFLAGS) --coverage -Wl,--wrap=syscall $^ $(PACKAGE_LIBS) -lm -o $@

-include $(COVERED_OBJECTS:.o=.d) $(BUILD)/tests/explore/coverage_main.d

## explore-coverage: which lines of marker/ the explorer reaches, and which not (EXPLORE_SCHEDULES, 20,000 per model)
.PHONY: explore-coverage
explore-coverage: $(COVERED)/explore_coverage
	$(Q)tests/run_tests.sh -b $(BUILD) -r build/explore-coverage -l "coverage of explore" $(RUN_FLAGS) \
		tests/explore/explore_coverage.sh
