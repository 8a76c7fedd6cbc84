# The benchmark, and the same graphs in other people's collectors.

BENCH := $(BUILD)/tests/bench/bench_marker
BENCH_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/bench/bench_*.c))

$(BENCH): $(BENCH_OBJECTS) $(LIBRARY)
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(PACKAGE_LIBS) -lm -o $@

# The graphs themselves are tested like everything else.
$(BUILD)/tests/unit/test_bench_graphs: $(BUILD)/tests/bench/bench_graphs.o \
	$(BUILD)/tests/bench/bench_edges.o

-include $(BENCH_OBJECTS:.o=.d)
