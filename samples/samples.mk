# The sample programs: samples/c-heap (needs nothing but C), samples/rudo-gc (needs cargo).

# Samples stand for other people's programs: they are built the same way for every variant, once,
# without the tool's sanitizers, which would move or refuse the mappings that the heap asks for. Each
# variant has links to them, so that a test finds the sample beside the program that it tests.
SAMPLE_CFLAGS := -std=gnu11 -D_GNU_SOURCE -O2 -g -pthread $(WARNINGS)
C_SAMPLE := $(BUILD)/samples/c-heap
TOY_SAMPLE := $(BUILD)/samples/toy-heap
LEAKY_SAMPLE := $(BUILD)/samples/leaky
RUDO_SAMPLES := build/samples-rust

## c-sample: build the samples in C (a part of `make`)
.PHONY: c-sample
c-sample: $(C_SAMPLE) $(TOY_SAMPLE) $(LEAKY_SAMPLE)

$(BUILD)/samples/%: $(SHARED)/samples/%
	@mkdir -p $(@D)
	$(Q)ln -f $< $@

$(SHARED)/samples/leaky: samples/leaky/leaky.c samples/c-heap/c_heap.c samples/c-heap/c_heap.h
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC     $@")
	$(Q)$(SHARED_CC) $(SAMPLE_CFLAGS) -Isamples/c-heap $(WERROR) $(filter %.c,$^) -o $@

$(SHARED)/samples/toy-heap: samples/toy-heap/toy_heap.c
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC     $@")
	$(Q)$(SHARED_CC) $(SAMPLE_CFLAGS) $(WERROR) $< -o $@

$(SHARED)/samples/c-heap: $(sort $(wildcard samples/c-heap/*.c)) $(wildcard samples/c-heap/*.h) $(EMBED_ARCHIVE)
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC     $@")
	$(Q)$(SHARED_CC) $(SAMPLE_CFLAGS) -Iembed $(WERROR) $(filter %.c,$^) $(EMBED_ARCHIVE) $(EMBED_LIBS) -o $@

## rudo-sample: build the rudo-gc programs, or say why that is skipped
.PHONY: rudo-sample
rudo-sample:
	@samples/rudo-gc/build.sh $(RUDO_SAMPLES) || [ $$? -eq 77 ]

## demo: install, build, start a program that leaks, capture it while it runs, mark its heap, find the leak
.PHONY: demo
demo:
	@MAKE="$(MAKE)" samples/demo.sh
