# Everything that tests. Every test program and script prints TAP; tests/run_tests.sh adds it up.
#
# A test is one of
#   tests/unit/*.c, tests/property/*.c   Criterion programs
#   tests/stress/*.c                     plain programs that print TAP themselves
#   tests/cli/*.sh, tests/live/*.sh, tests/lint/*.sh   scripts that print TAP

CRITERION_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c tests/property/test_*.c))
STRESS_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/stress/stress_*.c))
# Helpers that several tests share: everything in tests/support/.
SUPPORT_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/support/*.c))

$(CRITERION_TESTS): $(BUILD)/%: $(BUILD)/%.o $(SUPPORT_OBJECTS) $(LIBRARY)
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -lcriterion $(PACKAGE_LIBS) -lm -o $@

$(STRESS_TESTS): $(BUILD)/%: $(BUILD)/%.o $(SUPPORT_OBJECTS) $(LIBRARY)
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(PACKAGE_LIBS) -lm -o $@

-include $(CRITERION_TESTS:=.d) $(STRESS_TESTS:=.d) $(SUPPORT_OBJECTS:.o=.d)
include tests/bench/bench.mk
