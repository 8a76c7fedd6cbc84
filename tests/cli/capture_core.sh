#!/bin/bash
# `capture --core`: cores that can be read, and each kind that cannot.
. "$(dirname "$0")/../support/tap.sh"

make=$BUILD/tests/cli/helpers/make_core_files
"$make" example "$WORK/core" || exit 1

run "$RUDO_SNAP" capture --core "$WORK/core" -o "$WORK/core.snapshot"
check_exit "a core is captured" 0
check_output "no process was stopped for it" stdout "example (pid 4242), 1 thread, *
  found        1 GC page, 2 objects *"
run "$RUDO_SNAP" info "$WORK/core.snapshot"
check_output "info says that it is from a core" stdout "*example (pid 4242), from a core of *"
run "$RUDO_SNAP" mark "$WORK/core.snapshot"
check_output "roots on the stack and in globals count" stdout "*roots: 2   stack 1   global 1*"
run "$RUDO_SNAP" capture --core "$WORK/core" -o "$WORK/core.snapshot"
check_exit "an existing file stays" 2

"$make" vectors "$WORK/vectors" || exit 1
run "$RUDO_SNAP" capture --core "$WORK/vectors" -o "$WORK/vectors.snapshot"
check_exit "a core with vector registers of another size is captured" 0
check_output "and what may be missing is said" stdout "*
note: the snapshot is incomplete; counts cover only the parts that are present
      missing: vector registers of 1 thread, perhaps in part: 2560 bytes with XCR0 0xe7, this CPU *"
run "$RUDO_SNAP" info --json "$WORK/vectors.snapshot"
check_output "and recorded" stdout '*"kind": "roots"*"why": "vector registers of 1 thread*'

zstd -q "$WORK/core" -o "$WORK/core.zst"
run "$RUDO_SNAP" capture --core "$WORK/core.zst" -o "$WORK/unpacked.snapshot"
check_exit "a compressed core is captured" 0
for name in core unpacked; do
    "$RUDO_SNAP" mark -q --json "$WORK/$name.json" "$WORK/$name.snapshot"
    "$RUDO_SNAP" info "$WORK/$name.snapshot" | sed -n 's/.*\(from a core of .*UTC\).*/\1/p' >"$WORK/$name.time"
done
check "to the same heap" cmp "$WORK/core.json" "$WORK/unpacked.json"
check "of the same time" cmp "$WORK/core.time" "$WORK/unpacked.time"
# A skippable frame first, as pzstd writes it; and a window larger than decoders take by default.
{ printf '\x50\x2a\x4d\x18\x04\0\0\0word'; cat "$WORK/core.zst"; } >"$WORK/pzstd.zst"
zstd -q --ultra -20 --long=31 "$WORK/core" -o "$WORK/long.zst"
head -c 3000000 /dev/zero | zstd -q >"$WORK/other.zst"
for name in pzstd long; do
    run "$RUDO_SNAP" capture -f --core "$WORK/$name.zst" -o "$WORK/unpacked.snapshot"
    check_exit "a core is captured as $name compresses it" 0
done
run "$RUDO_SNAP" capture -f --core "$WORK/other.zst" -o "$WORK/unpacked.snapshot"
check_exit "other files that are compressed are not unpacked" 3
check_output "but named" stderr "*other.zst' is not a core file: it unpacks to something else*"
run env TMPDIR="$WORK/nowhere" "$RUDO_SNAP" capture --core "$WORK/core.zst" -o "$WORK/x.snapshot"
check_exit "which needs a folder for a temporary file" 4
check_output "and says where" stderr "*it is made in \$TMPDIR, or else in /var/tmp*"

# A file of exactly the limit is fine; a byte less is not.
size=$(stat -c %s "$WORK/core.snapshot")
run "$RUDO_SNAP" capture --core "$WORK/core" --max-size "$size" -o "$WORK/limited"
check_exit "a snapshot that just fits --max-size is written" 0
check "whole" "$RUDO_SNAP" verify "$WORK/limited"
rm "$WORK/limited"
run "$RUDO_SNAP" capture --core "$WORK/core" --max-size "$((size - 1))" -o "$WORK/limited"
check_exit "one that does not fit is a finding" 1
check_output "and says so" stderr "rudo-snap: the snapshot would be larger than $((size - 1)) bytes*--max-size*"
is "nothing is left of it" "$(find "$WORK" -name '*limited*')" ""

# refused NAME STATUS GLOB: the file $WORK/bad is not accepted, and nothing is left of the try.
refused()
{
    run "$RUDO_SNAP" capture --core "$WORK/bad" -o "$WORK/never"
    check_exit "$1: status" "$2"
    check_output "$1: what it says" stderr "$3"
    check "$1: nothing is left" test ! -e "$WORK/never"
}
head -c 20000 "$WORK/core" >"$WORK/bad"
refused "a core that was cut short" 3 "rudo-snap: '*' is cut short: it has 20000 bytes, and*ulimit -c*"
head -c 300 "$WORK/core.zst" >"$WORK/bad"
refused "a compressed core that was cut short" 3 "rudo-snap: '*' is cut short: its Zstandard data end*"
head -c 500 "$WORK/core.zst" | tr '\0-\377' '\1-\377\0' >"$WORK/bad"
refused "bytes that mean nothing" 3 "rudo-snap: '*' is not a core file*"
{ head -c 100 "$WORK/core.zst" && head -c 400 /dev/zero; } >"$WORK/bad"
refused "a compressed core that is damaged" 3 "rudo-snap: '*' is damaged: *"
cp "$RUDO_SNAP" "$WORK/bad"
refused "an executable" 3 "rudo-snap: '*' is not a core file, but an executable*"
cp "$WORK/core.snapshot" "$WORK/bad"
refused "a snapshot" 3 "rudo-snap: '*' is a snapshot already*"
gzip -c "$WORK/core" >"$WORK/bad"
refused "a core that gzip packed" 3 "rudo-snap: '*' is compressed with gzip*gzip -dk*"
: >"$WORK/bad"
refused "an empty file" 3 "rudo-snap: '*' is not a core file*"
rm "$WORK/bad"
refused "no file" 4 "rudo-snap: cannot open '*': No such file*"
mkfifo "$WORK/bad"
refused "a pipe" 3 "rudo-snap: '*' is not a regular file*"

mkdir "$WORK/corpus"
"$make" corpus "$WORK/corpus" || exit 1
check "the fuzz corpus is what its generator makes" \
    diff -r -x 'find-*' "$WORK/corpus" tests/fuzz/corpus/core_file
done_testing
