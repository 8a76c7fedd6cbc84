# The sample programs: samples/c-heap (needs nothing but C), samples/rudo-gc (needs cargo).

RUDO_SAMPLES := build/samples-rust

.PHONY: c-sample
c-sample:

## rudo-sample: build the rudo-gc programs, or say why that is skipped
.PHONY: rudo-sample
rudo-sample:
	@samples/rudo-gc/build.sh $(RUDO_SAMPLES) || [ $$? -eq 77 ]
