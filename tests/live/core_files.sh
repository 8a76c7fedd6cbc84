#!/bin/bash
# timeout: 300
# A core file is as good as the process: captured alive, from gcore's core and from the kernel's,
# a process that stands still gives the same pages, and a mark with the same digest.
. "$(dirname "$0")/../support/live.sh"

SAMPLE=$BUILD/samples/c-heap
[ -x "$SAMPLE" ] || skip_all "$SAMPLE is not built"

# contents FILE: a line for each kind of section and its digest, roots in registers apart from others.
contents_of()
{
    python3 - "$1" <<'END'
import hashlib, struct, subprocess, sys
stream = subprocess.run(["zstd", "-q", "-d", "-c", sys.argv[1]], check=True,
                        stdout=subprocess.PIPE).stdout
at, digests, registers, others = 16, {}, set(), set()
while at < len(stream):
    kind, _, length = struct.unpack_from("<4sIQ", stream, at)
    body = stream[at + 16:at + 16 + length]
    if kind in (b"LAYO", b"RUNS", b"PAGE", b"BLCK"):
        digests.setdefault(kind, hashlib.sha256()).update(body)
    if kind == b"ROOT":
        # { u64 address, u64 value, u32 thread, u8 kind, ... }, 24 bytes each; kind 1: a register
        digests.setdefault(kind, hashlib.sha256()).update(body)
        for word in range(length % 24, length, 24):
            record = body[word:word + 24]
            (registers if record[20] == 1 else others).add(record.hex())
    at += 16 + (length + 7) // 8 * 8
for kind in sorted(digests):
    print(kind.decode(), digests[kind].hexdigest())
for record in sorted(others):
    print("root", record)
for record in sorted(registers):
    print("register", record)
END
}
# same NAME SNAPSHOT: it holds what the live capture holds, and marks to the same report.
same()
{
    is "$1: pages, roots and blocks are those of the live capture, byte for byte" \
        "$(contents_of "$2")" "$(contents_of "$WORK/live.zst")"
    "$RUDO_SNAP" mark -q --json "$WORK/this.json" "$2"
    is "$1: the mark's report is the same" "$(cat "$WORK/this.json")" "$(cat "$WORK/live.json")"
}

# same_but_vectors NAME SNAPSHOT: the same, less roots in vector registers, and the snapshot says so.
same_but_vectors()
{
    is "$1: pages, blocks and other roots are those of the live capture, byte for byte" \
        "$(contents_of "$2" | grep -v "^ROOT\|^register")" \
        "$(contents_of "$WORK/live.zst" | grep -v "^ROOT\|^register")"
    is "$1: no register holds what it does not hold in the live capture" \
        "$(comm -23 <(contents_of "$2" | grep "^register") <(contents_of "$WORK/live.zst" | grep "^register"))" ""
    run "$RUDO_SNAP" info "$2"
    check_output "$1: info says what may be missing" stdout \
        "*missing: vector registers of * threads, perhaps in part: *this CPU has*"
}

# gdb before version 14 writes vector registers where Intel's CPUs have them, whatever the CPU: on
# others, words are missing in its cores. same_as_gdb NAME SNAPSHOT
gdb_layout=$("$BUILD/tests/live/targets/gdb_vector_layout")
same_as_gdb()
{
    if [ "$gdb_layout" = other ] && "$RUDO_SNAP" info "$2" | grep -q "missing: vector registers"; then
        same_but_vectors "$@"
    else
        same "$@"
    fi
}

start "$WORK/sample.out" "$SAMPLE" --threads 3 --objects 5000
sample=$STARTED
wait_until 30 grep -q allocated "$WORK/sample.out" || bail "the sample did not get ready"
kill -STOP "$sample"
stands_still()
{
    grep -q '^State:.*T' "/proc/$sample/status"
}
wait_until 5 stands_still || bail "the sample does not stop"

run "$RUDO_SNAP" capture --pid "$sample" -o "$WORK/live.zst"
check_exit "a process that stands still is captured" 0
"$RUDO_SNAP" mark -q --json "$WORK/live.json" "$WORK/live.zst"

if command -v gcore >/dev/null 2>&1 && gcore -o "$WORK/gcore" "$sample" >"$WORK/gcore.log" 2>&1; then
    core=$WORK/gcore.$sample
    run "$RUDO_SNAP" capture --core "$core" -o "$WORK/gcore.zst"
    check_exit "gcore's core is captured" 0
    same_as_gdb "gcore's core" "$WORK/gcore.zst"
    run "$RUDO_SNAP" capture --core "$core" --exe "$SAMPLE" -o "$WORK/exe.zst"
    check_exit "with the executable given" 0
    same_as_gdb "with the executable given" "$WORK/exe.zst"
    # One that cannot be used is an error, with the reason.
    strip -o "$WORK/stripped" "$SAMPLE"
    while read -r status file reason; do
        run "$RUDO_SNAP" capture --core "$core" --exe "$file" -o "$WORK/never.zst"
        check_exit "--exe $(basename "$file") cannot be used" "$status"
        check_output "and the error has the reason" stderr "*'$file' $reason*"
    done <<FILES
3 /etc/passwd is not an executable
3 /dev/null is not a regular file
3 $RUDO_SNAP is not the executable of the core: its build-id differs
3 $WORK/stripped has neither symbols nor debug information
FILES
    run "$RUDO_SNAP" capture --core "$core" --exe "$WORK/missing" -o "$WORK/never.zst"
    check_exit "--exe of a missing file cannot be used" 4
    check_output "and the error names it" stderr "*cannot open '$WORK/missing'*"
    # As systemd-coredump keeps them.
    zstd -q "$core" -o "$core.zst"
    run "$RUDO_SNAP" capture --core "$core.zst" -o "$WORK/compressed.zst"
    check_exit "a compressed core is captured" 0
    same_as_gdb "a compressed core" "$WORK/compressed.zst"
    head -c 20000 "$core.zst" >"$WORK/cut.zst"
    run "$RUDO_SNAP" capture --core "$WORK/cut.zst" -o "$WORK/never.zst"
    check_exit "a compressed core that was cut short is bad input" 3
    head -c 100000 "$core" >"$WORK/cut"
    run "$RUDO_SNAP" capture --core "$WORK/cut" -o "$WORK/never.zst"
    check_exit "a core that was cut short is bad input" 3
    check_output "and says so" stderr "*is cut short: it has 100000 bytes, and should have*"
    check "nothing is left of what failed" test ! -e "$WORK/never.zst"
else
    skip "gcore's core is captured" "no gcore here: $(head -c 200 "$WORK/gcore.log" 2>/dev/null)"
fi
kill -CONT "$sample"
kill -KILL "$sample"

# A crash, where the kernel writes core files to the current folder.
case $(cat /proc/sys/kernel/core_pattern) in
*/* | "|"*) pattern=elsewhere ;;
*) pattern=here ;;
esac
if [ "$pattern" = here ] && (ulimit -c unlimited) 2>/dev/null; then
    mkdir "$WORK/crash"
    start_crashing()
    {
        # The sample's own folder, so that its core lands there.
        (
            cd "$WORK/crash" || exit 1
            ulimit -c unlimited
            exec "$SAMPLE" --threads 3 --objects 5000
        )
    }
    # What the first one said must not be taken for the second.
    rm -f "$WORK/sample.out"
    start "$WORK/sample.out" start_crashing
    sample=$STARTED
    wait_until 30 grep -q allocated "$WORK/sample.out" || bail "the sample did not get ready"
    sample=$(sed 's/.*"pid":\([0-9]*\).*/\1/' "$WORK/sample.out")
    kill -STOP "$sample"
    wait_until 5 stands_still || bail "the sample does not stop"
    run "$RUDO_SNAP" capture --force --pid "$sample" -o "$WORK/live.zst"
    check_exit "before it crashes it is captured alive" 0
    "$RUDO_SNAP" mark -q --json "$WORK/live.json" "$WORK/live.zst"
    kill -ABRT "$sample"
    kill -CONT "$sample"
    has_core()
    {
        [ ! -d "/proc/$sample" ] && [ -n "$(find "$WORK/crash" -type f)" ]
    }
    if wait_until 20 has_core; then
        core=$(find "$WORK/crash" -type f | head -1)
        run "$RUDO_SNAP" capture --core "$core" -o "$WORK/kernel.zst"
        check_exit "the kernel's core is captured" 0
        same "the kernel's core" "$WORK/kernel.zst"
        run "$RUDO_SNAP" info --json "$WORK/kernel.zst"
        check_output "info says where it comes from" stdout '*"method": "core"*'
    else
        skip "the kernel's core is captured" "the kernel wrote none (a limit?)"
    fi
else
    skip "the kernel's core is captured" "the kernel's core files go elsewhere"
fi
done_testing
