# The benchmark, and the same graphs in other people's collectors.

BENCH := $(BUILD)/tests/bench/bench_marker
BENCH_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/bench/bench_*.c))

$(BENCH): $(BENCH_OBJECTS) $(LIBRARY)
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(PACKAGE_LIBS) -lm -o $@

# The graphs themselves are tested like everything else.
$(BUILD)/tests/unit/bench/test_bench_graphs $(BUILD)/tests/property/marker/test_large_graphs: $(BUILD)/tests/bench/bench_graphs.o \
	$(BUILD)/tests/bench/bench_edges.o

-include $(BENCH_OBJECTS:.o=.d)

# BENCH_QUICK=1: the same in less than a minute. BENCH_REAL=FILE: this captured heap instead of
# one that is captured now. BENCH_FLAGS: see tests/bench/bench_main.c.
REAL_HEAP := build/bench-real.zst

## bench: how fast marking is, against what memory allows (build/bench.json; BENCH_QUICK=1: within 50 s)
.PHONY: bench
bench: $(BENCH) $(PROGRAM) $(if $(BENCH_REAL),,c-sample)
	$(Q)real="$(BENCH_REAL)"; \
	if [ -z "$$real" ] && BENCH_QUICK=$(BENCH_QUICK) tests/bench/capture_real.sh \
		$(BUILD) $(RUDO_SAMPLES) $(REAL_HEAP); then real=$(REAL_HEAP); fi; echo; \
	$(BENCH) --json build/bench.json $(if $(BENCH_QUICK),--quick --seconds 24 --rounds 5) \
		$${real:+--real "$$real"} $(BENCH_FLAGS)

ANSWERS_BENCH := $(BUILD)/tests/bench/bench_answers

$(ANSWERS_BENCH): $(BUILD)/tests/bench/answers_main.o $(BUILD)/tests/bench/bench_graphs.o \
		$(BUILD)/tests/bench/bench_edges.o $(LIBRARY)
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(PACKAGE_LIBS) -lm -o $@

-include $(BUILD)/tests/bench/answers_main.d

# ANSWERS_FLAGS="G2 1000000": another graph, another size.
## bench-answers: what histograms, graph, dominators, paths and a report cost on the graph G1
.PHONY: bench-answers
bench-answers: $(ANSWERS_BENCH)
	$(Q)$(ANSWERS_BENCH) $(ANSWERS_FLAGS)

## bench-simulate: what `rudo-snap simulate` predicts for the bench graphs, beside what is measured
.PHONY: bench-simulate
bench-simulate: $(BENCH)
	$(Q)$(BENCH) --simulate $(if $(BENCH_QUICK),--rounds 5 --divide 10) $(BENCH_FLAGS)

## bench-schedules: what a deterministic schedule costs, against one worker without one
.PHONY: bench-schedules
bench-schedules: $(BENCH)
	$(Q)$(BENCH) --schedules $(if $(BENCH_QUICK),--rounds 5 --divide 10) $(BENCH_FLAGS)

# REPLAY_FLAGS="--objects 5000": see tests/bench/bench_replay.py.
## bench-replay: a replay of a hundred small heaps, and of one with a million objects
.PHONY: bench-replay
bench-replay: $(PROGRAM) c-sample
	$(Q)tests/bench/bench_replay.py $(PROGRAM) $(C_SAMPLE) build/bench-replay \
		$(if $(BENCH_QUICK),--rounds 1 --heaps 20 --big 100000) $(REPLAY_FLAGS)

# PEER_FLAGS="--graph G1 --rounds 3" chooses; see tests/bench/bench_peers.py.
## bench-peers: the same graphs in the Boehm collector and in OpenJDK, taking turns with ours
.PHONY: bench-peers
bench-peers: $(BENCH)
	$(Q)CC="$(CC)" tests/bench/bench_peers.sh $(BENCH) build/peers --json build/bench-peers.json \
		$(if $(BENCH_QUICK),--divide 10 --rounds 3) $(PEER_FLAGS)

CAPTURE_WRITER := $(BUILD)/tests/bench/capture_writer
RELOAD_BENCH := $(BUILD)/tests/bench/bench_reload

$(CAPTURE_WRITER): $(BUILD)/tests/bench/capture_writer.o $(BUILD)/tests/support/target.o $(LIBRARY)
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(PACKAGE_LIBS) -o $@

$(RELOAD_BENCH): $(BUILD)/tests/bench/reload_main.o $(LIBRARY)
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(PACKAGE_LIBS) -o $@

-include $(BUILD)/tests/bench/capture_writer.d $(BUILD)/tests/bench/reload_main.d

# CAPTURE_FLAGS="--mib 1024 --methods precopy,fork" chooses; see tests/bench/bench_capture.py.
## bench-capture: what captures cost the captured process, by every method and beside gcore
.PHONY: bench-capture
bench-capture: $(CAPTURE_WRITER) $(RELOAD_BENCH) $(PROGRAM) c-sample
	$(Q)tests/bench/bench_capture.py --tool $(PROGRAM) --writer $(CAPTURE_WRITER) --sample $(C_SAMPLE) \
		--reload $(RELOAD_BENCH) --json build/bench-capture.json \
		$(if $(BENCH_QUICK),--mib 256 --writes 10000 --threads 16 --rounds 3 --objects 20000) $(CAPTURE_FLAGS)

# TABLES_FLAGS="100 10": smaller heaps; see tests/bench/tables.sh.
## bench-tables: what SQL on ten million objects costs, and exports of a million
.PHONY: bench-tables
bench-tables: $(BUILD)/tests/cli/helpers/huge_heap $(PROGRAM) $(BUILD)/tests/cli/helpers/measure_command
	$(Q)tests/bench/tables.sh $(BUILD) $(TABLES_FLAGS)

# MEMORY_FLAGS="160 256M none": a smaller heap, other limits; see tests/bench/memory.sh.
## bench-memory: what each command has resident under limits, on 26 million objects
.PHONY: bench-memory
bench-memory: $(BUILD)/tests/cli/helpers/huge_heap $(PROGRAM) $(BUILD)/tests/cli/helpers/measure_command
	$(Q)tests/bench/memory.sh $(BUILD) $(MEMORY_FLAGS)

# BOEHM_DIVISOR=4: graphs of a quarter of the objects.
## bench-boehm: marking a captured heap of the Boehm collector, beside the collector and a heap of rudo-gc
.PHONY: bench-boehm
bench-boehm: $(BENCH) $(PROGRAM)
	$(Q)CC="$(CC)" tests/bench/boehm_marking.sh $(BUILD) build/bench-boehm $(BOEHM_DIVISOR)
