#!/bin/bash
# Snapshot files are Zstandard files: the zstd tool tests, lists and decompresses them, and what
# comes out is what docs/format.md says, byte by byte.
. "$(dirname "$0")/../support/tap.sh"

make=$BUILD/tests/cli/helpers/make_snapshots
"$make" example "$WORK/example.zst" || exit 1
"$make" random 3 200000 "$WORK/random.zst" || exit 1

for name in example random; do
    check "zstd -t accepts $name.zst" zstd -q -t "$WORK/$name.zst"
    check "zstd -d decompresses $name.zst" zstd -q -d "$WORK/$name.zst" -o "$WORK/$name.stream"
    check "zstd -l lists $name.zst with checksums" \
        sh -c "zstd -l '$WORK/$name.zst' | grep -q XXH64"
    check "rudo-snap verifies $name.zst" "$RUDO_SNAP" verify "$WORK/$name.zst"
done

# The blocks of the example in docs/format.md are what od prints of it.
documented()
{
    awk -v wanted="<!-- example: $1 -->" '
        $0 == wanted { inside = 1; next }
        inside && /^```/ { if (++fences == 2) exit; next }
        inside && fences == 1 { print }' docs/format.md
}
od -A x -t x1z "$WORK/example.stream" >"$WORK/stream.od"
od -A x -t x1z -N 64 "$WORK/example.zst" >"$WORK/header.od"
documented stream >"$WORK/stream.documented"
documented header >"$WORK/header.documented"
check "docs/format.md shows the stream of the example" \
    diff -u "$WORK/stream.documented" "$WORK/stream.od"
check "docs/format.md shows the file header of the example" \
    diff -u "$WORK/header.documented" "$WORK/header.od"

# The fuzz corpus grows from its generator. Not compared: finds of the fuzzer (find-*), and random
# heaps, which change whenever their generator learns something.
mkdir "$WORK/corpus"
"$make" corpus "$WORK/corpus" || exit 1
check "the fuzz corpus is what its generator makes" \
    diff -r -x 'find-*' -x 'random-*' "$WORK/corpus" tests/fuzz/corpus/snapshot_stream

done_testing
