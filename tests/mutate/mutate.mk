# Mutation testing of the marker: tests/mutate/mutate.py, docs/testing.md.

# What runs for each mutant, when it runs the line: all tests of the marker, those of what is built on
# it, and a replay of samples/heaps by the program.
MUTATE_TESTS := $(filter $(BUILD)/tests/unit/marker/% $(BUILD)/tests/unit/analysis/replay/% \
		$(BUILD)/tests/unit/formats/test_operation_file $(BUILD)/tests/unit/analysis/graph/test_object_graph,$(UNIT_TESTS)) \
	$(filter $(BUILD)/tests/property/marker/% $(BUILD)/tests/property/analysis/test_reachability_report \
		$(BUILD)/tests/property/cli/test_heaps_in_parts,$(PROPERTY_TESTS)) \
	$(filter $(BUILD)/tests/stress/marker/%,$(STRESS_TESTS)) $(BUILD)/tests/explore/explore_marker
MUTATE_SHARE ?= 10
MUTATE_SAMPLE ?=
MUTATE_SEED ?= 1
MUTATE_JOBS ?=
MUTATE_FILES ?=
MUTATE_WITH ?=

## mutate: make hundreds of small changes in marker/; tests must notice (MUTATE_SAMPLE, MUTATE_SEED, MUTATE_SHARE, MUTATE_JOBS, MUTATE_FILES, MUTATE_WITH)
.PHONY: mutate
mutate: $(PROGRAM) $(MUTATE_TESTS)
	$(Q)tests/mutate/mutate.py --build $(BUILD) --make '$(MAKE) CC="$(CC)"' --share $(MUTATE_SHARE) --seed $(MUTATE_SEED) \
		$(if $(MUTATE_SAMPLE),--sample $(MUTATE_SAMPLE)) $(if $(MUTATE_JOBS),--jobs $(MUTATE_JOBS)) \
		$(if $(MUTATE_FILES),--files '$(MUTATE_FILES)') $(if $(MUTATE_WITH),--with '$(MUTATE_WITH)') \
		$(PROGRAM) $(MUTATE_TESTS)
