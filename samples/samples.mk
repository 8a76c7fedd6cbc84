# The sample programs: samples/c-heap (needs nothing but C), samples/rudo-gc (needs cargo).

.PHONY: c-sample
c-sample:
