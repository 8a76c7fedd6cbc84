#!/bin/bash
# Every command on snapshots that are wrong in their structure: none may crash or take much, and all
# salvaged files verify. TEST_DOSE times 75 runs; `make fuzz-commands` makes 50,000 under the
# sanitizers. The seed is printed; a finding has its own, and what to run.
. "$(dirname "$0")/../support/tap.sh"

seed=${TEST_SEED:-${TEST_FIRST_SEED:-1}}
note "TEST_SEED=$seed"
check "commands refuse what they cannot read, and no more" \
    "$BUILD/tests/cli/helpers/fuzz_commands" "$RUDO_SNAP" "$seed" $((75 * ${TEST_DOSE:-1})) \
    "$WORK/files" samples/heaps/toy-heap.zst samples/heaps/leaky.zst samples/heaps/fields.zst
done_testing
