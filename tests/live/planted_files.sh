#!/bin/bash
# What a process places where its executable and its debug files are looked for: pipes and devices are
# not opened, links lead nowhere out of its root, and files that claim to be huge take neither memory
# nor time of rudo-snap. By each method; the capture succeeds with the names that there are.
# timeout: 1800
. "$(dirname "$0")/../support/live.sh"

# The whole of rudo-snap has this much memory (bytes), its children as well.
LIMIT=400000000

# check_captures WHAT: by each method, with little memory.
check_captures()
{
    local method i failed=""
    for method in $(capture_methods); do
        for ((i = 0; i < DOSE; i++)); do
            run prlimit --data=$LIMIT "$RUDO_SNAP" capture --method "$method" --pid "$TARGET" \
                -o "$WORK/heap.zst" --force
            [ "$STATUS" -eq 0 ] || failed+="$method: status $STATUS: $(head -1 "$WORK/stderr")"$'\n'
            "$RUDO_SNAP" verify "$WORK/heap.zst" >/dev/null 2>&1 || failed+="$method: no snapshot"$'\n'
        done
    done
    is "$1: $DOSE captures by each method succeed" "$failed" ""
    check_runs "$1: the target runs on"
}

# Huge, and nearly all of it holes.
huge=$((8 << 30))
make_huge()
{
    "$TARGETS/hostile_file" "$1" "$huge" "$2" "${@:3}" >/dev/null 2>"$WORK/stderr"
}

check_huge_files()
{
    local kind exe
    make_huge headers "$WORK/headers.so"
    for kind in note headers; do
        start_target hard_to_capture maps "$WORK/$kind.so"
        check_captures "a library with 8 GiB of ${kind%s}s"
        end_target
    done
    make_huge note "$WORK/hard_to_capture" "$TARGETS/hard_to_capture"
    TARGETS=$WORK start_target hard_to_capture maps /bin/sh
    check_captures "an executable with a note of 8 GiB"
    if ! command -v gcore >/dev/null || ! gcore -o "$WORK/core" "$TARGET" >/dev/null 2>&1; then
        skip "--exe of 8 GiB" "no gcore here"
        end_target
        return
    fi
    # The two libraries are not this executable; the third one is.
    for exe in note.so headers.so hard_to_capture; do
        run prlimit --data=$LIMIT "$RUDO_SNAP" capture --core "$WORK/core.$TARGET" \
            --exe "$WORK/$exe" -o "$WORK/heap.zst" --force
        case $STATUS in
        0 | 3) ok "--exe $exe of 8 GiB: status $STATUS" ;;
        *) not_ok "--exe $exe of 8 GiB" "status $STATUS" "$(head -1 "$WORK/stderr")" ;;
        esac
    done
    end_target
}

if make_huge note "$WORK/note.so"; then
    check_huge_files
else
    skip "huge files" "$(head -1 "$WORK/stderr")"
fi

# A program whose debug information lies in other files.
read -ra compiler <<<"${CC:-cc}"
cat >"$WORK/split.c" <<'SOURCE'
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

void *volatile first;

/* A page of class 64 of rudo-gc 0.8, with one object. */
static void fill(uint8_t *page)
{
    const uint32_t magic = 0x52554447, block_size = 64;
    const uint16_t slots = 39, header = 1600, end = 0xffff;
    const uint64_t owner = 1, function = (uint64_t)(uintptr_t)fill;

    memcpy(page, &magic, 4);
    memcpy(page + 4, &block_size, 4);
    memcpy(page + 8, &slots, 2);
    memcpy(page + 10, &header, 2);
    memcpy(page + 16, &owner, 8);
    memcpy(page + 1568, &end, 2);
    page[1056] = 1;
    memcpy(page + 1600, &owner, 8);
    memcpy(page + 1600 + 16, &function, 8);
    memcpy(page + 1600 + 24, &function, 8);
}

int main(int argc, char **argv)
{
    uint8_t *heap = mmap(NULL, 64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int beats = argc > 1 ? open(argv[1], O_WRONLY | O_CREAT, 0600) : -1;
    uint64_t count = 0;

    for (int i = 0; i < 64; i++)
        fill(heap + i * 4096);
    first = heap + 1600;
    (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    printf("ready\n");
    (void)fflush(stdout);
    for (;; count++) {
        if (pwrite(beats, &count, sizeof count, 0) < 0)
            return 1;
        (void)usleep(1000);
    }
}
SOURCE

# build_program NAME LINK FLAG...: with a debug link to LINK.
build_program()
{
    (cd "$WORK" && echo x >"$2" && "${compiler[@]}" -D_GNU_SOURCE -O1 "${@:3}" -o "$1" split.c &&
        objcopy --add-gnu-debuglink="$2" "$1" && rm "$2") \
        >/dev/null 2>"$WORK/stderr"
}

# wait_at PIPE: a writer that waits until the pipe is opened for reading, and says so.
writers=()
wait_at()
{
    (echo >"$1" && echo "$1" >>"$WORK/opened") 2>/dev/null &
    writers+=($!)
}

end_writers()
{
    local writer
    for writer in "${writers[@]}"; do
        is_started "$writer" && kill "$writer"
        wait "$writer"
    done 2>/dev/null
    writers=()
}

if ! build_program split split.debug -g -gsplit-dwarf; then
    skip "pipes in place of debug files" "$(head -1 "$WORK/stderr")"
    done_testing
fi
TARGETS=$WORK start_target split
check_captures "a program with .dwo files"
: >"$WORK/opened"
mkdir "$WORK/.debug"
for path in "$WORK/split.dwp" "$WORK/split.debug" "$WORK/.debug/split.debug" "$WORK"/*.dwo; do
    rm -f "$path"
    mkfifo "$path"
    wait_at "$path"
done
check_captures "pipes in place of debug files"
is "no pipe was opened" "$(cat "$WORK/opened")" ""
end_writers
for path in "$WORK/split.dwp" "$WORK/split.debug" "$WORK/.debug/split.debug"; do
    ln -sf /dev/zero "$path"
done
check_captures "devices in place of debug files"
end_target

# A process in a root of its own, with a link that leads out of it: to a pipe that only root may open.
title="a link out of the root of the process"
if [ "$(id -u)" -ne 0 ]; then
    skip "$title" "not root here"
    done_testing
fi
if ! build_program inner inner.debug -s -static -Wl,--build-id=none; then
    skip "$title" "$(head -1 "$WORK/stderr")"
    done_testing
fi
mkdir -p "$WORK/jail/app" "$WORK/only-root"
chmod 755 "$WORK" "$WORK/jail" "$WORK/jail/app"
chmod 700 "$WORK/only-root"
mv "$WORK/inner" "$WORK/jail/app/inner"
mkfifo "$WORK/only-root/pipe"
ln -s "$WORK/only-root/pipe" "$WORK/jail/app/inner.debug"
wait_at "$WORK/only-root/pipe"
touch "$WORK/jail/beat"
chmod 666 "$WORK/jail/beat"
ln -sf "$WORK/jail/beat" "$WORK/heartbeat"
start "$WORK/target.out" chroot --userspec=65534:65534 "$WORK/jail" /app/inner /beat
TARGET=$STARTED
if wait_until 10 grep -q '^ready' "$WORK/target.out"; then
    check_captures "$title"
    is "$title: the pipe was not opened" "$(cat "$WORK/opened")" ""
    end_target
else
    skip "$title" "no chroot here: $(head -1 "$WORK/target.out")"
fi
end_writers
done_testing
